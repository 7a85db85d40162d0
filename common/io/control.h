#ifndef CONNECTOR_COMMON_IO_CONTROL_H
#define CONNECTOR_COMMON_IO_CONTROL_H

#include "common/core/buf.h"

/* A command's way to the running program: HTTP over its control socket (a UNIX socket). Blocking;
 * for commands, never on the loop of a daemon. http_global_init must have been called. */

struct control_request {
    const char *socket_path;
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *path;   /* "/v1/profiles/hr", percent-encoded where needed */
    struct slice body;  /* JSON; absent: none */
    uint32_t timeout_ms;
};

enum { CONTROL_ANSWER_BYTES_MAX = 16 * 1024 * 1024 };

/* Ask. The answer's HTTP status goes to `status`, its body is appended to `out`.
 * Errors: CX_E_CONNECT (nobody listens there, or the socket is somebody else's: `fail` says which),
 * CX_E_TIMEOUT, CX_E_TOO_BIG, CX_E_IO, CX_E_NOMEM. */
enum cx_err control_ask(const struct control_request *request, unsigned *status, struct buf *out,
                        struct cx_fail *fail) CX_MUST_CHECK;

#endif
