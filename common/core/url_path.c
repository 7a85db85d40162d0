#include "common/core/url_parts.h"

#include <string.h>

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

/* The octet of two hex digits at `at`, or -1. */
static int hex_pair(struct slice s, size_t at)
{
    int high;
    int low;

    if (s.len - at < 2) {
        return -1;
    }
    high = hex_value(s.ptr[at]);
    low = hex_value(s.ptr[at + 1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* RFC 3986, 2.3. */
static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* RFC 3986, 3.3: pchar and '/'; '%' is looked at elsewhere. */
static bool is_path_byte(uint8_t c)
{
    return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/%", c) != NULL);
}

struct octet {
    uint8_t byte;
    bool is_encoded;
};

/* The next octet of `rest`, decoded to the bottom: %252E is a dot to whoever decodes twice, and a
 * chain of proxy and server sometimes does. False for a '%' without two hex digits. */
static bool next_octet(struct slice *rest, struct octet *out)
{
    size_t at = 1;
    int byte;

    out->byte = rest->ptr[0];
    out->is_encoded = out->byte == '%';
    if (out->is_encoded) {
        byte = hex_pair(*rest, at);
        if (byte < 0) {
            return false;
        }
        at += 2;
        while (byte == '%' && hex_pair(*rest, at) >= 0) {
            byte = hex_pair(*rest, at);
            at += 2;
        }
        out->byte = (uint8_t)byte;
    }
    *rest = slice_from(*rest, at);
    return true;
}

/* Overlong UTF-8 (RFC 3629, 10): lax decoders take C0 AE for a dot and C0 AF for a slash. */
static bool is_overlong(uint8_t first, uint8_t second)
{
    if (first == 0xc0 || first == 0xc1) {
        return second >= 0x80 && second <= 0xbf;
    }
    return (first == 0xe0 && second >= 0x80 && second <= 0x9f) ||
           (first == 0xf0 && second >= 0x80 && second <= 0x8f);
}

static enum cx_err check_octet(struct octet octet, uint8_t before, struct cx_fail *fail)
{
    if (octet.is_encoded && octet.byte == '\0') {
        return url_fault(fail, "the URL's path contains an encoded NUL (%00)");
    }
    if (octet.is_encoded && (octet.byte == '/' || octet.byte == '\\')) {
        return url_fault(fail, "the URL's path contains an encoded slash or backslash (%2F, %5C)");
    }
    if (!octet.is_encoded && !is_path_byte(octet.byte)) {
        return url_fault(fail, "the URL's path contains a character that must be "
                               "percent-encoded there (RFC 3986, section 3.3)");
    }
    if (is_overlong(before, octet.byte)) {
        return url_fault(fail, "the URL's path contains an overlong UTF-8 form");
    }
    return CX_OK;
}

/* Dots that a segment consists of so far. Parameters behind a ';' don't make it another segment:
 * servlet containers cut them off before they resolve "..". */
struct dots {
    unsigned count;
    bool is_over; /* something else came, or the parameters did */
};

static bool dots_step(struct dots *dots, struct octet octet)
{
    bool is_end = octet.byte == '/' || octet.byte == ';';
    bool is_dot_segment = is_end && !dots->is_over && (dots->count == 1 || dots->count == 2);

    if (octet.byte == '/') {
        *dots = (struct dots){0};
    } else if (octet.byte == '.') {
        dots->count++;
    } else {
        dots->is_over = true;
    }
    return is_dot_segment;
}

enum cx_err url_check_path(struct slice path, struct cx_fail *fail)
{
    struct slice rest = path;
    struct dots dots = {0};
    struct octet octet = {0};
    bool is_dot_segment = false;

    while (rest.len > 0) {
        uint8_t before = octet.byte;
        enum cx_err err;

        if (!next_octet(&rest, &octet)) {
            return url_fault(fail, "a '%' in the URL's path is not followed by two hex digits");
        }
        err = check_octet(octet, before, fail);
        if (err != CX_OK) {
            return err;
        }
        is_dot_segment |= dots_step(&dots, octet);
    }
    is_dot_segment |= dots_step(&dots, (struct octet){.byte = '/'});
    if (is_dot_segment) {
        return url_fault(fail, "the URL's path contains a dot segment (\".\" or \"..\", also "
                               "percent-encoded or with parameters)");
    }
    return CX_OK;
}

enum cx_err url_check_query(struct slice query, struct cx_fail *fail)
{
    for (size_t at = slice_find(query, 0, '%'); at < query.len;
         at = slice_find(query, at + 1, '%')) {
        int byte = hex_pair(query, at + 1);

        if (byte < 0) {
            return url_fault(fail, "a '%' in the URL's query is not followed by two hex digits");
        }
        if (byte == 0) {
            return url_fault(fail, "the URL's query contains an encoded NUL (%00)");
        }
    }
    return CX_OK;
}

/* One character, normalised: a plain byte, or 0x100 and the octet of a %XX that stays encoded. */
static unsigned next_normalised(struct slice *rest)
{
    uint8_t c = rest->ptr[0];
    int byte = c == '%' ? hex_pair(*rest, 1) : -1;

    *rest = slice_from(*rest, byte < 0 ? 1 : 3);
    if (byte < 0) {
        return c;
    }
    return is_unreserved((uint8_t)byte) ? (unsigned)byte : 0x100u | (unsigned)byte;
}

bool url_eq_normalised(struct slice a, struct slice b)
{
    while (a.len > 0 && b.len > 0) {
        if (next_normalised(&a) != next_normalised(&b)) {
            return false;
        }
    }
    return a.len == b.len;
}
