#ifndef CONNECTOR_COMMON_IO_EXECUTOR_PRIVATE_H
#define CONNECTOR_COMMON_IO_EXECUTOR_PRIVATE_H

#include "common/core/expect.h"
#include "common/core/policy_memo.h"
#include "common/core/refusals.h"
#include "common/core/report_sent.h"
#include "common/core/request.h"
#include "common/core/rule_load.h"
#include "common/core/url.h"
#include "common/io/crypto.h"
#include "common/io/executor.h"
#include "common/io/executor_client.h"
#include "common/io/executor_trace.h"
#include "common/io/loop.h"

/* What executor.c (a job's life), executor_prepare.c (what precedes the network) and
 * executor_admit.c (what may run at once) share. For nobody else. */

struct http_end;
struct http_transfer;

/* A policy, as long as it is the current one or a job that began under it runs. */
struct rules {
    struct policy policy;
    struct policy_memo memo;  /* of its decisions */
    struct rule_load **loads; /* of each of its rules */
    size_t holders;
};

struct executor {
    struct executor_options options;
    struct rules *rules; /* NULL: none were set yet */
    struct rule_loads loads;
    struct refusals *refusals;        /* NULL: no rule has counted yet */
    struct executor_run *refreshes;   /* those that run */
    uint8_t key[CRYPTO_SHA256_BYTES]; /* random; for what is compared and must not be kept */
};

/* Why a job could not begin. */
struct refused {
    enum verdict code;
    enum stage stage;
    bool has_retry_after;
    uint64_t retry_after_ms;
    struct cx_fail fail;
};

/* One job while it runs. */
struct executor_run {
    struct executor *executor;
    void *owner;
    struct cx_id id;
    struct request request;
    struct url url;      /* where it goes */
    struct buf real_url; /* its text, where the rule has a target; else empty */
    struct rules *rules;
    const struct policy_rule *rule; /* one of them */
    struct rule_load *load;         /* that it counts in; NULL: in none */
    uint64_t used_secrets;          /* a bit for each of the rule's that the request carries */
    struct report_sent sent;        /* what came with the job */
    struct executor_client client;  /* what it shows in TLS */
    struct buf
        again; /* the message, where a second attempt needs a request of its own; else empty */
    struct http_transfer *call;
    const struct http_end *end;   /* of the last attempt, while it is told */
    struct executor_trace *trace; /* NULL: not asked for */
    uint32_t budget_ms;
    enum job_purpose purpose;
    enum body_encoding encoding;
    struct expect expect;
    uint64_t arrived_us; /* monotonic, as all of them */
    uint64_t started_us;
    uint64_t policy_us;
    bool was_retried;
    bool is_cancelled; /* nobody waits for it any more */
    bool has_left;     /* the request's gate has opened: bytes may have left */
    bool is_refresh;   /* one of executor.refreshes: */
    struct executor_run *next_refresh, *previous_refresh;
    uint8_t refresh_key[CRYPTO_SHA256_BYTES]; /* of rule, URL and token */
    bool is_counted; /* its rule bounds the refused attempts of its user: */
    uint32_t user;   /* in executor.refusals; REFUSALS_NOBODY: not let in yet */
    uint8_t user_key[CRYPTO_SHA256_BYTES];
    struct loop_hook hook; /* ends a job that could not begin: */
    struct refused refused;
};

/* The job ends before anything was sent, in a later turn of the loop; `fail` says why. */
void executor_refuse(struct executor_run *run, enum verdict code, enum stage stage,
                     const struct cx_fail *fail);

/* Build the request and ask the policy; false: the job was refused. `message` is borrowed for the
 * call. */
bool executor_prepare(struct executor_run *run, const struct msg_job *message);

/* Let in a job that its rule allows, as one of those that run; and, once its request is built, its
 * user's attempt. False: it was refused. What was let in leaves when it ends (a job that was not
 * may leave too). `message` as above. */
bool executor_admit(struct executor_run *run, const struct msg_job *message);
bool executor_admit_user(struct executor_run *run);
void executor_leave(struct executor_run *run, const struct msg_result *result);

/* A request_keeper's look, for rules that count; ctx is the run. */
enum cx_err executor_look_at_user(void *ctx, const struct request_parts *parts,
                                  struct cx_fail *fail);

/* Before a second attempt: an assertion that was made for the first is not used again, although
 * nobody can have seen it. Errors: as request_build. */
enum cx_err executor_prepare_again(struct executor_run *run, struct cx_fail *fail) CX_MUST_CHECK;

#endif
