#include "common/core/conf_scan.h"

#include <stdio.h>
#include <string.h>

struct scan {
    const struct conf_source *source;
    struct faults *faults;
    struct buf *out;
    size_t at;
    size_t line;
    bool is_faulty;
};

static void scan_fault(struct scan *s, const char *what)
{
    char where[512];

    (void)snprintf(where, sizeof(where), "%s:%zu", s->source->file, s->line);
    faults_add(s->faults, where, "", "%s", what);
    s->is_faulty = true;
}

/* The byte `ahead` of the present one, or 0 past the end. */
static uint8_t peek(const struct scan *s, size_t ahead)
{
    size_t at = s->at + ahead;

    return at < s->source->text.len ? s->source->text.ptr[at] : 0;
}

static bool is_at_end(const struct scan *s)
{
    return s->at >= s->source->text.len;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static unsigned hex_digit(uint8_t c) /* 16: none */
{
    if (is_digit(c)) {
        return c - (unsigned)'0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - (unsigned)'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - (unsigned)'A' + 10 : 16;
}

static void step(struct scan *s)
{
    s->line += peek(s, 0) == '\n' ? 1 : 0;
    s->at++;
}

static void skip_line(struct scan *s)
{
    while (!is_at_end(s) && peek(s, 0) != '\n') {
        step(s);
    }
}

static void skip_block(struct scan *s)
{
    s->at += 2;
    while (!is_at_end(s) && !(peek(s, 0) == '*' && peek(s, 1) == '/')) {
        step(s);
    }
    s->at += is_at_end(s) ? 0 : 2;
}

static void skip_string(struct scan *s)
{
    step(s);
    while (!is_at_end(s) && peek(s, 0) != '"') {
        if (peek(s, 0) == '\\') {
            if (peek(s, 1) == 'x' && peek(s, 2) == '0' && peek(s, 3) == '0') {
                scan_fault(s, "a string can't contain a NUL character");
            }
            step(s);
        }
        if (!is_at_end(s)) {
            step(s);
        }
    }
    s->at += is_at_end(s) ? 0 : 1;
}

static void skip_name(struct scan *s)
{
    while (is_letter(peek(s, 0)) || is_digit(peek(s, 0)) || peek(s, 0) == '*' ||
           peek(s, 0) == '-' || peek(s, 0) == '_') {
        s->at++;
    }
}

/* Digits of `base`; false if they say more than 2^63-1. */
static bool read_digits(struct scan *s, unsigned base, uint64_t *value)
{
    bool fits = true;

    *value = 0;
    while (hex_digit(peek(s, 0)) < base) {
        unsigned digit = hex_digit(peek(s, 0));

        fits = fits && *value <= ((uint64_t)INT64_MAX - digit) / base;
        *value = fits ? *value * base + digit : *value;
        s->at++;
    }
    return fits;
}

static bool is_fraction(uint8_t c)
{
    return c == '.' || c == 'e' || c == 'E';
}

/* A number, copied to `out` with what libconfig needs to read it whole. */
static enum cx_err scan_number(struct scan *s)
{
    size_t start = s->at;
    bool is_hex = peek(s, 0) == '0' && (peek(s, 1) == 'x' || peek(s, 1) == 'X');
    uint64_t value;
    bool fits;
    enum cx_err err;

    s->at += is_hex ? 2 : 0;
    fits = read_digits(s, is_hex ? 16 : 10, &value);
    if (!is_hex && is_fraction(peek(s, 0))) {
        while (is_fraction(peek(s, 0)) || is_digit(peek(s, 0))) {
            s->at++;
        }
        fits = true;
        value = 0;
    }
    if (!fits) {
        scan_fault(s, "a number is larger than 9223372036854775807");
    }
    err = buf_put(s->out, slice_of(s->source->text.ptr + start, s->at - start));
    if (err == CX_OK && value > INT32_MAX && peek(s, 0) != 'L') {
        err = buf_put_byte(s->out, 'L');
    }
    return err;
}

/* One token or byte; copies it. */
static enum cx_err scan_one(struct scan *s)
{
    size_t start = s->at;
    uint8_t c = peek(s, 0);

    if (is_digit(c)) {
        return scan_number(s);
    }
    if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
        skip_line(s);
    } else if (c == '/' && peek(s, 1) == '*') {
        skip_block(s);
    } else if (c == '"') {
        skip_string(s);
    } else if (is_letter(c) || c == '*') {
        skip_name(s);
    } else {
        if (c == '@') {
            scan_fault(s, "@include is not supported: a configuration is one file");
        }
        step(s);
    }
    return buf_put(s->out, slice_of(s->source->text.ptr + start, s->at - start));
}

/* Faults of the text as a whole, which make reading it pointless. */
static void scan_bytes(struct scan *s)
{
    struct slice text = s->source->text;
    size_t begin = 0;

    if (text.len > 0 && slice_find(text, 0, '\0') < text.len) {
        scan_fault(s, "the file contains a NUL byte: it is not a text");
        return;
    }
    while (begin < text.len && !s->is_faulty) {
        size_t end = slice_find(text, begin, '\n');

        if (!slice_is_utf8(slice_of(text.ptr + begin, end - begin))) {
            scan_fault(s, "the line is not valid UTF-8");
        }
        begin = end + 1;
        s->line++;
    }
}

enum cx_err conf_scan(const struct conf_source *source, struct buf *out, struct faults *faults)
{
    struct scan s = {.source = source, .faults = faults, .out = out, .line = 1};
    enum cx_err err = CX_OK;

    scan_bytes(&s);
    if (s.is_faulty) {
        return CX_E_CONFIG;
    }
    s.line = 1;
    while (err == CX_OK && !is_at_end(&s)) {
        err = scan_one(&s);
    }
    if (err == CX_OK && s.is_faulty) {
        err = CX_E_CONFIG;
    }
    return err;
}
