#ifndef CONNECTOR_PLATFORM_IO_PLATFORM_H
#define CONNECTOR_PLATFORM_IO_PLATFORM_H

#include "common/io/cert_make.h"
#include "common/io/loop.h"
#include "common/io/seal.h"
#include "platform/core/dispatch.h"
#include "platform/core/registry.h"
#include "platform/io/settings.h"
#include "platform/io/store.h"

/* The running platform end: owns every part, and is what the parts share. */

struct http_server;
struct ws_server;
struct keys;      /* platform/io/keys.h: the API keys */
struct profiles;  /* platform/io/profiles.h: the profiles, read and checked */
struct exchanges; /* platform/io/exchange.h: the exchanges under way */

enum { PLATFORM_API_MAX = 16 };

struct platform {
    struct platform_settings settings;
    struct loop *loop;
    struct web *web;
    struct seal_key seal_key;
    struct store *store;
    struct loop_hook store_hook; /* flushes the store after the events of a turn */
    struct loop_timer tidy_timer;
    struct cert_ca ca;
    uint8_t ca_pin[CRYPTO_SHA256_BYTES]; /* SPKI SHA-256, for enrolment strings */
    struct registry registry;
    struct dispatch *dispatch;
    struct keys *keys;
    struct profiles *profiles;
    struct exchanges *exchanges;
    struct ws_server *tunnels;
    struct http_server *api[PLATFORM_API_MAX];
    size_t napi;
    struct http_server *control;
    bool is_draining; /* SIGTERM: nothing new */
};

/* Something was noted in the store: flush it when this turn's events are handled. */
void platform_store_dirty(struct platform *p);

/* --- connectors.c: what the API and the tunnels do to them (each writes the store first) --- */

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
