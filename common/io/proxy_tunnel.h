#ifndef CONNECTOR_COMMON_IO_PROXY_TUNNEL_H
#define CONNECTOR_COMMON_IO_PROXY_TUNNEL_H

#include "common/core/proxy.h"
#include "common/io/loop.h"

/* A TCP connection through an HTTP proxy, made on the loop: the proxy's name, the connection to it,
 * CONNECT and its answer. */
struct proxy_tunnel; /* one that is being made */

struct proxy_tunnel_end {
    int socket; /* non-blocking, the receiver's to close; -1: there is none, `fail` says why */
    const struct loop_address *address; /* of the proxy; NULL when it has none */
    struct cx_fail fail; /* a sentence that doesn't name the proxy; CX_E_CONNECT, CX_E_TIMEOUT,
                            CX_E_SYNTAX, CX_E_TOO_BIG, CX_E_NOMEM */
};

struct proxy_tunnel_opts {     /* copied, but for the strings */
    const struct proxy *proxy; /* borrowed until the end */
    const char *host;          /* of the destination; borrowed until the end */
    uint16_t port;
    uint32_t timeout_ms; /* for all of it */
    /* Exactly once, later, unless it is cancelled; the tunnel is gone then. `end` is valid during
     * the call. */
    void (*done)(void *arg, const struct proxy_tunnel_end *end);
    void *arg;
};

/* Errors: CX_E_NOMEM, CX_E_TOO_BIG. */
enum cx_err proxy_tunnel_start(struct loop *loop, const struct proxy_tunnel_opts *opts,
                               struct proxy_tunnel **out) CX_MUST_CHECK;

/* Give up; `done` is not called any more. */
void proxy_tunnel_cancel(struct proxy_tunnel *t);

#endif
