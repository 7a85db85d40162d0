#ifndef CONNECTOR_PLATFORM_IO_INIT_FILES_H
#define CONNECTOR_PLATFORM_IO_INIT_FILES_H

#include "common/io/cert_make.h"
#include "platform/io/settings.h"

/* What a new platform needs on disk: CA, server certificate, master key, store, first admin key. */

/* Nothing may be overwritten: a fault for each file that is there already. A server certificate and
 * its key that an admin has brought are fine. True if there was none. */
bool init_files_are_new(const struct platform_settings *s, struct faults *faults);

/* Make them. `more`: names for the server's certificate besides public_url's host. The key's text
 * is appended to `first_key`. What was made is taken away again on error. Errors: those of the
 * parts; `fail` says which file. */
enum cx_err init_files_make(const struct platform_settings *s, struct cert_server_names more,
                            struct buf *first_key, struct cx_fail *fail) CX_MUST_CHECK;

#endif
