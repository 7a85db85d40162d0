#include "common/core/conf_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The line of a row, or of an entry of its list ("methods[2]"); 0 if the text doesn't set it. */
static uint32_t line_of(const struct conf_place *place, const char *key)
{
    size_t len = strcspn(key, "[");
    const struct conf_row *row = conf_row_find(place->table, key, len);
    const struct conf_strings *strings;
    uint64_t nth = 0;
    uint32_t line;

    if (row == NULL || place->lines == NULL) {
        return 0;
    }
    line = place->lines[conf_row_index(place->table, row)];
    if (key[len] == '[' && row->kind.type == CONF_TYPE_STRINGS) {
        const char *digits = key + len + 1;

        strings = (const void *)((const char *)place + row->at.offset);
        if (slice_to_u64(slice_of(digits, strcspn(digits, "]")), 0, SIZE_MAX, &nth) == CX_OK &&
            nth < strings->count && strings->lines[nth] != 0) {
            line = strings->lines[nth];
        }
    }
    return line;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void conf_fault(struct faults *faults, const void *conf, const char *key, const char *fmt, ...)
{
    const struct conf_place *place = conf;
    const char *entry = text_or_empty(place->field);
    uint32_t line = line_of(place, key);
    char where[512];
    char field[CONF_FIELD_MAX_BYTES * 2];
    char what[512];
    va_list args;

    line = line != 0 ? line : place->line;
    if (line != 0) {
        (void)snprintf(where, sizeof(where), "%s:%u", text_or_empty(place->file), line);
    } else {
        (void)snprintf(where, sizeof(where), "%s", text_or_empty(place->file));
    }
    (void)snprintf(field, sizeof(field), "%s%s%s", entry,
                   entry[0] != '\0' && key[0] != '\0' ? "." : "", key);
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    faults_add(faults, where, field, "%s", what);
}

bool conf_is_set(const void *conf, const char *key)
{
    return line_of(conf, key) != 0;
}

static bool is_same_struct(const struct conf_table *table, const void *a, const void *b);

static bool is_same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

static bool is_same_strings(const struct conf_strings *a, const struct conf_strings *b)
{
    bool is_same = a->count == b->count;

    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return is_same;
}

static bool is_same_list(const struct conf_table *table, const struct conf_list *a,
                         const struct conf_list *b)
{
    bool is_same = a->count == b->count;

    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = is_same_struct(table, (const char *)a->items + i * table->bytes,
                                 (const char *)b->items + i * table->bytes);
    }
    return is_same;
}

static bool is_same_field(const struct conf_row *row, const void *a, const void *b)
{
    const void *x = (const char *)a + row->at.offset;
    const void *y = (const char *)b + row->at.offset;

    switch (row->kind.type) {
    case CONF_TYPE_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
    case CONF_TYPE_WORD:
        return conf_row_number(row, a) == conf_row_number(row, b);
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH:
        return is_same_text(*(char *const *)x, *(char *const *)y);
    case CONF_TYPE_STRINGS:
        return is_same_strings(x, y);
    case CONF_TYPE_GROUPS:
        return is_same_list(row->kind.table, x, y);
    }
    return false;
}

static bool is_same_struct(const struct conf_table *table, const void *a, const void *b)
{
    bool is_same = true;

    for (size_t i = 0; is_same && i < table->nrows; i++) {
        is_same = is_same_field(&table->rows[i], a, b);
    }
    return is_same;
}

size_t conf_needs_restart(const struct conf_table *table, const void *was, const void *is,
                          const char **keys, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < table->nrows; i++) {
        const struct conf_row *row = &table->rows[i];

        if ((row->flags & CONF_RELOADABLE) != 0 || is_same_field(row, was, is)) {
            continue;
        }
        if (count < room) {
            keys[count] = row->key;
        }
        count++;
    }
    return count;
}

static void swap_bytes(void *a, void *b, size_t count)
{
    unsigned char *x = a;
    unsigned char *y = b;

    for (size_t i = 0; i < count; i++) {
        unsigned char kept = x[i];

        x[i] = y[i];
        y[i] = kept;
    }
}

void conf_swap_reloadable(const struct conf_table *table, void *live, void *read)
{
    const struct conf_place *was = live;
    const struct conf_place *is = read;

    for (size_t i = 0; i < table->nrows; i++) {
        const struct conf_row *row = &table->rows[i];

        if ((row->flags & CONF_RELOADABLE) == 0) {
            continue;
        }
        swap_bytes((char *)live + row->at.offset, (char *)read + row->at.offset, row->at.bytes);
        if (was->lines != NULL && is->lines != NULL) {
            swap_bytes(&was->lines[i], &is->lines[i], sizeof(was->lines[i]));
        }
    }
}
