#ifndef CONNECTOR_COMMON_CORE_PATH_H
#define CONNECTOR_COMMON_CORE_PATH_H

#include "common/core/err.h"

/* File names as text; nothing here looks at a disk. */

/* `path` if it is absolute or `folder` is empty, else "folder/path". `*out` is the caller's to
 * free. Error: CX_E_NOMEM. */
enum cx_err path_join(const char *folder, const char *path, char **out) CX_MUST_CHECK;

/* The folder that `path` lies in, as dirname(3) says it: "/etc/a.conf" gives "/etc", "a.conf" gives
 * ".". `*out` is the caller's to free. Error: CX_E_NOMEM. */
enum cx_err path_folder(const char *path, char **out) CX_MUST_CHECK;

#endif
