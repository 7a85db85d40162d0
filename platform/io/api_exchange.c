#include "platform/io/api_internal.h"

#include "common/core/members.h"
#include "common/io/log.h"
#include "platform/io/exchange.h"
#include "platform/io/profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTOR_FULL_RETRY_MS = 1000, TENANT_BYTES_MAX = 63, REFRESH_TOKEN_BYTES_MAX = 65536 };

/* A caller that waits for its exchange. */
struct waiting {
    struct http_call *call;
    struct exchange *exchange;
    char trace_id[TRACE_ID_TEXT_BYTES];
};

/* ---- the answer ---- */

static void set_slice(json_t *json, const char *key, struct slice text)
{
    if (!slice_is_absent(text)) {
        (void)json_object_set_new(json, key, json_stringn((const char *)text.ptr, text.len));
    }
}

static void set_number(json_t *json, const char *key, uint64_t value)
{
    (void)json_object_set_new(json, key, json_integer((json_int_t)value));
}

static json_t *token_json(const struct msg_token *token)
{
    json_t *json = json_object();

    set_slice(json, "access_token", token->access_token);
    set_slice(json, "token_type", token->token_type);
    if (token->has_expires_in) {
        set_number(json, "expires_in", token->expires_in);
    }
    set_slice(json, "refresh_token", token->refresh_token);
    set_slice(json, "scope", token->scope);
    set_slice(json, "id_token", token->id_token);
    if (!slice_is_absent(token->extra)) {
        (void)json_object_set_new(
            json, "extra", json_loadb((const char *)token->extra.ptr, token->extra.len, 0, NULL));
    }
    if (token->extra_omitted) {
        (void)json_object_set_new(json, "extra_omitted", json_true());
    }
    return json;
}

static void reply_issued(const struct waiting *w, const struct exchange_end *end)
{
    const struct msg_result *result = end->result;
    char agent[CX_ID_TEXT_BYTES];
    char id[CX_ID_TEXT_BYTES];
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:s, s:s}", "id", id_text(&end->id, id),
                  "outcome", terms_outcome(result->outcome), "code", terms_verdict(result->code),
                  "execution", terms_execution(result->execution), "status",
                  (json_int_t)result->status, "token", token_json(&result->token), "connector",
                  end->connector, "agent", id_text(&end->agent, agent), "trace_id", w->trace_id);

    if (json != NULL && result->has_timing) {
        (void)json_object_set_new(json, "timing_us", problem_timing_json(&result->timing));
    }
    api_reply_json(w->call, 200, json);
}

static void reply_refused(const struct waiting *w, const struct exchange_end *end)
{
    const struct msg_result *r = end->result;
    char agent[CX_ID_TEXT_BYTES];
    char id[CX_ID_TEXT_BYTES];
    struct problem problem = {
        .status = terms_verdict_status(r->code),
        .code = terms_verdict(r->code),
        .detail = r->error.message,
        .stage = r->error.stage,
        .execution = r->execution,
        .safe_to_retry = problem_retry_name(problem_retry(r->code, r->execution)),
        .oauth_error = r->error.oauth_error,
        .oauth_description = r->error.oauth_description,
        .endpoint_status = r->status,
        .has_retry_after = r->error.has_retry_after,
        .retry_after_ms = r->error.retry_after_ms,
        .connector = end->connector,
        .agent = id_text(&end->agent, agent),
        .id = id_text(&end->id, id),
        .timing = r->has_timing ? &r->timing : NULL,
        .trace_id = w->trace_id,
    };

    api_reply_problem(w->call, &problem);
}

static void reply_failed(const struct waiting *w, const struct exchange_end *end)
{
    const struct dispatch_failure *f = end->failure;
    char agent[CX_ID_TEXT_BYTES];
    char id[CX_ID_TEXT_BYTES];
    struct problem problem = {
        .status = terms_verdict_status(f->code),
        .code = terms_verdict(f->code),
        .detail = slice_of_str(f->message),
        .stage = f->stage,
        .execution = f->execution,
        .safe_to_retry = problem_retry_name(problem_retry(f->code, f->execution)),
        .connector = end->connector,
        .agent = id_is_none(&end->agent) ? NULL : id_text(&end->agent, agent),
        .id = id_text(&end->id, id),
        .trace_id = w->trace_id,
    };

    api_reply_problem(w->call, &problem);
}

static void on_done(void *ctx, const struct exchange_end *end)
{
    struct waiting *w = ctx;

    if (end->result == NULL) {
        reply_failed(w, end);
    } else if (end->result->outcome == OUTCOME_ISSUED) {
        reply_issued(w, end);
    } else {
        reply_refused(w, end);
    }
    free(w);
}

static void on_gone(void *arg)
{
    struct waiting *w = arg;
    struct http_reply nobody_reads = {.status = 499};

    exchange_abandon(w->exchange);
    http_call_reply(w->call, &nobody_reads);
    free(w);
}

/* ---- what could not begin ---- */

static void refuse_begin(const struct api_request *r, enum exchange_begun begun,
                         const struct profile *profile, const struct cx_id *id)
{
    char id_chars[CX_ID_TEXT_BYTES];
    struct problem problem = {.status = 503,
                              .stage = STAGE_PLATFORM,
                              .execution = EXECUTION_NOT_SENT,
                              .safe_to_retry = "yes",
                              .connector = profile->connector,
                              .id = id_text(id, id_chars),
                              .trace_id = r->trace_id};

    switch (begun) {
    case EXCHANGE_OFFLINE:
        problem.code = terms_verdict(VERDICT_CONNECTOR_OFFLINE);
        problem.detail = SLICE_LIT(
            "the connector has no agent that is connected: ask the admin of its data centre, and "
            "look at `connector-agent status` there; nothing was sent");
        break;
    case EXCHANGE_NO_CONNECTOR:
        problem.code = terms_verdict(VERDICT_CONNECTOR_OFFLINE);
        problem.safe_to_retry = "after_fix";
        problem.detail = slice_of_str(
            profile->connector == NULL
                ? "the profile names no connector, and this platform asks no token URL by itself"
                : "the profile's connector does not exist (any more)");
        break;
    case EXCHANGE_FULL:
        problem.status = 429;
        problem.code = terms_verdict(VERDICT_CONNECTOR_FULL);
        problem.detail =
            SLICE_LIT("the connector's agents and its queue are full; nothing was sent");
        problem.has_retry_after = true;
        problem.retry_after_ms = CONNECTOR_FULL_RETRY_MS;
        break;
    case EXCHANGE_DRAINING:
        problem.code = terms_verdict(VERDICT_PLATFORM_FAILED);
        problem.detail = SLICE_LIT("the platform is stopping; nothing was sent");
        break;
    case EXCHANGE_BEGUN:
    case EXCHANGE_INPUT:
    case EXCHANGE_NO_MEMORY:
        problem.status = 500;
        problem.code = terms_verdict(VERDICT_PLATFORM_FAILED);
        problem.detail = SLICE_LIT("the platform is out of memory; nothing was sent");
        break;
    }
    api_reply_problem(r->call, &problem);
}

/* ---- the request ---- */

/* What the body says, read and owned. */
struct ask {
    struct profile_call call;
    char *tenant;
    char *refresh_token;
    uint32_t budget_ms;
};

static const char *const ask_members[] = {"variables", "context", "tenant",
                                          "budget_ms", "trace",   "refresh_token"};
enum { MEMBERS_OF_EXCHANGE = 5, MEMBERS_OF_REFRESH = 6 };

static void read_ask(const struct api_request *r, const struct profile *profile,
                     enum job_purpose purpose, struct ask *out, struct faults *faults)
{
    bool is_refresh = purpose == PURPOSE_REFRESH;
    struct members m;
    uint32_t budget_ms;

    members_init(&m, r->body, "", faults);
    members_check_names(&m, ask_members, is_refresh ? MEMBERS_OF_REFRESH : MEMBERS_OF_EXCHANGE);
    out->call.purpose = purpose;
    out->call.variables = members_get(&m, "variables");
    out->call.context = members_get(&m, "context");
    out->tenant = members_text(&m, "tenant", TENANT_BYTES_MAX, NULL);
    out->call.tenant = slice_of_str(out->tenant);
    out->call.trace = members_flag(&m, "trace", false);
    budget_ms = members_u32(&m, "budget_ms", PROFILE_BUDGET_MS_MIN, PROFILE_BUDGET_MS_MAX,
                            profile->budget_ms);
    out->budget_ms = budget_ms < profile->budget_ms ? budget_ms : profile->budget_ms;
    if (is_refresh) {
        out->refresh_token = members_text(&m, "refresh_token", REFRESH_TOKEN_BYTES_MAX, NULL);
        out->call.refresh_token = slice_of_str(out->refresh_token);
    }
}

static void ask_done(struct ask *ask)
{
    if (ask->refresh_token != NULL) {
        explicit_bzero(ask->refresh_token, strlen(ask->refresh_token));
    }
    free(ask->refresh_token);
    free(ask->tenant);
}

static void begin(struct api_request *r, const struct profile *profile, const struct ask *ask,
                  struct faults *faults)
{
    struct waiting *w = calloc(1, sizeof(*w));
    struct exchange_request request = {.profile = profile,
                                       .call = &ask->call,
                                       .budget_ms = ask->budget_ms,
                                       .key = r->key,
                                       .trace_id = r->trace_id,
                                       .done = on_done,
                                       .ctx = w};
    enum exchange_begun begun = EXCHANGE_NO_MEMORY;
    struct cx_id id = {{0}};

    if (w != NULL) {
        w->call = r->call;
        memcpy(w->trace_id, r->trace_id, sizeof(w->trace_id));
        begun = exchange_begin(r->p, &request, &id, &w->exchange, faults);
    }
    if (begun == EXCHANGE_BEGUN) {
        http_call_on_gone(r->call, on_gone, w);
        return;
    }
    free(w);
    if (begun == EXCHANGE_INPUT) {
        api_refuse_faults(r, faults);
    } else {
        refuse_begin(r, begun, profile, &id);
    }
}

static bool is_named(const struct faults *faults, const char *field)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (strcmp(faults->items[i].field, field) == 0) {
            return true;
        }
    }
    return false;
}

/* The body is wrong already: look at the values too, so that one answer names every fault. */
static void add_value_faults(const struct profile *profile, const struct ask *ask,
                             struct faults *faults)
{
    struct profile_job unused = {0};
    struct faults more;

    faults_init(&more);
    (void)profile_make_job(profile, &ask->call, &unused, &more);
    for (size_t i = 0; i < more.count; i++) {
        if (!is_named(faults, more.items[i].field)) {
            faults_add(faults, NULL, more.items[i].field, "%s", more.items[i].what);
        }
    }
    profile_job_done(&unused);
    faults_done(&more);
}

static void run(struct api_request *r, enum job_purpose purpose)
{
    const struct profile *profile = profiles_find(r->p->profiles, r->words.items[0]);
    struct ask ask = {0};
    struct faults faults;

    if (profile == NULL) {
        api_refuse(r, 404, "not_found", "there is no profile of that name");
        return;
    }
    faults_init(&faults);
    read_ask(r, profile, purpose, &ask, &faults);
    if (faults_total(&faults) > 0) {
        add_value_faults(profile, &ask, &faults);
        api_refuse_faults(r, &faults);
    } else {
        begin(r, profile, &ask, &faults);
    }
    ask_done(&ask);
    faults_done(&faults);
}

void api_exchange(struct api_request *r)
{
    run(r, PURPOSE_AUTHORIZE);
}

void api_refresh(struct api_request *r)
{
    run(r, PURPOSE_REFRESH);
}
