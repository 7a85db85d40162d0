#include "platform/io/platform.h"

#include "common/core/message.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/web.h"
#include "platform/io/enroll.h"
#include "platform/io/exchange.h"
#include "platform/io/listeners.h"
#include "platform/io/own.h"
#include "platform/io/reload.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>

enum {
    STORE_LATER_MS = 5,
    GATHER_TURNS = 2,
    EARLY_RECORDS = 8, /* so many exchanges: their agents work while the platform reads on */
    TIDY_MS = 60 * 1000,
    TIDY_MORE_MS = 20,
    CERTIFICATE_MS = 24 * 3600 * 1000,
    STEP_MS = 30 * 1000, /* less makes no difference to 15 minutes */
    FLUSHES_MAX = 8,     /* at the end: what is written may note more */
};

/* ---- the store ---- */

static void note_trouble(struct platform *p)
{
    const struct cx_fail *trouble = store_trouble(p->store);

    if (trouble != NULL && !p->has_store_trouble) {
        log_event(CX_LOG_ERROR, "store.trouble", kv_fail(trouble));
    } else if (trouble == NULL && p->has_store_trouble) {
        log_event(CX_LOG_INFO, "store.well", kv_str("why", "it is written again"));
    }
    p->has_store_trouble = trouble != NULL;
}

/* A group costs more than what is in it: see first whether there is more to be had at once. Not if
 * all that is under way waits for this group: then nothing comes by itself. */
static bool may_gather(struct platform *p)
{
    size_t noted = store_noted(p->store);

    if (noted == p->store_noted || p->store_turns >= GATHER_TURNS || p->exchanges == NULL ||
        exchanges_under_way(p->exchanges) <= p->store_records) {
        return false;
    }
    p->store_noted = noted;
    p->store_turns++;
    loop_defer_late(p->loop, &p->store_hook);
    return true;
}

static void flush(void *arg)
{
    struct platform *p = arg;
    uint64_t began_us;

    if (may_gather(p)) {
        return;
    }
    p->store_noted = 0;
    p->store_turns = 0;
    p->store_records = 0;
    began_us = clock_mono_us();
    store_flush(p->store);
    metrics_observe(&p->metrics.flushes, clock_mono_us() - began_us);
    note_trouble(p);
    if (store_is_dirty(p->store)) { /* by the answers to this group */
        platform_store_later(p);
    }
}

void platform_store_dirty(struct platform *p)
{
    p->store_hook.run = flush;
    p->store_hook.arg = p;
    loop_defer(p->loop, &p->store_hook);
}

static void on_later(void *arg)
{
    struct platform *p = arg;

    if (store_is_dirty(p->store)) {
        platform_store_due(p);
    }
}

void platform_store_later(struct platform *p)
{
    if (!loop_timer_runs(&p->store_timer)) {
        loop_timer_start(p->loop, &p->store_timer, STORE_LATER_MS, on_later, p);
    }
}

void platform_store_early(struct platform *p)
{
    if (p->store_records < EARLY_RECORDS) {
        return;
    }
    p->store_turns = GATHER_TURNS;
    loop_defer_cancel(&p->store_hook);
    tunnel_fed_start(&p->fed);
    flush(p);
    tunnel_fed_push(&p->fed);
}

void platform_store_due(struct platform *p)
{
    p->store_turns = GATHER_TURNS;
    loop_defer_cancel(&p->store_hook); /* it may wait for another turn */
    platform_store_dirty(p);
}

static void tidy(void *arg)
{
    struct platform *p = arg;
    bool is_more;

    loop_clocks_look(p->loop);
    exchanges_tidy(p->exchanges);
    is_more = store_tidy(p->store, clock_wall_ms());
    note_trouble(p);
    loop_timer_start(p->loop, &p->tidy_timer, is_more ? TIDY_MORE_MS : TIDY_MS, tidy, p);
}

/* ---- signals ---- */

static void on_stop_signal(void *arg, int signum)
{
    (void)signum;
    platform_stop(arg);
}

static void on_hangup(void *arg, int signum)
{
    struct platform *p = arg;

    (void)signum;
    if (p->stop == PLATFORM_RUNS) {
        platform_reload(p);
    }
}

static enum cx_err listen_to_signals(struct platform *p, struct cx_fail *fail)
{
    enum cx_err err = loop_on_signal(p->loop, SIGTERM, on_stop_signal, p);

    if (err == CX_OK) {
        err = loop_on_signal(p->loop, SIGINT, on_stop_signal, p);
    }
    if (err == CX_OK) {
        err = loop_on_signal(p->loop, SIGHUP, on_hangup, p);
    }
    return err == CX_OK ? CX_OK : cx_fail_set(fail, err, "platform.new", "can't catch signals");
}

/* ---- the clock ---- */

static void on_clocks(void *arg, const struct clock_news *news)
{
    struct platform *p = arg;

    if (news->stepped_ms >= STEP_MS || news->stepped_ms <= -STEP_MS) {
        store_clock_set(p->store, clock_wall_ms(), news->stepped_ms);
        note_trouble(p);
        listeners_renew_certificate(p);
    }
}

/* ---- life ---- */

static enum cx_err no_memory(struct cx_fail *fail)
{
    return cx_fail_set(fail, CX_E_NOMEM, "platform.new", "out of memory");
}

/* What the settings name and only the admin can mend. */
static enum cx_err read_secrets(struct platform *p, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    enum cx_err err = seal_key_read(p->settings.store_master_key, &p->seal_key, fail);

    if (err == CX_OK) {
        err = cert_chain_read(p->settings.ca_certificate, &chain, fail);
    }
    if (err == CX_OK) {
        p->ca.cert = chain.items[0];
        chain.items[0] = NULL; /* moved */
        cert_spki_sha256(p->ca.cert, p->ca_pin);
        err = cert_key_read(p->settings.ca_key, &p->ca.key, fail);
    }
    cert_chain_done(&chain);
    if (err != CX_OK && err != CX_E_NOMEM) {
        fail->code = CX_E_CONFIG;
        return CX_E_CONFIG;
    }
    return err;
}

static void on_web_log(void *arg, const char *text)
{
    (void)arg;
    log_event(CX_LOG_DEBUG, "web.says", kv_str("text", text));
}

static enum cx_err open_loop(struct platform *p, struct cx_fail *fail)
{
    struct web_opts web = {.subprotocol = MSG_SUBPROTOCOL, .log = on_web_log};
    enum cx_err err = loop_new(&p->loop, fail);

    if (err != CX_OK) {
        return err;
    }
    loop_set_poll(p->loop, p->settings.limits_poll_us);
    return web_new(p->loop, &web, &p->web, fail);
}

/* From the store to memory. */
static enum cx_err load(struct platform *p, struct cx_fail *fail)
{
    enum cx_err err = store_open(p->settings.store_path, &p->seal_key, &p->store, fail);

    if (err == CX_OK) {
        err = keys_new(p, &p->keys, fail);
    }
    if (err == CX_OK && (p->exchanges = exchanges_new(p)) == NULL) {
        err = no_memory(fail);
    }
    if (err == CX_OK) {
        err = platform_load_connectors(p, fail);
    }
    if (err == CX_OK) {
        err = exchanges_load_holds(p->exchanges, fail);
    }
    if (err == CX_OK) {
        err = exchanges_load_open(p->exchanges, fail);
    }
    return err == CX_OK ? profiles_new(p, &p->profiles, fail) : err;
}

static void renew_certificate(void *arg)
{
    listeners_renew_certificate(arg);
}

static enum cx_err open_doors(struct platform *p, struct cx_fail *fail)
{
    enum cx_err err;

    p->enrolls = enrolls_new(p);
    if (p->enrolls == NULL) {
        return no_memory(fail);
    }
    listeners_renew_certificate(p);
    err = listeners_open(p, fail);
    if (err == CX_OK) {
        err = listen_to_signals(p, fail);
    }
    if (err == CX_OK) {
        loop_timer_every(p->loop, &p->certificate_timer, CERTIFICATE_MS, renew_certificate, p);
        loop_timer_start(p->loop, &p->tidy_timer, 0, tidy, p);
        loop_on_clocks(p->loop, on_clocks, p);
    }
    return err;
}

enum cx_err platform_new(struct platform_settings *settings, struct policy *policy,
                         struct platform **out, struct cx_fail *fail)
{
    struct platform *p = calloc(1, sizeof(*p));
    enum cx_err err;

    if (p == NULL) {
        return no_memory(fail);
    }
    reload_init(&p->reload);
    p->settings = *settings;
    *settings = (struct platform_settings){0};
    registry_init(&p->registry);
    err = read_secrets(p, fail);
    if (err == CX_OK) {
        err = open_loop(p, fail);
    }
    if (err == CX_OK) {
        err = own_new(p, policy, &p->own, fail);
    }
    if (err == CX_OK) {
        err = load(p, fail);
    }
    if (err == CX_OK) {
        err = open_doors(p, fail);
    }
    if (err != CX_OK) {
        (void)platform_free(p); /* no lookup has begun */
        return err;
    }
    *out = p;
    return CX_OK;
}

void platform_run(struct platform *p)
{
    listeners_log(p);
    log_gather_start(&p->log, p->loop);
    loop_run(p->loop);
    log_gather_stop(&p->log);
    log_event(CX_LOG_INFO, "platform.stopped",
              kv_u64("tunnels_since_start", p->tunnel_table.last_serial));
}

/* What is still noted is written, and what hears of it still stands. */
static void free_stored(struct platform *p)
{
    for (struct registry_connector *c = p->registry.connectors; c != NULL; c = c->next) {
        dispatch_connector_free(c->dispatch);
        c->dispatch = NULL;
    }
    for (int i = 0; p->store != NULL && store_is_dirty(p->store) && i < FLUSHES_MAX; i++) {
        store_flush(p->store);
    }
    own_free(p->own);
    exchanges_free(p->exchanges);
    profiles_free(p->profiles);
    keys_free(p->keys);
    registry_done(&p->registry);
    store_close(p->store);
}

bool platform_free(struct platform *p)
{
    bool is_clean = true;

    if (p == NULL) {
        return true;
    }
    loop_timer_stop(&p->stop_timer);
    loop_timer_stop(&p->tidy_timer);
    loop_timer_stop(&p->store_timer);
    loop_timer_stop(&p->certificate_timer);
    enrolls_free(p->enrolls);
    listeners_close(p);
    web_free(p->web); /* every link ends here, and says so */
    own_close(p->own);
    loop_defer_cancel(&p->store_hook);
    free_stored(p);
    if (p->loop != NULL && loop_free(p->loop) != CX_OK) {
        log_event(CX_LOG_DEBUG, "loop.not_freed", kv_str("why", "a name lookup still runs"));
        is_clean = false;
    }
    cert_ca_done(&p->ca);
    seal_key_done(&p->seal_key);
    conf_done(&platform_settings_table, &p->settings);
    reload_done(&p->reload);
    free(p);
    return is_clean;
}
