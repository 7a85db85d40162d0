#ifndef CONNECTOR_COMMON_IO_FOLDER_H
#define CONNECTOR_COMMON_IO_FOLDER_H

#include "common/core/err.h"

#include <stdbool.h>

/* The names of some entries of a folder, in byte order. */
struct folder_names {
    char **items;
    size_t count;
};

/* List the entries that `accepts` takes.
 * out: overwritten; folder_names_done in every case.
 * Errors: CX_E_NOT_FOUND, CX_E_IO, CX_E_FULL (more than `max`), CX_E_NOMEM; `fail` names the
 * folder. */
enum cx_err folder_list(const char *folder, size_t max, bool (*accepts)(const char *name),
                        struct folder_names *out, struct cx_fail *fail) CX_MUST_CHECK;
void folder_names_done(struct folder_names *names);

#endif
