#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/tunnel.h"

#include <stdlib.h>

/* How dispatch reaches the store, the tunnels and the callers. */

/* A job that waited for more than this part of the way back's time gets its budget anew. */
enum { BUDGET_STALE_PART = 4 };

/* ---- recording ---- */

struct recording {
    struct platform *platform;
    struct cx_id id;
};

static void on_recorded(void *ctx, enum cx_err err)
{
    struct recording *r = ctx;

    if (err != CX_OK) {
        log_event(CX_LOG_ERROR, "exchange.not_recorded", kv_id("id", &r->id), kv_err(err));
    }
    dispatch_recorded(r->platform->dispatch, &r->id, err == CX_OK);
    free(r);
}

static void port_record(void *ctx, struct dispatch_job *job)
{
    struct platform *p = ctx;
    struct exchange *x = job->owner;
    struct recording *r = malloc(sizeof(*r));

    if (r == NULL) {
        dispatch_recorded(p->dispatch, &job->id, false);
        return;
    }
    *r = (struct recording){.platform = p, .id = job->id};
    x->agent = job->agent;
    exchange_put_row(x, &job->agent, NULL, on_recorded, r);
}

/* ---- sending ---- */

/* The message again, with what is left of the budget. Unchanged if that fails: the caller's own
 * deadline counts none the less. */
static void renew_budget(struct dispatch_job *job, uint64_t now_ms)
{
    uint64_t left_ms = job->deadline_ms > now_ms ? job->deadline_ms - now_ms : 1;
    struct cx_fail fail;
    struct msg m = {0};
    struct buf renewed;

    buf_init(&renewed, MSG_MESSAGE_BYTES_MAX);
    if (wire_get(buf_view(&job->message), &m, &fail) == CX_OK) {
        m.body.job.budget_ms = exchange_agent_budget_ms(left_ms);
        if (wire_put(&m, MSG_MESSAGE_BYTES_MAX, &renewed, &fail) == CX_OK) {
            wire_done(&m);
            buf_take(&job->message, &renewed);
        }
    }
    wire_done(&m);
    buf_done(&renewed);
}

static bool port_send(void *ctx, void *tunnel_owner, struct dispatch_job *job)
{
    struct platform *p = ctx;
    uint64_t now_ms = loop_now_ms(p->loop);
    uint64_t budget_ms = job->deadline_ms - job->submitted_ms;
    uint64_t way_back_ms = budget_ms - exchange_agent_budget_ms(budget_ms);
    struct exchange *x = job->owner;

    if (x != NULL && x->way != NULL) {
        x->sent_us = clock_mono_us();
    }
    if (job->refusals != NULL || now_ms - job->submitted_ms > way_back_ms / BUDGET_STALE_PART) {
        renew_budget(job, now_ms);
    }
    return tunnel_send_job(tunnel_owner, buf_view(&job->message), dispatch_tag(&job->id));
}

static void port_cancel(void *ctx, void *tunnel_owner, const struct cx_id *id)
{
    (void)ctx;
    tunnel_send_cancel(tunnel_owner, id);
}

static void port_fail(void *ctx, void *owner, const struct dispatch_job *job,
                      const struct dispatch_failure *failure)
{
    struct exchange *x = owner;
    struct exchange_end end = {
        .id = x->id, .failure = failure, .connector = x->connector, .agent = job->agent};

    (void)ctx;
    if (failure->execution == EXECUTION_NOT_SENT && exchange_tell_refusal(x, job)) {
        return;
    }
    exchange_note_failure(x, &job->agent, failure);
    if (!x->has_begun) {
        x->early = failure; /* the caller must not hear it from within exchange_begin */
        return;
    }
    (void)exchange_end_with(x, &end);
}

struct dispatch_ports exchange_ports(struct platform *p)
{
    return (struct dispatch_ports){.ctx = p,
                                   .record = port_record,
                                   .send = port_send,
                                   .cancel = port_cancel,
                                   .fail = port_fail};
}

void exchange_written(struct platform *p, uint64_t tag)
{
    const struct dispatch_job *job = dispatch_find_tag(p->dispatch, tag);

    if (job != NULL) {
        dispatch_written(p->dispatch, &job->id);
    }
}

void exchange_unwritten(struct platform *p, uint64_t tag)
{
    const struct dispatch_job *job = dispatch_find_tag(p->dispatch, tag);

    if (job != NULL) {
        dispatch_unwritten(p->dispatch, &job->id);
    }
}
