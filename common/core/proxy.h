#ifndef CONNECTOR_COMMON_CORE_PROXY_H
#define CONNECTOR_COMMON_CORE_PROXY_H

#include "common/core/buf.h"
#include "common/core/err.h"
#include "common/core/secret.h"

#include <stdint.h>

/* An HTTP proxy that makes tunnels (CONNECT, RFC 9110, section 9.3.6): how it is named, which hosts
 * go without it, what is said to it and what it answers. Pure. */

enum {
    PROXY_HOST_BYTES = 256,
    PROXY_URL_BYTES = PROXY_HOST_BYTES + 24, /* "http://[HOST]:PORT" and the NUL */
    PROXY_CREDENTIALS_MAX = 1024,            /* "user:password" */
    PROXY_ANSWER_BYTES_MAX = 16 * 1024,      /* of the head of its answer */
    PROXY_REASON_BYTES = 80,
};

/* Zeroed: no proxy. */
struct proxy {
    char host[PROXY_HOST_BYTES]; /* a name or an address, without brackets; "": none */
    bool is_ipv6;                /* the host is an IPv6 address */
    uint16_t port;
    struct secret credentials; /* "user:password" for Basic (RFC 7617); not set: none */
};

bool proxy_is_set(const struct proxy *p);
void proxy_done(struct proxy *p);

/* Read http://HOST:PORT as a configuration has it: with its port, and without a user or a password,
 * which stand in a file of their own. Errors: CX_E_SYNTAX, CX_E_UNSUPPORTED (a proxy that is spoken
 * to by TLS or SOCKS), CX_E_TOO_BIG, CX_E_NOMEM; `out` is untouched then. */
enum cx_err proxy_read(const char *text, struct proxy *out, struct cx_fail *fail) CX_MUST_CHECK;

/* As proxy_read, of an environment variable: "HOST:PORT" is an http proxy too, and the user and
 * password may stand in it, percent-encoded. `fail` never shows them. */
enum cx_err proxy_read_environment(const char *text, struct proxy *out,
                                   struct cx_fail *fail) CX_MUST_CHECK;

/* Take "user:password". The user has no colon and neither has a control character (RFC 7617,
 * section 2). Errors: CX_E_SYNTAX, CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err proxy_set_credentials(struct proxy *p, struct slice line,
                                  struct cx_fail *fail) CX_MUST_CHECK;

/* "http://HOST:PORT", without credentials. Returns `out`. */
const char *proxy_url(const struct proxy *p, char out[PROXY_URL_BYTES]);

/* Does `no_proxy` take this host out? Entries are separated by commas or spaces: a name is that
 * host and all below it, with a dot in front or without; an address is that address, with /BITS the
 * network; "*" alone is everything. NULL: nothing. As curl documents it. */
bool proxy_is_bypassed(const char *no_proxy, const char *host);

/* Append the CONNECT request for host:port, credentials included. Errors: buf_put's. */
enum cx_err proxy_put_connect(const struct proxy *p, const char *host, uint16_t port,
                              struct buf *out) CX_MUST_CHECK;

struct proxy_answer {
    unsigned status;                 /* 0: its head is not whole yet */
    size_t head_bytes;               /* what follows belongs to the tunnel, if there is one */
    char reason[PROXY_REASON_BYTES]; /* clean; may be empty */
};

/* Read what has come of the answer to a CONNECT, from its first byte on; interim answers (1xx) are
 * passed over. Errors: CX_E_SYNTAX (this is no HTTP/1 answer), CX_E_TOO_BIG. */
enum cx_err proxy_answer_read(struct slice bytes, struct proxy_answer *out,
                              struct cx_fail *fail) CX_MUST_CHECK;

/* Say what a status other than 2xx means: wrong credentials (some proxies answer 401 to them),
 * none, a destination that it doesn't allow or reach, or the status with its reason. Returns
 * CX_E_CONNECT. */
enum cx_err proxy_refused(const struct proxy_answer *answer, bool had_credentials,
                          struct cx_fail *fail);

#endif
