#include "common/core/encode.h"

#include <string.h>

static const char hex_upper[] = "0123456789ABCDEF";
static const char hex_lower[] = "0123456789abcdef";
static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The ASCII characters that stay as they are: a bit for each. */
struct kept {
    uint64_t bits[2];
};

#define BIT(c)  (UINT64_C(1) << ((c)&63))
#define DIGITS  (BIT('9' + 1) - BIT('0'))
#define LETTERS ((BIT('Z' + 1) - BIT('A')) | (BIT('z' + 1) - BIT('a')))

static const struct kept kept_in_url = {
    {DIGITS | BIT('-') | BIT('.'), LETTERS | BIT('_') | BIT('~')}};
static const struct kept kept_in_form = {
    {DIGITS | BIT('*') | BIT('-') | BIT('.'), LETTERS | BIT('_')}};

static bool is_kept(uint8_t c, const struct kept *kept)
{
    return c < 128 && (kept->bits[c >> 6] >> (c & 63) & 1) != 0;
}

static int hex_value(uint8_t c)
{
    const char *at = c == '\0' ? NULL : strchr(hex_lower, c >= 'A' && c <= 'F' ? c + 32 : c);

    return at == NULL ? -1 : (int)(at - hex_lower);
}

static enum cx_err put_escaped(struct slice in, const struct kept *kept, bool space_is_plus,
                               struct buf *out)
{
    uint8_t *at;
    size_t plain = 0;
    size_t n;
    enum cx_err err;

    if (in.len > SIZE_MAX / 3) {
        return CX_E_TOO_BIG;
    }
    while (plain < in.len && is_kept(in.ptr[plain], kept)) {
        plain++;
    }
    if (plain == in.len) { /* most values */
        return buf_put(out, in);
    }
    n = plain;
    for (size_t i = plain; i < in.len; i++) {
        n += is_kept(in.ptr[i], kept) || (space_is_plus && in.ptr[i] == ' ') ? 1 : 3;
    }
    err = buf_reserve(out, n, &at);
    if (err != CX_OK) {
        return err;
    }
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];

        if (is_kept(c, kept)) {
            *at++ = c;
        } else if (space_is_plus && c == ' ') {
            *at++ = '+';
        } else {
            *at++ = '%';
            *at++ = (uint8_t)hex_upper[c >> 4];
            *at++ = (uint8_t)hex_upper[c & 15];
        }
    }
    buf_grew(out, n);
    return CX_OK;
}

enum cx_err encode_percent(struct slice in, struct buf *out)
{
    return put_escaped(in, &kept_in_url, false, out);
}

enum cx_err encode_form(struct slice in, struct buf *out)
{
    return put_escaped(in, &kept_in_form, true, out);
}

enum cx_err decode_form(struct slice in, struct buf *out)
{
    uint8_t *at;
    uint8_t *start;
    enum cx_err err = buf_reserve(out, in.len, &start);

    if (err != CX_OK) {
        return err;
    }
    at = start;
    for (size_t i = 0; i < in.len; i++) {
        int high;
        int low;

        if (in.ptr[i] != '%') {
            *at++ = in.ptr[i] == '+' ? ' ' : in.ptr[i];
            continue;
        }
        if (in.len - i < 3) {
            return CX_E_SYNTAX;
        }
        high = hex_value(in.ptr[i + 1]);
        low = hex_value(in.ptr[i + 2]);
        if (high < 0 || low < 0) {
            return CX_E_SYNTAX;
        }
        *at++ = (uint8_t)(high << 4 | low);
        i += 2;
    }
    buf_grew(out, (size_t)(at - start));
    return CX_OK;
}

static enum cx_err put_base64(struct slice in, const char *alphabet, bool padded, struct buf *out)
{
    uint8_t *at;
    size_t tail = in.len % 3;
    size_t n = in.len / 3 * 4 + (tail == 0 ? 0 : padded ? 4 : tail + 1);
    enum cx_err err = in.len > SIZE_MAX / 2 ? CX_E_TOO_BIG : buf_reserve(out, n, &at);

    if (err != CX_OK) {
        return err;
    }
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t word = (uint32_t)in.ptr[i] << 16 | (left > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)in.ptr[i + 2] : 0);

        *at++ = (uint8_t)alphabet[word >> 18];
        *at++ = (uint8_t)alphabet[word >> 12 & 63];
        if (left > 1) {
            *at++ = (uint8_t)alphabet[word >> 6 & 63];
        } else if (padded) {
            *at++ = '=';
        }
        if (left > 2) {
            *at++ = (uint8_t)alphabet[word & 63];
        } else if (padded) {
            *at++ = '=';
        }
    }
    buf_grew(out, n);
    return CX_OK;
}

enum cx_err encode_base64(struct slice in, struct buf *out)
{
    return put_base64(in, base64_standard, true, out);
}

enum cx_err encode_base64url(struct slice in, struct buf *out)
{
    return put_base64(in, base64_url, false, out);
}

enum cx_err decode_base64url(struct slice in, struct buf *out)
{
    uint8_t *at;
    uint8_t *start;
    uint32_t word = 0;
    unsigned bits = 0;
    enum cx_err err = buf_reserve(out, in.len, &start);

    if (err != CX_OK) {
        return err;
    }
    if (in.len % 4 == 1) {
        return CX_E_SYNTAX;
    }
    at = start;
    for (size_t i = 0; i < in.len; i++) {
        const char *digit = in.ptr[i] == '\0' ? NULL : strchr(base64_url, in.ptr[i]);

        if (digit == NULL) {
            return CX_E_SYNTAX;
        }
        word = word << 6 | (uint32_t)(digit - base64_url);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *at++ = (uint8_t)(word >> bits);
            word &= (1u << bits) - 1;
        }
    }
    if (word != 0) {
        return CX_E_SYNTAX;
    }
    buf_grew(out, (size_t)(at - start));
    return CX_OK;
}

static void put_hex(struct slice in, uint8_t *out)
{
    for (size_t i = 0; i < in.len; i++) {
        *out++ = (uint8_t)hex_lower[in.ptr[i] >> 4];
        *out++ = (uint8_t)hex_lower[in.ptr[i] & 15];
    }
}

enum cx_err encode_hex(struct slice in, struct buf *out)
{
    uint8_t *at;
    enum cx_err err = in.len > SIZE_MAX / 2 ? CX_E_TOO_BIG : buf_reserve(out, in.len * 2, &at);

    if (err != CX_OK) {
        return err;
    }
    put_hex(in, at);
    buf_grew(out, in.len * 2);
    return CX_OK;
}

char *encode_hex_text(struct slice in, char *out)
{
    put_hex(in, (uint8_t *)out);
    out[2 * in.len] = '\0';
    return out;
}

enum cx_err decode_hex(struct slice in, struct buf *out)
{
    uint8_t *at;
    enum cx_err err = in.len % 2 != 0 ? CX_E_SYNTAX : buf_reserve(out, in.len / 2, &at);

    if (err != CX_OK) {
        return err;
    }
    for (size_t i = 0; i < in.len; i += 2) {
        int high = hex_value(in.ptr[i]);
        int low = hex_value(in.ptr[i + 1]);

        if (high < 0 || low < 0) {
            return CX_E_SYNTAX;
        }
        *at++ = (uint8_t)(high << 4 | low);
    }
    buf_grew(out, in.len / 2);
    return CX_OK;
}
