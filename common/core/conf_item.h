#ifndef CONNECTOR_COMMON_CORE_CONF_ITEM_H
#define CONNECTOR_COMMON_CORE_CONF_ITEM_H

#include "common/core/conf_row.h"

#include <libconfig.h>

/* Part of conf.c: one setting of the text, read into one field. */

/* One reading of one text. */
struct conf_reader {
    const struct conf_source *source;
    struct faults *faults;
    size_t faults_before;
    bool is_out_of_memory;
};

/* One setting and the row that it belongs to. */
struct conf_item {
    const struct conf_row *row; /* NULL: none */
    const config_setting_t *setting;
    char field[CONF_FIELD_MAX_BYTES]; /* its full name */
};

/* "prefix.name", or whichever of the two isn't empty; cut to `room`. */
void conf_name_put(char *out, size_t room, const char *prefix, const char *name);

/* The line that a setting stands on. */
uint32_t conf_item_line(const config_setting_t *setting);

/* Add a fault; line 0 is the file as a whole. */
void conf_reader_fault(struct conf_reader *r, uint32_t line, const char *field, const char *what);

/* Note that memory ran out; once a reading. */
void conf_reader_no_memory(struct conf_reader *r);

/* Add the fault "must be `must`, found …". */
void conf_item_must(struct conf_reader *r, const struct conf_item *item, const char *must);

/* How many entries a list has; false, and a fault, if the row doesn't allow that many. */
bool conf_item_count(struct conf_reader *r, const struct conf_item *item, size_t *count);

/* The ith entry of a list, with the list's row. */
struct conf_item conf_item_entry(const struct conf_item *list, size_t i);

/* Read one setting of any type but GROUPS. What is wrong becomes a fault, and the field keeps its
 * default. */
void conf_item_read(struct conf_reader *r, const struct conf_item *item, void *conf);

#endif
