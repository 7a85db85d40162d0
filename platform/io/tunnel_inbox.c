#include "common/core/wire.h"
#include "common/io/log.h"
#include "platform/io/exchange.h"
#include "platform/io/tunnel_internal.h"

#include <stdio.h>

/* What the agent says on a tunnel. */

/* Every handler gets the decoded message; false ends the tunnel: `fail` says what was wrong. */
typedef bool handler(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail);

/* The one message that outlives its handler: `m` and the bytes that it points into are taken. */
static void on_result(struct platform_tunnel *t, struct msg *m, struct buf *bytes)
{
    const struct msg_result *r = &m->body.result;
    char what[128];

    if (r->unknown != NULL) {
        (void)snprintf(what, sizeof(what), "result.%s is not known here", r->unknown);
        log_event(CX_LOG_WARN, "result.unreadable", kv_id("id", &r->id),
                  kv_id("agent", &t->agent_id), kv_str("why", what));
        tunnel_send_error(t, "unsupported", what, &r->id);
    } else {
        exchange_result(t->platform, t, m, bytes);
    }
}

/* Jobs that were on their way when the agent said that it stops have arrived, and been answered. */
static void look_left(void *arg)
{
    struct platform_tunnel *t = arg;

    if (t->dispatch != NULL && dispatch_tunnel_outstanding(t->dispatch) == 0) {
        tunnel_close(t, MSG_CLOSE_DONE, "drained");
    }
}

static bool on_drain(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail)
{
    (void)fail;
    log_event(CX_LOG_INFO, "tunnel.drain", kv_id("agent", &t->agent_id),
              kv_u64("tunnel", t->number), kv_slice("reason", m->body.drain.reason),
              kv_u64("grace_ms", m->body.drain.grace_ms));
    dispatch_tunnel_drain(t->dispatch);
    platform_expect_agents(t->platform, t->agent->connector); /* it may be restarted */
    loop_timer_every(t->platform->loop, &t->leave_timer, TUNNEL_LEAVE_MS, look_left, t);
    return true;
}

static bool on_error(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail)
{
    const struct msg_error *error = &m->body.error;

    (void)fail;
    log_event(CX_LOG_WARN, "tunnel.agent_says", kv_id("agent", &t->agent_id),
              kv_u64("tunnel", t->number), kv_slice("code", error->code),
              kv_slice("message", error->message), kv_id("id", error->has_id ? &error->id : NULL));
    return true;
}

static bool on_policy(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail)
{
    (void)fail;
    tunnel_note_policy(t, &m->body.policy);
    log_event(CX_LOG_INFO, "agent.policy", kv_id("agent", &t->agent_id),
              kv_u64("rules", m->body.policy.nrules));
    return true;
}

static handler *const handlers[MSG_TYPE_COUNT] = {
    [MSG_HELLO] = tunnel_on_hello, [MSG_DRAIN] = on_drain,   [MSG_RENEW] = tunnel_on_renew,
    [MSG_ERROR] = on_error,        [MSG_POLICY] = on_policy,
};

static bool handle(struct platform_tunnel *t, struct msg *m, struct buf *bytes,
                   struct cx_fail *fail)
{
    if (!t->is_greeted && m->type != MSG_HELLO) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a message before the hello");
        return false;
    }
    if (m->type == MSG_NONE) {
        tunnel_send_error(t, "unsupported", "this type of message is not known here", NULL);
        return true;
    }
    if (m->type == MSG_RESULT) {
        on_result(t, m, bytes);
        return true;
    }
    if (handlers[m->type] == NULL) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a message that only the platform sends");
        return false;
    }
    return handlers[m->type](t, m, fail);
}

static void protocol_error(struct platform_tunnel *t, unsigned close_code,
                           const struct cx_fail *fail)
{
    log_event(CX_LOG_WARN, "tunnel.protocol_error", kv_id("agent", &t->agent_id),
              kv_str("peer", link_peer(t->link)), kv_u64("tunnel", t->number), kv_fail(fail));
    tunnel_send_error(t, close_code == MSG_CLOSE_TOO_BIG ? "too_big" : "protocol",
                      cx_fail_text(fail), NULL);
    tunnel_close(t, close_code, cx_fail_text(fail));
}

void tunnel_violated(struct platform_tunnel *t, enum link_violation violation)
{
    struct cx_fail fail;

    switch (violation) {
    case LINK_TEXT_FRAME:
        (void)cx_fail_set(&fail, CX_E_TYPE, "tunnel", "a text frame: messages are binary");
        protocol_error(t, MSG_CLOSE_PROTOCOL, &fail);
        break;
    case LINK_MESSAGE_TOO_LONG:
        (void)cx_fail_set(&fail, CX_E_TOO_BIG, "tunnel", "a WebSocket message has at most %d bytes",
                          MSG_WEBSOCKET_BYTES_MAX);
        protocol_error(t, MSG_CLOSE_TOO_BIG, &fail);
        break;
    }
}

static bool receive_one(struct platform_tunnel *t, struct slice *rest, struct cx_fail *fail)
{
    struct msg m = {0};
    struct slice one;
    struct buf bytes;
    bool is_good;

    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    is_good = wire_cut(rest, MSG_MESSAGE_BYTES_MAX, &one, fail) == CX_OK &&
              (fail->code = buf_put(&bytes, one)) == CX_OK &&
              wire_get(buf_view(&bytes), &m, fail) == CX_OK && handle(t, &m, &bytes, fail);
    wire_done(&m);
    buf_done(&bytes);
    return is_good;
}

void tunnel_receive(struct platform_tunnel *t, struct slice message)
{
    struct slice rest = message;
    struct cx_fail fail = {0};
    bool is_good = true;

    do { /* an empty one is cut short */
        is_good = receive_one(t, &rest, &fail);
    } while (is_good && rest.len > 0 && !t->is_closing);
    if (!is_good && fail.code == CX_E_NOMEM) {
        tunnel_abort(t, CX_E_NOMEM); /* not the peer's fault */
    } else if (!is_good) {
        protocol_error(t, MSG_CLOSE_PROTOCOL, &fail);
    }
}
