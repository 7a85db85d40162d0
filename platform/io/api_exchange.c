#include "platform/io/api_internal.h"

#include "common/core/members.h"
#include "platform/io/api_exchange.h"
#include "platform/io/profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTOR_FULL_RETRY_MS = 1000, TENANT_BYTES_MAX = 63, REFRESH_TOKEN_BYTES_MAX = 65536 };

/* ---- what could not begin ---- */

void api_refuse_begin(struct http_call *call, const char *trace_id, enum exchange_begun begun,
                      const char *connector, const struct cx_id *id)
{
    char id_chars[CX_ID_TEXT_BYTES];
    struct problem problem = {.status = 503,
                              .stage = STAGE_PLATFORM,
                              .execution = EXECUTION_NOT_SENT,
                              .safe_to_retry = "yes",
                              .connector = connector,
                              .id = id_text(id, id_chars),
                              .trace_id = trace_id};

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
            connector == NULL
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
    api_reply_problem(call, &problem);
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

/* What is to be begun. */
struct begin {
    const struct profile *profile;
    const struct exchange_repeat *repeat; /* NULL: no Idempotency-Key */
    const struct ask *ask;
};

static void begin(struct api_request *r, const struct begin *what, struct faults *faults)
{
    const struct profile *profile = what->profile;
    const struct exchange_repeat *repeat = what->repeat;
    const struct ask *ask = what->ask;
    struct api_group *group = api_group_new(r, repeat != NULL);
    struct exchange_request request = {.profile = profile,
                                       .call = &ask->call,
                                       .budget_ms = ask->budget_ms,
                                       .key = r->key,
                                       .trace_id = r->trace_id,
                                       .repeat = repeat,
                                       .done = api_group_answer,
                                       .ctx = group};
    enum exchange_begun begun = EXCHANGE_NO_MEMORY;
    struct cx_id id = {{0}};

    if (group != NULL) {
        begun = exchange_begin(r->p, &request, &id, &group->exchange, faults);
    }
    if (begun == EXCHANGE_BEGUN) {
        api_group_watch(group);
        return;
    }
    api_group_free(group);
    if (begun == EXCHANGE_INPUT) {
        api_refuse_faults(r, faults);
    } else {
        api_refuse_begin(r->call, r->trace_id, begun, profile->connector, &id);
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
    struct exchange_repeat repeat;
    struct ask ask = {0};
    struct begin what = {.profile = profile, .ask = &ask};
    struct faults faults;

    if (profile == NULL) {
        api_refuse(r, 404, "not_found", "there is no profile of that name");
        return;
    }
    if (!slice_is_absent(r->http->idempotency_key)) {
        if (!api_repeat_may_run(r, purpose, profile, &repeat)) {
            return;
        }
        what.repeat = &repeat;
    }
    faults_init(&faults);
    read_ask(r, profile, purpose, &ask, &faults);
    if (faults_total(&faults) > 0) {
        add_value_faults(profile, &ask, &faults);
        api_refuse_faults(r, &faults);
    } else {
        begin(r, &what, &faults);
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
