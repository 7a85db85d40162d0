#ifndef CONNECTOR_COMMON_IO_LINK_H
#define CONNECTOR_COMMON_IO_LINK_H

#include "common/core/slice.h"

/* One WebSocket (RFC 6455) after the upgrade, at either end. It carries whole binary messages; what
 * they mean is the owner's business. Made by ws_server or ws_client, which give it to its owner;
 * it lives until on_closed has returned, and then it is gone. */
struct link;
struct x509_st; /* X509 */

enum {
    LINK_CLOSED_ABNORMALLY = 1006, /* no close frame came (RFC 6455 7.1.5); never sent */
    LINK_CLOSED_NO_CODE = 1005,    /* a close frame without a code */
    LINK_REASON_MAX = 123,         /* bytes of a close reason (RFC 6455 5.5) */
    LINK_CLOSE_MS = 2000,          /* what a peer gets to take the last messages and the close */
};

enum link_end {
    LINK_END_PEER, /* it sent a close frame */
    LINK_END_US,   /* link_close, or a rule broken by the peer for which we close */
    LINK_END_LOST, /* the connection broke, or the peer was silent for too long */
};

struct link_closed {
    enum link_end end;
    unsigned code;                    /* the peer's or ours; 1006 for LINK_END_LOST */
    char reason[LINK_REASON_MAX + 1]; /* printable UTF-8, escaped where it was not; may be empty */
    char detail[160];                 /* a sentence for the log */
};

/* A rule of every link that the peer broke. */
enum link_violation {
    LINK_TEXT_FRAME,       /* binary only */
    LINK_MESSAGE_TOO_LONG, /* message_bytes_max */
};

/* Every function is called from the loop, never from within a call of this module. In each, the
 * link may be sent to and closed. */
struct link_events {
    /* One whole binary message, borrowed for the call and wiped after it. */
    void (*on_message)(void *owner, struct link *link, struct slice message);

    /* The peer broke a rule: nothing is received any more. What is to be said about it may be sent
     * here, and the link closed with a code; if it isn't, it is closed with 1003 (text) or 1009
     * (too long) (RFC 6455 7.4.1). NULL is fine. */
    void (*on_violation)(void *owner, struct link *link, enum link_violation violation);

    /* The message with this tag (not 0) has been handed to TLS: from now on the peer may have it.
     */
    void (*on_written)(void *owner, struct link *link, uint64_t tag);

    /* All that was queued is written: there is room. NULL if not wanted. */
    void (*on_flushed)(void *owner, struct link *link);

    /* The end, once. Before it, on_unwritten is called for each message with a tag of which no byte
     * was written: the peer provably does not have it. NULL if not wanted. */
    void (*on_unwritten)(void *owner, struct link *link, uint64_t tag);
    void (*on_closed)(void *owner, struct link *link, const struct link_closed *closed);
};

/* Fixed for a server or client, and the same for all of its links. */
struct link_limits {
    size_t message_bytes_max; /* of one received WebSocket message; a longer one is closed with 1009
                                 as soon as its length is seen, whatever has arrived of it */
    size_t outbox_bytes_max;  /* queued and not yet written */
    size_t pack_bytes;        /* messages that are ready go into one WebSocket message up to this; a
                                 longer one goes alone */
    uint32_t heartbeat_ms;    /* until link_set_heartbeat; 0: none */
};

/* Say whose it is; in on_link, before anything else. `events` must outlive the link. */
void link_bind(struct link *link, const struct link_events *events, void *owner);

/* Queue one message. It is copied, and wiped when it is written. `tag` 0: no notice wanted.
 * Errors: CX_E_FULL (outbox_bytes_max), CX_E_CLOSED (link_close was called, or the end is near),
 * CX_E_NOMEM. On error nothing was queued and nothing is reported for `tag`. */
enum cx_err link_send(struct link *link, struct slice message, uint64_t tag) CX_MUST_CHECK;

/* No more is to be sent soon: what is queued goes at the end of this turn, rather than a look at
 * the events later, when more could go with it. */
void link_hurry(struct link *link);

/* Write what is queued at once, in the middle of a turn: for an owner who has more to do in it that
 * this peer need not wait for. Jobs or acknowledgements may be asked for from within (on_flushed);
 * an end of the link follows later. */
void link_push(struct link *link);

/* Bytes queued and not yet written. */
size_t link_outbox_bytes(const struct link *link);

/* Write what is queued, then close with `code` and `reason` (cut to LINK_REASON_MAX), then wait for
 * the peer's close; all within LINK_CLOSE_MS. on_closed follows later. No on_message any more. A
 * second call changes nothing. */
void link_close(struct link *link, unsigned code, const char *reason);

/* Drop the connection without a word; on_closed follows later, with LINK_END_US and 1006. */
void link_abort(struct link *link);

/* Lower the limit of received messages; raising it does nothing. */
void link_set_message_max(struct link *link, size_t message_bytes_max);

/* A ping after each `heartbeat_ms` without traffic from the peer; dead after two of them in
 * silence, or while the peer takes nothing of what is written to it. The time for which this
 * machine was suspended counts. 0: off. */
void link_set_heartbeat(struct link *link, uint32_t heartbeat_ms);

struct link_stats {
    uint64_t opened_ms;                        /* loop_now_ms when the upgrade was done */
    uint64_t heard_ms;                         /* loop_now_ms of the last byte from the peer */
    uint64_t rtt_us;                           /* of the last ping that was answered; 0: none yet */
    uint64_t received_bytes, sent_bytes;       /* payload */
    uint64_t received_messages, sent_messages; /* WebSocket messages received; messages sent */
    uint64_t sent_packs;                       /* WebSocket messages sent */
};
void link_stats(const struct link *link, struct link_stats *out);

/* The peer: "192.0.2.1:4711", "[2001:db8::1]:4711". Borrowed from the link. */
const char *link_peer(const struct link *link);

/* The peer's certificate, verified in the handshake; NULL once the link is closed. The caller's to
 * X509_free. */
struct x509_st *link_certificate(const struct link *link);

#endif
