#ifndef CONNECTOR_COMMON_IO_EXECUTOR_TRACE_H
#define CONNECTOR_COMMON_IO_EXECUTOR_TRACE_H

#include "common/core/trace_run.h"

#include <sys/socket.h>

/* What the executor notes of a job that asks for a trace, from its first step to its rows. */

struct executor_trace;
struct http_end; /* common/io/http.h */

/* For a job that begins now; what must not be repeated is copied from it. NULL if out of memory:
 * such a job runs without. */
struct executor_trace *executor_trace_new(const struct msg_job *job, enum advice_side side,
                                          bool is_at_hand);
void executor_trace_free(struct executor_trace *t); /* NULL is fine */

/* Its URL is built. */
void executor_trace_built(struct executor_trace *t, const struct msg_job *job);

/* This rule allows it; borrowed until executor_trace_free. */
void executor_trace_ruled(struct executor_trace *t, const struct policy_rule *rule);

void executor_trace_address(struct executor_trace *t, const struct sockaddr *address,
                            bool is_allowed);

/* What must not be repeated either: a secret of the agent that the request carries. */
void executor_trace_secret(struct executor_trace *t, struct slice value);

/* The first attempt failed, and another begins. */
void executor_trace_retried(struct executor_trace *t);

/* The token that came had no type. */
void executor_trace_assumed_type(struct executor_trace *t);

/* The rows, into result->trace: borrowed until executor_trace_free. `end`: how the last attempt
 * ended; NULL: there was none. */
void executor_trace_finish(struct executor_trace *t, const struct http_end *end,
                           struct msg_result *result);

#endif
