#include "common/core/conf_row.h"

#include "common/core/path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct conf_row *conf_row_find(const struct conf_table *table, const char *key, size_t len)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (strlen(table->rows[i].key) == len && memcmp(table->rows[i].key, key, len) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

size_t conf_row_index(const struct conf_table *table, const struct conf_row *row)
{
    return (size_t)(row - table->rows);
}

static size_t field_bytes(enum conf_type type)
{
    static const size_t bytes[] = {
        [CONF_TYPE_BOOL] = sizeof(bool),
        [CONF_TYPE_U32] = sizeof(uint32_t),
        [CONF_TYPE_U64] = sizeof(uint64_t),
        [CONF_TYPE_STRING] = sizeof(char *),
        [CONF_TYPE_PATH] = sizeof(char *),
        [CONF_TYPE_WORD] = sizeof(int),
        [CONF_TYPE_STRINGS] = sizeof(struct conf_strings),
        [CONF_TYPE_GROUPS] = sizeof(struct conf_list),
    };

    return bytes[type];
}

void conf_table_check(const struct conf_table *table)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct conf_row *row = &table->rows[i];

        if (row->at.bytes != field_bytes(row->kind.type) ||
            row->at.offset < sizeof(struct conf_place) ||
            row->at.offset + row->at.bytes > table->bytes) {
            abort();
        }
        if (row->kind.type == CONF_TYPE_GROUPS) {
            conf_table_check(row->kind.table);
        }
    }
}

static void *field_of(const struct conf_row *row, void *conf)
{
    return (char *)conf + row->at.offset;
}

bool *conf_row_bool(const struct conf_row *row, void *conf)
{
    assert(row->kind.type == CONF_TYPE_BOOL);
    return field_of(row, conf);
}

char **conf_row_text(const struct conf_row *row, void *conf)
{
    assert(row->kind.type == CONF_TYPE_STRING || row->kind.type == CONF_TYPE_PATH);
    return field_of(row, conf);
}

struct conf_strings *conf_row_strings(const struct conf_row *row, void *conf)
{
    assert(row->kind.type == CONF_TYPE_STRINGS);
    return field_of(row, conf);
}

struct conf_list *conf_row_list(const struct conf_row *row, void *conf)
{
    assert(row->kind.type == CONF_TYPE_GROUPS);
    return field_of(row, conf);
}

uint64_t conf_row_number(const struct conf_row *row, const void *conf)
{
    const char *field = (const char *)conf + row->at.offset;
    uint32_t small;
    uint64_t large;

    if (row->kind.type == CONF_TYPE_U64) {
        memcpy(&large, field, sizeof(large));
        return large;
    }
    memcpy(&small, field, sizeof(small)); /* U32, and the enum behind a WORD */
    return small;
}

void conf_row_set_number(const struct conf_row *row, void *conf, uint64_t value)
{
    uint32_t small = (uint32_t)value;

    if (row->kind.type == CONF_TYPE_U64) {
        memcpy(field_of(row, conf), &value, sizeof(value));
    } else {
        memcpy(field_of(row, conf), &small, sizeof(small));
    }
}

uint64_t conf_row_max(const struct conf_row *row)
{
    if (row->max != 0) {
        return row->max;
    }
    switch (row->kind.type) {
    case CONF_TYPE_U32:
        return UINT32_MAX;
    case CONF_TYPE_U64:
        return INT64_MAX; /* libconfig's largest number */
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH:
        return CONF_STRING_MAX_BYTES;
    case CONF_TYPE_STRINGS:
    case CONF_TYPE_GROUPS:
        return CONF_LIST_MAX;
    case CONF_TYPE_BOOL:
    case CONF_TYPE_WORD:
        break;
    }
    return 0;
}

int conf_row_word(const struct conf_row *row, const char *word)
{
    for (int i = 0; word[0] != '\0' && row->kind.words[i] != NULL; i++) {
        if (strcmp(row->kind.words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

void conf_row_words(const struct conf_row *row, char *out, size_t room)
{
    size_t len = (size_t)snprintf(out, room, "one of");
    bool is_first = true;

    for (size_t i = 0; row->kind.words[i] != NULL && len < room; i++) {
        if (row->kind.words[i][0] != '\0') {
            len += (size_t)snprintf(out + len, room - len, "%s %s", is_first ? "" : ",",
                                    row->kind.words[i]);
            is_first = false;
        }
    }
}

enum cx_err conf_row_set_text(const struct conf_row *row, void *conf, const char *folder,
                              const char *text)
{
    char **field = conf_row_text(row, conf);
    char *made = NULL;
    enum cx_err err;

    err = path_join(row->kind.type == CONF_TYPE_PATH ? folder : "", text, &made);
    if (err == CX_OK) {
        free(*field);
        *field = made;
    }
    return err;
}

enum cx_err conf_strings_make(struct conf_strings *strings, size_t count)
{
    char **items = calloc(count + 1, sizeof(*items)); /* one more: never of size 0 */
    uint32_t *lines = calloc(count + 1, sizeof(*lines));

    if (items == NULL || lines == NULL) {
        free(items);
        free(lines);
        return CX_E_NOMEM;
    }
    *strings = (struct conf_strings){items, lines, count};
    return CX_OK;
}

void conf_strings_done(struct conf_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->items[i]);
    }
    free(strings->items);
    free(strings->lines);
    *strings = (struct conf_strings){0};
}

void conf_row_clear(const struct conf_row *row, void *conf)
{
    switch (row->kind.type) {
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH: {
        char **text = conf_row_text(row, conf);

        if (*text != NULL && (row->flags & CONF_SECRET) != 0) {
            explicit_bzero(*text, strlen(*text));
        }
        free(*text);
        *text = NULL;
        break;
    }
    case CONF_TYPE_STRINGS:
        conf_strings_done(conf_row_strings(row, conf));
        break;
    case CONF_TYPE_GROUPS:
        conf_list_done(row->kind.table, conf_row_list(row, conf));
        break;
    case CONF_TYPE_BOOL:
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
    case CONF_TYPE_WORD:
        break;
    }
}

/* The default of STRINGS: words with one space between. */
static enum cx_err set_default_strings(const struct conf_row *row, void *conf)
{
    struct conf_strings *strings = conf_row_strings(row, conf);
    struct slice rest = slice_of_str(row->fallback);
    size_t count = 1;
    enum cx_err err;

    for (const char *p = row->fallback; *p != '\0'; p++) {
        count += *p == ' ' ? 1 : 0;
    }
    err = conf_strings_make(strings, count);
    for (size_t i = 0; err == CX_OK && i < count; i++) {
        size_t end = slice_find(rest, 0, ' ');

        strings->items[i] = strndup((const char *)rest.ptr, end);
        if (strings->items[i] == NULL) {
            err = CX_E_NOMEM;
        }
        rest = slice_from(rest, end + 1);
    }
    return err;
}

static enum cx_err set_default(const struct conf_row *row, void *conf, const char *folder)
{
    uint64_t number = 0;

    if (row->fallback == NULL) {
        return CX_OK;
    }
    switch (row->kind.type) {
    case CONF_TYPE_BOOL:
        *conf_row_bool(row, conf) = strcmp(row->fallback, "true") == 0;
        return CX_OK;
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
        if (slice_to_u64(slice_of_str(row->fallback), 0, conf_row_max(row), &number) != CX_OK) {
            abort(); /* our table is wrong */
        }
        conf_row_set_number(row, conf, number);
        return CX_OK;
    case CONF_TYPE_WORD:
        if (conf_row_word(row, row->fallback) < 0) {
            abort();
        }
        conf_row_set_number(row, conf, (uint64_t)conf_row_word(row, row->fallback));
        return CX_OK;
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH:
        return conf_row_set_text(row, conf, folder, row->fallback);
    case CONF_TYPE_STRINGS:
        return set_default_strings(row, conf);
    case CONF_TYPE_GROUPS:
        break;
    }
    return CX_OK;
}

enum cx_err conf_struct_init(const struct conf_table *table, const struct conf_spot *spot,
                             void *conf)
{
    struct conf_place *place = conf;
    enum cx_err err = CX_OK;

    memset(conf, 0, table->bytes);
    place->table = table;
    place->line = spot->line;
    place->file = strdup(spot->file);
    place->field = strdup(spot->field);
    place->lines = calloc(table->nrows + 1, sizeof(*place->lines));
    if (place->file == NULL || place->field == NULL || place->lines == NULL) {
        return CX_E_NOMEM;
    }
    for (size_t i = 0; err == CX_OK && i < table->nrows; i++) {
        err = set_default(&table->rows[i], conf, spot->folder);
    }
    return err;
}

void conf_done(const struct conf_table *table, void *conf)
{
    struct conf_place *place = conf;

    for (size_t i = 0; i < table->nrows; i++) {
        conf_row_clear(&table->rows[i], conf);
    }
    free(place->file);
    free(place->field);
    free(place->lines);
    memset(conf, 0, table->bytes);
}

void conf_list_done(const struct conf_table *table, struct conf_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        conf_done(table, (char *)list->items + i * table->bytes);
    }
    free(list->items);
    *list = (struct conf_list){0};
}

enum cx_err conf_defaults(const struct conf_table *table, const char *folder, void *conf)
{
    struct conf_spot spot = {.file = "", .folder = folder, .field = ""};

    conf_table_check(table);
    return conf_struct_init(table, &spot, conf);
}
