#ifndef CONNECTOR_PLATFORM_IO_METRICS_H
#define CONNECTOR_PLATFORM_IO_METRICS_H

#include "common/core/exchange_counts.h"

/* The platform's figures, and the port that they are read from (metrics.listen). */

struct metrics_server;
struct platform;

/* Counted whether or not somebody reads them: a few additions an exchange. */
struct platform_metrics {
    struct exchange_counts ended;
    uint64_t moved[STAGE_COUNT]; /* to another agent, by the stage that the first refused at */
    struct metrics_histogram durations; /* of whole exchanges, as their callers saw them */
    struct metrics_histogram flushes;   /* of the store: each is one transaction */
    uint64_t certificate_ends_s;        /* of the tunnel's port, Unix time; 0: not known */
    struct metrics_server *server;      /* NULL: off */
};

/* Listen, where the settings name an address. Errors: metrics_server_new's. */
enum cx_err platform_metrics_open(struct platform *p, struct cx_fail *fail) CX_MUST_CHECK;
void platform_metrics_close(struct platform *p);

#endif
