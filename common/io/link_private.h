#ifndef CONNECTOR_COMMON_IO_LINK_PRIVATE_H
#define CONNECTOR_COMMON_IO_LINK_PRIVATE_H

#include "common/core/outbox.h"
#include "common/io/link.h"
#include "common/io/web_private.h"

enum link_state {
    LINK_OPEN,
    LINK_FINISHING, /* link_close: what is queued goes first */
    LINK_CLOSING,   /* our close frame is on its way; the peer's is awaited */
    LINK_ABORTING,  /* dropped in the next turn */
    LINK_CLOSED,    /* on_closed was called */
};

struct link {
    struct web *web;
    struct lws *wsi; /* NULL from LINK_CLOSED on */
    bool is_server;
    enum link_state state;
    const struct link_events *events; /* NULL until link_bind */
    void *owner;
    struct link_limits limits;
    struct outbox outbox;
    struct buf in;      /* the message that is coming */
    bool is_asked;      /* the socket is full: a writeable callback will come */
    uint64_t asked_ms;  /* since when; each callback is a piece that the peer has taken */
    bool has_peer_code; /* the peer's close frame came */
    unsigned code;      /* of the close: ours, or the peer's if has_peer_code */
    char reason[LINK_REASON_MAX + 1];
    const char *lost;            /* why it was given up; NULL: it broke */
    struct loop_hook write_hook; /* what is queued is due */
    struct loop_hook close_hook; /* our close frame is due */
    struct loop_timer close_timer;
    struct loop_timer beat_timer;
    uint32_t heartbeat_ms;
    bool wants_ping;
    bool is_suspect; /* silent for two heartbeats when last looked at */
    uint64_t ping_sent_us;
    struct link_stats stats;
    char peer[LOOP_ADDRESS_TEXT + 16];
};

struct link_new_opts {
    struct web *web;
    struct lws *wsi;
    bool is_server;
    const struct link_limits *limits;
    const char *peer;
};

/* A link for a WebSocket that has just been upgraded; NULL if out of memory. The maker passes all
 * callbacks of the wsi to link_callback, and calls link_free at LWS_CALLBACK_WSI_DESTROY. */
struct link *link_new(const struct link_new_opts *opts);
int link_callback(struct link *link, enum lws_callback_reasons reason, void *in, size_t len);
void link_free(struct link *link);

/* link_beat.c */
void link_beat_start(struct link *link);
void link_beat_heard(struct link *link); /* something came from the peer */
int link_beat_write(struct link *link);  /* send the ping that is due; non-zero closes */
void link_beat_pong(struct link *link, struct slice payload);

/* link_send.c */
void link_ask_to_write(struct link *link);
int link_write(struct link *link); /* what is due; non-zero: the connection is to be dropped */
void link_write_now(void *link);   /* write_hook */
void link_say_close(void *link);   /* close_hook */

/* link.c, for the above */
void link_drop(void *link);
void link_give_up(struct link *link, const char *why); /* static text */

#endif
