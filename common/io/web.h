#ifndef CONNECTOR_COMMON_IO_WEB_H
#define CONNECTOR_COMMON_IO_WEB_H

#include "common/core/err.h"

struct loop;
struct web; /* the process's one libwebsockets context, on the loop */

/* Something that libwebsockets says for itself: one printable line. What it calls an error is often
 * an ordinary end of one connection, which the connection's owner reports anyway: for the log at
 * debug level. Never a header's value or a payload. */
typedef void web_log_fn(void *arg, const char *text);

struct web_opts {
    const char *subprotocol; /* of the WebSockets of this process; static. NULL: none */
    web_log_fn *log;         /* NULL: nobody wants to know */
    void *log_arg;
};

/* How many sockets it may have is the process's RLIMIT_NOFILE at this moment, and each possible
 * one costs 16 bytes: set the limit first, and to what is needed.
 * From here on libwebsockets wipes all memory that it gives back.
 * Errors: CX_E_IO (the detail has the library's last words; most often its libuv plugin is not
 * installed), CX_E_NOMEM, CX_E_STATE (there is one already). */
enum cx_err web_new(struct loop *loop, const struct web_opts *opts, struct web **out,
                    struct cx_fail *fail) CX_MUST_CHECK;

/* Close every connection that is left, run the loop until the library has let go of it, and free.
 * Free servers and clients first. Not from a callback. NULL is fine. */
void web_free(struct web *web);

#endif
