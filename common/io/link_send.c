#include "common/io/link_private.h"

#include <string.h>

/* A link's way out: what is queued, when it is packed and written, and our close frame. */

enum {
    LINK_PACK_ENOUGH = 4,   /* messages: these go at the end of their turn */
    LINK_PACKS_AT_ONCE = 4, /* then the other connections have their turn */
};

/* What is queued goes when the loop has looked for events once more, so that much of it is packed
 * together; unless it is enough, since the peer would wait until all is done here, and this end
 * then until all is done there. And without asking whether the socket is writable: it nearly always
 * is, and asking costs libuv four system calls. */
void link_ask_to_write(struct link *link)
{
    if (!link->is_asked && link->wsi != NULL) {
        loop_defer_late(link->web->loop, &link->write_hook);
    }
}

/* The socket is full: libwebsockets calls when it isn't any more. */
static void link_await_room(struct link *link)
{
    if (!link->is_asked) {
        link->is_asked = true;
        link->asked_ms = loop_now_ms(link->web->loop);
        (void)lws_callback_on_writable(link->wsi);
    }
}

enum cx_err link_send(struct link *link, struct slice message, uint64_t tag)
{
    enum cx_err err;

    if (link->state != LINK_OPEN || link->has_peer_code) {
        return CX_E_CLOSED;
    }
    err = outbox_put(&link->outbox, message, tag);
    if (err == CX_OK && link->outbox.messages == LINK_PACK_ENOUGH) {
        link_hurry(link);
    } else if (err == CX_OK) {
        link_ask_to_write(link);
    }
    return err;
}

void link_hurry(struct link *link)
{
    if (!link->is_asked && link->wsi != NULL && !outbox_is_empty(&link->outbox)) {
        loop_defer_cancel(&link->write_hook);
        loop_defer(link->web->loop, &link->write_hook);
    }
}

size_t link_outbox_bytes(const struct link *link)
{
    return link->outbox.bytes;
}

/* The first `count` messages have been written. */
static void link_written(struct link *link, size_t count)
{
    link->stats.sent_packs++;
    link->stats.sent_messages += count;
    for (size_t i = 0; i < count; i++) {
        uint64_t tag = outbox_drop(&link->outbox);

        if (tag != 0 && link->events != NULL && link->events->on_written != NULL) {
            link->events->on_written(link->owner, link, tag);
        }
    }
}

static int link_write_pack(struct link *link, struct buf *pack)
{
    size_t count = 0;
    uint8_t *pre;
    int n = 0;

    if (buf_reserve(pack, LWS_PRE, &pre) != CX_OK) {
        return -1;
    }
    buf_grew(pack, LWS_PRE); /* where libwebsockets puts the frame's header */
    if (outbox_pack(&link->outbox, link->limits.pack_bytes, pack, &count) != CX_OK) {
        return -1;
    }
    /* From here on some of it may be on its way, whatever the result is. */
    link->stats.sent_bytes += pack->len - LWS_PRE;
    n = lws_write(link->wsi, pack->ptr + LWS_PRE, pack->len - LWS_PRE, LWS_WRITE_BINARY);
    buf_clear(pack);
    link_written(link, count);
    return n < 0 ? -1 : 0;
}

/* One WebSocket message with what is ready. The buffer is shared by all links, since it is empty
 * again when this returns; a message that doesn't fit gets one of its own. */
static int link_write_one(struct link *link)
{
    size_t first = outbox_first_len(&link->outbox);
    struct buf own;
    int rc;

    if (LWS_PRE + first <= link->web->pack.cap) {
        return link_write_pack(link, &link->web->pack);
    }
    buf_init(&own, LWS_PRE + first);
    rc = link_write_pack(link, &own);
    buf_done(&own);
    return rc;
}

/* Have libwebsockets send our close frame and wait for the peer's. Not from the writeable callback
 * (returning non-zero there is the usual way): in a build for debugging, and Debian's is one, that
 * closes twice, and the second time without the frame. */
void link_say_close(void *arg)
{
    struct link *link = arg;

    if (link->state != LINK_FINISHING) {
        return;
    }
    if (lws_partial_buffered(link->wsi) != 0) {
        link_await_room(link); /* libwebsockets would leave the frame out */
        return;
    }
    link->state = LINK_CLOSING;
    lws_close_reason(link->wsi, (enum lws_close_status)link->code, (uint8_t *)link->reason,
                     strlen(link->reason));
    web_kill(link->wsi);
}

static int link_write_all(struct link *link)
{
    for (int i = 0; i < LINK_PACKS_AT_ONCE && !outbox_is_empty(&link->outbox); i++) {
        if (lws_send_pipe_choked(link->wsi) != 0) {
            link_await_room(link);
            return 0;
        }
        if (link_write_one(link) != 0) {
            return -1;
        }
    }
    if (!outbox_is_empty(&link->outbox)) {
        link_ask_to_write(link);
    }
    return 0;
}

int link_write(struct link *link)
{
    if (link->state != LINK_OPEN && link->state != LINK_FINISHING) {
        return 0;
    }
    if (link->state == LINK_OPEN && link_beat_write(link) != 0) {
        return -1;
    }
    if (link_write_all(link) != 0) {
        return -1;
    }
    if (!outbox_is_empty(&link->outbox)) {
        return 0;
    }
    if (lws_partial_buffered(link->wsi) != 0) {
        link_await_room(link); /* nothing more to write, but does the peer take it? */
    }
    if (link->state == LINK_FINISHING) {
        loop_defer(link->web->loop, &link->close_hook);
        return 0;
    }
    if (link->events != NULL && link->events->on_flushed != NULL) {
        link->events->on_flushed(link->owner, link);
    }
    return 0;
}

void link_write_now(void *arg)
{
    struct link *link = arg;

    if (link_write(link) != 0) {
        link_drop(link);
    }
}

void link_push(struct link *link)
{
    if (link->is_asked || link->wsi == NULL || outbox_is_empty(&link->outbox)) {
        return;
    }
    loop_defer_cancel(&link->write_hook);
    if (link_write(link) != 0) {
        link_abort(link); /* libwebsockets may be in another connection's callback just now */
    }
}
