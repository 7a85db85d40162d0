#ifndef CONNECTOR_COMMON_IO_EXECUTOR_H
#define CONNECTOR_COMMON_IO_EXECUTOR_H

#include "common/core/advice.h"
#include "common/core/message.h"
#include "common/core/policy.h"

/* Runs jobs: the request is built, the policy asked, the token endpoint asked, its answer read. */

struct executor;
struct executor_run; /* one job while it runs */
struct http;         /* common/io/http.h */
struct loop;         /* common/io/loop.h */

struct executor_options {
    struct loop *loop;
    struct http *http;
    size_t answer_bytes_max;
    uint32_t jobs_max; /* that its owner runs at once: what a rule may have is a part of them */
    /* The result of the job that `owner` began, borrowed for the call. Called exactly once a job,
     * never from inside executor_start; the run is no more. */
    void (*finished)(void *ctx, void *owner, const struct msg_result *result);
    void *ctx;
    enum advice_side side; /* who asks: for what a trace advises */
    bool is_at_hand; /* whoever reads a trace has this machine: it tells files, targets, proxies
                        and addresses too */
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

/* What runs under each rule: those of the policy, and those of an older one under which jobs still
 * run. Borrowed until anything is done with `e`. */
const struct rule_load *executor_loads(const struct executor *e);

/* Begin. `message` is borrowed for the call; arrived_us (monotonic) is when its budget began. What
 * is wrong with the job becomes its result, which is given to `finished` in a later turn of the
 * loop. NULL: out of memory, `finished` won't be called. */
struct executor_run *executor_start(struct executor *e, void *owner, const struct msg_job *message,
                                    uint64_t arrived_us);

/* Bytes of its request may have left. */
bool executor_has_left(const struct executor_run *run);

/* Nobody waits for it any more: a job whose request has not begun to leave is ended, any other runs
 * to its end. */
void executor_cancel(struct executor_run *run);

#endif
