#ifndef CONNECTOR_COMMON_CORE_CONF_ROW_H
#define CONNECTOR_COMMON_CORE_CONF_ROW_H

#include "common/core/conf.h"

/* Parts of conf_*.c: one row and the field it fills. */

enum { CONF_FIELD_MAX_BYTES = 256 }; /* of a setting's full name in messages; longer ones are cut */

/* The row named by the first `len` bytes of `key`, or NULL. */
const struct conf_row *conf_row_find(const struct conf_table *table, const char *key, size_t len);

/* The row's place in its table. */
size_t conf_row_index(const struct conf_table *table, const struct conf_row *row);

/* Stops the program if a row doesn't fit its field: a bug of ours. */
void conf_table_check(const struct conf_table *table);

/* The field of a row, as what it is. */
bool *conf_row_bool(const struct conf_row *row, void *conf);
char **conf_row_text(const struct conf_row *row, void *conf);
struct conf_strings *conf_row_strings(const struct conf_row *row, void *conf);
struct conf_list *conf_row_list(const struct conf_row *row, void *conf);
uint64_t conf_row_number(const struct conf_row *row, const void *conf); /* U32, U64 and WORD */
void conf_row_set_number(const struct conf_row *row, void *conf, uint64_t value);

/* The largest value, length or count that the row allows. */
uint64_t conf_row_max(const struct conf_row *row);

/* The number of `word` among the row's words, or -1. */
int conf_row_word(const struct conf_row *row, const char *word);

/* "one of a, b, c": the words of the row; cut to `room`. */
void conf_row_words(const struct conf_row *row, char *out, size_t room);

/* Give the field a copy of a text; a PATH is joined to `folder`. Error: CX_E_NOMEM. */
enum cx_err conf_row_set_text(const struct conf_row *row, void *conf, const char *folder,
                              const char *text) CX_MUST_CHECK;

/* Make room for `count` strings (all NULL) in what is empty. Error: CX_E_NOMEM. */
enum cx_err conf_strings_make(struct conf_strings *strings, size_t count) CX_MUST_CHECK;
void conf_strings_done(struct conf_strings *strings);

/* Free what the field owns. */
void conf_row_clear(const struct conf_row *row, void *conf);

/* Where a new struct stands. */
struct conf_spot {
    const char *file;
    const char *folder;
    const char *field;
    uint32_t line;
};

/* Zero a struct, note its place, give every field its default. Valid for conf_done in any case.
 * Error: CX_E_NOMEM. */
enum cx_err conf_struct_init(const struct conf_table *table, const struct conf_spot *spot,
                             void *conf) CX_MUST_CHECK;

#endif
