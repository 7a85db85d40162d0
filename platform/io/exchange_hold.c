#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/core/hold_text.h"
#include "platform/io/exchange_internal.h"
#include "platform/io/tunnel.h"

#include <stdlib.h>
#include <string.h>

/* Refreshes with one refresh token, one at a time. */

enum { LOOK_MS = 250 };

void exchange_make_hold_key(struct exchanges *x)
{
    crypto_hmac_sha256(secret_view(&x->platform->seal_key.bytes),
                       SLICE_LIT("connector-platform: refresh tokens in use"), x->hold_key);
}

static void digest(const struct exchanges *x, struct slice in, uint8_t out[CRYPTO_SHA256_BYTES])
{
    crypto_hmac_sha256(slice_of(x->hold_key, sizeof(x->hold_key)), in, out);
}

enum cx_err exchange_make_keys(const struct exchanges *x, const struct exchange_request *request,
                               const struct msg_job *job, struct exchange_keys *out)
{
    struct msg m = {.type = MSG_JOB, .body.job = *job};
    struct cx_fail fail;
    struct buf bytes;
    enum cx_err err;

    m.body.job.id = (struct cx_id){{0}};
    m.body.job.budget_ms = 0;
    m.body.job.trace = false;
    m.body.job.trace_id = (struct slice){0};
    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    err = wire_put(&m, MSG_MESSAGE_BYTES_MAX, &bytes, &fail);
    if (err == CX_OK) {
        digest(x, buf_view(&bytes), out->same);
        buf_clear(&bytes);
        err = buf_put(&bytes, slice_of(request->profile->name, strlen(request->profile->name) + 1));
    }
    if (err == CX_OK) {
        err = buf_put(&bytes, request->call->refresh_token);
    }
    if (err == CX_OK) {
        digest(x, buf_view(&bytes), out->exclusive);
    }
    buf_done(&bytes);
    return err;
}

/* ---- one result for all who asked for the same ---- */

struct shared {
    struct platform *platform;
    struct cx_id id;
};

/* It can be claimed until its caller has it. */
static void on_sent(void *ctx, bool is_sent)
{
    struct shared *s = ctx;

    if (is_sent) {
        store_drop_result(s->platform->store, &s->id);
    }
    free(s);
}

/* Stored as its own, then told: it was never given to an agent, and is no agent's to report. */
static void share_with(struct exchange *x, const struct exchange_end *end, struct slice part)
{
    const struct msg_result *r = end->result;
    struct platform *p = x->platform;
    struct store_exchange row = {.id = x->id,
                                 .connector = x->connector,
                                 .agent = end->agent,
                                 .outcome = r->outcome,
                                 .code = r->code,
                                 .execution = r->execution,
                                 .status = r->status,
                                 .ended_ms = clock_wall_ms()};
    struct shared *s = x->hears_sent ? malloc(sizeof(*s)) : NULL;
    struct exchange_end told = *end;
    struct cx_id id = x->id;

    told.id = x->id;
    if (s != NULL) {
        *s = (struct shared){.platform = p, .id = x->id};
        told.sent = on_sent;
        told.sent_ctx = s;
    }
    log_event(CX_LOG_INFO, "exchange.shared", kv_id("id", &x->id), kv_str("trace_id", x->trace_id),
              kv_id("with", &r->id));
    if (x->way != NULL) {
        exchange_trace_shared(x, &r->id);
    }
    exchange_put_row(x, &end->agent, NULL, NULL, NULL);
    store_put_result(p->store, &row, part, NULL, NULL);
    platform_store_dirty(p);
    if (exchange_end_with(x, &told) && s == NULL) {
        store_drop_result(p->store, &id);
    }
}

void exchange_share(struct platform_tunnel *t, const struct msg_result *r, struct slice part)
{
    struct msg_result result = *r;
    struct exchange_end end = {.result = &result, .agent = tunnel_agent(t)->id};
    struct dispatch_shared shared;

    if (r->outcome != OUTCOME_ISSUED || !r->has_token) {
        return;
    }
    result.trace = NULL; /* of another's way */
    result.ntrace = 0;
    result.has_timing = false;
    while (dispatch_share(tunnel_dispatch(t), &r->id, &shared)) {
        struct exchange *x = shared.owner;

        end.connector = x->connector;
        share_with(x, &end, part);
    }
}

/* ---- while some wait ---- */

static void look(void *arg)
{
    struct exchanges *x = arg;

    if (dispatch_tick(x->platform->dispatch, loop_now_ms(x->platform->loop))) {
        loop_timer_start(x->platform->loop, &x->hold_timer, LOOK_MS, look, x);
    } else {
        x->is_looking = false;
    }
}

void exchange_watch_holds(struct exchanges *x)
{
    if (!x->is_looking) {
        x->is_looking = true;
        loop_timer_start(x->platform->loop, &x->hold_timer, LOOK_MS, look, x);
    }
}

/* ---- over a restart ---- */

struct restoring {
    struct platform *platform;
    bool is_out_of_memory;
};

static void restore(void *ctx, const struct store_exchange *e)
{
    struct restoring *r = ctx;
    struct registry_connector *c =
        registry_find_connector(&r->platform->registry, slice_of_str(e->connector));
    uint64_t now_ms = clock_wall_ms();
    uint64_t age_ms = now_ms > e->began_ms ? now_ms - e->began_ms : 0;
    uint64_t loop_ms = loop_now_ms(r->platform->loop);
    struct dispatch_held held = {.id = e->id, .agent = e->agent};

    if (c == NULL || !hold_text_read(e->hold, &held)) {
        return; /* its connector is gone, and its agents with it */
    }
    held.deadline_ms =
        loop_ms + (age_ms < PROFILE_BUDGET_MS_MAX ? PROFILE_BUDGET_MS_MAX - age_ms : 0);
    if (!dispatch_hold_again(c->dispatch, &held)) {
        r->is_out_of_memory = true;
    }
}

enum cx_err exchanges_load_holds(struct exchanges *x, struct cx_fail *fail)
{
    struct restoring r = {.platform = x->platform};
    uint64_t now_ms = clock_wall_ms();
    uint64_t span_ms = PROFILE_BUDGET_MS_MAX + STORE_RESULT_MS;
    enum cx_err err = store_each_hold(x->platform->store, now_ms > span_ms ? now_ms - span_ms : 0,
                                      restore, &r, fail);

    return err == CX_OK && r.is_out_of_memory
               ? cx_fail_set(fail, CX_E_NOMEM, "exchanges.load_holds", "out of memory")
               : err;
}
