#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/tunnel.h"

#include <stdio.h>
#include <stdlib.h>

/* From an agent's result to the caller, to the store, and back to the agent. A caller who waits is
 * answered first. What is stored then is how the exchange ended, with the sealed result only if it
 * may still be asked for: the caller had gone by the time of the answer, or gave an
 * Idempotency-Key (then it is stored before it is delivered, so that a repeat can't be told
 * anything else). The agent keeps the result until it is acknowledged, which is when all that is
 * stored: of one that was delivered and not yet stored when the platform was killed, it reports
 * the result again, and that can be claimed although it was delivered. */

struct arrival {
    struct platform *platform;
    uint64_t tunnel; /* its serial */
    struct cx_id id;
    struct buf message;        /* as it came: what is stored */
    struct msg read;           /* it, read: what is delivered. It points into `message` */
    struct store_exchange row; /* its end */
    char connector[REGISTRY_NAME_MAX_BYTES];
};

static void arrival_free(struct arrival *a)
{
    wire_done(&a->read);
    buf_done(&a->message);
    free(a);
}

/* Answer whoever waits for the job. True if somebody does. `sent` may be NULL. */
static bool answer(struct arrival *a, struct dispatch_job *job,
                   void (*sent)(void *ctx, bool is_sent))
{
    struct exchange *x = job->owner;
    struct exchange_end end = {.id = a->id,
                               .result = &a->read.body.result,
                               .connector = x->connector,
                               .agent = job->agent,
                               .sent = sent,
                               .sent_ctx = a};

    job->owner = NULL;
    return exchange_end_with(x, &end);
}

/* What was stored first. True if somebody waits for it. */
static bool deliver(struct arrival *a)
{
    struct dispatch *d = a->platform->dispatch;
    struct dispatch_job *job = dispatch_find(d, &a->id);
    bool is_answered = job != NULL && job->owner != NULL && answer(a, job, NULL);

    job = dispatch_find(d, &a->id);
    if (job != NULL && job->owner == NULL && job->state != DISPATCH_REPORTED) {
        dispatch_end(d, job); /* given out anew, after a hello that did not name it: needless now */
    }
    return is_answered;
}

static void acknowledge(struct arrival *a)
{
    struct platform_tunnel *t = tunnel_by_serial(a->platform, a->tunnel);

    if (t != NULL) {
        tunnel_send_ack(t, &a->id);
    }
    dispatch_settled(a->platform->dispatch, t == NULL ? NULL : tunnel_dispatch(t), &a->id);
}

/* Not for good yet: the caller gets it all the same, and the agent is asked to keep it. */
static void refuse(struct arrival *a, enum cx_err err)
{
    struct platform_tunnel *t = tunnel_by_serial(a->platform, a->tunnel);

    log_event(CX_LOG_ERROR, "result.not_stored", kv_id("id", &a->id), kv_err(err));
    if (t != NULL) {
        tunnel_send_not_stored(t, &a->id);
    }
    (void)deliver(a);
}

static void on_stored(void *ctx, enum store_result_kind kind, enum cx_err err)
{
    struct arrival *a = ctx;

    if (err != CX_OK) {
        refuse(a, err);
        arrival_free(a);
        return;
    }
    switch (kind) {
    case STORE_RESULT_NEW:
    case STORE_RESULT_AGAIN: /* nobody waits any more, unless it could not be stored before */
        if (deliver(a)) {
            store_drop_result(a->platform->store, &a->id);
        }
        break;
    case STORE_RESULT_UNKNOWN_JOB:
        log_event(CX_LOG_WARN, "result.unknown_job", kv_id("id", &a->id));
        break;
    case STORE_RESULT_FOREIGN:
        log_event(
            CX_LOG_WARN, "result.foreign", kv_id("id", &a->id),
            kv_str("why", "the job was given to another agent; the result counts for nothing"));
        break;
    }
    acknowledge(a);
    arrival_free(a);
}

/* ---- storing ---- */

static void store_with(struct arrival *a, struct slice part)
{
    store_put_result(a->platform->store, &a->row, part, on_stored, a);
}

/* An agent that has as much as it takes gets no other job before this one is settled. */
static bool is_room_wanted(const struct arrival *a)
{
    const struct platform_tunnel *t = tunnel_by_serial(a->platform, a->tunnel);
    const struct registry_agent *agent = t == NULL ? NULL : tunnel_agent(t);

    return agent != NULL && dispatch_connector_counts(agent->connector->dispatch).queued > 0;
}

static void on_sent(void *ctx, bool is_sent)
{
    struct arrival *a = ctx;
    struct platform *p = a->platform;

    if (!is_sent) {
        log_event(CX_LOG_INFO, "result.kept", kv_id("id", &a->id),
                  kv_str("why", "its caller had gone before the answer: it can be claimed"));
        store_with(a, buf_view(&a->message));
        platform_store_dirty(p);
    } else if (is_room_wanted(a)) {
        store_with(a, (struct slice){0});
        platform_store_dirty(p);
    } else { /* with the next exchange's record: a group less for each */
        store_with(a, (struct slice){0});
        platform_store_later(p);
    }
}

/* ---- a result ---- */

static struct store_exchange row_of(const struct arrival *a, const struct registry_agent *agent)
{
    const struct msg_result *r = &a->read.body.result;
    uint64_t now_ms = clock_wall_ms();

    /* The names count only for a job that the store has never seen. */
    return (struct store_exchange){.id = r->id,
                                   .profile = "",
                                   .connector = a->connector,
                                   .key = "",
                                   .subject = "",
                                   .purpose = PURPOSE_UNKNOWN,
                                   .agent = agent->id,
                                   .began_ms = now_ms,
                                   .outcome = r->outcome,
                                   .code = r->code,
                                   .execution = r->execution,
                                   .stage = r->has_error ? r->error.stage : STAGE_NONE,
                                   .status = r->status,
                                   .ended_ms = now_ms};
}

static struct arrival *arrival_new(struct platform *p, const struct platform_tunnel *t,
                                   struct msg *m, struct buf *bytes)
{
    const struct registry_agent *agent = tunnel_agent(t);
    struct arrival *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        return NULL;
    }
    a->platform = p;
    a->tunnel = tunnel_serial(t);
    a->id = m->body.result.id;
    buf_take(&a->message, bytes);
    a->read = *m;
    *m = (struct msg){0};
    (void)snprintf(a->connector, sizeof(a->connector), "%s", agent->connector->name);
    a->row = row_of(a, agent);
    return a;
}

static void log_result(const struct platform_tunnel *t, const struct msg_result *r,
                       const struct exchange *x)
{
    const struct registry_agent *agent = tunnel_agent(t);

    log_event(CX_LOG_INFO, "exchange.result", kv_id("id", &r->id),
              kv_str("trace_id", x != NULL ? x->trace_id : NULL), kv_id("agent", &agent->id),
              kv_str("outcome", terms_outcome(r->outcome)), kv_str("code", terms_verdict(r->code)),
              kv_str("execution", terms_execution(r->execution)), kv_u64("status", r->status));
}

void exchange_result(struct platform *p, struct platform_tunnel *t, struct msg *m,
                     struct buf *bytes)
{
    struct arrival *a;
    const struct msg_result *r;
    struct dispatch_job *job;
    const struct exchange *x;

    if (exchange_move(p, t, &m->body.result, bytes)) {
        return;
    }
    a = arrival_new(p, t, m, bytes);
    r = a != NULL ? &a->read.body.result : &m->body.result;
    job = dispatch_reported(tunnel_dispatch(t), &r->id);
    x = job == NULL ? NULL : job->owner; /* NULL: nobody waits for it */
    log_result(t, r, x);
    if (a == NULL) {
        tunnel_send_not_stored(t, &r->id);
        return;
    }
    exchange_share(t, r, buf_view(&a->message));
    if (x != NULL && x->hears_sent) {
        (void)answer(a, job, on_sent);
        return;
    }
    /* A test's token is nobody's to claim. */
    store_with(a,
               x != NULL && x->purpose == PURPOSE_TEST ? (struct slice){0} : buf_view(&a->message));
    platform_store_dirty(p);
}
