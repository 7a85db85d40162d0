#include "platform/io/exchange.h"

#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/core/hold_text.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/own.h"
#include "platform/io/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAY_BACK_MS = 250 };

static const struct dispatch_failure fail_offline = {
    VERDICT_CONNECTOR_OFFLINE, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the connector has no agent that is connected: ask the admin of its data centre, and look at "
    "`connector-agent status` there; nothing was sent"};
static const struct dispatch_failure fail_unable = {
    VERDICT_AGENT_UNAVAILABLE, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "none of the connector's agents that are connected can do this (its content type or method, or "
    "what was asked for): update them; nothing was sent"};
static const struct dispatch_failure fail_no_connector = {
    VERDICT_CONNECTOR_OFFLINE, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the profile's connector does not exist (any more)"};
static const struct dispatch_failure fail_full = {
    VERDICT_CONNECTOR_FULL, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the connector's agents and its queue are full; nothing was sent"};
static const struct dispatch_failure fail_own_full = {
    VERDICT_CONNECTOR_FULL, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the platform runs as many exchanges by itself as limits.own_exchanges allows; nothing was "
    "sent"};
static const struct dispatch_failure fail_draining = {VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT,
                                                      STAGE_PLATFORM,
                                                      "the platform is stopping; nothing was sent"};
static const struct dispatch_failure fail_memory = {
    VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the platform is out of memory; nothing was sent"};
static const struct dispatch_failure fail_abandoned = {VERDICT_CANCELLED, EXECUTION_NOT_SENT,
                                                       STAGE_PLATFORM, "the caller hung up"};
static const struct dispatch_failure fail_abandoned_sent = {VERDICT_CANCELLED, EXECUTION_SENT,
                                                            STAGE_PLATFORM, "the caller hung up"};

struct exchanges *exchanges_new(struct platform *p)
{
    struct exchanges *x = calloc(1, sizeof(*x));
    struct dispatch_ports ports = exchange_ports(p);

    if (x == NULL) {
        return NULL;
    }
    x->platform = p;
    exchange_make_hold_key(x);
    p->dispatch = dispatch_new(&ports, p->settings.limits_queue_per_connector);
    if (p->dispatch == NULL) {
        free(x);
        return NULL;
    }
    return x;
}

void exchanges_free(struct exchanges *x)
{
    if (x != NULL) {
        loop_timer_stop(&x->hold_timer);
        exchanges_forget_open(x);
        dispatch_free(x->platform->dispatch);
        x->platform->dispatch = NULL;
        explicit_bzero(x->hold_key, sizeof(x->hold_key));
        free(x);
    }
}

size_t exchanges_under_way(const struct exchanges *x)
{
    return x->under_way;
}

uint32_t exchange_agent_budget_ms(uint64_t remaining_ms)
{
    uint64_t way_back_ms = remaining_ms / 2 < WAY_BACK_MS ? remaining_ms / 2 : WAY_BACK_MS;
    uint64_t budget_ms = remaining_ms - way_back_ms;

    return budget_ms == 0 ? 1 : (uint32_t)budget_ms;
}

void exchange_put_row(struct exchange *x, const struct cx_id *agent,
                      const struct dispatch_failure *failure, store_done *done, void *done_ctx)
{
    struct store_exchange row = {.id = x->id,
                                 .profile = x->profile,
                                 .connector = x->connector,
                                 .key = x->key,
                                 .subject = "",
                                 .purpose = x->purpose,
                                 .agent = *agent,
                                 .began_ms = x->began_ms,
                                 .is_keyed = x->is_keyed};
    const struct dispatch_job *job =
        x->purpose == PURPOSE_REFRESH ? dispatch_find(x->platform->dispatch, &x->id) : NULL;
    char hold[HOLD_TEXT_BYTES];
    struct dispatch_held held;

    memcpy(row.repeat_sha256, x->repeat.sha256, sizeof(row.repeat_sha256));
    memcpy(row.body_sha256, x->repeat.body_sha256, sizeof(row.body_sha256));
    row.moved = buf_cstr(&x->moved);
    if (job != NULL && dispatch_look_hold(job, &held)) {
        row.hold = hold_text(&held, hold);
    }
    if (failure != NULL) {
        row.outcome = failure->code == VERDICT_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED;
        row.code = failure->code;
        row.execution = failure->execution;
        row.stage = failure->stage;
        row.ended_ms = clock_wall_ms();
    }
    store_put_exchange(x->platform->store, &row, done, done_ctx);
    if (failure != NULL) {
        platform_store_due(x->platform); /* it is answered in this turn */
    } else {
        x->platform->store_records++;
        platform_store_dirty(x->platform);
    }
}

void exchange_note_failure(struct exchange *x, const struct cx_id *agent,
                           const struct dispatch_failure *failure)
{
    exchange_put_row(x, agent, failure, NULL, NULL);
    log_event(CX_LOG_WARN, "exchange.failed", kv_id("id", &x->id), kv_str("trace_id", x->trace_id),
              kv_str("profile", x->profile), kv_str("connector", x->connector),
              kv_str("code", terms_verdict(failure->code)),
              kv_str("execution", terms_execution(failure->execution)));
}

/* ---- those with an Idempotency-Key ---- */

static struct exchange **bucket_of(struct exchanges *all, const uint8_t sha256[32])
{
    return &all->keyed[sha256[0] % EXCHANGE_BUCKETS];
}

static void link_keyed(struct exchange *x, const struct exchange_repeat *repeat)
{
    struct exchange **bucket = bucket_of(x->platform->exchanges, repeat->sha256);

    x->is_keyed = true;
    x->repeat = *repeat;
    x->bucket_next = *bucket;
    *bucket = x;
}

static void unlink_keyed(struct exchange *x)
{
    struct exchange **link = bucket_of(x->platform->exchanges, x->repeat.sha256);

    while (*link != x) {
        link = &(*link)->bucket_next;
    }
    *link = x->bucket_next;
}

struct exchange *exchange_of_repeat(const struct platform *p, const uint8_t sha256[32])
{
    struct exchange *x = *bucket_of(p->exchanges, sha256);

    while (x != NULL && memcmp(x->repeat.sha256, sha256, sizeof(x->repeat.sha256)) != 0) {
        x = x->bucket_next;
    }
    return x;
}

const struct exchange_repeat *exchange_repeat(const struct exchange *x)
{
    return &x->repeat;
}

const struct cx_id *exchange_id(const struct exchange *x)
{
    return &x->id;
}

void *exchange_ctx(const struct exchange *x)
{
    return x->ctx;
}

/* ---- one ---- */

static void exchange_free(struct exchange *x)
{
    if (x->is_keyed) {
        unlink_keyed(x);
    }
    loop_timer_stop(&x->deadline);
    buf_done(&x->moved);
    free(x->way);
    x->platform->exchanges->under_way--;
    free(x);
}

bool exchange_end_with(struct exchange *x, const struct exchange_end *end)
{
    struct exchange_end told = *end;
    bool is_answered;

    told.purpose = x->purpose;
    exchange_count_end(x, end);
    if (x->way != NULL) {
        exchange_trace(x, end);
        told.way = x->way;
    }
    is_answered = x->done(x->ctx, &told);
    exchange_free(x);
    return is_answered;
}

static void on_deadline(void *arg)
{
    struct exchange *x = arg;

    dispatch_expire(x->platform->dispatch, &x->id);
}

/* The agent that was expected is there, or it won't come. */
static void on_awaited(void *arg)
{
    struct exchange *x = arg;
    struct dispatch *d = x->platform->dispatch;
    const struct dispatch_job *job = dispatch_find(d, &x->id);
    uint64_t now_ms = loop_now_ms(x->platform->loop);

    if (job == NULL || dispatch_is_stranded(job) || now_ms >= job->deadline_ms) {
        dispatch_expire(d, &x->id);
    } else {
        loop_timer_start(x->platform->loop, &x->deadline, job->deadline_ms - now_ms, on_deadline,
                         x);
    }
}

static struct exchange *exchange_new(struct platform *p, const struct exchange_request *request,
                                     const struct cx_id *id)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (x == NULL) {
        return NULL;
    }
    x->platform = p;
    x->id = *id;
    x->purpose = request->call->purpose;
    x->began_ms = id_unix_ms(id); /* rows are looked up by the time in their ids */
    x->began_us = clock_mono_us();
    x->done = request->done;
    x->ctx = request->ctx;
    x->hears_sent = request->hears_sent;
    (void)snprintf(x->profile, sizeof(x->profile), "%s", request->profile->name);
    (void)snprintf(x->connector, sizeof(x->connector), "%s",
                   request->profile->connector == NULL ? "" : request->profile->connector);
    (void)snprintf(x->key, sizeof(x->key), "%s", request->key);
    (void)snprintf(x->trace_id, sizeof(x->trace_id), "%s", request->trace_id);
    if (request->call->trace) {
        x->way = calloc(1, sizeof(*x->way));
    }
    if (request->repeat != NULL) {
        link_keyed(x, request->repeat);
    }
    p->exchanges->under_way++;
    return x;
}

/* Nothing was begun: a row in the audit trail, and the reason. */
static enum exchange_begun refuse(struct exchange *x, const struct dispatch_failure *failure,
                                  enum exchange_begun why)
{
    static const struct cx_id none;

    exchange_put_row(x, &none, failure, NULL, NULL);
    exchange_count_failure(x, failure);
    exchange_free(x);
    return why;
}

static void on_early_end(void *arg)
{
    struct exchange *x = arg;
    struct exchange_end end = {
        .id = x->id, .failure = x->early, .connector = x->connector, .agent = x->agent};

    (void)exchange_end_with(x, &end);
}

/* The platform asks by itself: the executor keeps the budget. */
static enum exchange_begun submit_own(struct exchange *x, const struct exchange_request *request,
                                      struct buf *message)
{
    struct platform *p = x->platform;
    enum exchange_begun begun = EXCHANGE_BEGUN;

    if (p->is_draining) {
        return refuse(x, &fail_draining, EXCHANGE_DRAINING);
    }
    x->own = own_begin(p->own, x, message, loop_now_ms(p->loop) + request->budget_ms, &begun);
    if (x->own == NULL) {
        return refuse(x, begun == EXCHANGE_FULL ? &fail_own_full : &fail_memory, begun);
    }
    x->has_begun = true;
    return EXCHANGE_BEGUN;
}

static void await(struct exchange *x, uint64_t expected_ms, uint64_t budget_ms)
{
    if (expected_ms < budget_ms) {
        loop_timer_start(x->platform->loop, &x->deadline, expected_ms, on_awaited, x);
    }
}

static enum exchange_begun submit(struct exchange *x, struct registry_connector *c,
                                  const struct exchange_request *request, struct exchange_job *made)
{
    uint64_t now_ms = loop_now_ms(x->platform->loop);
    struct dispatch_order order = {.id = x->id,
                                   .owner = x,
                                   .message = &made->message,
                                   .now_ms = now_ms,
                                   .deadline_ms = now_ms + request->budget_ms,
                                   .needs = made->needs,
                                   .exclusive = made->is_exclusive ? made->keys.exclusive : NULL,
                                   .same = made->is_exclusive ? made->keys.same : NULL};

    if (x->platform->is_draining) {
        return refuse(x, &fail_draining, EXCHANGE_DRAINING);
    }
    loop_timer_start(x->platform->loop, &x->deadline, request->budget_ms, on_deadline, x);
    if (made->is_exclusive) {
        exchange_watch_holds(x->platform->exchanges);
    }
    switch (dispatch_submit(c->dispatch, &order)) {
    case DISPATCH_AWAITED:
        await(x, dispatch_connector_expected(c->dispatch) - now_ms, request->budget_ms);
        x->has_begun = true;
        return EXCHANGE_BEGUN;
    case DISPATCH_TAKEN:
        x->has_begun = true;
        if (x->early != NULL) { /* the store could not even note it */
            loop_timer_start(x->platform->loop, &x->deadline, 0, on_early_end, x);
        }
        return EXCHANGE_BEGUN;
    case DISPATCH_OFFLINE:
        return refuse(x, &fail_offline, EXCHANGE_OFFLINE);
    case DISPATCH_UNABLE:
        return refuse(x, &fail_unable, EXCHANGE_UNABLE);
    case DISPATCH_FULL:
        return refuse(x, &fail_full, EXCHANGE_FULL);
    case DISPATCH_NO_MEMORY:
        break;
    }
    return refuse(x, &fail_memory, EXCHANGE_NO_MEMORY);
}

enum exchange_begun exchange_begin(struct platform *p, const struct exchange_request *request,
                                   struct cx_id *id, struct exchange **out, struct faults *faults)
{
    bool is_own = request->profile->connector == NULL;
    struct registry_connector *c =
        is_own ? NULL
               : registry_find_connector(&p->registry, slice_of_str(request->profile->connector));
    enum exchange_begun begun = EXCHANGE_NO_MEMORY;
    uint64_t began_us = clock_mono_us();
    struct exchange *x;
    uint8_t random[10];
    struct exchange_job made = {0};
    enum cx_err err;

    platform_store_early(p); /* nothing of this exchange is there yet */
    random_take(&p->ids, random, sizeof(random));
    *id = id_next(&p->exchanges->ids, clock_wall_ms(), random);
    buf_init(&made.message, MSG_MESSAGE_BYTES_MAX);
    err = exchange_make_job(p->exchanges, request, id, &made, faults);
    if (err == CX_E_SYNTAX) {
        begun = EXCHANGE_INPUT;
    } else if (c == NULL && !is_own) {
        exchange_counts_end(&p->metrics.ended, OUTCOME_FAILED, VERDICT_CONNECTOR_OFFLINE,
                            STAGE_PLATFORM);
        begun = EXCHANGE_NO_CONNECTOR;
    } else if (err == CX_OK && (x = exchange_new(p, request, id)) != NULL) {
        *out = x;
        x->made_us = x->began_us - began_us;
        begun = is_own ? submit_own(x, request, &made.message) : submit(x, c, request, &made);
    }
    buf_done(&made.message);
    return begun;
}

/* True: bytes of the request may have left. */
static bool give_up(struct exchange *x)
{
    struct dispatch *d = x->platform->dispatch;
    const struct dispatch_job *job;
    bool may_have_left;

    if (x->own != NULL) {
        return own_abandon(x->own);
    }
    job = dispatch_find(d, &x->id);
    may_have_left = job != NULL && job->state != DISPATCH_WAITING &&
                    job->state != DISPATCH_QUEUED && job->state != DISPATCH_RECORDING;
    dispatch_abandon(d, &x->id);
    return may_have_left;
}

const struct dispatch_failure *exchange_refusal(enum exchange_begun begun, bool is_own)
{
    switch (begun) {
    case EXCHANGE_OFFLINE:
        return &fail_offline;
    case EXCHANGE_UNABLE:
        return &fail_unable;
    case EXCHANGE_FULL:
        return is_own ? &fail_own_full : &fail_full;
    case EXCHANGE_NO_CONNECTOR:
        return &fail_no_connector;
    case EXCHANGE_DRAINING:
        return &fail_draining;
    case EXCHANGE_BEGUN:
    case EXCHANGE_INPUT:
    case EXCHANGE_NO_MEMORY:
        break;
    }
    return &fail_memory;
}

void exchange_abandon(struct exchange *x)
{
    const struct dispatch_failure *failure = give_up(x) ? &fail_abandoned_sent : &fail_abandoned;

    exchange_put_row(x, &x->agent, failure, NULL, NULL);
    exchange_count_failure(x, failure);
    log_event(CX_LOG_INFO, "exchange.abandoned", kv_id("id", &x->id),
              kv_str("trace_id", x->trace_id), kv_str("profile", x->profile),
              kv_str("key", x->key));
    exchange_free(x);
}
