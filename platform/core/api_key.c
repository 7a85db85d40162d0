#include "platform/core/api_key.h"

#include "common/core/encode.h"

enum cx_err api_key_put(const uint8_t random[API_KEY_RANDOM_BYTES], struct buf *out)
{
    size_t before = out->len;
    enum cx_err err = buf_put_str(out, API_KEY_PREFIX);

    if (err == CX_OK) {
        err = encode_base64url(slice_of(random, API_KEY_RANDOM_BYTES), out);
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}

static bool is_base64url(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool api_key_is_one(struct slice text)
{
    static const struct slice prefix = SLICE_LIT(API_KEY_PREFIX);

    if (text.len != API_KEY_TEXT_LEN || !slice_has_prefix(text, prefix)) {
        return false;
    }
    for (size_t i = prefix.len; i < text.len; i++) {
        if (!is_base64url(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

struct slice api_key_of_authorization(struct slice value)
{
    static const struct slice scheme = SLICE_LIT("bearer");
    size_t at = scheme.len;

    if (!slice_eq_nocase(slice_first(value, scheme.len), scheme) || value.len == scheme.len) {
        return (struct slice){0};
    }
    while (at < value.len && value.ptr[at] == ' ') {
        at++;
    }
    value = slice_from(value, at);
    return at > scheme.len && api_key_is_one(value) ? value : (struct slice){0};
}
