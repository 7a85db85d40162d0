#include "common/core/conf_item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "a.b", or whichever of the two isn't empty; cut to `room`. */
void conf_name_put(char *out, size_t room, const char *prefix, const char *name)
{
    int len = snprintf(out, room, "%s%s%s", prefix, prefix[0] != '\0' && name[0] != '\0' ? "." : "",
                       name);

    if (len < 0) {
        out[0] = '\0';
    }
}

uint32_t conf_item_line(const config_setting_t *setting)
{
    return (uint32_t)config_setting_source_line(setting);
}

static const char *where_of(const struct conf_reader *r, uint32_t line, char *out, size_t room)
{
    if (line == 0) {
        return r->source->file;
    }
    (void)snprintf(out, room, "%s:%u", r->source->file, line);
    return out;
}

void conf_reader_fault(struct conf_reader *r, uint32_t line, const char *field, const char *what)
{
    char where[512];

    faults_add(r->faults, where_of(r, line, where, sizeof(where)), field, "%s", what);
}

void conf_reader_no_memory(struct conf_reader *r)
{
    if (!r->is_out_of_memory) {
        conf_reader_fault(r, 0, "", cx_err_text(CX_E_NOMEM));
    }
    r->is_out_of_memory = true;
}

/* What was found, for a message: its kind, and its value unless the row is a secret's. */
static void describe(const struct conf_item *item, char *out, size_t room)
{
    const config_setting_t *s = item->setting;
    bool show = item->row == NULL || (item->row->flags & CONF_SECRET) == 0;

    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(out, room, show ? "%lld" : "a number", config_setting_get_int64(s));
        break;
    case CONFIG_TYPE_FLOAT:
        (void)snprintf(out, room, "a number with a fraction");
        break;
    case CONFIG_TYPE_BOOL:
        (void)snprintf(out, room, "%s", config_setting_get_bool(s) ? "true" : "false");
        break;
    case CONFIG_TYPE_STRING:
        if (show) {
            (void)snprintf(out, room, "\"%.64s\"", config_setting_get_string(s));
        } else {
            (void)snprintf(out, room, "a string");
        }
        break;
    case CONFIG_TYPE_GROUP:
        (void)snprintf(out, room, "a group { }");
        break;
    case CONFIG_TYPE_ARRAY:
        (void)snprintf(out, room, "an array [ ]");
        break;
    default:
        (void)snprintf(out, room, "a list ( )");
        break;
    }
}

void conf_item_must(struct conf_reader *r, const struct conf_item *item, const char *must)
{
    char found[96];
    char what[512];

    describe(item, found, sizeof(found));
    (void)snprintf(what, sizeof(what), "must be %s, found %s", must, found);
    conf_reader_fault(r, conf_item_line(item->setting), item->field, what);
}

static void read_bool(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    if (config_setting_type(item->setting) != CONFIG_TYPE_BOOL) {
        conf_item_must(r, item, "true or false");
        return;
    }
    *conf_row_bool(item->row, conf) = config_setting_get_bool(item->setting) != 0;
}

static void read_number(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    int type = config_setting_type(item->setting);
    long long value = config_setting_get_int64(item->setting);
    uint64_t max = conf_row_max(item->row);
    char must[96];

    if ((type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) && value >= 0 &&
        (uint64_t)value >= item->row->min && (uint64_t)value <= max) {
        conf_row_set_number(item->row, conf, (uint64_t)value);
        return;
    }
    (void)snprintf(must, sizeof(must), "a whole number in %llu..%llu",
                   (unsigned long long)item->row->min, (unsigned long long)max);
    conf_item_must(r, item, must);
}

/* The string of a setting, checked for what no setting may hold; NULL after a fault. */
static const char *string_of(struct conf_reader *r, const struct conf_item *item, const char *must)
{
    struct slice text;

    if (config_setting_type(item->setting) != CONFIG_TYPE_STRING) {
        conf_item_must(r, item, must);
        return NULL;
    }
    text = slice_of_str(config_setting_get_string(item->setting));
    if (slice_has_control(text)) {
        conf_reader_fault(r, conf_item_line(item->setting), item->field,
                          "must not contain control characters (line ends, tabs, …)");
        return NULL;
    }
    if (!slice_is_utf8(text)) {
        conf_reader_fault(r, conf_item_line(item->setting), item->field, "must be valid UTF-8");
        return NULL;
    }
    return (const char *)text.ptr;
}

static void read_text(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    const char *text = string_of(r, item, "a string \"…\"");
    uint64_t min = item->row->min;
    uint64_t max = conf_row_max(item->row);
    char what[96];

    if (text == NULL) {
        return;
    }
    if (min == 0 && (item->row->flags & CONF_MAY_BE_EMPTY) == 0) {
        min = 1;
    }
    if (strlen(text) == 0 && min > 0) {
        conf_reader_fault(r, conf_item_line(item->setting), item->field, "must not be empty");
        return;
    }
    if (strlen(text) < min || strlen(text) > max) {
        (void)snprintf(what, sizeof(what), "must be %llu..%llu bytes long, found %zu",
                       (unsigned long long)min, (unsigned long long)max, strlen(text));
        conf_reader_fault(r, conf_item_line(item->setting), item->field, what);
        return;
    }
    if (conf_row_set_text(item->row, conf, r->source->folder, text) != CX_OK) {
        conf_reader_no_memory(r);
    }
}

static void read_word(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    char must[384];
    const char *text;
    int word;

    conf_row_words(item->row, must, sizeof(must));
    text = string_of(r, item, must);
    if (text == NULL) {
        return;
    }
    word = conf_row_word(item->row, text);
    if (word < 0) {
        conf_item_must(r, item, must);
        return;
    }
    conf_row_set_number(item->row, conf, (uint64_t)word);
}

/* The number of entries of a list, checked; false after a fault. */
bool conf_item_count(struct conf_reader *r, const struct conf_item *item, size_t *count)
{
    uint64_t max = conf_row_max(item->row);
    char what[96];

    *count = (size_t)config_setting_length(item->setting);
    if (*count >= item->row->min && *count <= max) {
        return true;
    }
    (void)snprintf(what, sizeof(what), "must have %llu..%llu entries, found %zu",
                   (unsigned long long)item->row->min, (unsigned long long)max, *count);
    conf_reader_fault(r, conf_item_line(item->setting), item->field, what);
    return false;
}

struct conf_item conf_item_entry(const struct conf_item *list, size_t i)
{
    struct conf_item entry = {.row = list->row,
                              .setting = config_setting_get_elem(list->setting, (unsigned)i)};
    char index[32];
    size_t len = strnlen(list->field, sizeof(entry.field) - sizeof(index));

    (void)snprintf(index, sizeof(index), "[%zu]", i);
    (void)snprintf(entry.field, sizeof(entry.field), "%.*s%s", (int)len, list->field, index);
    return entry;
}

/* Copy the entries into `made`; false after a fault. */
static bool read_entries(struct conf_reader *r, const struct conf_item *item,
                         struct conf_strings *made)
{
    bool is_good = true;

    for (size_t i = 0; i < made->count; i++) {
        struct conf_item entry = conf_item_entry(item, i);
        const char *text = string_of(r, &entry, "a string \"…\"");

        if (text == NULL) {
            is_good = false;
            continue;
        }
        if (text[0] == '\0' || strlen(text) > CONF_STRING_MAX_BYTES) {
            conf_reader_fault(r, conf_item_line(entry.setting), entry.field,
                              "must be 1..4096 bytes long");
            is_good = false;
            continue;
        }
        made->lines[i] = conf_item_line(entry.setting);
        made->items[i] = strdup(text);
        if (made->items[i] == NULL) {
            conf_reader_no_memory(r);
            return false;
        }
    }
    return is_good;
}

static void read_strings(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    struct conf_strings made = {0};
    int type = config_setting_type(item->setting);
    size_t count;

    if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST) {
        conf_item_must(r, item, "a list of strings [ \"…\" ]");
        return;
    }
    if (!conf_item_count(r, item, &count)) {
        return;
    }
    if (conf_strings_make(&made, count) != CX_OK) {
        conf_reader_no_memory(r);
        return;
    }
    if (!read_entries(r, item, &made)) {
        conf_strings_done(&made);
        return;
    }
    conf_strings_done(conf_row_strings(item->row, conf));
    *conf_row_strings(item->row, conf) = made;
}

void conf_item_read(struct conf_reader *r, const struct conf_item *item, void *conf)
{
    switch (item->row->kind.type) {
    case CONF_TYPE_BOOL:
        read_bool(r, item, conf);
        break;
    case CONF_TYPE_U32:
    case CONF_TYPE_U64:
        read_number(r, item, conf);
        break;
    case CONF_TYPE_STRING:
    case CONF_TYPE_PATH:
        read_text(r, item, conf);
        break;
    case CONF_TYPE_WORD:
        read_word(r, item, conf);
        break;
    case CONF_TYPE_STRINGS:
        read_strings(r, item, conf);
        break;
    case CONF_TYPE_GROUPS:
        break;
    }
}
