#ifndef CONNECTOR_AGENT_CORE_SESSION_H
#define CONNECTOR_AGENT_CORE_SESSION_H

#include "agent/core/backoff.h"

#include <stdbool.h>
#include <stdint.h>

/* The life of one tunnel of the agent, as a function of events: connect, greet, work, come back
 * after a loss, wait where the platform has said that trying again is of no use. Pure. */

enum session_state {
    SESSION_WAITING,    /* until the timer, then connects */
    SESSION_CONNECTING, /* resolving, TCP, TLS, upgrade */
    SESSION_GREETING,   /* hello sent, no welcome yet */
    SESSION_READY,
    SESSION_LEAVING,  /* draining: no new jobs, closes when nothing is held */
    SESSION_REFUSED,  /* 4401 or 4426: tries again every 5 minutes */
    SESSION_REPLACED, /* 4409: another instance has this identity; only RETRY ends it */
    SESSION_OVER      /* done for good; the tunnel number is free */
};

enum session_event_kind {
    SESSION_EV_START,
    SESSION_EV_TIMER,
    SESSION_EV_CONNECTED,
    SESSION_EV_CONNECT_FAILED, /* is_identity_refused: a TLS alert about our certificate */
    SESSION_EV_WELCOME,
    SESSION_EV_CLOSED,  /* close_code, 1006 (RFC 6455 7.1.5) if there was no close frame */
    SESSION_EV_DRAIN,   /* the platform asks us to leave */
    SESSION_EV_STOP,    /* we are to stop (SIGTERM) */
    SESSION_EV_SETTLED, /* nothing is held for this tunnel any more */
    SESSION_EV_BUSY,    /* a job came after all, while leaving */
    SESSION_EV_RETRY    /* the admin asks to try again (SIGHUP) */
};

struct session_event {
    enum session_event_kind kind;
    unsigned close_code;
    bool is_identity_refused;
    uint32_t random;
};

struct session {
    enum session_state state;
    struct backoff backoff;
    bool is_stopping;         /* SIGTERM was seen: a loss is the end */
    bool is_settled;          /* while leaving */
    unsigned last_close_code; /* 0: none yet */
};

/* What the owner is to do, in this order. */
struct session_actions {
    bool connect;
    bool send_hello;
    bool resend_results; /* all that the platform has not acknowledged */
    bool send_drain;
    unsigned close_code; /* close the tunnel with it; 0: don't */
    bool open_sibling;   /* another tunnel, with the next free number ... */
    uint32_t sibling_after_ms;
    bool has_timer; /* start the session's one timer anew; without it, it is left alone */
    uint32_t timer_ms;
    bool is_over; /* the session has ended: free the slot */
};

enum {
    SESSION_GREETING_MS = 10000,
    SESSION_REFUSED_MS = 5 * 60 * 1000,
    SESSION_SETTLED_MS = 2000, /* for a platform to close, that has read our drain */
};

struct session_actions session_step(struct session *s, const struct session_event *ev,
                                    uint64_t now_ms);

/* "ready", "connecting" …; static. */
const char *session_state_name(enum session_state state);

#endif
