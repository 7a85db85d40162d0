#include "platform/core/idempotency.h"

#include <string.h>

bool idempotency_key_is_good(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] < 0x21 || key.ptr[i] > 0x7e) {
            return false;
        }
    }
    return key.len > 0 && key.len <= IDEMPOTENCY_KEY_MAX_BYTES;
}

enum cx_err idempotency_put(const struct idempotency_scope *scope, struct slice key,
                            struct buf *out)
{
    /* names hold no NUL, and the key comes last */
    const char *const parts[] = {scope->api_key, scope->route, scope->profile};
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && err == CX_OK; i++) {
        err = buf_put(out, slice_of(parts[i], strlen(parts[i]) + 1));
    }
    return err == CX_OK ? buf_put(out, key) : err;
}
