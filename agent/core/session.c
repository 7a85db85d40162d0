#include "agent/core/session.h"

#include "common/core/message.h"

enum {
    AFTER_PROTOCOL_ERROR_MAX_MS = 30000, /* 4400: a fault of one end; don't hammer */
    SIBLING_MAX_MS = 2000                /* spread over the other nodes of a draining platform */
};

static void wait_for(struct session *s, struct session_actions *act, uint32_t ms)
{
    s->state = SESSION_WAITING;
    act->has_timer = true;
    act->timer_ms = ms;
}

static void end(struct session *s, struct session_actions *act)
{
    s->state = SESSION_OVER;
    act->is_over = true;
}

static void refuse(struct session *s, struct session_actions *act)
{
    s->state = SESSION_REFUSED;
    act->has_timer = true;
    act->timer_ms = SESSION_REFUSED_MS;
}

static void lost(struct session *s, struct session_actions *act, const struct session_event *ev,
                 uint64_t now_ms)
{
    bool was_leaving = s->state == SESSION_LEAVING;

    s->last_close_code = ev->close_code;
    if (s->is_stopping || was_leaving) {
        end(s, act); /* a drained tunnel has a sibling; what is held is reported there */
        return;
    }
    switch (ev->close_code) {
    case MSG_CLOSE_UNKNOWN_IDENTITY:
    case MSG_CLOSE_VERSION:
        refuse(s, act);
        break;
    case MSG_CLOSE_REPLACED:
        s->state = SESSION_REPLACED;
        break;
    case MSG_CLOSE_PROTOCOL:
        wait_for(s, act, backoff_jitter_ms(AFTER_PROTOCOL_ERROR_MAX_MS, ev->random));
        break;
    default:
        wait_for(s, act, backoff_next_ms(&s->backoff, now_ms, ev->random));
        break;
    }
}

static void connect_failed(struct session *s, struct session_actions *act,
                           const struct session_event *ev, uint64_t now_ms)
{
    if (s->is_stopping) {
        end(s, act);
    } else if (ev->is_identity_refused) {
        s->last_close_code = MSG_CLOSE_UNKNOWN_IDENTITY;
        refuse(s, act);
    } else {
        wait_for(s, act, backoff_next_ms(&s->backoff, now_ms, ev->random));
    }
}

static void timer(struct session *s, struct session_actions *act)
{
    switch (s->state) {
    case SESSION_WAITING:
    case SESSION_REFUSED:
        s->state = SESSION_CONNECTING;
        act->connect = true;
        break;
    case SESSION_GREETING:
        act->close_code = MSG_CLOSE_NO_HELLO;
        break;
    case SESSION_LEAVING:
        act->close_code = s->is_settled ? MSG_CLOSE_DONE : 0;
        break;
    case SESSION_CONNECTING:
    case SESSION_READY:
    case SESSION_REPLACED:
    case SESSION_OVER:
        break;
    }
}

/* After a drain of the platform's nothing comes any more. Until it has read ours something may: it
 * closes when it knows of nothing that we hold or that is on its way to us. */
static void settled(struct session *s, struct session_actions *act)
{
    if (s->state != SESSION_LEAVING || s->is_settled) {
        return;
    }
    if (!s->is_stopping) {
        act->close_code = MSG_CLOSE_DONE;
        return;
    }
    s->is_settled = true;
    act->has_timer = true;
    act->timer_ms = SESSION_SETTLED_MS;
}

static void drain(struct session *s, struct session_actions *act, const struct session_event *ev)
{
    if (s->state != SESSION_READY) {
        return;
    }
    s->state = SESSION_LEAVING;
    act->open_sibling = true;
    act->sibling_after_ms = backoff_jitter_ms(SIBLING_MAX_MS, ev->random);
}

static void stop(struct session *s, struct session_actions *act)
{
    s->is_stopping = true;
    switch (s->state) {
    case SESSION_READY:
        s->state = SESSION_LEAVING;
        act->send_drain = true;
        break;
    case SESSION_LEAVING:
        break;
    case SESSION_GREETING:
        act->close_code = MSG_CLOSE_DONE;
        break;
    case SESSION_CONNECTING:
    case SESSION_WAITING:
    case SESSION_REFUSED:
    case SESSION_REPLACED:
        end(s, act);
        break;
    case SESSION_OVER:
        break;
    }
}

static void connected(struct session *s, struct session_actions *act)
{
    s->state = SESSION_GREETING;
    act->send_hello = true;
    act->has_timer = true;
    act->timer_ms = SESSION_GREETING_MS;
}

static void welcome(struct session *s, struct session_actions *act)
{
    if (s->state != SESSION_GREETING) {
        return;
    }
    s->state = SESSION_READY;
    s->last_close_code = 0;
    backoff_reset(&s->backoff);
    act->resend_results = true;
}

static void retry(struct session *s, struct session_actions *act)
{
    if (s->state == SESSION_REFUSED || s->state == SESSION_REPLACED ||
        s->state == SESSION_WAITING) {
        s->state = SESSION_CONNECTING;
        act->connect = true;
    }
}

struct session_actions session_step(struct session *s, const struct session_event *ev,
                                    uint64_t now_ms)
{
    struct session_actions act = {0};

    if (s->state == SESSION_OVER) {
        return act;
    }
    switch (ev->kind) {
    case SESSION_EV_START:
        s->state = SESSION_CONNECTING;
        act.connect = true;
        break;
    case SESSION_EV_TIMER:
        timer(s, &act);
        break;
    case SESSION_EV_CONNECTED:
        connected(s, &act);
        break;
    case SESSION_EV_CONNECT_FAILED:
        connect_failed(s, &act, ev, now_ms);
        break;
    case SESSION_EV_WELCOME:
        welcome(s, &act);
        break;
    case SESSION_EV_CLOSED:
        lost(s, &act, ev, now_ms);
        break;
    case SESSION_EV_DRAIN:
        drain(s, &act, ev);
        break;
    case SESSION_EV_STOP:
        stop(s, &act);
        break;
    case SESSION_EV_SETTLED:
        settled(s, &act);
        break;
    case SESSION_EV_BUSY:
        s->is_settled = false;
        break;
    case SESSION_EV_RETRY:
        retry(s, &act);
        break;
    }
    return act;
}

const char *session_state_name(enum session_state state)
{
    switch (state) {
    case SESSION_WAITING:
        return "waiting";
    case SESSION_CONNECTING:
        return "connecting";
    case SESSION_GREETING:
        return "greeting";
    case SESSION_READY:
        return "ready";
    case SESSION_LEAVING:
        return "draining";
    case SESSION_REFUSED:
        return "refused";
    case SESSION_REPLACED:
        return "replaced";
    case SESSION_OVER:
        return "closed";
    }
    return "";
}
