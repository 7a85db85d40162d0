#include "agent/io/status_server.h"

#include "agent/io/agent.h"
#include "agent/io/recorder.h"
#include "common/core/rule_load.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/web.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the agent as a whole does: the state of its best tunnel. */
static const char *overall_state(const struct agent *a)
{
    enum session_state best = SESSION_OVER;
    static const int rank[] = {
        [SESSION_OVER] = 0,    [SESSION_REPLACED] = 1,   [SESSION_REFUSED] = 2,
        [SESSION_WAITING] = 3, [SESSION_CONNECTING] = 4, [SESSION_GREETING] = 5,
        [SESSION_LEAVING] = 6, [SESSION_READY] = 7};

    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        const struct agent_tunnel *t = &a->tunnels[i];

        if (t->is_used && rank[t->session.state] > rank[best]) {
            best = t->session.state;
        }
    }
    return session_state_name(best);
}

static json_t *tunnel_json(const struct agent_tunnel *t)
{
    json_t *json = json_pack("{s:i, s:s}", "number", (int)t->number, "state",
                             session_state_name(t->session.state));
    char session[CX_ID_TEXT_BYTES];
    struct link_stats stats;

    if (json == NULL) {
        return NULL;
    }
    if (t->link != NULL && tunnel_is_up(t)) {
        link_stats(t->link, &stats);
        (void)json_object_set_new(json, "session", json_string(id_text(&t->session_id, session)));
        (void)json_object_set_new(json, "peer", json_string(link_peer(t->link)));
        (void)json_object_set_new(
            json, "up_s",
            json_integer((json_int_t)(loop_now_ms(t->agent->loop) - t->ready_ms) / 1000));
        (void)json_object_set_new(json, "round_trip_us", json_integer((json_int_t)stats.rtt_us));
    }
    if (t->session.last_close_code != 0) {
        (void)json_object_set_new(json, "last_close_code",
                                  json_integer((json_int_t)t->session.last_close_code));
    }
    if (t->trouble[0] != '\0') {
        (void)json_object_set_new(json, "trouble", json_string(t->trouble));
    }
    return json;
}

static json_t *tunnels_json(const struct agent *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used) {
            (void)json_array_append_new(list, tunnel_json(&a->tunnels[i]));
        }
    }
    return list;
}

static json_t *jobs_json(const struct agent *a)
{
    json_t *outcomes = json_object();
    json_t *stages = json_object();

    for (int i = 1; i < OUTCOME_COUNT; i++) {
        (void)json_object_set_new(outcomes, terms_outcome((enum outcome)i),
                                  json_integer((json_int_t)a->counts.by_outcome[i]));
    }
    for (int i = 1; i < STAGE_COUNT; i++) {
        if (a->counts.by_stage[i] > 0) {
            (void)json_object_set_new(stages, terms_stage((enum stage)i),
                                      json_integer((json_int_t)a->counts.by_stage[i]));
        }
    }
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o}", "capacity", (json_int_t)jobs_capacity(a->jobs), "running",
        (json_int_t)jobs_running(a->jobs), "unacknowledged",
        (json_int_t)(jobs_held(a->jobs) - jobs_running(a->jobs)), "done",
        (json_int_t)a->counts.done, "outcomes", outcomes, "not_issued_by_stage", stages);
}

/* Of rules that have something to tell: a policy may have thousands. */
static json_t *rules_json(const struct agent *a)
{
    json_t *list = json_array();

    for (const struct rule_load *load = executor_loads(a->executor); load != NULL;
         load = load->next) {
        if (load->running > 0 || load->refused > 0) {
            (void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I}", "name", load->name,
                                                        "running", (json_int_t)load->running,
                                                        "jobs", (json_int_t)load->jobs_max,
                                                        "refused", (json_int_t)load->refused));
        }
    }
    return list;
}

static json_t *ledger_json(const struct agent *a)
{
    static const char *const states[] = {
        [LEDGER_OK] = "good", [LEDGER_FULL] = "full", [LEDGER_FAILING] = "failing"};
    struct ledger_status s = ledger_status(recorder_ledger(a->recorder));
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "path", a->config.settings.ledger_path,
                  "state", states[s.state], "jobs", (json_int_t)s.jobs, "bytes",
                  (json_int_t)s.live_bytes, "disk_bytes", (json_int_t)s.disk_bytes, "writes",
                  (json_int_t)s.writes, "syncs", (json_int_t)s.syncs);

    if (s.why[0] != '\0') {
        (void)json_object_set_new(json, "why", json_string(s.why));
    }
    if (s.aside[0] != '\0') {
        (void)json_object_set_new(json, "set_aside", json_string(s.aside));
        (void)json_object_set_new(json, "set_aside_jobs", json_integer((json_int_t)s.aside_jobs));
    }
    return json;
}

static json_t *proxy_json(const struct proxy *proxy)
{
    char url[PROXY_URL_BYTES];

    return proxy_is_set(proxy) ? json_string(proxy_url(proxy, url)) : json_null();
}

static json_t *status_json(const struct agent *a)
{
    int64_t left_s = (int64_t)a->certificate_ends_s - (int64_t)clock_wall_s();
    json_t *certificate = json_pack("{s:I, s:I}", "ends_unix", (json_int_t)a->certificate_ends_s,
                                    "days_left", (json_int_t)(left_s < 0 ? -1 : left_s / 86400));

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
                     "state", overall_state(a), "version", CONNECTOR_VERSION, "agent",
                     a->agent_name, "connector", a->connector_name, "platform",
                     a->config.settings.platform_url, "proxy", proxy_json(&a->config.proxy), "pid",
                     (int)getpid(), "up_s", (json_int_t)((clock_mono_ms() - a->started_ms) / 1000),
                     "policy_rules", (json_int_t)executor_policy(a->executor)->nrules,
                     "times_connected", (json_int_t)a->counts.connected, "certificate", certificate,
                     "tunnels", tunnels_json(a), "jobs", jobs_json(a), "rules", rules_json(a));
}

static json_t *fault_json(const struct fault *fault)
{
    bool has_field = fault->field[0] != '\0';

    return json_sprintf("%s: %s%s%s", fault->where, fault->field, has_field ? ": " : "",
                        fault->what);
}

/* NULL: there was none since the start. */
static json_t *reload_json(const struct reload *r)
{
    json_t *faults;
    json_t *restart;

    if (r->at_ms == 0) {
        return NULL;
    }
    faults = json_array();
    restart = json_array();
    for (size_t i = 0; i < r->faults.count; i++) {
        (void)json_array_append_new(faults, fault_json(&r->faults.items[i]));
    }
    for (size_t i = 0; i < r->nrestart; i++) {
        (void)json_array_append_new(restart, json_string(r->restart[i]));
    }
    return json_pack("{s:b, s:I, s:o, s:o}", "ok", reload_is_good(r), "at_unix",
                     (json_int_t)(r->at_ms / 1000), "faults", faults, "restart_needed", restart);
}

/* The last ones, newest first. */
static json_t *failures_json(const struct agent *a)
{
    json_t *list = json_array();
    const struct failure *f;

    for (size_t i = 0; (f = failures_at(&a->failures, i)) != NULL; i++) {
        int64_t ago_s = (int64_t)clock_wall_s() - (int64_t)f->at_unix_s;

        (void)json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s, s:i, s:s}", "at_unix", (json_int_t)f->at_unix_s,
                            "ago_s", (json_int_t)(ago_s < 0 ? 0 : ago_s), "code",
                            terms_verdict(f->code), "stage", terms_stage(f->stage), "status",
                            (int)f->status, "message", f->text));
    }
    return list;
}

static void reply(struct http_call *call, unsigned status, const char *text)
{
    struct http_reply answer = {
        .status = status, .content_type = "application/json", .body = slice_of_str(text)};

    http_call_reply(call, &answer);
}

static void on_request(void *arg, struct http_call *call, const struct http_request *request)
{
    const struct agent *a = arg;
    json_t *json;
    char *text;

    if (!slice_eq_str(request->method, "GET") || !slice_eq_str(request->path, "/status")) {
        reply(call, 404, "{\"title\":\"only GET /status is served here\"}");
        return;
    }
    json = status_json(a);
    (void)json_object_set_new(json, "ledger", ledger_json(a));
    (void)json_object_set_new(json, "failures", failures_json(a));
    (void)json_object_set_new(json, "reload", reload_json(&a->reload));
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    reply(call, text != NULL ? 200 : 500, text != NULL ? text : "{\"title\":\"out of memory\"}");
    free(text);
    json_decref(json);
}

enum cx_err status_server_new(struct agent *a, struct http_server **out, struct cx_fail *fail)
{
    struct http_listen listen = {.unix_path = a->config.settings.control,
                                 .body_bytes_max = 1024,
                                 .connections_max = 8,
                                 .request_ms = 5000,
                                 .idle_ms = 5000,
                                 .handler = on_request,
                                 .arg = a};

    return http_server_new(a->web, &listen, out, fail);
}
