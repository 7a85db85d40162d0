#ifndef CONNECTOR_AGENT_IO_TUNNEL_H
#define CONNECTOR_AGENT_IO_TUNNEL_H

#include "agent/core/session.h"
#include "common/core/id.h"
#include "common/io/link.h"
#include "common/io/loop.h"

struct agent;
struct proxy_tunnel;
struct ws_attempt;

/* One of the agent's tunnels: its session, and the connection that the session wants. */
struct agent_tunnel {
    struct agent *agent;
    unsigned number;
    bool is_used;
    struct session session;
    struct loop_timer timer;
    struct loop_timer lookup_timer;
    struct loop_lookup *lookup;
    struct proxy_tunnel *proxy; /* a connection that a proxy is making */
    struct ws_attempt *attempt;
    struct link *link; /* NULL: not connected */
    struct loop_address addresses[LOOP_ADDRESSES_MAX];
    struct loop_address last_good; /* that a tunnel was over; zeroed: none yet */
    size_t naddresses;
    size_t next_address;
    struct cx_id session_id;  /* the platform's name for this connection */
    size_t message_bytes_max; /* of one message to the platform */
    size_t websocket_bytes_max;
    unsigned policy_told; /* the version of the policy that the platform has heard of here */
    bool has_backlog;     /* results that found no room in the outbox */
    uint64_t ready_ms;    /* loop time of the last welcome */
    char trouble[320];    /* why it is not ready, in plain words; "" if it is */
};

/* Start using the slot (its agent and number are set): connect. */
void tunnel_open(struct agent_tunnel *t);

/* Feed an event to the session and do what it says. */
void tunnel_event(struct agent_tunnel *t, enum session_event_kind kind);

/* The proxy's settings have changed: what is being made through it is given up and tried again. */
void tunnel_proxy_changed(struct agent_tunnel *t);

/* The session is ready for results. */
bool tunnel_is_up(const struct agent_tunnel *t);

/* Let go of what is under way; nothing is called back any more. */
void tunnel_drop(struct agent_tunnel *t);

#endif
