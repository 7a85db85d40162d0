#ifndef CONNECTOR_PLATFORM_IO_PLATFORM_H
#define CONNECTOR_PLATFORM_IO_PLATFORM_H

#include "common/io/cert_make.h"
#include "common/io/clock.h"
#include "common/io/log_gather.h"
#include "common/io/loop.h"
#include "common/io/reload.h"
#include "common/io/seal.h"
#include "platform/core/dispatch.h"
#include "platform/core/registry.h"
#include "platform/io/api.h"
#include "platform/io/metrics.h"
#include "platform/io/settings.h"
#include "platform/io/store.h"
#include "platform/io/tunnel.h"

/* The running platform end: owns every part, and is what the parts share. */

struct http_server;
struct ws_server;
struct keys;      /* platform/io/keys.h: the API keys */
struct profiles;  /* platform/io/profiles.h: the profiles, read and checked */
struct own;       /* platform/io/own.h: those that the platform runs by itself */
struct exchanges; /* platform/io/exchange.h: the exchanges under way */
struct enrolls;   /* platform/io/enroll.h: enrolment's refusals that wait */

enum { PLATFORM_API_MAX = 16 };

/* How far the stopping is. */
enum platform_stop {
    PLATFORM_RUNS,
    PLATFORM_STOP_LEAVING, /* new callers wait for our successor; those that are here are served */
    PLATFORM_STOP_SENDING, /* nothing new; jobs that wait for a tunnel still go out */
    PLATFORM_STOP_FINISHING, /* the agents are told to leave, and finish what they hold */
    PLATFORM_STOP_CLOSING,   /* tunnels and servers close */
};

struct platform {
    struct platform_settings settings;
    struct reload reload;
    struct loop *loop;
    struct log_gather log;
    struct web *web;
    struct seal_key seal_key;
    struct random_pool ids; /* of exchanges and traces */
    struct store *store;
    size_t store_noted;            /* when it was last looked whether there is more */
    unsigned store_turns;          /* how often it was */
    size_t store_records;          /* exchanges that wait for the next group */
    struct loop_hook store_hook;   /* flushes the store after the events of a turn */
    struct loop_timer store_timer; /* for what is in no hurry */
    struct tunnel_fed fed;         /* tunnels with jobs of a group that goes early */
    struct loop_timer tidy_timer;
    struct cert_ca ca;
    uint8_t ca_pin[CRYPTO_SHA256_BYTES]; /* SPKI SHA-256, for enrolment strings */
    struct registry registry;
    struct dispatch *dispatch;
    struct keys *keys;
    struct profiles *profiles;
    struct exchanges *exchanges;
    struct own *own;
    struct ws_server *tunnels;
    struct tunnel_table tunnel_table;
    struct enrolls *enrolls;
    struct http_server *api[PLATFORM_API_MAX];
    size_t napi;
    struct api_listener api_listener; /* of all of api[] */
    struct http_server *control;
    struct api_listener control_listener;
    bool is_draining; /* SIGTERM: no new exchanges */
    enum platform_stop stop;
    struct loop_timer stop_timer; /* looks whether the next step can be taken */
    uint64_t stop_step_ms;        /* loop time at which it is taken anyway */
    unsigned servers_open;        /* while closing */
    struct loop_timer certificate_timer;
    struct platform_metrics metrics;
    bool has_store_trouble; /* told already */
};

/* Make it from checked settings and policy (both moved from), ready to run: keys, store and CA
 * read, sockets open. Errors: CX_E_CONFIG (a file that the settings name is not usable),
 * CX_E_EXISTS (a socket or the store is in use), CX_E_STATE, CX_E_IO, CX_E_STORE, CX_E_NOMEM;
 * `fail` says what to do. */
enum cx_err platform_new(struct platform_settings *settings, struct policy *policy,
                         struct platform **out, struct cx_fail *fail) CX_MUST_CHECK;

/* Run until it was told to stop and has drained. */
void platform_run(struct platform *p);

/* NULL is fine. False: a name lookup is stuck in its thread, and exit() would wait for it. */
bool platform_free(struct platform *p);

/* --- stop.c: SIGTERM and what follows --- */

/* Take nothing new, finish what is under way, end the loop. A second call ends it now. */
void platform_stop(struct platform *p);

/* --- keys.c and profiles.c: the parts that platform_new reads from the store --- */

/* Errors: CX_E_STORE, CX_E_CRYPTO, CX_E_NOMEM. */
enum cx_err keys_new(struct platform *p, struct keys **out, struct cx_fail *fail) CX_MUST_CHECK;
void keys_free(struct keys *k); /* NULL is fine, likewise the next */
enum cx_err profiles_new(struct platform *p, struct profiles **out,
                         struct cx_fail *fail) CX_MUST_CHECK;
void profiles_free(struct profiles *profiles);

/* Something was noted in the store: flush it when this turn's events are handled, and those of the
 * next few turns if they are there already. */
void platform_store_dirty(struct platform *p);

/* The same for what nobody waits for: the next flush takes it, or one that comes after a moment.
 * What is noted from within the store's own answers needs no call: it is taken for such. */
void platform_store_later(struct platform *p);

/* More calls are being read in this turn. If many exchanges have been noted, write them and give
 * their jobs to the tunnels now, so that the agents work while we read on. Not from within an
 * answer of the store's; it may end exchanges. */
void platform_store_early(struct platform *p);

/* The same at the end of this turn, before what is answered from here on is written. */
void platform_store_due(struct platform *p);

/* --- connectors.c: what the API and the tunnels do to them (each writes the store first) --- */

/* All that the store has, at the start. Errors: CX_E_STORE, CX_E_NOMEM. */
enum cx_err platform_load_connectors(struct platform *p, struct cx_fail *fail) CX_MUST_CHECK;

/* What the store keeps of an agent; its strings are borrowed from `a`. */
struct store_agent platform_agent_row(const struct registry_agent *a);

/* An agent of it has gone, or we have just started: it may be back in a moment, and what is asked
 * meanwhile waits for it, up to 10 s; longer than agents need to come back after a restart. Of a
 * connector none of whose agents could come, nobody waits. */
void platform_expect_agents(struct platform *p, struct registry_connector *c);

/* Errors: CX_E_SYNTAX (name), CX_E_EXISTS, CX_E_STORE, CX_E_NOMEM. */
enum cx_err platform_add_connector(struct platform *p, struct slice name,
                                   struct registry_connector **out,
                                   struct cx_fail *fail) CX_MUST_CHECK;

/* Revokes its agents, closes their tunnels, ends its exchanges, forgets it. */
enum cx_err platform_remove_connector(struct platform *p, struct registry_connector *c,
                                      struct cx_fail *fail) CX_MUST_CHECK;

/* A new one-time enrolment string ("cx1.…", good until *expires_ms), appended to `out`. */
enum cx_err platform_make_enrollment(struct platform *p, struct registry_connector *c,
                                     struct buf *out, uint64_t *expires_ms,
                                     struct cx_fail *fail) CX_MUST_CHECK;

/* Revoke an agent: its tunnels are closed (4401) at once and later ones refused. */
enum cx_err platform_revoke_agent(struct platform *p, struct registry_agent *a,
                                  struct cx_fail *fail) CX_MUST_CHECK;

#endif
