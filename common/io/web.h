#ifndef CONNECTOR_COMMON_IO_WEB_H
#define CONNECTOR_COMMON_IO_WEB_H

#include "common/core/err.h"

#include <stdbool.h>

struct loop;
struct web; /* the process's one libwebsockets context, on the loop */

/* Something that libwebsockets says for itself, for the log: `text` is one line, printable, without
 * its newline. `is_error` tells its errors from its warnings. Its messages about single
 * connections are warnings at most to us: whoever owns the connection reports its end. */
typedef void web_log_fn(void *arg, bool is_error, const char *text);

struct web_opts {
    unsigned connections_max; /* sockets of all kinds; at most what setrlimit allows the process */
    web_log_fn *log;          /* NULL: nobody wants to know */
    void *log_arg;
};

/* Errors: CX_E_IO (the detail has the library's last words; most often its libuv plugin is not
 * installed), CX_E_NOMEM, CX_E_STATE (there is one already). */
enum cx_err web_new(struct loop *loop, const struct web_opts *opts, struct web **out,
                    struct cx_fail *fail) CX_MUST_CHECK;

/* Close every connection that is left, run the loop until the library has let go of it, and free.
 * Free servers and clients first. Not from a callback. NULL is fine. */
void web_free(struct web *web);

#endif
