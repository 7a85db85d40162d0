#ifndef CONNECTOR_COMMON_CORE_LISTEN_ADDRESS_H
#define CONNECTOR_COMMON_CORE_LISTEN_ADDRESS_H

#include "common/core/slice.h"

/* Where to listen, as configurations write it: HOST:PORT. */

enum { LISTEN_HOST_BYTES = 46 }; /* the longest address in text, and the NUL */

struct listen_address {
    char host[LISTEN_HOST_BYTES]; /* numeric, without brackets */
    uint16_t port;                /* 0: any that is free */
    bool is_ipv6;
};

/* HOST is a numeric address (an IPv6 one in brackets) or localhost, which is 127.0.0.1. `fail` says
 * what is allowed. Error: CX_E_SYNTAX; `out` is untouched then. Pure. */
enum cx_err listen_address_read(struct slice text, struct listen_address *out,
                                struct cx_fail *fail) CX_MUST_CHECK;

/* 127.0.0.0/8 or ::1; an IPv4 address mapped into IPv6 isn't. */
bool listen_address_is_loopback(const struct listen_address *address);

#endif
