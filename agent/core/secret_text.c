#include "agent/core/secret_text.h"

const char *secret_text_trim(struct slice *text)
{
    struct slice kept = *text;

    if (kept.len > 0 && kept.ptr[kept.len - 1] == '\n') {
        kept.len -= kept.len > 1 && kept.ptr[kept.len - 2] == '\r' ? 2 : 1;
    }
    if (kept.len == 0) {
        return "holds no secret: it is empty";
    }
    if (slice_find(kept, 0, '\0') != kept.len) {
        return "holds a NUL byte, which no request can carry as text";
    }
    if (!slice_is_utf8(kept)) {
        return "is not UTF-8; a key or certificate is kept as PEM";
    }
    *text = kept;
    return NULL;
}
