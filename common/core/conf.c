#include "common/core/conf.h"

#include "common/core/conf_item.h"
#include "common/core/conf_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The struct that is being filled. */
struct target {
    const struct conf_table *table;
    void *conf;
    const char *field; /* "" or "policy[1]" */
};

static void read_struct(struct conf_reader *r, const struct target *target,
                        const config_setting_t *group, uint32_t line);

static void read_groups(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    const struct conf_table *table = item->row->kind.table;
    struct conf_list *list = conf_row_list(item->row, conf);
    size_t count;

    if (config_setting_type(item->setting) != CONFIG_TYPE_LIST) {
        conf_item_must(r, item, "a list of groups ( { … }, { … } )");
        return;
    }
    if (!conf_item_count(r, item, &count)) {
        return;
    }
    list->items = calloc(count + 1, table->bytes);
    if (list->items == NULL) {
        conf_reader_no_memory(r);
        return;
    }
    for (size_t i = 0; i < count && !r->is_out_of_memory; i++) {
        struct conf_item entry = conf_item_entry(item, i);
        struct target target = {table, (char *)list->items + list->count * table->bytes,
                                entry.field};

        if (config_setting_type(entry.setting) != CONFIG_TYPE_GROUP) {
            conf_item_must(r, &entry, "a group { … }");
            continue;
        }
        list->count++;
        read_struct(r, &target, entry.setting, conf_item_line(entry.setting));
    }
}

static void read_row(struct conf_reader *r, const struct conf_item *item,
                     const struct target *target)
{
    struct conf_place *place = target->conf;

    if (item->row->kind.type == CONF_TYPE_GROUPS) {
        read_groups(r, item, target->conf);
    } else {
        conf_item_read(r, item, target->conf);
    }
    /* A faulty one is noted as well: it isn't missing. */
    place->lines[conf_row_index(target->table, item->row)] = conf_item_line(item->setting);
}

/* True if the table has rows in the group named `key`. */
static bool is_group_of(const struct conf_table *table, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < table->nrows; i++) {
        if (strncmp(table->rows[i].key, key, len) == 0 && table->rows[i].key[len] == '.') {
            return true;
        }
    }
    return false;
}

/* What the table's settings and groups are called; for names_free. NULL, or a NULL among them, when
 * memory ran out. */
static char **names_of(const struct conf_table *table, size_t *count)
{
    char **names = calloc(2 * table->nrows + 1, sizeof(*names));

    *count = 0;
    for (size_t i = 0; names != NULL && i < table->nrows; i++) {
        const char *key = table->rows[i].key;
        const char *dot = strrchr(key, '.');

        names[(*count)++] = strdup(key);
        if (dot != NULL) {
            names[(*count)++] = strndup(key, (size_t)(dot - key));
        }
    }
    return names;
}

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static void note_unknown(struct conf_reader *r, const struct conf_item *item, const char *key,
                         const struct conf_table *table)
{
    size_t count;
    char **names = names_of(table, &count);
    const char *nearest = NULL;
    char what[CONF_FIELD_MAX_BYTES + 64];
    bool is_whole = names != NULL;

    for (size_t i = 0; i < count; i++) {
        is_whole = is_whole && names[i] != NULL;
    }
    if (!is_whole) {
        conf_reader_no_memory(r);
    } else {
        nearest = faults_nearest(key, (const char *const *)names, count);
    }
    if (nearest == NULL) {
        (void)snprintf(what, sizeof(what), "unknown setting");
    } else {
        (void)snprintf(what, sizeof(what), "unknown setting; did you mean \"%s\"?", nearest);
    }
    names_free(names, count);
    conf_reader_fault(r, conf_item_line(item->setting), item->field, what);
}

/* Read the settings of `group`, whose dotted name within the struct is `prefix`. A group that no
 * row knows is gone into as well, so that each of its settings gets its own neighbour named. */
static void read_group(struct conf_reader *r, const struct target *target,
                       const config_setting_t *group, const char *prefix)
{
    int count = config_setting_length(group);

    for (int i = 0; i < count && !r->is_out_of_memory; i++) {
        struct conf_item item = {.setting = config_setting_get_elem(group, (unsigned)i)};
        bool is_group = config_setting_type(item.setting) == CONFIG_TYPE_GROUP;
        char key[CONF_FIELD_MAX_BYTES];

        conf_name_put(key, sizeof(key), prefix, config_setting_name(item.setting));
        conf_name_put(item.field, sizeof(item.field), target->field, key);
        item.row = conf_row_find(target->table, key, strlen(key));
        if (item.row != NULL) {
            read_row(r, &item, target);
        } else if (is_group &&
                   (is_group_of(target->table, key) || config_setting_length(item.setting) > 0)) {
            read_group(r, target, item.setting, key);
        } else if (is_group_of(target->table, key)) {
            conf_item_must(r, &item, "a group { … }");
        } else {
            note_unknown(r, &item, key, target->table);
        }
    }
}

static void read_struct(struct conf_reader *r, const struct target *target,
                        const config_setting_t *group, uint32_t line)
{
    const struct conf_table *table = target->table;
    struct conf_place *place = target->conf;
    struct conf_spot spot = {r->source->file, r->source->folder, target->field, line};

    if (conf_struct_init(table, &spot, target->conf) != CX_OK) {
        conf_reader_no_memory(r);
        return;
    }
    if (group == NULL) {
        return;
    }
    read_group(r, target, group, "");
    for (size_t i = 0; i < table->nrows; i++) {
        char field[CONF_FIELD_MAX_BYTES];

        if ((table->rows[i].flags & CONF_REQUIRED) != 0 && place->lines[i] == 0) {
            conf_name_put(field, sizeof(field), target->field, table->rows[i].key);
            conf_reader_fault(r, line, field, "required, but missing");
        }
    }
}

/* Parse, and fill the struct; a text that can't be parsed leaves it with its defaults. */
static void read_text_into(struct conf_reader *r, const struct target *target, const char *text)
{
    config_t parsed;
    char what[160];

    config_init(&parsed);
    if (config_read_string(&parsed, text) == CONFIG_TRUE) {
        read_struct(r, target, config_root_setting(&parsed), 0);
    } else {
        (void)snprintf(what, sizeof(what),
                       "%s, here or shortly before (a missing ; or an open { ( [ or \" is usual)",
                       config_error_text(&parsed));
        conf_reader_fault(r, (uint32_t)config_error_line(&parsed), "", what);
        read_struct(r, target, NULL, 0);
    }
    config_destroy(&parsed);
}

enum cx_err conf_read(const struct conf_table *table, const struct conf_source *source, void *conf,
                      struct faults *faults)
{
    struct conf_reader r = {source, faults, faults_total(faults), false};
    struct target target = {table, conf, ""};
    const char *text = NULL;
    struct buf scanned;
    enum cx_err err;

    conf_table_check(table);
    buf_init(&scanned, source->text.len * 2 + 1); /* an L behind some numbers, and the NUL */
    err = conf_scan(source, &scanned, faults);
    if (err == CX_OK) {
        text = buf_cstr(&scanned);
    }
    if (err == CX_E_CONFIG) {
        read_struct(&r, &target, NULL, 0);
    } else if (text == NULL) {
        read_struct(&r, &target, NULL, 0);
        conf_reader_no_memory(&r);
    } else {
        read_text_into(&r, &target, text);
    }
    buf_done(&scanned);
    if (r.is_out_of_memory) {
        return CX_E_NOMEM;
    }
    return faults_total(faults) > r.faults_before ? CX_E_CONFIG : CX_OK;
}
