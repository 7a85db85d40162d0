#ifndef CONNECTOR_PLATFORM_CORE_IDEMPOTENCY_H
#define CONNECTOR_PLATFORM_CORE_IDEMPOTENCY_H

#include "common/core/buf.h"

/* The Idempotency-Key of a request: which one is good, and what it stands for. Pure. */

enum { IDEMPOTENCY_KEY_MAX_BYTES = 255, IDEMPOTENCY_SCOPE_MAX_BYTES = 1024 };

/* 1 to 255 visible ASCII characters (RFC 9110, 5.5: VCHAR); nothing in it is read, quotes count. */
bool idempotency_key_is_good(struct slice key);

/* Where a key counts: under another API key, on another route or profile it is another one. */
struct idempotency_scope {
    const char *api_key; /* its name; "" on the control socket */
    const char *route;   /* a word */
    const char *profile; /* its name */
};

/* Append what is to be hashed; no two scopes or keys give the same. Errors: buf_put's. */
enum cx_err idempotency_put(const struct idempotency_scope *scope, struct slice key,
                            struct buf *out) CX_MUST_CHECK;

#endif
