#ifndef CONNECTOR_COMMON_CORE_SECRET_H
#define CONNECTOR_COMMON_CORE_SECRET_H

#include "common/core/slice.h"

/* The owner of one secret value (password, token, key). There is no way to print it: the log has
 * no form that takes one. A zeroed struct is a valid secret that is not set. */
struct secret {
    uint8_t *ptr;
    size_t len;
};

/* Copy `value` in, in place of what was there. Unchanged on error. Error: CX_E_NOMEM. */
enum cx_err secret_set(struct secret *s, struct slice value) CX_MUST_CHECK;

/* Wipe and free; the secret is then not set. */
void secret_done(struct secret *s);

bool secret_is_set(const struct secret *s);

/* Borrowed until the secret changes; the absent slice if it is not set. A NUL stands behind the
 * last byte, for libraries that want a C string. */
struct slice secret_view(const struct secret *s);

#endif
