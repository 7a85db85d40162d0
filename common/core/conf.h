#ifndef CONNECTOR_COMMON_CORE_CONF_H
#define CONNECTOR_COMMON_CORE_CONF_H

#include "common/core/buf.h"
#include "common/core/faults.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Configuration, declared once. A table of rows says which settings exist, where each goes in a
 * struct, its default, its range and its help; reading, checking, messages and the documented
 * example all come from it. The text is libconfig's language; `@include` is refused.
 *
 *     struct rule_conf {
 *         struct conf_place place;          // first in every struct that a table describes
 *         char *url;
 *         struct conf_strings methods;
 *     };
 *     struct my_conf {
 *         struct conf_place place;
 *         uint32_t jobs;
 *         struct conf_list policy;          // items: struct rule_conf
 *     };
 *     #define AT(field) CONF_AT(struct my_conf, field)
 *     static const struct conf_row rows[] = {
 *         // key, type, field, default, min, max, flags, help, example
 *         {"limits.jobs", CONF_U32, AT(jobs), "1024", 1, 2048, 0, "jobs held at once", NULL},
 *         {"policy", CONF_GROUPS(&rule_table), AT(policy), NULL, 0, 1000, CONF_RELOADABLE,
 *          "what the agent may reach; the first rule that matches decides", NULL},
 *     };
 *     static const struct conf_table my_table = CONF_TABLE(struct my_conf, rows);
 */

enum conf_type {
    CONF_TYPE_BOOL,    /* bool */
    CONF_TYPE_U32,     /* uint32_t */
    CONF_TYPE_U64,     /* uint64_t */
    CONF_TYPE_STRING,  /* char *, owned by the struct; NULL when neither set nor defaulted */
    CONF_TYPE_PATH,    /* as a string; joined to the configuration file's folder */
    CONF_TYPE_WORD,    /* an enum (or int) whose value n is spelled words[n] */
    CONF_TYPE_STRINGS, /* struct conf_strings */
    CONF_TYPE_GROUPS,  /* struct conf_list of structs that `table` describes */
};

struct conf_table;

struct conf_kind {
    enum conf_type type;
    const char *const *words;       /* WORD: NULL-terminated; "" is a value that can't be written */
    const struct conf_table *table; /* GROUPS: what one entry is */
};

/* What stands in a row's second column. */
#define CONF_BOOL                                                                                  \
    {                                                                                              \
        CONF_TYPE_BOOL, NULL, NULL                                                                 \
    }
#define CONF_U32                                                                                   \
    {                                                                                              \
        CONF_TYPE_U32, NULL, NULL                                                                  \
    }
#define CONF_U64                                                                                   \
    {                                                                                              \
        CONF_TYPE_U64, NULL, NULL                                                                  \
    }
#define CONF_STRING                                                                                \
    {                                                                                              \
        CONF_TYPE_STRING, NULL, NULL                                                               \
    }
#define CONF_PATH                                                                                  \
    {                                                                                              \
        CONF_TYPE_PATH, NULL, NULL                                                                 \
    }
#define CONF_WORD(words_)                                                                          \
    {                                                                                              \
        CONF_TYPE_WORD, (words_), NULL                                                             \
    }
#define CONF_STRINGS                                                                               \
    {                                                                                              \
        CONF_TYPE_STRINGS, NULL, NULL                                                              \
    }
#define CONF_GROUPS(table_)                                                                        \
    {                                                                                              \
        CONF_TYPE_GROUPS, NULL, (table_)                                                           \
    }

struct conf_at {
    size_t offset;
    size_t bytes; /* of the field, so that a row whose type doesn't fit its field is noticed */
};
#define CONF_AT(struct_, field)                                                                    \
    {                                                                                              \
        offsetof(struct_, field), sizeof(((struct_ *)0)->field)                                    \
    }

enum conf_flag {
    CONF_REQUIRED = 1,     /* no default; its absence is a fault */
    CONF_RELOADABLE = 2,   /* a reload puts a change into effect */
    CONF_SECRET = 4,       /* its value is never shown in a message */
    CONF_MAY_BE_EMPTY = 8, /* STRING: "" is allowed */
};

enum {
    CONF_STRING_MAX_BYTES = 4096, /* where a row says max 0; also of each entry of STRINGS */
    CONF_LIST_MAX = 4096,         /* entries of a list, where a row says max 0 */
};

struct conf_row {
    const char *key; /* dotted: "limits.jobs" is `limits = { jobs = …; };` */
    struct conf_kind kind;
    struct conf_at at;
    const char *fallback; /* the default as a word: "1024", "true", "info"; of STRINGS: words with
                             one space between; NULL: none (0, false, NULL, empty list) */
    uint64_t min;         /* numbers: the value; STRING and PATH: bytes; lists: entries */
    uint64_t max;         /* 0: the type's largest, or the limits above */
    unsigned flags;       /* enum conf_flag */
    const char *help;     /* one line, for a person */
    const char *example;  /* what the example file shows, in libconfig's words ("\"10.0.0.0/8\"");
                             of GROUPS: any text shows one entry. NULL: the default, commented out.
                             A required row has one */
};

struct conf_table {
    const struct conf_row *rows;
    size_t nrows;
    size_t bytes; /* of the struct that it fills */
};
#define CONF_TABLE(struct_, rows_)                                                                 \
    {                                                                                              \
        (rows_), sizeof(rows_) / sizeof((rows_)[0]), sizeof(struct_)                               \
    }

/* Where a struct's settings stand in the text, so that a later check (is this URL well formed?) can
 * name the line. Filled by conf_read; first member of every struct that a table describes. */
struct conf_place {
    const struct conf_table *table;
    char *file;      /* as messages name it */
    char *field;     /* "" for the whole file, "policy[1]" for an entry of a list (from 0) */
    uint32_t *lines; /* of each row of the table; 0 where the text doesn't set it */
    uint32_t line;   /* where the entry begins; 0 for the whole file */
};

struct conf_strings {
    char **items;
    uint32_t *lines; /* of each item; 0 for one that comes from the default */
    size_t count;
};

struct conf_list {
    void *items; /* an array of structs of one table: `const struct rule_conf *r = list.items;` */
    size_t count;
};

struct conf_source {
    const char *file;   /* its name in messages, normally the path as the user gave it */
    const char *folder; /* relative paths in it are relative to this; "" leaves them as they are */
    struct slice text;
};

/* Read a text into the struct at `conf` (uninitialised; the table says how large).
 *
 * Every fault is added to `faults` with FILE:LINE and the setting's dotted name: bad syntax (which
 * ends the reading; the same name twice is a matter of syntax), unknown settings with their nearest
 * neighbour, a wrong type, a value out of its range, a required setting that is missing.
 * A faulty setting has its default afterwards, so that the caller can go on checking and a person
 * sees all faults in one run.
 * Whatever is returned, `conf` is then valid for conf_fault and conf_done, and owns its memory;
 * nothing in it refers to the source.
 * Errors: CX_E_CONFIG (faults were added), CX_E_NOMEM (a fault says so).
 * Pure: no I/O. A table whose row doesn't fit its field is a bug of ours and stops the program. */
enum cx_err conf_read(const struct conf_table *table, const struct conf_source *source, void *conf,
                      struct faults *faults) CX_MUST_CHECK;

/* A struct with every default and no text behind it. Error: CX_E_NOMEM; conf_done in any case. */
enum cx_err conf_defaults(const struct conf_table *table, const char *folder,
                          void *conf) CX_MUST_CHECK;

/* Free what the struct owns, and zero it. Safe on a zeroed struct and on a second call. */
void conf_done(const struct conf_table *table, void *conf);

/* Free a list of structs (those of a GROUPS row are freed with their owner). */
void conf_list_done(const struct conf_table *table, struct conf_list *list);

/* Add a fault about one setting of a struct that conf_read filled: `key` is a row's key, or an
 * entry of a list ("methods[2]"), or "" for the entry as a whole. Knows file, line and full name
 * ("policy[1].methods[2]"). */
void conf_fault(struct faults *faults, const void *conf, const char *key, const char *fmt, ...)
    CX_PRINTF(4, 5);

/* True if the text set this row (it is not merely its default). */
bool conf_is_set(const void *conf, const char *key);

/* The keys of rows that aren't CONF_RELOADABLE and differ between two structs of one table: what a
 * reload can't put into effect. Writes at most `room` static strings to `keys`; gives their number
 * (which may be larger than room). */
size_t conf_needs_restart(const struct conf_table *table, const void *was, const void *is,
                          const char **keys, size_t room);

/* Put a reload into effect: the fields of `live` and `read` (structs of one table) that are
 * CONF_RELOADABLE, and the lines they stand in, change places. `live` keeps its other fields, so
 * that it goes on saying what counts; both still own what is in them. Pure. */
void conf_swap_reloadable(const struct conf_table *table, void *live, void *read);

/* Append a commented file with every setting: help, type, range, default and whether a
 * reload takes it over. A setting with an
 * example is written out; the others are commented out with their default. Rows that share a group
 * must stand next to each other. The result can be read by conf_read with the same table.
 * Errors: buf_put's; `out` is then unchanged. */
enum cx_err conf_print_example(const struct conf_table *table, struct buf *out) CX_MUST_CHECK;

#endif
