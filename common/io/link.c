#include "common/io/link.h"

#include "common/io/link_private.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINK_IN_FIRST = 16 * 1024,     /* at most reserved for what a peer only announces */
    LINK_CLOSE_UNSUPPORTED = 1003, /* RFC 6455 7.4.1 */
    LINK_CLOSE_TOO_BIG = 1009,
};

/* ---- the end ---- */

static void link_describe_end(const struct link *link, struct link_closed *closed)
{
    bool is_ours = link->state == LINK_FINISHING || link->state == LINK_CLOSING ||
                   link->state == LINK_ABORTING;

    closed->code = link->code;
    memcpy(closed->reason, link->reason, sizeof(closed->reason));
    if (link->has_peer_code) {
        closed->end = LINK_END_PEER;
        (void)snprintf(closed->detail, sizeof(closed->detail), "the peer closed with code %u",
                       link->code);
    } else if (is_ours && link->lost == NULL) {
        closed->end = LINK_END_US;
        (void)snprintf(closed->detail, sizeof(closed->detail), "we closed with code %u",
                       link->code);
    } else {
        closed->end = LINK_END_LOST;
        closed->code = LINK_CLOSED_ABNORMALLY;
        (void)snprintf(closed->detail, sizeof(closed->detail), "%s",
                       link->lost != NULL ? link->lost : "the connection broke");
    }
}

/* libwebsockets closed by itself, for a frame that RFC 6455 forbids: it has put its own code where
 * the close frame is made. */
static void link_learn_library_close(struct link *link)
{
    const uint8_t *payload;

    if (link->state != LINK_OPEN || link->has_peer_code || lws_get_close_length(link->wsi) < 2) {
        return;
    }
    payload = lws_get_close_payload(link->wsi);
    link->code = (unsigned)payload[0] << 8 | payload[1];
    link->state = LINK_CLOSING;
    (void)snprintf(link->reason, sizeof(link->reason), "malformed WebSocket frame");
}

static void link_end(struct link *link)
{
    struct link_closed closed;

    if (link->state == LINK_CLOSED) {
        return;
    }
    link_learn_library_close(link);
    link_describe_end(link, &closed);
    link->state = LINK_CLOSED;
    link->wsi = NULL;
    loop_defer_cancel(&link->write_hook);
    loop_defer_cancel(&link->close_hook);
    loop_timer_stop(&link->close_timer);
    loop_timer_stop(&link->beat_timer);
    buf_done(&link->in);
    while (!outbox_is_empty(&link->outbox)) {
        uint64_t tag = outbox_drop(&link->outbox);

        if (tag != 0 && link->events != NULL && link->events->on_unwritten != NULL) {
            link->events->on_unwritten(link->owner, link, tag);
        }
    }
    if (link->events != NULL) {
        link->events->on_closed(link->owner, link, &closed);
    }
}

void link_drop(void *arg)
{
    struct link *link = arg;

    if (link->wsi != NULL) {
        struct lws *wsi = link->wsi;

        link_end(link); /* libwebsockets may want to flush first; nobody waits for that */
        web_kill(wsi);
    }
}

static void link_late(void *arg)
{
    struct link *link = arg;

    link_drop(link);
}

void link_abort(struct link *link)
{
    if (link->state == LINK_CLOSED || link->state == LINK_ABORTING) {
        return;
    }
    link->state = LINK_ABORTING;
    link->code = LINK_CLOSED_ABNORMALLY;
    link->reason[0] = '\0';
    loop_timer_start(link->web->loop, &link->close_timer, 0, link_drop, link);
}

void link_give_up(struct link *link, const char *why)
{
    link->lost = why;
    link_abort(link);
}

void link_close(struct link *link, unsigned code, const char *reason)
{
    if (link->state != LINK_OPEN) {
        return;
    }
    link->state = LINK_FINISHING;
    link->code = code;
    (void)snprintf(link->reason, sizeof(link->reason), "%s", reason != NULL ? reason : "");
    loop_timer_stop(&link->beat_timer);
    loop_timer_start(link->web->loop, &link->close_timer, LINK_CLOSE_MS, link_late, link);
    link_ask_to_write(link);
}

/* ---- receiving ---- */

static void link_violation(struct link *link, enum link_violation violation)
{
    buf_done(&link->in);
    if (link->events->on_violation != NULL) {
        link->events->on_violation(link->owner, link, violation);
    }
    if (violation == LINK_TEXT_FRAME) {
        link_close(link, LINK_CLOSE_UNSUPPORTED, "binary messages only");
    } else {
        link_close(link, LINK_CLOSE_TOO_BIG, "message too long");
    }
}

static void link_message(struct link *link, struct slice message)
{
    link->stats.received_messages++;
    link->events->on_message(link->owner, link, message);
}

/* Room for what comes: what is announced, but not much more than what has come. */
static bool link_make_room(struct link *link, size_t announced)
{
    uint8_t *at;

    return link->in.len != 0 ||
           buf_reserve(&link->in, announced < LINK_IN_FIRST ? announced : LINK_IN_FIRST, &at) ==
               CX_OK;
}

static void link_fragment(struct link *link, struct slice part, size_t to_come, bool is_final)
{
    if (link->in.len == 0 && is_final) {
        link_message(link, part);
        return;
    }
    if (!link_make_room(link, part.len + to_come) || buf_put(&link->in, part) != CX_OK) {
        link_give_up(link, "out of memory for a message");
        return;
    }
    if (is_final) {
        struct buf whole = link->in;

        buf_init(&link->in, link->limits.message_bytes_max);
        link_message(link, buf_view(&whole));
        buf_done(&whole);
    }
}

static int link_receive(struct link *link, uint8_t *bytes, size_t len)
{
    size_t to_come = lws_remaining_packet_payload(link->wsi);
    size_t max = link->limits.message_bytes_max;
    struct slice part = len != 0 ? slice_of(bytes, len) : SLICE_LIT("");

    link_beat_heard(link);
    link->stats.received_bytes += len;
    if (link->state == LINK_OPEN) {
        if (lws_frame_is_binary(link->wsi) == 0) {
            link_violation(link, LINK_TEXT_FRAME);
        } else if (len > max - link->in.len || to_come > max - link->in.len - len) {
            link_violation(link, LINK_MESSAGE_TOO_LONG);
        } else {
            link_fragment(link, part, to_come, lws_is_final_fragment(link->wsi) != 0);
        }
    }
    if (len != 0) {
        explicit_bzero(bytes, len); /* it is libwebsockets' buffer */
    }
    return 0;
}

static void link_peer_closes(struct link *link, const uint8_t *payload, size_t len)
{
    size_t n = 0;

    if (link->state == LINK_CLOSING) {
        return; /* the answer to ours */
    }
    link->has_peer_code = true;
    link->code = len >= 2 ? (unsigned)payload[0] << 8 | payload[1] : LINK_CLOSED_NO_CODE;
    for (size_t i = 2; i < len && n + 1 < sizeof(link->reason); i++) {
        link->reason[n++] = (char)payload[i];
    }
    if (!slice_is_utf8(slice_of(link->reason, n)) || slice_has_control(slice_of(link->reason, n))) {
        n = 0; /* not fit to be shown */
    }
    link->reason[n] = '\0';
}

/* ---- libwebsockets' callbacks ---- */

static int link_writeable(struct link *link)
{
    link->is_asked = false;
    return link_write(link);
}

int link_callback(struct link *link, enum lws_callback_reasons reason, void *in, size_t len)
{
    if (link->state == LINK_CLOSED) {
        return 0;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return link_receive(link, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        link_beat_heard(link);
        link_beat_pong(link, slice_of(in, len));
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return link_writeable(link);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        link_peer_closes(link, in, len);
        return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        link_end(link);
        return 0;
    default:
        return 0;
    }
}

/* ---- birth, death and small things ---- */

struct link *link_new(const struct link_new_opts *opts)
{
    struct link *link = calloc(1, sizeof(*link));

    if (link == NULL) {
        return NULL;
    }
    link->web = opts->web;
    link->wsi = opts->wsi;
    link->is_server = opts->is_server;
    link->limits = *opts->limits;
    link->write_hook = (struct loop_hook){.run = link_write_now, .arg = link};
    link->close_hook = (struct loop_hook){.run = link_say_close, .arg = link};
    outbox_init(&link->outbox, link->limits.outbox_bytes_max);
    buf_init(&link->in, link->limits.message_bytes_max);
    (void)snprintf(link->peer, sizeof(link->peer), "%s", opts->peer);
    link->stats.opened_ms = link->stats.heard_ms = loop_now_ms(link->web->loop);
    link_set_heartbeat(link, link->limits.heartbeat_ms);
    return link;
}

void link_free(struct link *link)
{
    link_end(link); /* if libwebsockets never told of the close */
    outbox_done(&link->outbox);
    free(link);
}

void link_bind(struct link *link, const struct link_events *events, void *owner)
{
    link->events = events;
    link->owner = owner;
}

void link_set_message_max(struct link *link, size_t message_bytes_max)
{
    if (message_bytes_max < link->limits.message_bytes_max) {
        link->limits.message_bytes_max = message_bytes_max;
    }
}

void link_stats(const struct link *link, struct link_stats *out)
{
    *out = link->stats;
}

const char *link_peer(const struct link *link)
{
    return link->peer;
}

struct x509_st *link_certificate(const struct link *link)
{
    SSL *ssl = link->wsi != NULL ? lws_get_ssl(link->wsi) : NULL;

    return ssl != NULL ? SSL_get1_peer_certificate(ssl) : NULL;
}
