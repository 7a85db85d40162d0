#ifndef CONNECTOR_COMMON_IO_CONF_FILE_H
#define CONNECTOR_COMMON_IO_CONF_FILE_H

#include "common/core/conf.h"

enum {
    CONF_FILE_MAX_BYTES = 1024 * 1024,
    CONF_FOLDER_MAX_FILES = 1000,
};

/* Read a configuration file as conf_read does; messages name it as `path` is written, and paths in
 * it are relative to its folder. A file that can't be read is a fault too.
 * Whatever is returned, `conf` is valid for conf_done.
 * Errors: CX_E_NOT_FOUND, CX_E_IO, CX_E_TOO_BIG, CX_E_CONFIG, CX_E_NOMEM; each has added at least
 * one fault. */
enum cx_err conf_file_read(const struct conf_table *table, const char *path, void *conf,
                           struct faults *faults) CX_MUST_CHECK;

/* Read every FOLDER/NAME.conf in byte order of the names, one struct of `table` a file. Names that
 * begin with a dot and names without .conf are passed over.
 * out: overwritten; conf_list_done(table, out) in every case.
 * Errors: CX_E_CONFIG (a file is wrong: faults were added, the other files are read none the less);
 *         CX_E_NOT_FOUND, CX_E_IO, CX_E_FULL (the folder itself; `fail` says what, so that the
 * caller can name the setting it came from), CX_E_NOMEM. */
enum cx_err conf_folder_read(const struct conf_table *table, const char *folder,
                             struct conf_list *out, struct faults *faults,
                             struct cx_fail *fail) CX_MUST_CHECK;

#endif
