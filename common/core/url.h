#ifndef CONNECTOR_COMMON_CORE_URL_H
#define CONNECTOR_COMMON_CORE_URL_H

#include "common/core/slice.h"

#include <stdint.h>

enum { URL_BYTES_MAX = 8192 };

/* A final URL of a request, taken apart: what the policy looks at and what is sent are the same
 * bytes. Read with libcurl's URL API, the path as it is (no dot segments are resolved). */
struct url {
    bool is_https;
    char *host;    /* lower case, without brackets; NUL-terminated, owned */
    bool is_ipv6;  /* host is an IPv6 literal */
    bool is_ipv4;  /* host is a dotted-quad literal */
    uint16_t port; /* the scheme's when the URL has none */
    char *path;    /* begins with '/'; as written; owned */
    char *query;   /* without '?'; NULL if there is none; owned */
};

/* Read `text` (absolute, http or https). Refused, each with a sentence that says what and why:
 * another scheme, userinfo, a fragment, no host, control characters, spaces or bytes above 0x7e
 * (they must be percent-encoded), a NUL or %00, dot segments ("." and "..", also percent-encoded),
 * encoded slashes or backslashes (%2F, %5C) and raw backslashes in the path, a port out
 * of 1..65535, a host in an odd numeric notation (0x7f.1, 017700000001, 2130706433, 127.1: whatever
 * inet_aton would take that is no dotted quad), an empty label, a host over 253 bytes, a trailing
 * dot, a zone id. Errors: CX_E_SYNTAX, CX_E_TOO_BIG, CX_E_NOMEM; `out` is untouched then. Pure. */
enum cx_err url_read(struct slice text, struct url *out, struct cx_fail *fail) CX_MUST_CHECK;

void url_done(struct url *u);

#endif
