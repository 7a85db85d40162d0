#include "common/core/conf_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The example file. Rows that share a group ("limits.") stand next to each other in their table, so
 * groups open and close on the way. The first error sticks; later lines are then not written. */
struct printer {
    struct buf *out;
    size_t depth;    /* of indentation */
    bool is_comment; /* the lines are commented out, from this depth on: */
    size_t comment_depth;
    bool is_gap_due; /* an empty line, if another setting follows */
    enum cx_err err;
};

enum { PRINT_LINE_MAX_BYTES = 1024, PRINT_INDENT = 4, PRINT_WIDTH = 100 };

#define COMMENT "# "

static void put_line(struct printer *p, const char *fmt, ...) CX_PRINTF(2, 3);

static void put_indent(struct printer *p, size_t levels)
{
    for (size_t i = 0; p->err == CX_OK && i < levels * PRINT_INDENT; i++) {
        p->err = buf_put_byte(p->out, ' ');
    }
}

static void put_line(struct printer *p, const char *fmt, ...)
{
    size_t outer = p->is_comment ? p->comment_depth : p->depth;
    char line[PRINT_LINE_MAX_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (p->is_gap_due && line[0] != '}' && p->err == CX_OK) {
        p->err = buf_put_byte(p->out, '\n');
    }
    p->is_gap_due = false;
    put_indent(p, outer);
    if (p->err == CX_OK && p->is_comment) {
        p->err = buf_put_str(p->out, COMMENT);
    }
    put_indent(p, p->depth - outer);
    if (p->err == CX_OK) {
        p->err = buf_put_str(p->out, line);
    }
    if (p->err == CX_OK) {
        p->err = buf_put_byte(p->out, '\n');
    }
}

/* The bytes of `text` that fit into `room` with whole words; a longer word is not cut. */
static size_t fitting_bytes(const char *text, size_t room)
{
    size_t fits = 0;

    for (size_t end = strcspn(text, " "); fits == 0 || end <= room;
         end += 1 + strcspn(text + end + 1, " ")) {
        fits = end;
        if (text[end] == '\0') {
            break;
        }
    }
    return fits;
}

static void put_help(struct printer *p, const char *help)
{
    size_t room = PRINT_WIDTH - p->depth * PRINT_INDENT - strlen(COMMENT) -
                  (p->is_comment ? strlen(COMMENT) : 0);

    while (*help != '\0') {
        size_t bytes = fitting_bytes(help, room);

        put_line(p, COMMENT "%.*s", (int)bytes, help);
        help += bytes + strspn(help + bytes, " ");
    }
}

/* "a whole number, 1..2048", without the default. */
static void put_kind(const struct conf_row *row, char *out, size_t room)
{
    unsigned long long min = row->min;
    unsigned long long max = conf_row_max(row);

    switch (row->kind.type) {
    case CONF_TYPE_BOOL:
        (void)snprintf(out, room, "true or false");
        break;
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
        (void)snprintf(out, room, "a whole number in %llu..%llu", min, max);
        break;
    case CONF_TYPE_STRING:
        (void)snprintf(out, room, "a string");
        break;
    case CONF_TYPE_PATH:
        (void)snprintf(out, room, "a path, relative to this file's folder");
        break;
    case CONF_TYPE_STRINGS:
        (void)snprintf(out, room, "a list of strings");
        break;
    case CONF_TYPE_GROUPS:
        (void)snprintf(out, room, "a list of groups");
        break;
    case CONF_TYPE_WORD:
        conf_row_words(row, out, room);
        break;
    }
}

/* The default in libconfig's words. */
static void put_default(const struct conf_row *row, char *out, size_t room)
{
    const char *text = row->fallback != NULL ? row->fallback : "";
    size_t len;

    switch (row->kind.type) {
    case CONF_TYPE_BOOL:
        (void)snprintf(out, room, "%s", text[0] != '\0' ? text : "false");
        break;
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
        (void)snprintf(out, room, "%s", text[0] != '\0' ? text : "0");
        break;
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH:
    case CONF_TYPE_WORD:
        (void)snprintf(out, room, "\"%s\"", row->fallback != NULL ? text : "...");
        break;
    case CONF_TYPE_STRINGS:
        len = (size_t)snprintf(out, room, "[");
        for (const char *p = text; *p != '\0' && len < room; p += strspn(p, " ")) {
            int word = (int)strcspn(p, " ");

            len += (size_t)snprintf(out + len, room - len, "%s\"%.*s\"", p == text ? "" : ", ",
                                    word, p);
            p += word;
        }
        if (len < room) {
            (void)snprintf(out + len, room - len, "]");
        }
        break;
    case CONF_TYPE_GROUPS:
        break;
    }
}

static void print_rows(struct printer *p, const struct conf_table *table);

/* One entry; commented out unless the row has an example or is required. */
static void print_list(struct printer *p, const struct conf_row *row, const char *name)
{
    bool was_comment = p->is_comment;

    if (!was_comment && row->example == NULL && (row->flags & CONF_REQUIRED) == 0) {
        p->is_comment = true;
        p->comment_depth = p->depth;
    }
    put_line(p, "%s = (", name);
    p->depth++;
    put_line(p, "{");
    p->depth++;
    print_rows(p, row->kind.table);
    p->depth--;
    put_line(p, "}");
    p->depth--;
    put_line(p, ");");
    p->is_comment = was_comment;
}

static void print_row(struct printer *p, const struct conf_row *row)
{
    const char *name = strrchr(row->key, '.') != NULL ? strrchr(row->key, '.') + 1 : row->key;
    bool is_list = row->kind.type == CONF_TYPE_GROUPS;
    char text[PRINT_LINE_MAX_BYTES / 2];

    put_help(p, row->help);
    put_kind(row, text, sizeof(text));
    put_line(p, "# (%s%s%s)", text,
             (row->flags & CONF_REQUIRED) != 0   ? "; required"
             : row->fallback == NULL && !is_list ? "; no default"
                                                 : "",
             (row->flags & CONF_RELOADABLE) != 0 ? "; a reload takes it over" : "");
    if (is_list) {
        print_list(p, row, name);
    } else if (row->example != NULL) {
        put_line(p, "%s = %s;", name, row->example);
    } else {
        put_default(row, text, sizeof(text));
        put_line(p, "# %s = %s;", name, text);
    }
    p->is_gap_due = true;
}

/* Bytes of the group's name in a key, its last dot included: 7 of "limits.jobs". */
static size_t group_bytes(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot == NULL ? 0 : (size_t)(dot - key) + 1;
}

/* The part of two keys' groups that they have in common, to a dot. */
static size_t common_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = 0;

    for (size_t i = 0; i < a_len && i < b_len && a[i] == b[i]; i++) {
        common = a[i] == '.' ? i + 1 : common;
    }
    return common;
}

static void close_groups(struct printer *p, const char *key, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (key[i] == '.') {
            p->depth--;
            put_line(p, "};");
            p->is_gap_due = true;
        }
    }
}

static void open_groups(struct printer *p, const char *key, size_t from, size_t to)
{
    while (from < to) {
        size_t len = strcspn(key + from, ".");

        put_line(p, "%.*s = {", (int)len, key + from);
        p->depth++;
        from += len + 1;
    }
}

static void print_rows(struct printer *p, const struct conf_table *table)
{
    const char *open = "";
    size_t open_bytes = 0;

    for (size_t i = 0; i < table->nrows; i++) {
        const char *key = table->rows[i].key;
        size_t bytes = group_bytes(key);
        size_t common = common_bytes(open, open_bytes, key, bytes);

        close_groups(p, open, common, open_bytes);
        open_groups(p, key, common, bytes);
        print_row(p, &table->rows[i]);
        open = key;
        open_bytes = bytes;
    }
    close_groups(p, open, 0, open_bytes);
}

enum cx_err conf_print_example(const struct conf_table *table, struct buf *out)
{
    struct printer p = {.out = out};
    size_t before = out->len;

    conf_table_check(table);
    print_rows(&p, table);
    if (p.err != CX_OK) {
        buf_truncate(out, before);
    }
    return p.err;
}
