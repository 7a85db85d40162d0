#include "agent/io/agent.h"

#include "agent/io/identity.h"
#include "agent/io/metrics.h"
#include "agent/io/outbox.h"
#include "agent/io/recorder.h"
#include "agent/io/reload.h"
#include "agent/io/renewal.h"
#include "agent/io/status_server.h"
#include "common/core/report.h"
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/http.h"
#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/tls.h"
#include "common/io/web.h"
#include "common/io/ws_client.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STOP_GRACE_MS = 125 * 1000, /* the longest budget of a job, and a little */
    OUTBOX_BYTES = 16 * 1024 * 1024,
    HEARTBEAT_MS = 10000, /* until `welcome` says otherwise */
};

/* ---- jobs ---- */

void agent_job_done(struct agent *a, struct job *job, const struct msg_result *result)
{
    struct msg_result sent = *result;
    const struct msg_result *outcome = &sent;
    struct buf bytes;

    job->run = NULL;
    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    if (report_encode_some(&sent, MSG_MESSAGE_BYTES_MAX, &bytes) != CX_OK) {
        buf_clear(&bytes); /* out of memory: the platform's own budget ends the exchange */
    }
    a->counts.done++;
    exchange_counts_result(&a->ended, outcome);
    a->counts.by_outcome[outcome->outcome]++;
    if (outcome->has_error) {
        a->counts.by_stage[outcome->error.stage]++;
        failures_add(&a->failures, outcome, clock_wall_s());
    }
    log_event(CX_LOG_INFO, "job.done", kv_id("job", &job->id),
              kv_str("trace_id", job->trace_id[0] != '\0' ? job->trace_id : NULL),
              kv_str("outcome", terms_outcome(outcome->outcome)),
              kv_str("code", terms_verdict(outcome->code)),
              kv_str("execution", terms_execution(outcome->execution)),
              kv_str("stage", outcome->has_error ? terms_stage(outcome->error.stage) : NULL),
              kv_u64("status", outcome->status), kv_u64("total_us", outcome->timing.total));
    jobs_finish(a->jobs, job, &bytes, clock_mono_ms());
    buf_done(&bytes);
    recorder_save(a->recorder, job);
}

static void on_finished(void *ctx, void *owner, const struct msg_result *result)
{
    agent_job_done(ctx, owner, result);
}

/* ---- tunnels ---- */

void agent_open_tunnel(struct agent *a)
{
    for (unsigned i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (!a->tunnels[i].is_used) {
            a->tunnels[i].agent = a;
            a->tunnels[i].number = i;
            tunnel_open(&a->tunnels[i]);
            return;
        }
    }
}

static bool any_tunnel(const struct agent *a)
{
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used) {
            return true;
        }
    }
    return false;
}

void agent_tunnel_over(struct agent *a)
{
    if (any_tunnel(a)) {
        return;
    }
    if (a->is_stopping) {
        loop_stop(a->loop);
    } else if (!loop_timer_runs(&a->sibling_timer)) {
        agent_open_tunnel(a);
    }
}

/* ---- signals ---- */

static void on_grace_over(void *arg)
{
    struct agent *a = arg;

    log_event(CX_LOG_WARN, "agent.stop_forced", kv_u64("jobs", jobs_held(a->jobs)));
    loop_stop(a->loop);
}

static void on_stop_signal(void *arg, int signum)
{
    struct agent *a = arg;

    if (a->is_stopping) { /* asked twice: now */
        on_grace_over(a);
        return;
    }
    a->is_stopping = true;
    log_event(CX_LOG_INFO, "agent.stopping", kv_str("signal", signum == SIGINT ? "INT" : "TERM"),
              kv_u64("jobs", jobs_held(a->jobs)));
    loop_timer_stop(&a->sibling_timer);
    loop_timer_start(a->loop, &a->stop_timer, STOP_GRACE_MS, on_grace_over, a);
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used) {
            tunnel_event(&a->tunnels[i], SESSION_EV_STOP);
            agent_check_settled(a, &a->tunnels[i]);
        }
    }
    agent_tunnel_over(a);
}

/* Reloads, and ends the waiting of a tunnel that the platform has refused. */
static void on_hangup(void *arg, int signum)
{
    struct agent *a = arg;

    (void)signum;
    if (a->is_stopping) {
        return;
    }
    agent_reload(a);
    log_event(CX_LOG_INFO, "agent.retry", kv_str("signal", "HUP"));
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used) {
            tunnel_event(&a->tunnels[i], SESSION_EV_RETRY);
        }
    }
}

static enum cx_err listen_to_signals(struct agent *a, struct cx_fail *fail)
{
    enum cx_err err = loop_on_signal(a->loop, SIGTERM, on_stop_signal, a);

    if (err == CX_OK) {
        err = loop_on_signal(a->loop, SIGINT, on_stop_signal, a);
    }
    if (err == CX_OK) {
        err = loop_on_signal(a->loop, SIGHUP, on_hangup, a);
    }
    return err == CX_OK ? CX_OK : cx_fail_set(fail, err, "agent.new", "can't catch signals");
}

/* What the loop's timers have become due for runs by itself: a tunnel that was silent for too long,
 * a budget that was spent. The certificate's end is a time of day. */
static void on_clocks(void *arg, const struct clock_news *news)
{
    struct agent *a = arg;

    (void)news;
    renewal_look(a->renewal);
}

/* ---- life ---- */

static void on_web_log(void *arg, const char *text)
{
    (void)arg;
    log_event(CX_LOG_DEBUG, "web.says", kv_str("text", text));
}

static enum cx_err take_identity(struct agent *a, struct cx_fail *fail)
{
    struct identity id;
    enum cx_err err = identity_read(&a->config.settings, &id, fail);

    if (err == CX_OK) {
        struct tls_client client = {.ca = buf_view(&id.ca_pem),
                                    .chain = buf_view(&id.chain_pem),
                                    .key = secret_view(&id.key_pem)};

        (void)snprintf(a->agent_name, sizeof(a->agent_name), "%s", id.name.agent);
        (void)snprintf(a->connector_name, sizeof(a->connector_name), "%s", id.name.connector);
        a->certificate_begins_s = id.not_before_s;
        a->certificate_ends_s = id.not_after_s;
        err = tls_client_new(&client, &a->tls, fail);
    }
    identity_done(&id);
    if (err == CX_E_NOMEM || err == CX_OK) {
        return err;
    }
    fail->code = CX_E_CONFIG;
    return CX_E_CONFIG;
}

static enum cx_err make_network(struct agent *a, struct cx_fail *fail)
{
    struct web_opts web = {.subprotocol = MSG_SUBPROTOCOL, .log = on_web_log};
    struct http_limits http = {.connections = a->config.settings.jobs};
    struct link_limits link = {.message_bytes_max = MSG_WEBSOCKET_BYTES_MAX,
                               .outbox_bytes_max = OUTBOX_BYTES,
                               .pack_bytes = MSG_WEBSOCKET_PACK_BYTES,
                               .heartbeat_ms = HEARTBEAT_MS};
    enum cx_err err = loop_new(&a->loop, fail);

    if (err == CX_OK) {
        loop_set_poll(a->loop, a->config.settings.poll_us);
        err = web_new(a->loop, &web, &a->web, fail);
    }
    if (err == CX_OK) {
        err = http_new(a->loop, &http, &a->http, fail);
    }
    if (err == CX_OK) {
        err = ws_client_new(a->web, a->tls, &link, &a->ws_client, fail);
    }
    if (err == CX_OK) {
        err = status_server_new(a, &a->control, fail);
    }
    if (err == CX_OK) {
        err = agent_metrics_new(a, &a->metrics, fail);
    }
    return err == CX_OK ? listen_to_signals(a, fail) : err;
}

static enum cx_err make_parts(struct agent *a, struct cx_fail *fail)
{
    struct executor_options executor = {.loop = a->loop,
                                        .http = a->http,
                                        .answer_bytes_max = a->config.settings.answer_bytes,
                                        .jobs_max = a->config.settings.jobs,
                                        .finished = on_finished,
                                        .ctx = a};

    a->jobs = jobs_new(a->config.settings.jobs);
    a->executor = executor_new(&executor);
    a->renewal = renewal_new(a);
    a->arena = wire_arena_new();
    loop_on_clocks(a->loop, on_clocks, a);
    if (a->jobs == NULL || a->executor == NULL || a->renewal == NULL || a->arena == NULL ||
        !executor_set_policy(a->executor, &a->config.policy)) {
        return cx_fail_set(fail, CX_E_NOMEM, "agent.new", "out of memory");
    }
    return recorder_new(a, &a->recorder, fail);
}

enum cx_err agent_new(struct agent_config *config, struct agent **out, struct cx_fail *fail)
{
    struct agent *a = calloc(1, sizeof(*a));
    enum cx_err err;

    if (a == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "agent.new", "out of memory");
    }
    reload_init(&a->reload);
    a->config = *config;
    *config = (struct agent_config){0};
    a->instance = random_id();
    a->started_ms = clock_mono_ms();
    err = take_identity(a, fail);
    if (err == CX_OK) {
        err = make_network(a, fail);
    }
    if (err == CX_OK) {
        err = make_parts(a, fail);
    }
    if (err != CX_OK) {
        (void)agent_free(a); /* nothing has run yet, no lookup either */
        return err;
    }
    *out = a;
    return CX_OK;
}

void agent_run(struct agent *a)
{
    log_event(CX_LOG_INFO, "agent.started", kv_str("version", CONNECTOR_VERSION),
              kv_str("agent", a->agent_name), kv_str("connector", a->connector_name),
              kv_str("platform", a->config.settings.platform_url),
              kv_u64("rules", executor_policy(a->executor)->nrules),
              kv_u64("capacity", jobs_capacity(a->jobs)));
    agent_open_tunnel(a);
    log_gather_start(&a->log, a->loop);
    loop_run(a->loop);
    log_gather_stop(&a->log);
    log_event(CX_LOG_INFO, "agent.stopped", kv_u64("jobs_done", a->counts.done));
}

bool agent_free(struct agent *a)
{
    bool is_clean = true;

    if (a == NULL) {
        return true;
    }
    a->is_stopping = true;
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        a->tunnels[i].session.is_stopping = true; /* a link that ends now is not missed */
        tunnel_drop(&a->tunnels[i]);
    }
    if (a->loop != NULL) {
        loop_timer_stop(&a->sibling_timer);
        loop_timer_stop(&a->stop_timer);
    }
    renewal_free(a->renewal);
    http_free(a->http); /* ends the jobs that run */
    recorder_free(a->recorder);
    http_server_free(a->control);
    metrics_server_free(a->metrics);
    ws_client_free(a->ws_client);
    web_free(a->web);
    executor_free(a->executor);
    wire_arena_free(a->arena);
    jobs_free(a->jobs);
    if (a->loop != NULL && loop_free(a->loop) != CX_OK) {
        log_event(CX_LOG_DEBUG, "loop.not_freed", kv_str("why", "a name lookup still runs"));
        is_clean = false;
    }
    SSL_CTX_free(a->tls);
    agent_config_done(&a->config);
    reload_done(&a->reload);
    free(a);
    return is_clean;
}
