#ifndef CONNECTOR_PLATFORM_CORE_LISTEN_H
#define CONNECTOR_PLATFORM_CORE_LISTEN_H

#include "common/core/listen_address.h"

/* Where the platform listens, as the configuration says it. */

enum listen_kind {
    LISTEN_HTTPS, /* https://HOST:PORT */
    LISTEN_HTTP,  /* http://HOST:PORT: keys and tokens in the clear, so loopback only */
    LISTEN_UNIX,  /* unix:PATH */
};

enum { LISTEN_PATH_BYTES = 108 }; /* what a UNIX socket's name may have, with its NUL (unix(7)) */

struct listen_entry {
    enum listen_kind kind;
    char host[LISTEN_HOST_BYTES]; /* numeric, without brackets; "" for UNIX */
    uint16_t port;                /* 0: any that is free */
    char path[LISTEN_PATH_BYTES]; /* as written; "" for TCP */
};

/* Read an entry of listen.api. HOST is a numeric address (an IPv6 one in brackets) or localhost,
 * which is 127.0.0.1. `fail` says what is allowed. Error: CX_E_SYNTAX; `out` is untouched then.
 * Pure. */
enum cx_err listen_read(struct slice text, struct listen_entry *out,
                        struct cx_fail *fail) CX_MUST_CHECK;

/* Likewise listen.tunnel: HOST:PORT, for TLS. */
enum cx_err listen_read_tunnel(struct slice text, struct listen_entry *out,
                               struct cx_fail *fail) CX_MUST_CHECK;

#endif
