#ifndef CONNECTOR_PLATFORM_IO_TUNNEL_H
#define CONNECTOR_PLATFORM_IO_TUNNEL_H

#include "common/core/message.h"
#include "common/core/slice.h"

/* The platform's end of the tunnels: greeting, messages, draining, closing. */

struct platform;
struct platform_tunnel;
struct dispatch_tunnel;
struct registry_agent;
struct registry_connector;
struct link;

enum { TUNNEL_BUCKETS = 4096, TUNNEL_FED_MAX = 8 };

/* The tunnels that were given jobs since tunnel_fed_start, so many of them. */
struct tunnel_fed {
    struct platform_tunnel *tunnels[TUNNEL_FED_MAX];
    size_t count;
    bool is_open;
};

/* Every tunnel there is, by serial number. */
struct tunnel_table {
    struct platform_tunnel *buckets[TUNNEL_BUCKETS];
    uint64_t last_serial;
    size_t count;
};

/* ws_server's on_link: a verified certificate, not yet a known agent. */
void tunnel_accept(struct platform *p, struct link *link);

/* Queue an encoded job. `tag` (not 0) comes back by exchange_written or exchange_unwritten. False:
 * no room, or closing. */
bool tunnel_send_job(struct platform_tunnel *t, struct slice message, uint64_t tag);

/* Write the jobs that were queued between the two at once, rather than at the end of the turn; no
 * tunnel may end between them. */
void tunnel_fed_start(struct tunnel_fed *fed);
void tunnel_fed_push(struct tunnel_fed *fed);

void tunnel_send_cancel(struct platform_tunnel *t, const struct cx_id *id);

/* Acknowledge; ids of one turn of the loop go into one message. */
void tunnel_send_ack(struct platform_tunnel *t, const struct cx_id *id);
void tunnel_send_not_stored(struct platform_tunnel *t, const struct cx_id *id);

/* The dispatch's half, whose agent this is, and its serial number: a pointer kept across a store
 * write is looked up again by that number, since the tunnel may be gone by then. */
struct dispatch_tunnel *tunnel_dispatch(const struct platform_tunnel *t); /* NULL: no part in it */
struct registry_agent *tunnel_agent(const struct platform_tunnel *t);
uint64_t tunnel_serial(const struct platform_tunnel *t);
struct platform_tunnel *tunnel_by_serial(const struct platform *p, uint64_t serial);

/* Close every tunnel of this agent, which is revoked: with 4401 and the reason, at once, and
 * nothing more of what is queued goes out. */
void tunnel_close_agent(struct platform *p, const struct registry_agent *a, const char *reason);

/* Likewise those of all agents of a connector that is about to be forgotten: nothing here points to
 * it afterwards. What was in an outbox counts as sent. */
void tunnel_forget_connector(struct platform *p, const struct registry_connector *c,
                             const char *reason);

/* Ask every agent to leave (SIGTERM). */
void tunnel_drain_all(struct platform *p, const char *reason, uint32_t grace_ms);

/* Jobs that agents hold as far as we know. */
size_t tunnel_outstanding_all(const struct platform *p);

/* Close every tunnel. What is in an outbox counts as sent. */
void tunnel_close_all(struct platform *p, const char *reason);

/* What the admin may see of a tunnel that is greeted. */
struct tunnel_view {
    unsigned number;
    uint32_t capacity;
    size_t outstanding;
    uint64_t opened_ms, heard_ms; /* loop time */
    uint64_t rtt_us;              /* 0: not known yet */
    const char *peer;             /* borrowed */
};
void tunnel_look(const struct platform_tunnel *t, struct tunnel_view *out);

#endif
