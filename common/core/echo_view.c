#include "common/core/echo_view.h"

#include <stdlib.h>
#include <string.h>

enum { CHARACTER_BYTES = 4, ENTITY_BYTES_MAX = 12 };

/* One character that an escape stands for. */
struct unescaped {
    uint8_t bytes[CHARACTER_BYTES];
    size_t nbytes;
    size_t taken; /* bytes of the text */
};

static unsigned hex_value(uint8_t c) /* 16: none */
{
    if (c >= '0' && c <= '9') {
        return c - (unsigned)'0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

/* `n` digits of that base, all of them there. */
static bool read_number(struct slice s, size_t n, unsigned base, uint32_t *out)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++) {
        if (i >= s.len || hex_value(s.ptr[i]) >= base) {
            return false;
        }
        value = value * base + hex_value(s.ptr[i]);
    }
    *out = value;
    return n > 0;
}

static void put_character(uint32_t c, struct unescaped *out)
{
    uint8_t *b = out->bytes;

    if (c < 0x80) {
        b[0] = (uint8_t)c;
        out->nbytes = 1;
    } else if (c < 0x800) {
        b[0] = (uint8_t)(0xc0 | c >> 6);
        b[1] = (uint8_t)(0x80 | (c & 0x3f));
        out->nbytes = 2;
    } else if (c < 0x10000) {
        b[0] = (uint8_t)(0xe0 | c >> 12);
        b[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c & 0x3f));
        out->nbytes = 3;
    } else {
        b[0] = (uint8_t)(0xf0 | (c >> 18 & 7));
        b[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[3] = (uint8_t)(0x80 | (c & 0x3f));
        out->nbytes = 4;
    }
}

static bool read_percent(struct slice s, struct unescaped *out)
{
    uint32_t byte;

    if (s.ptr[0] != '%' || !read_number(slice_from(s, 1), 2, 16, &byte)) {
        return false;
    }
    *out = (struct unescaped){.bytes = {(uint8_t)byte}, .nbytes = 1, .taken = 3};
    return true;
}

static bool read_form(struct slice s, struct unescaped *out)
{
    if (s.ptr[0] == '+') {
        *out = (struct unescaped){.bytes = {' '}, .nbytes = 1, .taken = 1};
        return true;
    }
    return read_percent(s, out);
}

/* \uXXXX, or two of them that are a pair (RFC 8259, 7). */
static bool read_json_number(struct slice s, struct unescaped *out)
{
    uint32_t c;
    uint32_t low;

    if (!read_number(slice_from(s, 2), 4, 16, &c)) {
        return false;
    }
    out->taken = 6;
    if (c >= 0xd800 && c < 0xdc00 && slice_has_prefix(slice_from(s, 6), SLICE_LIT("\\u")) &&
        read_number(slice_from(s, 8), 4, 16, &low) && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        out->taken = 12;
    }
    put_character(c, out);
    return true;
}

static bool read_json(struct slice s, struct unescaped *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    const char *at;

    if (s.ptr[0] != '\\' || s.len < 2 || s.ptr[1] == '\0') {
        return false;
    }
    if (s.ptr[1] == 'u') {
        return read_json_number(s, out);
    }
    at = strchr(letters, s.ptr[1]);
    if (at == NULL) {
        return false;
    }
    *out = (struct unescaped){.bytes = {(uint8_t)bytes[at - letters]}, .nbytes = 1, .taken = 2};
    return true;
}

/* What stands between '&' and ';'. */
static bool read_entity(struct slice name, struct unescaped *out)
{
    static const struct {
        const char *name;
        uint8_t byte;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    bool is_hex = name.len > 1 && name.ptr[0] == '#' && (name.ptr[1] | 0x20) == 'x';
    struct slice digits = slice_from(name, is_hex ? 2 : 1);
    uint32_t c;

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (slice_eq_str(name, named[i].name)) {
            put_character(named[i].byte, out);
            return true;
        }
    }
    if (name.len < 2 || name.ptr[0] != '#' ||
        !read_number(digits, digits.len, is_hex ? 16 : 10, &c)) {
        return false;
    }
    put_character(c, out);
    return true;
}

static bool read_xml(struct slice s, struct unescaped *out)
{
    size_t end = slice_find(slice_first(s, ENTITY_BYTES_MAX), 0, ';');

    if (s.ptr[0] != '&' || end >= s.len || s.ptr[end] != ';') {
        return false;
    }
    out->taken = end + 1;
    return read_entity(slice_from(slice_first(s, end), 1), out);
}

static bool read_csv(struct slice s, struct unescaped *out)
{
    if (!slice_has_prefix(s, SLICE_LIT("\"\""))) {
        return false;
    }
    out->taken = 2;
    put_character('"', out);
    return true;
}

static const struct {
    const char *begins; /* what any such escape begins with */
    bool (*read)(struct slice s, struct unescaped *out);
} escapes[ECHO_ESCAPES] = {
    [ECHO_NO_ESCAPE] = {"", NULL},  [ECHO_PERCENT] = {"%", read_percent},
    [ECHO_FORM] = {"+", read_form}, [ECHO_JSON] = {"\\", read_json},
    [ECHO_XML] = {"&", read_xml},   [ECHO_CSV] = {"\"", read_csv},
};

bool echo_view_differs(struct slice text, enum echo_escape escape)
{
    uint8_t begins = (uint8_t)escapes[escape].begins[0];

    return escape != ECHO_NO_ESCAPE && slice_find(text, 0, begins) != text.len;
}

static void unescape(struct echo_view *v, struct slice text, enum echo_escape escape, uint8_t *at)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len;) {
        struct unescaped c = {.bytes = {text.ptr[i]}, .nbytes = 1, .taken = 1};

        if (escapes[escape].read != NULL && !escapes[escape].read(slice_from(text, i), &c)) {
            c = (struct unescaped){.bytes = {text.ptr[i]}, .nbytes = 1, .taken = 1};
        }
        for (size_t k = 0; k < c.nbytes; k++) { /* never more than what was taken */
            v->from[n] = (uint32_t)i;
            at[n++] = c.bytes[k];
        }
        i += c.taken;
    }
    v->from[n] = (uint32_t)text.len;
    buf_grew(&v->bytes, n);
}

enum cx_err echo_view_make(struct echo_view *v, struct slice text, enum echo_escape escape)
{
    uint8_t *at;

    *v = (struct echo_view){0};
    buf_init(&v->bytes, text.len + 1);
    v->from = calloc(text.len + 1, sizeof(*v->from));
    if (v->from == NULL || buf_reserve(&v->bytes, text.len + 1, &at) != CX_OK) {
        return CX_E_NOMEM;
    }
    unescape(v, text, escape, at);
    return CX_OK;
}

void echo_view_done(struct echo_view *v)
{
    buf_done(&v->bytes);
    free(v->from);
    *v = (struct echo_view){0};
}
