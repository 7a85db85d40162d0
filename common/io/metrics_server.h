#ifndef CONNECTOR_COMMON_IO_METRICS_SERVER_H
#define CONNECTOR_COMMON_IO_METRICS_SERVER_H

#include "common/core/metrics.h"

/* Serves `GET /metrics`, and nothing else, on a port of its own: plain HTTP without a key, since
 * nothing in it is a secret. */

struct http_server;
struct web;

struct metrics_server_opts {
    const char *listen;                 /* HOST:PORT; borrowed for the call of metrics_server_new */
    const struct metrics_family *build; /* METRICS_INFO; static. Its label is the version */
    /* All but the page's beginning and end, `build` and process_start_time_seconds. */
    void (*write)(void *arg, struct metrics_page *page);
    void *arg;
};

struct metrics_server;

/* Logs where it listens. Errors: CX_E_SYNTAX (the address), http_server_new's. */
enum cx_err metrics_server_new(struct web *web, const struct metrics_server_opts *opts,
                               struct metrics_server **out, struct cx_fail *fail) CX_MUST_CHECK;

/* Close it at once. NULL is fine. Before web_free. */
void metrics_server_free(struct metrics_server *server);

#endif
