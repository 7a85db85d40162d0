#include "common/core/slice.h"

#include <string.h>

struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

struct slice slice_of_str(const char *text)
{
    return text == NULL ? (struct slice){NULL, 0} : slice_of(text, strlen(text));
}

bool slice_is_absent(struct slice s)
{
    return s.ptr == NULL;
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_str(struct slice a, const char *text)
{
    return slice_eq(a, slice_of_str(text));
}

static uint8_t fold(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (fold(a.ptr[i]) != fold(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool slice_has_prefix(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_first(s, prefix.len), prefix);
}

struct slice slice_from(struct slice s, size_t from)
{
    if (from >= s.len) {
        return slice_of(s.ptr == NULL ? NULL : s.ptr + s.len, 0);
    }
    return slice_of(s.ptr + from, s.len - from);
}

struct slice slice_first(struct slice s, size_t len)
{
    return slice_of(s.ptr, len < s.len ? len : s.len);
}

struct slice slice_trim(struct slice s, const char *white)
{
    struct slice set = slice_of_str(white);

    while (s.len > 0 && slice_find(set, 0, s.ptr[0]) < set.len) {
        s = slice_from(s, 1);
    }
    while (s.len > 0 && slice_find(set, 0, s.ptr[s.len - 1]) < set.len) {
        s.len--;
    }
    return s;
}

size_t slice_find(struct slice s, size_t from, uint8_t byte)
{
    const uint8_t *hit;

    if (from >= s.len) {
        return s.len;
    }
    hit = memchr(s.ptr + from, byte, s.len - from);
    return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

enum cx_err slice_to_u64(struct slice s, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return CX_E_SYNTAX;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit;

        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return CX_E_SYNTAX;
        }
        digit = (uint64_t)(s.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return CX_E_RANGE;
        }
        value = value * 10 + digit;
    }
    if (value < min || value > max) {
        return CX_E_RANGE;
    }
    *out = value;
    return CX_OK;
}

/* Bytes of the sequence that starts at p (at most `left`), or 0 if it is not well formed.
 * The rows are RFC 3629, section 4. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max, bytes;
    } rows[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        size_t bytes = rows[row].bytes;

        if (p[0] < rows[row].first_min || p[0] > rows[row].first_max) {
            continue;
        }
        if (bytes > left) {
            return 0;
        }
        if (bytes > 1 && (p[1] < rows[row].second_min || p[1] > rows[row].second_max)) {
            return 0;
        }
        for (size_t i = 2; i < bytes; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return bytes;
    }
    return 0;
}

static uint64_t word_at(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

static uint32_t half_word_at(const uint8_t *p)
{
    uint32_t half;

    memcpy(&half, p, sizeof(half));
    return half;
}

/* True for ASCII alone, which most texts are, and short. The last word overlaps the one before. */
static bool is_ascii(struct slice s)
{
    uint64_t bits = 0;

    if (s.len >= sizeof(uint64_t)) {
        for (size_t at = 0; at < s.len - sizeof(uint64_t); at += sizeof(uint64_t)) {
            bits |= word_at(s.ptr + at);
        }
        bits |= word_at(s.ptr + s.len - sizeof(uint64_t));
    } else if (s.len >= sizeof(uint32_t)) {
        bits = half_word_at(s.ptr) | half_word_at(s.ptr + s.len - sizeof(uint32_t));
    } else {
        for (size_t at = 0; at < s.len; at++) {
            bits |= s.ptr[at];
        }
    }
    return (bits & 0x8080808080808080u) == 0;
}

/* How many bytes from p on (of `left`) are ASCII, counted in whole words of eight. */
static size_t ascii_words(const uint8_t *p, size_t left)
{
    size_t at = 0;

    while (left - at >= sizeof(uint64_t)) {
        if ((word_at(p + at) & 0x8080808080808080u) != 0) {
            break;
        }
        at += sizeof(uint64_t);
    }
    return at;
}

bool slice_is_utf8(struct slice s)
{
    size_t at = is_ascii(s) ? s.len : 0;

    while (at < s.len) {
        size_t bytes = ascii_words(s.ptr + at, s.len - at);

        at += bytes;
        while (at < s.len && s.ptr[at] < 0x80) {
            at++;
        }
        if (at == s.len) {
            break;
        }
        bytes = utf8_sequence(s.ptr + at, s.len - at);
        if (bytes == 0) {
            return false;
        }
        at += bytes;
    }
    return true;
}

size_t slice_first_char(struct slice s, uint32_t *point)
{
    size_t bytes = s.len == 0 ? 0 : utf8_sequence(s.ptr, s.len);

    if (bytes > 0) {
        *point = bytes == 1 ? s.ptr[0] : s.ptr[0] & (0x7fu >> bytes);
    }
    for (size_t i = 1; i < bytes; i++) {
        *point = *point << 6 | (s.ptr[i] & 0x3fu);
    }
    return bytes;
}

bool slice_has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool slice_is_line(struct slice s)
{
    uint32_t point;
    size_t bytes;

    for (size_t at = 0; at < s.len; at += bytes) {
        bytes = slice_first_char(slice_from(s, at), &point);
        if (bytes == 0 || (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0) ||
            point == 0x2028 || point == 0x2029) {
            return false;
        }
    }
    return true;
}

bool slice_eq_secret(struct slice a, struct slice b)
{
    uint8_t diff = 0;

    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        diff = (uint8_t)(diff | (a.ptr[i] ^ b.ptr[i]));
    }
    return diff == 0;
}
