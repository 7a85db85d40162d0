#ifndef CONNECTOR_COMMON_IO_LISTENER_H
#define CONNECTOR_COMMON_IO_LISTENER_H

#include "common/core/slice.h"

/* A listening socket on the loop: TCP or UNIX. It gives accepted sockets to its owner. We listen
 * ourselves rather than let libwebsockets do it, so that a server can stop accepting while its
 * connections go on, and so that errors have a reason. */
struct listener;
struct loop;

enum { LISTENER_PEER_TEXT = 64 };

/* `fd` is the callee's from here on: non-blocking, close-on-exec. `peer` as in http_server.h. */
typedef void listener_fn(void *arg, int fd, const char *peer);

struct listener_opts { /* strings are copied where they are needed */
    const char *host;  /* numeric; NULL: the UNIX socket; "::" takes IPv4 too */
    uint16_t port;     /* 0: any */
    const char *unix_path;
    listener_fn *accepted;
    void *arg;
};

/* Errors: CX_E_SYNTAX (host is not numeric, path too long), CX_E_EXISTS (somebody listens on the
 * UNIX socket, or it is another kind of file), CX_E_IO (the detail says which address and why). */
enum cx_err listener_new(struct loop *loop, const struct listener_opts *opts, struct listener **out,
                         struct cx_fail *fail) CX_MUST_CHECK;

/* Close it, and remove the UNIX socket if it is still ours, and was not handed over. NULL is fine.
 */
void listener_free(struct listener *listener);

/* It was handed over (common/io/handed.h), and listens on when we are gone. */
bool listener_is_handed(const struct listener *listener);

uint16_t listener_port(const struct listener *listener); /* 0 for a UNIX socket */

/* Take what is in the kernel's queue just now: it would be reset by listener_free. Not from a
 * callback of the listener. */
void listener_empty(struct listener *listener);

/* Leave new connections in the kernel's queue, or take them again. */
void listener_pause(struct listener *listener, bool is_paused);

#endif
