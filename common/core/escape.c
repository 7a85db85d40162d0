#include "common/core/escape.h"

#include <stdio.h>

/* One character of the input. */
struct piece {
    size_t bytes;
    uint32_t point; /* its code point, or the byte itself */
    bool is_utf8;
};

static struct piece next_piece(struct slice rest)
{
    struct piece p = {.point = rest.ptr[0]};
    size_t bytes = slice_first_char(rest, &p.point);

    p.is_utf8 = bytes > 0;
    p.bytes = bytes > 0 ? bytes : 1;
    return p;
}

static bool is_printable(const struct piece *p)
{
    uint32_t c = p->point;

    if (!p->is_utf8 || c < 0x20 || (c >= 0x7f && c <= 0x9f)) {
        return false;
    }
    return !(c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
             (c >= 0x2066 && c <= 0x2069));
}

static bool is_bare(struct slice in)
{
    static const bool others[128] = {
        ['-'] = true, ['.'] = true, ['_'] = true, [':'] = true, ['/'] = true, ['@'] = true,
        ['+'] = true, [','] = true, ['*'] = true, ['%'] = true, ['='] = true, ['~'] = true};

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c < sizeof(others) && others[c]))) {
            return false;
        }
    }
    return in.len > 0;
}

/* The escapes that both forms share, or NULL. */
static const char *short_escape(uint32_t point)
{
    switch (point) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

static enum cx_err put_piece(const struct piece *p, struct slice bytes, bool is_json,
                             struct buf *out)
{
    const char *escape = short_escape(p->point);
    char text[16];

    if (escape != NULL) {
        return buf_put_str(out, escape);
    }
    if (is_printable(p)) {
        return buf_put(out, bytes);
    }
    if (is_json && !p->is_utf8) {
        return buf_put_str(out, "\\ufffd");
    }
    if (is_json) {
        (void)snprintf(text, sizeof(text), "\\u%04x", (unsigned)p->point & 0xffffu);
    } else if (p->point < 0x80 || !p->is_utf8) {
        (void)snprintf(text, sizeof(text), "\\x%02x", (unsigned)p->point & 0xffu);
    } else {
        (void)snprintf(text, sizeof(text), "\\u{%x}", (unsigned)p->point);
    }
    return buf_put_str(out, text);
}

/* How many bytes at the beginning need no look: most text has nothing else. */
static size_t plain_bytes(struct slice in)
{
    size_t n = 0;

    while (n < in.len && in.ptr[n] >= 0x20 && in.ptr[n] < 0x7f && in.ptr[n] != '"' &&
           in.ptr[n] != '\\') {
        n++;
    }
    return n;
}

static enum cx_err put_quoted(struct slice in, size_t max_bytes, bool is_json, struct buf *out)
{
    size_t before = out->len;
    size_t at = 0;
    enum cx_err err = buf_put_byte(out, '"');

    while (err == CX_OK && at < in.len) {
        struct slice rest = slice_from(in, at);
        size_t plain = plain_bytes(slice_first(rest, max_bytes - at));
        struct piece p;

        if (plain > 0) {
            err = buf_put(out, slice_first(rest, plain));
            at += plain;
            continue;
        }
        p = next_piece(rest);
        if (at + p.bytes > max_bytes) {
            err = buf_put_str(out, "...");
            break;
        }
        err = put_piece(&p, slice_first(rest, p.bytes), is_json, out);
        at += p.bytes;
    }
    if (err == CX_OK) {
        err = buf_put_byte(out, '"');
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}

enum cx_err escape_text(struct slice in, size_t max_bytes, struct buf *out)
{
    return in.len <= max_bytes && is_bare(in) ? buf_put(out, in)
                                              : put_quoted(in, max_bytes, false, out);
}

enum cx_err escape_json(struct slice in, size_t max_bytes, struct buf *out)
{
    return put_quoted(in, max_bytes, true, out);
}
