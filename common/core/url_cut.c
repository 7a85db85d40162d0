#include "common/core/url_parts.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

enum cx_err url_fault(struct cx_fail *fail, const char *sentence)
{
    return cx_fail_set(fail, CX_E_SYNTAX, "url.read", "%s", sentence);
}

static bool take_scheme(struct slice *rest, const char *scheme)
{
    struct slice want = slice_of_str(scheme);

    if (!slice_eq_nocase(slice_first(*rest, want.len), want)) {
        return false;
    }
    *rest = slice_from(*rest, want.len);
    return true;
}

static enum cx_err cut_scheme(struct slice *rest, struct url_parts *out, struct cx_fail *fail)
{
    out->is_https = take_scheme(rest, "https://");
    if (out->is_https || take_scheme(rest, "http://")) {
        out->port = out->is_https ? PORT_HTTPS : PORT_HTTP;
        return CX_OK;
    }
    if (take_scheme(rest, "https:") || take_scheme(rest, "http:")) {
        return url_fault(fail, "the URL's scheme must be followed by \"//\" and a host");
    }
    return url_fault(fail, "the URL must begin with https:// or http://");
}

static enum cx_err check_bytes(struct slice text, bool is_authority, struct cx_fail *fail)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '\0') {
            return url_fault(fail, "the URL contains a NUL");
        }
        if (c < 0x20 || c == 0x7f) {
            return url_fault(fail, "the URL contains a control character");
        }
        if (c == ' ') {
            return url_fault(fail, "the URL contains a space; in a path or query write %20");
        }
        if (c > 0x7f) {
            return url_fault(fail, is_authority
                                       ? "the URL's host contains a character outside ASCII; write "
                                         "it in its xn-- form (RFC 5890)"
                                       : "the URL contains a character outside ASCII; "
                                         "percent-encode it as UTF-8");
        }
        if (c == '\\') {
            return url_fault(fail, "the URL contains a backslash, which some readers take for a "
                                   "slash");
        }
        if (c == '#') {
            return url_fault(fail, "the URL has a fragment ('#'), which is never sent");
        }
    }
    return CX_OK;
}

static enum cx_err cut_port(struct slice text, struct url_parts *out, struct cx_fail *fail)
{
    uint64_t port;

    if (slice_has_prefix(text, SLICE_LIT("0")) ||
        slice_to_u64(text, 1, UINT16_MAX, &port) != CX_OK) {
        return url_fault(fail, "the URL's port must be a number from 1 to 65535");
    }
    out->port = (uint16_t)port;
    return CX_OK;
}

/* `text` as a NUL-terminated string in `room`, or NULL if it is too long. */
static const char *host_text(struct slice text, char room[INET6_ADDRSTRLEN])
{
    if (text.len >= INET6_ADDRSTRLEN) {
        return NULL;
    }
    memcpy(room, text.ptr, text.len);
    room[text.len] = '\0';
    return room;
}

static bool is_address(struct slice text, int family)
{
    char room[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *copy = host_text(text, room);

    return copy != NULL && inet_pton(family, copy, &address) == 1;
}

static enum cx_err cut_ipv6(struct slice authority, struct url_parts *out, struct cx_fail *fail)
{
    size_t end = slice_find(authority, 0, ']');
    struct slice after = slice_from(authority, end + 1);

    if (end == authority.len) {
        return url_fault(fail, "the URL's host begins with '[' but has no ']'");
    }
    out->host = slice_from(slice_first(authority, end), 1);
    if (slice_find(out->host, 0, '%') < out->host.len) {
        return url_fault(fail, "the URL's host has a zone id ('%'), which means something on one "
                               "machine only");
    }
    if (!is_address(out->host, AF_INET6)) {
        return url_fault(fail, "the URL's host in brackets is no IPv6 address");
    }
    out->is_ipv6 = true;
    if (after.len == 0) {
        return CX_OK;
    }
    if (after.ptr[0] != ':') {
        return url_fault(fail, "the URL has something other than a port after its host");
    }
    return cut_port(slice_from(after, 1), out, fail);
}

static bool is_label_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static enum cx_err check_label(struct slice label, enum url_use use, struct url_parts *out,
                               struct cx_fail *fail)
{
    if (label.len == 0) {
        return url_fault(fail, "the URL's host has an empty label or a dot at its end");
    }
    if (label.len > URL_LABEL_BYTES_MAX) {
        return url_fault(fail, "a label of the URL's host is longer than 63 bytes");
    }
    if (use == URL_FOR_PATTERN && slice_eq_str(label, "*")) {
        out->has_wildcard = true;
        return CX_OK;
    }
    for (size_t i = 0; i < label.len; i++) {
        if (is_label_byte(label.ptr[i])) {
            continue;
        }
        if (label.ptr[i] == '%') {
            return url_fault(fail, "the URL's host is percent-encoded; write it plainly");
        }
        if (label.ptr[i] == '*' && use == URL_FOR_PATTERN) {
            return url_fault(fail, "'*' in a host stands for one whole label, as in "
                                   "https://*.corp.example/**");
        }
        return cx_fail_set(fail, CX_E_SYNTAX, "url.read",
                           "the URL's host contains '%c'; allowed are letters, digits, '-', '_' "
                           "and '.'",
                           label.ptr[i]);
    }
    return CX_OK;
}

/* inet_aton reads octal, hexadecimal and short forms; libcurl and others turn them into addresses.
 * As in the URL standard, a host whose last label is a number is an IPv4 address or nothing. */
static bool is_number(struct slice label)
{
    struct slice digits = label;
    bool is_hex = label.len >= 2 && label.ptr[0] == '0' && (label.ptr[1] | 0x20) == 'x';

    if (is_hex) {
        digits = slice_from(label, 2);
    }
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t c = digits.ptr[i];
        bool is_digit = c >= '0' && c <= '9';

        if (!is_digit && !(is_hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
            return false;
        }
    }
    return true;
}

static enum cx_err cut_name(struct slice authority, enum url_use use, struct url_parts *out,
                            struct cx_fail *fail)
{
    size_t colon = slice_find(authority, 0, ':');
    struct slice host = slice_first(authority, colon);
    struct slice label; /* the last one, when the loop is done */
    size_t from = 0;

    if (slice_find(authority, colon + 1, ':') < authority.len) {
        return url_fault(fail, "the URL's host must stand in brackets if it is an IPv6 address");
    }
    if (host.len > URL_HOST_BYTES_MAX) {
        return url_fault(fail, "the URL's host is longer than 253 bytes");
    }
    do {
        size_t dot = slice_find(host, from, '.');
        enum cx_err err;

        label = slice_from(slice_first(host, dot), from);
        err = check_label(label, use, out, fail);
        if (err != CX_OK) {
            return err;
        }
        from = dot + 1;
    } while (from <= host.len);
    out->is_ipv4 = is_address(host, AF_INET);
    if (is_number(label) && !out->is_ipv4) {
        return url_fault(fail, "the URL's host is a number in an odd notation; write an address as "
                               "four decimal numbers, like 192.0.2.1");
    }
    out->host = host;
    return colon < authority.len ? cut_port(slice_from(authority, colon + 1), out, fail) : CX_OK;
}

static enum cx_err cut_authority(struct slice authority, enum url_use use, struct url_parts *out,
                                 struct cx_fail *fail)
{
    enum cx_err err;

    if (slice_find(authority, 0, '@') < authority.len) {
        return url_fault(fail, "the URL contains a user name or password ('@' before the path)");
    }
    err = check_bytes(authority, true, fail);
    if (err != CX_OK) {
        return err;
    }
    if (authority.len == 0 || authority.ptr[0] == ':') {
        return url_fault(fail, "the URL has no host");
    }
    return authority.ptr[0] == '[' ? cut_ipv6(authority, out, fail)
                                   : cut_name(authority, use, out, fail);
}

enum cx_err url_cut(struct slice text, enum url_use use, struct url_parts *out,
                    struct cx_fail *fail)
{
    struct url_parts made = {0};
    struct slice rest = text;
    size_t question;
    size_t end = 0;
    enum cx_err err = cut_scheme(&rest, &made, fail);

    if (err != CX_OK) {
        return err;
    }
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#') {
        end++;
    }
    err = cut_authority(slice_first(rest, end), use, &made, fail);
    if (err == CX_OK) {
        rest = slice_from(rest, end);
        err = check_bytes(rest, false, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    question = slice_find(rest, 0, '?');
    made.path = question > 0 ? slice_first(rest, question) : (struct slice){NULL, 0};
    made.query = question < rest.len ? slice_from(rest, question + 1) : (struct slice){NULL, 0};
    err = url_check_path(made.path, fail);
    if (err == CX_OK) {
        err = url_check_query(made.query, fail);
    }
    if (err == CX_OK) {
        *out = made;
    }
    return err;
}
