#include "platform/core/hold_text.h"

#include "common/core/encode.h"

#include <string.h>

enum { HELD_BYTES = 2 * DISPATCH_KEY_BYTES + CX_ID_BYTES + 1 };

const char *hold_text(const struct dispatch_held *held, char out[HOLD_TEXT_BYTES])
{
    uint8_t bytes[HELD_BYTES];

    memcpy(bytes, held->key, DISPATCH_KEY_BYTES);
    memcpy(bytes + DISPATCH_KEY_BYTES, held->same, DISPATCH_KEY_BYTES);
    memcpy(bytes + 2 * DISPATCH_KEY_BYTES, held->ledger.bytes, CX_ID_BYTES);
    bytes[HELD_BYTES - 1] = (uint8_t)held->number;
    return encode_hex_text(slice_of(bytes, sizeof(bytes)), out);
}

bool hold_text_read(const char *text, struct dispatch_held *out)
{
    struct buf bytes;
    bool is_good;

    buf_init(&bytes, HELD_BYTES);
    is_good = decode_hex(slice_of_str(text), &bytes) == CX_OK && bytes.len == HELD_BYTES;
    if (is_good) {
        memcpy(out->key, bytes.ptr, DISPATCH_KEY_BYTES);
        memcpy(out->same, bytes.ptr + DISPATCH_KEY_BYTES, DISPATCH_KEY_BYTES);
        memcpy(out->ledger.bytes, bytes.ptr + 2 * DISPATCH_KEY_BYTES, CX_ID_BYTES);
        out->number = bytes.ptr[HELD_BYTES - 1];
    }
    buf_done(&bytes);
    return is_good;
}
