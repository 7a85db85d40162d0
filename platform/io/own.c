#include "platform/io/own.h"

#include "common/core/report.h"
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/http.h"
#include "common/io/log.h"
#include "platform/io/exchange_internal.h"

#include <stdlib.h>

struct own {
    struct platform *platform;
    struct http *http;
    struct executor *executor;
    struct own_job *jobs;
    size_t running;
    bool is_closing; /* nothing that ends now is stored or told */
};

struct own_job {
    struct own *own;
    struct own_job *next, *previous; /* in own->jobs */
    struct cx_id id;
    struct exchange *exchange; /* NULL: nobody waits any more */
    uint64_t deadline_ms;
    struct executor_run *run; /* NULL: it has not begun, or has ended */
    bool has_left;            /* it has ended, and bytes of the request may have left */
    struct buf message;       /* the job; from its end on the result */
};

static const struct dispatch_failure fail_record = {
    VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the exchange could not be recorded, so it was not run; nothing was sent"};
static const struct dispatch_failure fail_memory = {
    VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the platform is out of memory; nothing was sent"};
static const struct dispatch_failure fail_store = {
    VERDICT_PLATFORM_FAILED, EXECUTION_SENT, STAGE_PLATFORM,
    "the platform is out of memory; the request may have been sent"};
static const struct dispatch_failure fail_stopped = {VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT,
                                                     STAGE_PLATFORM,
                                                     "the platform has stopped; nothing was sent"};
static const struct dispatch_failure fail_stopped_sent = {
    VERDICT_PLATFORM_FAILED, EXECUTION_SENT, STAGE_PLATFORM,
    "the platform has stopped; the request may have been sent"};

/* ---- its jobs ---- */

static void job_free(struct own_job *job)
{
    struct own *own = job->own;

    *(job->previous != NULL ? &job->previous->next : &own->jobs) = job->next;
    if (job->next != NULL) {
        job->next->previous = job->previous;
    }
    own->running--;
    buf_done(&job->message);
    free(job);
}

static struct own_job *job_new(struct own *own, struct exchange *x)
{
    struct own_job *job = calloc(1, sizeof(*job));

    if (job != NULL) {
        job->own = own;
        job->id = x->id;
        job->exchange = x;
        job->next = own->jobs;
        if (job->next != NULL) {
            job->next->previous = job;
        }
        own->jobs = job;
        own->running++;
    }
    return job;
}

/* No result will come: whoever waits is told why. */
static void tell_failure(struct own_job *job, const struct dispatch_failure *failure)
{
    static const struct cx_id none;
    struct exchange *x = job->exchange;
    struct exchange_end end = {.id = job->id, .failure = failure};

    if (x != NULL) {
        job->exchange = NULL;
        exchange_put_row(x, &none, failure, NULL, NULL);
        (void)exchange_end_with(x, &end);
    }
}

/* ---- the result: stored first, then delivered ---- */

static bool deliver(struct own_job *job)
{
    struct exchange *x = job->exchange;
    struct exchange_end end = {.id = job->id};
    struct msg m = {0};
    struct cx_fail fail;
    bool is_answered = false;

    if (x != NULL && wire_get(buf_view(&job->message), &m, &fail) == CX_OK) {
        job->exchange = NULL;
        end.result = &m.body.result;
        is_answered = exchange_end_with(x, &end);
    }
    wire_done(&m);
    return is_answered;
}

static void on_stored(void *ctx, enum store_result_kind kind, enum cx_err err)
{
    struct own_job *job = ctx;

    (void)kind;
    if (err != CX_OK) {
        log_event(CX_LOG_ERROR, "result.not_stored", kv_id("id", &job->id), kv_err(err));
    }
    if (deliver(job) && err == CX_OK) {
        store_drop_result(job->own->platform->store, &job->id);
    }
    tell_failure(job, &fail_store); /* it could not be read back */
    job_free(job);
}

static void store(struct own_job *job, const struct msg_result *r)
{
    struct platform *p = job->own->platform;
    struct slice part = buf_view(&job->message);
    struct store_exchange row = {.id = job->id,
                                 .profile = "",
                                 .connector = "",
                                 .key = "",
                                 .subject = "",
                                 .purpose = PURPOSE_UNKNOWN,
                                 .began_ms = clock_wall_ms(),
                                 .outcome = r->outcome,
                                 .code = r->code,
                                 .execution = r->execution,
                                 .stage = r->has_error ? r->error.stage : STAGE_NONE,
                                 .status = r->status,
                                 .ended_ms = clock_wall_ms()};

    if (job->exchange != NULL && job->exchange->purpose == PURPOSE_TEST) {
        part = (struct slice){0}; /* its token is nobody's: nothing to be claimed */
    }
    store_put_result(p->store, &row, part, on_stored, job);
    platform_store_dirty(p);
}

static void on_finished(void *ctx, void *owner, const struct msg_result *result)
{
    struct own *own = ctx;
    struct own_job *job = owner;
    struct msg_result r = *result;
    const struct exchange *x = job->exchange;

    job->run = NULL;
    job->has_left = r.execution != EXECUTION_NOT_SENT;
    if (own->is_closing) {
        job_free(job);
        return;
    }
    log_event(CX_LOG_INFO, "exchange.result", kv_id("id", &r.id),
              kv_str("trace_id", x != NULL ? x->trace_id : NULL),
              kv_str("outcome", terms_outcome(r.outcome)), kv_str("code", terms_verdict(r.code)),
              kv_str("execution", terms_execution(r.execution)), kv_u64("status", r.status));
    buf_clear(&job->message);
    if (report_encode_some(&r, MSG_MESSAGE_BYTES_MAX, &job->message) != CX_OK) {
        tell_failure(job, &fail_store);
        job_free(job);
        return;
    }
    store(job, &r);
}

/* ---- the beginning ---- */

/* False: out of memory. */
static bool run(struct own_job *job)
{
    struct own *own = job->own;
    uint64_t now_ms = loop_now_ms(own->platform->loop);
    uint64_t left_ms = job->deadline_ms > now_ms ? job->deadline_ms - now_ms : 1;
    struct msg m = {0};
    struct cx_fail fail;

    if (wire_get(buf_view(&job->message), &m, &fail) == CX_OK) {
        job->exchange->sent_us = clock_mono_us();
        m.body.job.budget_ms = exchange_agent_budget_ms(left_ms);
        job->run = executor_start(own->executor, job, &m.body.job, clock_mono_us());
    }
    wire_done(&m);
    return job->run != NULL;
}

static void on_recorded(void *ctx, enum cx_err err)
{
    struct own_job *job = ctx;
    const struct dispatch_failure *failure = &fail_record;

    if (err != CX_OK) {
        log_event(CX_LOG_ERROR, "exchange.not_recorded", kv_id("id", &job->id), kv_err(err));
    } else if (job->exchange != NULL && !job->own->is_closing) {
        if (run(job)) {
            return;
        }
        failure = &fail_memory;
    }
    tell_failure(job, failure);
    job_free(job);
}

struct own_job *own_begin(struct own *own, struct exchange *x, struct buf *message,
                          uint64_t deadline_ms, enum exchange_begun *begun)
{
    static const struct cx_id none;
    struct own_job *job;

    if (own->running >= own->platform->settings.limits_own_exchanges) {
        *begun = EXCHANGE_FULL;
        return NULL;
    }
    job = job_new(own, x);
    if (job == NULL) {
        *begun = EXCHANGE_NO_MEMORY;
        return NULL;
    }
    buf_init(&job->message, MSG_MESSAGE_BYTES_MAX);
    buf_take(&job->message, message);
    job->deadline_ms = deadline_ms;
    exchange_put_row(x, &none, NULL, on_recorded, job);
    return job;
}

/* Also of one whose result is being stored. */
static bool has_left(const struct own_job *job)
{
    return job->has_left || (job->run != NULL && executor_has_left(job->run));
}

bool own_abandon(struct own_job *job)
{
    bool may_have_left = has_left(job);

    job->exchange = NULL;
    if (job->run != NULL) {
        executor_cancel(job->run);
    }
    return may_have_left;
}

void own_give_up(struct own *own)
{
    for (struct own_job *job = own->jobs; job != NULL; job = job->next) {
        tell_failure(job, has_left(job) ? &fail_stopped_sent : &fail_stopped);
    }
}

const struct policy *own_policy(const struct own *own)
{
    return executor_policy(own->executor);
}

const struct rule_load *own_loads(const struct own *own)
{
    return executor_loads(own->executor);
}

size_t own_running(const struct own *own)
{
    return own->running;
}

/* ---- life ---- */

bool own_set_policy(struct own *own, struct policy *policy)
{
    if (!executor_set_policy(own->executor, policy)) {
        return false;
    }
    http_renew_trust(own->http);
    return true;
}

static enum cx_err make_parts(struct own *own, struct cx_fail *fail)
{
    const struct platform_settings *s = &own->platform->settings;
    struct http_limits limits = {.connections = s->limits_own_exchanges};
    struct executor_options options = {.loop = own->platform->loop,
                                       .answer_bytes_max = s->limits_answer_bytes,
                                       .jobs_max = s->limits_own_exchanges,
                                       .finished = on_finished,
                                       .ctx = own,
                                       .side = ADVICE_PLATFORM};
    enum cx_err err = http_new(own->platform->loop, &limits, &own->http, fail);

    if (err == CX_OK) {
        options.http = own->http;
        own->executor = executor_new(&options);
        err = own->executor != NULL ? CX_OK
                                    : cx_fail_set(fail, CX_E_NOMEM, "own.new", "out of memory");
    }
    return err;
}

enum cx_err own_new(struct platform *p, struct policy *policy, struct own **out,
                    struct cx_fail *fail)
{
    struct own *own = calloc(1, sizeof(*own));
    enum cx_err err;

    if (own == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "own.new", "out of memory");
    }
    own->platform = p;
    err = make_parts(own, fail);
    if (err == CX_OK && !executor_set_policy(own->executor, policy)) {
        err = cx_fail_set(fail, CX_E_NOMEM, "own.new", "out of memory");
    }
    if (err != CX_OK) {
        own_free(own); /* nothing has run yet */
        return err;
    }
    *out = own;
    return CX_OK;
}

void own_close(struct own *own)
{
    if (own != NULL) {
        own->is_closing = true;
        http_free(own->http); /* ends the runs */
        own->http = NULL;
        executor_free(own->executor);
        own->executor = NULL;
    }
}

void own_free(struct own *own)
{
    own_close(own);
    free(own);
}
