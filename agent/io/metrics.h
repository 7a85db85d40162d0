#ifndef CONNECTOR_AGENT_IO_METRICS_H
#define CONNECTOR_AGENT_IO_METRICS_H

#include "common/io/metrics_server.h"

/* The agent's figures on metrics.listen. */

struct agent;

/* *out is NULL where the configuration names no address. Errors: metrics_server_new's. */
enum cx_err agent_metrics_new(struct agent *a, struct metrics_server **out,
                              struct cx_fail *fail) CX_MUST_CHECK;

#endif
