#ifndef CONNECTOR_COMMON_CORE_URL_H
#define CONNECTOR_COMMON_CORE_URL_H

#include "common/core/slice.h"

#include <stdint.h>

enum { URL_BYTES_MAX = 8192 };

/* A final URL of a request, taken apart: what the policy looks at and what is sent are the same
 * bytes. What could be read in two ways is refused, never mended; libcurl's URL API, which reads
 * the URL again when it is sent, must agree on every part (the path as it is: no dot segments are
 * resolved). */
struct url {
    bool is_https;
    char *host;    /* lower case, without brackets; an IPv6 literal in its shortest form (RFC 5952);
                      NUL-terminated, owned */
    bool is_ipv6;  /* host is an IPv6 literal */
    bool is_ipv4;  /* host is a dotted-quad literal */
    uint16_t port; /* the scheme's when the URL has none */
    char *path;    /* begins with '/'; as written; owned */
    char *query;   /* without '?'; NULL if there is none; owned */
};

/* Read `text` (absolute, http or https). Refused, each with a sentence that says what and why:
 * - another scheme, userinfo, a fragment, no host, a port out of 1..65535;
 * - control characters, spaces, backslashes and bytes above 0x7e (they must be percent-encoded; a
 *   host in another script is written in its xn-- form), a '%' without two hex digits, %00;
 * - in the path: dot segments (".", "..", also percent-encoded, encoded twice, or with parameters
 *   behind a ';'), encoded slashes and backslashes (%2F, %5C), overlong UTF-8, and characters that
 *   RFC 3986 doesn't allow there;
 * - a host that is percent-encoded, or in an odd numeric notation (0x7f.1, 017700000001,
 *   2130706433, 127.1: whatever ends in a number and is no dotted quad), with an empty label, a
 *   label over 63 bytes or 253 in all, a trailing dot, a zone id.
 * `fail` may be NULL; its text shows neither userinfo nor query. Errors: CX_E_SYNTAX, CX_E_TOO_BIG
 * (URL_BYTES_MAX), CX_E_NOMEM; `out` is untouched then. Pure. */
enum cx_err url_read(struct slice text, struct url *out, struct cx_fail *fail) CX_MUST_CHECK;

void url_done(struct url *u); /* wipes: a query may hold a secret */

enum { URL_HOST_TEXT_BYTES = 256 };

/* The host that an untrusted reference (a Location header) names, for a message and nothing else:
 * printable, cut to fit. False if it names none (a relative reference) or can't be read. Pure. */
bool url_peek_host(struct slice reference, char out[URL_HOST_TEXT_BYTES]);

#endif
