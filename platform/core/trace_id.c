#include "platform/core/trace_id.h"

#include "common/core/encode.h"

#include <string.h>

enum { TRACEPARENT_BYTES = 55, ID_AT = 3, PARENT_AT = 36, FLAGS_AT = 53 };

static bool is_hex(struct slice s, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

/* version "-" trace-id "-" parent-id "-" flags; later versions may have more behind it. */
static bool is_traceparent(struct slice s)
{
    static const char zeros[] = "00000000000000000000000000000000";

    return s.len >= TRACEPARENT_BYTES && (s.len == TRACEPARENT_BYTES || s.ptr[55] == '-') &&
           is_hex(s, 0, 2) && s.ptr[2] == '-' && is_hex(s, ID_AT, 32) && s.ptr[35] == '-' &&
           is_hex(s, PARENT_AT, 16) && s.ptr[52] == '-' && is_hex(s, FLAGS_AT, 2) &&
           memcmp(s.ptr, "ff", 2) != 0 && memcmp(s.ptr + ID_AT, zeros, 32) != 0;
}

const char *trace_id_of(struct slice traceparent, const uint8_t random[16],
                        char out[TRACE_ID_TEXT_BYTES])
{
    if (!is_traceparent(traceparent)) {
        return encode_hex_text(slice_of(random, 16), out);
    }
    memcpy(out, traceparent.ptr + ID_AT, 32);
    out[32] = '\0';
    return out;
}
