#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/core/moved_text.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/tunnel.h"

/* From an agent that could not do it, and has sent nothing, to another one. */

enum { MOVED_BYTES_MAX = 64 * 1024 };

/* Without memory for it the audit trail lacks it. */
static void add_moved(struct exchange *x, const struct cx_id *agent, enum stage stage)
{
    x->moved.cap = MOVED_BYTES_MAX;
    (void)!moved_text_add(&x->moved, agent, stage);
}

static void note_move(struct exchange *x, const struct cx_id *agent, const struct msg_result *r)
{
    x->platform->metrics.moved[r->error.stage]++;
    log_event(CX_LOG_INFO, "exchange.moved", kv_id("id", &x->id), kv_str("trace_id", x->trace_id),
              kv_id("from", agent), kv_str("code", terms_verdict(r->code)),
              kv_str("stage", terms_stage(r->error.stage)));
    add_moved(x, agent, r->error.stage);
    if (x->way != NULL) {
        exchange_trace_moved(x, agent, &r->error);
    }
}

/* The result is done with, and needs no place in the store: it says that nothing happened. */
static void acknowledge(struct platform *p, struct platform_tunnel *t, const struct cx_id *id)
{
    tunnel_send_ack(t, id);
    dispatch_settled(p->dispatch, tunnel_dispatch(t), id);
}

bool exchange_tell_refusal(struct exchange *x, const struct dispatch_job *job)
{
    struct exchange_end end = {.id = x->id, .connector = x->connector, .agent = job->refusal_agent};
    struct dispatch_failure row = {.execution = EXECUTION_NOT_SENT, .stage = job->refusal_stage};
    struct msg m = {0};
    struct cx_fail fail;
    bool is_there = job->refusal.len > 0 && wire_get(buf_view(&job->refusal), &m, &fail) == CX_OK &&
                    m.type == MSG_RESULT;

    if (is_there) {
        end.result = &m.body.result;
        row.code = end.result->code;
        exchange_note_failure(x, &end.agent, &row);
        (void)exchange_end_with(x, &end);
    }
    wire_done(&m);
    return is_there;
}

/* Nobody else can do it: the caller hears what says the most. */
static bool end_by_refusal(struct platform *p, struct platform_tunnel *t, struct dispatch_job *job,
                           enum stage stage)
{
    struct exchange *x = job->owner;
    const struct cx_id id = job->id;

    job->owner = NULL;
    add_moved(x, &job->agent, stage);
    if (!exchange_tell_refusal(x, job)) {
        job->owner = x;
        return false;
    }
    tunnel_send_ack(t, &id);
    dispatch_end(p->dispatch, job);
    return true;
}

static bool is_nothing_sent(const struct msg_result *r)
{
    return r->outcome == OUTCOME_FAILED && r->execution == EXECUTION_NOT_SENT && r->has_error;
}

bool exchange_move(struct platform *p, struct platform_tunnel *t, const struct msg_result *r,
                   struct buf *bytes)
{
    struct dispatch_job *job = dispatch_find(p->dispatch, &r->id);
    uint64_t now_ms = loop_now_ms(p->loop);
    struct cx_id id = r->id;

    if (job == NULL) {
        return false;
    }
    if (is_nothing_sent(r) && dispatch_has_refused(tunnel_dispatch(t), job)) {
        /* once more, of before it moved */
        acknowledge(p, t, &id);
        return true;
    }
    if (job->owner == NULL || !is_nothing_sent(r)) {
        return false;
    }
    if (!dispatch_may_move(tunnel_dispatch(t), job, r->error.stage, now_ms)) {
        return id_eq(&job->agent, &tunnel_agent(t)->id) && job->state == DISPATCH_SENT &&
               dispatch_is_outdone(job, r->error.stage) &&
               end_by_refusal(p, t, job, r->error.stage);
    }
    note_move(job->owner, &job->agent, r);
    tunnel_send_ack(t, &id); /* before the next job goes out: that may need the room */
    return dispatch_move(tunnel_dispatch(t), job, r->error.stage, bytes, now_ms);
}
