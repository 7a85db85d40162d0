#ifndef CONNECTOR_PLATFORM_IO_TUNNEL_H
#define CONNECTOR_PLATFORM_IO_TUNNEL_H

#include "common/core/message.h"
#include "common/core/slice.h"

/* The platform's end of the tunnels: greeting, messages, draining, closing. */

struct platform;
struct platform_tunnel;
struct dispatch_tunnel;
struct registry_agent;
struct link;

/* ws_server's on_link: a verified certificate, not yet a known agent. */
void tunnel_accept(struct platform *p, struct link *link);

/* Queue an encoded job. `tag` (not 0) comes back by exchange_written or exchange_unwritten. False:
 * no room, or closing. */
bool tunnel_send_job(struct platform_tunnel *t, struct slice message, uint64_t tag);
void tunnel_send_cancel(struct platform_tunnel *t, const struct cx_id *id);

/* Acknowledge; ids of one turn of the loop go into one message. */
void tunnel_send_ack(struct platform_tunnel *t, const struct cx_id *id);
void tunnel_send_not_stored(struct platform_tunnel *t, const struct cx_id *id);

/* The dispatch's half, whose agent this is, and its serial number: a pointer kept across a store
 * write is looked up again by that number, since the tunnel may be gone by then. */
struct dispatch_tunnel *tunnel_dispatch(const struct platform_tunnel *t);
struct registry_agent *tunnel_agent(const struct platform_tunnel *t);
uint64_t tunnel_serial(const struct platform_tunnel *t);
struct platform_tunnel *tunnel_by_serial(const struct platform *p, uint64_t serial);

/* Close every tunnel of this agent. */
void tunnel_close_agent(struct platform *p, struct registry_agent *a, unsigned code,
                        const char *reason);

/* Ask every agent to leave (SIGTERM). */
void tunnel_drain_all(struct platform *p, const char *reason, uint32_t grace_ms);

#endif
