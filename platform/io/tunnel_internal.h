#ifndef CONNECTOR_PLATFORM_IO_TUNNEL_INTERNAL_H
#define CONNECTOR_PLATFORM_IO_TUNNEL_INTERNAL_H

#include "common/io/link.h"
#include "platform/io/platform.h"

/* What tunnel*.c share; nobody else includes it. */

enum {
    TUNNEL_HELLO_MS = 10000,
    TUNNEL_LEAVE_MS = 20,
    TUNNEL_JOBS_BYTES = 16 * 1024 * 1024, /* of an outbox: above that it gets no more jobs */
    TUNNEL_OUTBOX_BYTES = TUNNEL_JOBS_BYTES + 1024 * 1024, /* room for what isn't a job */
};

/* From the upgrade to the end of its link. */
struct platform_tunnel {
    struct platform *platform;
    struct link *link;
    uint64_t serial;
    struct registry_agent *agent;     /* NULL once the agent is forgotten */
    struct cx_id agent_id;            /* for the log */
    struct dispatch_tunnel *dispatch; /* NULL: not greeted, or given up */
    struct cx_id ledger_life;
    struct cx_id session;
    unsigned number;
    uint32_t capacity;
    bool is_greeted;
    bool is_closing;
    bool has_refused; /* a job: dispatch waits to hear of room */
    struct loop_timer hello_timer;
    struct loop_timer leave_timer; /* looks whether a draining agent still has anything of ours */
    struct loop_timer ack_timer;   /* sends what no job has taken along */
    struct cx_id *acks;
    size_t nacks, acks_room;
    struct platform_tunnel *bucket_next;
};

/* --- tunnel.c --- */

/* Close it, after what is queued. Its jobs stay with it until the link has ended and said what was
 * written. No message is read any more. */
void tunnel_close(struct platform_tunnel *t, unsigned code, const char *reason);

/* As tunnel_close, with its part in dispatch given up now: what `how` does to it. */
void tunnel_give_up(struct platform_tunnel *t, void (*how)(struct dispatch_tunnel *), unsigned code,
                    const char *reason);

/* The tunnel is of no use any more, for a reason on this side: drop the connection. */
void tunnel_abort(struct platform_tunnel *t, enum cx_err why);

/* --- tunnel_inbox.c --- */

/* One WebSocket message. */
void tunnel_receive(struct platform_tunnel *t, struct slice message);

/* The agent broke a rule of the link. */
void tunnel_violated(struct platform_tunnel *t, enum link_violation violation);

/* --- tunnel_hello.c, tunnel_renew.c: handlers of the inbox. False ends the tunnel as a protocol
 * error: `fail` says what was wrong. --- */
bool tunnel_on_hello(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail);
bool tunnel_on_renew(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail);

/* Keep what the agent told of its policy. */
void tunnel_note_policy(struct platform_tunnel *t, const struct msg_policy *policy);

/* --- tunnel_outbox.c --- */
void tunnel_send_welcome(struct platform_tunnel *t);
void tunnel_send_drain(struct platform_tunnel *t, const char *reason, uint32_t grace_ms);
void tunnel_send_renewed(struct platform_tunnel *t, const struct msg_renewed *renewed);

/* `id` may be NULL. */
void tunnel_send_error(struct platform_tunnel *t, const char *code, const char *message,
                       const struct cx_id *id);

/* What the outbox owns of the tunnel. */
void tunnel_flush_acks(struct platform_tunnel *t); /* what tunnel_send_ack has gathered */
void tunnel_outbox_done(struct platform_tunnel *t);

#endif
