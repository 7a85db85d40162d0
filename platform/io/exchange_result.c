#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/tunnel.h"

#include <stdlib.h>

/* From an agent's result to the caller: stored first, then acknowledged and delivered. */

struct arrival {
    struct platform *platform;
    uint64_t tunnel; /* its serial */
    struct cx_id id;
    struct buf message; /* as it came: what is stored */
    struct msg read;    /* it, read: what is delivered. It points into `message` */
    bool is_keyed;      /* it may be asked for again */
};

static void arrival_free(struct arrival *a)
{
    wire_done(&a->read);
    buf_done(&a->message);
    free(a);
}

/* Answer whoever waits for it. True if somebody does. */
static bool deliver(struct arrival *a)
{
    struct platform *p = a->platform;
    struct dispatch_job *job = dispatch_find(p->dispatch, &a->id);
    struct exchange *x = job == NULL ? NULL : job->owner;
    struct exchange_end end = {.id = a->id, .result = &a->read.body.result};

    if (x == NULL) {
        return false;
    }
    job->owner = NULL;
    a->is_keyed = x->is_keyed;
    end.connector = x->connector;
    end.agent = job->agent;
    return exchange_end_with(x, &end);
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
        if (deliver(a)) {    /* written with the next group: a group less for each exchange */
            (a->is_keyed ? store_drop_result : store_free_result)(a->platform->store, &a->id);
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

static struct arrival *arrival_new(struct platform *p, const struct platform_tunnel *t,
                                   struct msg *m, struct buf *bytes)
{
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
    return a;
}

static struct store_exchange row_of(const struct platform_tunnel *t, const struct msg_result *r)
{
    const struct registry_agent *agent = tunnel_agent(t);

    /* The names count only for a job that the store has never seen. */
    return (struct store_exchange){.id = r->id,
                                   .profile = "",
                                   .connector = agent->connector->name,
                                   .key = "",
                                   .subject = "",
                                   .purpose = PURPOSE_UNKNOWN,
                                   .agent = agent->id,
                                   .began_ms = clock_wall_ms(),
                                   .outcome = r->outcome,
                                   .code = r->code,
                                   .execution = r->execution,
                                   .stage = r->has_error ? r->error.stage : STAGE_NONE,
                                   .status = r->status,
                                   .ended_ms = clock_wall_ms()};
}

void exchange_result(struct platform *p, struct platform_tunnel *t, struct msg *m,
                     struct buf *bytes)
{
    struct arrival *a = arrival_new(p, t, m, bytes);
    const struct msg_result *r = a != NULL ? &a->read.body.result : &m->body.result;
    struct store_exchange row = row_of(t, r);
    const struct dispatch_job *job = dispatch_reported(tunnel_dispatch(t), &r->id);
    const struct exchange *x = job == NULL ? NULL : job->owner; /* NULL: nobody waits for it */
    struct slice part;

    log_event(CX_LOG_INFO, "exchange.result", kv_id("id", &r->id),
              kv_str("trace_id", x != NULL ? x->trace_id : NULL), kv_id("agent", &row.agent),
              kv_str("outcome", terms_outcome(r->outcome)), kv_str("code", terms_verdict(r->code)),
              kv_str("execution", terms_execution(r->execution)), kv_u64("status", r->status));
    if (a == NULL) {
        tunnel_send_not_stored(t, &r->id);
        return;
    }
    part = buf_view(&a->message);
    if (x != NULL && x->purpose == PURPOSE_TEST) { /* its token is nobody's to claim */
        part = (struct slice){0};
    }
    store_put_result(p->store, &row, part, on_stored, a);
    platform_store_dirty(p);
}
