#include "common/core/secret.h"

#include <stdlib.h>
#include <string.h>

enum cx_err secret_set(struct secret *s, struct slice value)
{
    uint8_t *copy = malloc(value.len + 1);

    if (copy == NULL) {
        return CX_E_NOMEM;
    }
    if (value.len > 0) {
        memcpy(copy, value.ptr, value.len);
    }
    copy[value.len] = '\0';
    secret_done(s);
    *s = (struct secret){copy, value.len};
    return CX_OK;
}

void secret_done(struct secret *s)
{
    if (s->ptr != NULL) {
        explicit_bzero(s->ptr, s->len);
        free(s->ptr);
    }
    *s = (struct secret){0};
}

bool secret_is_set(const struct secret *s)
{
    return s->ptr != NULL;
}

struct slice secret_view(const struct secret *s)
{
    return slice_of(s->ptr, s->len);
}
