#ifndef CONNECTOR_AGENT_IO_TRY_TRACE_H
#define CONNECTOR_AGENT_IO_TRY_TRACE_H

#include "common/core/message.h"
#include "common/core/request.h"
#include "common/io/executor.h"
#include "common/io/http.h"

/* The trace of `connector-agent try` on standard output: a row a hop, with the time that it took.
 * The first rows come while the exchange runs, the rest when it has ended. Secrets are not in it.
 */

enum { TRY_ADDRESSES_MAX = 16, TRY_ADDRESS_BYTES = 64, TRY_TYPE_BYTES = 100 };

struct try_trace {
    const struct msg_job *job;
    uint64_t began_us, built_us; /* monotonic */
    const struct policy_rule *rule;
    struct request shown; /* masked */
    struct buf goes_to;   /* its URL, or what the rule's target makes of it */
    bool has_shown;
    struct {
        char text[TRY_ADDRESS_BYTES];
        bool is_allowed;
    } addresses[TRY_ADDRESSES_MAX];
    size_t naddresses;
    /* of the last attempt's end */
    bool has_end;
    struct http_timing timing;
    char content_type[TRY_TYPE_BYTES];
    size_t body_bytes;
    bool is_retried;
};

/* Begin the trace of a job. All borrowed until try_trace_done. */
void try_trace_init(struct try_trace *t, const char *profile, const struct msg_job *job);
void try_trace_done(struct try_trace *t);

/* What an executor tells; its ctx is `t`. */
struct executor_observer try_trace_observer(struct try_trace *t);

/* The rest, when the result is there. */
void try_trace_finish(struct try_trace *t, const struct msg_result *result);

#endif
