#include "common/core/id.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

struct cx_id id_make(uint64_t unix_ms, const uint8_t random[10])
{
    struct cx_id id;

    for (size_t i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    }
    memcpy(id.bytes + 6, random, 10);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f)); /* version 7 */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f)); /* variant 10 */
    return id;
}

enum { COUNT_MAX = 0xfff, COUNT_FIRST_MAX = 0x7ff, SET_BACK_MAX_MS = 10000 };

struct cx_id id_next(struct id_sequence *s, uint64_t unix_ms, const uint8_t random[10])
{
    struct cx_id id;

    if (unix_ms > s->last_ms || unix_ms + SET_BACK_MAX_MS < s->last_ms) {
        s->last_ms = unix_ms;
        s->count = ((unsigned)random[0] << 8 | random[1]) & COUNT_FIRST_MAX; /* room to count up */
    } else if (++s->count > COUNT_MAX) {
        s->last_ms++;
        s->count = 0;
    }
    id = id_make(s->last_ms, random);
    id.bytes[6] = (uint8_t)(0x70 | s->count >> 8);
    id.bytes[7] = (uint8_t)(s->count & 0xff);
    return id;
}

uint64_t id_unix_ms(const struct cx_id *id)
{
    uint64_t ms = 0;

    for (size_t i = 0; i < 6; i++) {
        ms = ms << 8 | id->bytes[i];
    }
    return ms;
}

bool id_eq(const struct cx_id *a, const struct cx_id *b)
{
    return memcmp(a->bytes, b->bytes, CX_ID_BYTES) == 0;
}

bool id_is_none(const struct cx_id *id)
{
    static const struct cx_id none;

    return id_eq(id, &none);
}

static bool has_hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

const char *id_text(const struct cx_id *id, char out[CX_ID_TEXT_BYTES])
{
    char *p = out;

    for (size_t i = 0; i < CX_ID_BYTES; i++) {
        if (has_hyphen_before(i)) {
            *p++ = '-';
        }
        *p++ = hex_digits[id->bytes[i] >> 4];
        *p++ = hex_digits[id->bytes[i] & 15];
    }
    *p = '\0';
    return out;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum cx_err id_parse(struct slice text, struct cx_id *out)
{
    struct cx_id id;
    size_t at = 0;

    if (text.len != CX_ID_TEXT_BYTES - 1) {
        return CX_E_SYNTAX;
    }
    for (size_t i = 0; i < CX_ID_BYTES; i++) {
        int high;
        int low;

        if (has_hyphen_before(i) && text.ptr[at++] != '-') {
            return CX_E_SYNTAX;
        }
        high = hex_value(text.ptr[at++]);
        low = hex_value(text.ptr[at++]);
        if (high < 0 || low < 0) {
            return CX_E_SYNTAX;
        }
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = id;
    return CX_OK;
}

uint64_t id_hash(const struct cx_id *id)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a, then one mixing round */

    for (size_t i = 0; i < CX_ID_BYTES; i++) {
        h = (h ^ id->bytes[i]) * 1099511628211u;
    }
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15u;
}
