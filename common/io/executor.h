#ifndef CONNECTOR_COMMON_IO_EXECUTOR_H
#define CONNECTOR_COMMON_IO_EXECUTOR_H

#include "common/core/message.h"
#include "common/core/policy.h"

/* Runs jobs: the request is built, the policy asked, the token endpoint asked, its answer read. */

struct executor;
struct executor_run; /* one job while it runs */
struct http;         /* common/io/http.h */
struct http_end;     /* common/io/http.h */
struct loop;         /* common/io/loop.h */

/* Shown of a job while it runs, for a trace. Any of them may be NULL, none may call the executor;
 * what they are given is borrowed for the call. */
struct executor_observer {
    void (*built)(void *ctx);                                 /* its URL is made */
    void (*ruled)(void *ctx, const struct policy_rule *rule); /* this rule allows it */
    /* The rule was asked about an address; `why` (if not allowed) says more. */
    void (*addressed)(void *ctx, const struct sockaddr *address, const struct cx_fail *why);
    void (*ended)(void *ctx, const struct http_end *end); /* before what came is read; each time, if
                                                             it is tried once more */
    void *ctx;
};

struct executor_options {
    struct loop *loop;
    struct http *http;
    size_t answer_bytes_max;
    /* The result of the job that `owner` began, borrowed for the call. Called exactly once a job,
     * never from inside executor_start; the run is no more. */
    void (*finished)(void *ctx, void *owner, const struct msg_result *result);
    void *ctx;
    const struct executor_observer *observer; /* NULL: none; must outlive the executor */
};

/* NULL if out of memory. */
struct executor *executor_new(const struct executor_options *options);

/* No job may be running. */
void executor_free(struct executor *e);

/* The rules that count for jobs which start from now on (moved from); those that run keep the rules
 * they began with. There must be some before the first job. False: out of memory, nothing changed.
 */
bool executor_set_policy(struct executor *e, struct policy *policy);

/* Borrowed until the next executor_set_policy. */
const struct policy *executor_policy(const struct executor *e);

/* Begin. `message` is borrowed for the call; arrived_us (monotonic) is when its budget began. What
 * is wrong with the job becomes its result, which is given to `finished` in a later turn of the
 * loop. NULL: out of memory, `finished` won't be called. */
struct executor_run *executor_start(struct executor *e, void *owner, const struct msg_job *message,
                                    uint64_t arrived_us);

/* Nobody waits for it any more: a job whose request has not begun to leave is ended, any other runs
 * to its end. */
void executor_cancel(struct executor_run *run);

#endif
