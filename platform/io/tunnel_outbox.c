#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/tunnel_internal.h"

#include <stdlib.h>
#include <string.h>

/* What the platform says on a tunnel. */

enum { ACKS_ROOM_FIRST = 64, ACK_MS = 5 };

/* A peer that leaves all of this unread, or memory that is out: the tunnel is of no use. */
static void send_message(struct platform_tunnel *t, const struct msg *m)
{
    struct cx_fail fail = {0};
    struct buf bytes;
    enum cx_err err;

    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    err = wire_put(m, MSG_MESSAGE_BYTES_MAX, &bytes, &fail);
    if (err == CX_OK) {
        err = link_send(t->link, buf_view(&bytes), 0);
    }
    if (err != CX_OK && err != CX_E_CLOSED) {
        tunnel_abort(t, err);
    }
    buf_done(&bytes);
}

void tunnel_send_welcome(struct platform_tunnel *t)
{
    struct msg m = {.type = MSG_WELCOME,
                    .body.welcome = {.platform_version = slice_of_str(CONNECTOR_VERSION),
                                     .session = t->session,
                                     .heartbeat_ms = t->platform->settings.limits_heartbeat_ms,
                                     .now_ms = clock_wall_ms(),
                                     .message_bytes = MSG_MESSAGE_BYTES_MAX,
                                     .websocket_bytes = MSG_WEBSOCKET_BYTES_MAX}};

    send_message(t, &m);
}

void tunnel_send_cancel(struct platform_tunnel *t, const struct cx_id *id)
{
    struct msg m = {.type = MSG_CANCEL, .body.cancel = {.id = *id}};

    send_message(t, &m);
}

void tunnel_send_drain(struct platform_tunnel *t, const char *reason, uint32_t grace_ms)
{
    struct msg m = {.type = MSG_DRAIN,
                    .body.drain = {.reason = slice_of_str(reason), .grace_ms = grace_ms}};

    send_message(t, &m);
}

void tunnel_send_renewed(struct platform_tunnel *t, const struct msg_renewed *renewed)
{
    struct msg m = {.type = MSG_RENEWED, .body.renewed = *renewed};

    send_message(t, &m);
}

void tunnel_send_error(struct platform_tunnel *t, const char *code, const char *message,
                       const struct cx_id *id)
{
    struct msg m = {.type = MSG_ERROR,
                    .body.error = {.code = slice_of_str(code), .message = slice_of_str(message)}};

    if (id != NULL) {
        m.body.error.has_id = true;
        m.body.error.id = *id;
    }
    send_message(t, &m);
}

void tunnel_send_not_stored(struct platform_tunnel *t, const struct cx_id *id)
{
    tunnel_send_error(t, "not_stored", "the result could not be stored: send it again, shorter",
                      id);
}

/* ---- acknowledgements ---- */

/* They are in no hurry: the next job takes them along, or they go after a moment. A message of
 * their own would be one write here and one wake-up there for each exchange. Before the job: it may
 * be meant for the room that they make. */
void tunnel_flush_acks(struct platform_tunnel *t)
{
    struct msg m = {.type = MSG_ACK, .body.ack = {.ids = t->acks, .nids = t->nacks}};

    if (t->nacks > 0) {
        t->nacks = 0;
        loop_timer_stop(&t->ack_timer);
        send_message(t, &m);
    }
}

static void on_acks_due(void *arg)
{
    tunnel_flush_acks(arg);
}

/* Room for one more; false if out of memory. */
static bool reserve_ack(struct platform_tunnel *t)
{
    size_t room = t->acks_room == 0 ? ACKS_ROOM_FIRST : t->acks_room * 2;
    struct cx_id *grown;

    if (t->nacks < t->acks_room) {
        return true;
    }
    grown = calloc(room, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    if (t->nacks > 0) {
        memcpy(grown, t->acks, t->nacks * sizeof(*grown));
    }
    free(t->acks);
    t->acks = grown;
    t->acks_room = room;
    return true;
}

void tunnel_send_ack(struct platform_tunnel *t, const struct cx_id *id)
{
    if (t->is_closing) {
        return;
    }
    if (!reserve_ack(t)) {
        tunnel_abort(t, CX_E_NOMEM); /* the agent sends the result again, on its next tunnel */
        return;
    }
    t->acks[t->nacks++] = *id;
    if (t->nacks == MSG_ARRAY_MAX) {
        tunnel_flush_acks(t);
    } else if (t->nacks == 1) {
        loop_timer_start(t->platform->loop, &t->ack_timer, ACK_MS, on_acks_due, t);
    }
}

/* ---- jobs ---- */

void tunnel_fed_start(struct tunnel_fed *fed)
{
    *fed = (struct tunnel_fed){.is_open = true};
}

static void feed(struct platform_tunnel *t)
{
    struct tunnel_fed *fed = &t->platform->fed;
    size_t i = 0;

    while (i < fed->count && fed->tunnels[i] != t) {
        i++;
    }
    if (fed->is_open && i == fed->count && i < TUNNEL_FED_MAX) {
        fed->tunnels[fed->count++] = t;
    }
}

void tunnel_fed_push(struct tunnel_fed *fed)
{
    fed->is_open = false; /* what a push brings about goes at the end of the turn */
    for (size_t i = 0; i < fed->count; i++) {
        link_push(fed->tunnels[i]->link);
    }
}

bool tunnel_send_job(struct platform_tunnel *t, struct slice message, uint64_t tag)
{
    enum cx_err err = CX_E_FULL;

    if (t->is_closing) {
        return false;
    }
    tunnel_flush_acks(t);
    if (link_outbox_bytes(t->link) + message.len <= TUNNEL_JOBS_BYTES) {
        err = link_send(t->link, message, tag);
    }
    if (err == CX_OK) {
        link_hurry(t->link); /* the jobs that go with it were gathered by the store */
        feed(t);
    } else if (err == CX_E_FULL) {
        t->has_refused = true; /* until on_flushed */
    } else if (err != CX_E_CLOSED) {
        tunnel_abort(t, err);
    }
    return err == CX_OK;
}

void tunnel_outbox_done(struct platform_tunnel *t)
{
    loop_timer_stop(&t->ack_timer);
    free(t->acks);
    t->acks = NULL;
}
