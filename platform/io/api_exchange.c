#include "platform/io/api_internal.h"

#include "common/core/trace_json.h"
#include "platform/io/api_exchange.h"
#include "platform/io/profiles.h"

#include <stdlib.h>

enum { CONNECTOR_FULL_RETRY_MS = 1000, DRAINING_RETRY_MS = 1000 };

/* ---- what could not begin ---- */

/* NULL if there is no memory for it. */
static json_t *trace_of(const struct api_refusal *refusal, const struct dispatch_failure *why)
{
    struct trace *way = calloc(1, sizeof(*way));
    json_t *rows = NULL;

    if (way != NULL) {
        exchange_trace_refused(way, refusal->profile, refusal->connector == NULL, why);
        rows = json_array();
        trace_json_append(rows, way->hops, way->nhops);
    }
    free(way);
    return rows;
}

void api_refuse_begin(struct http_call *call, const char *trace_id,
                      const struct api_refusal *refusal)
{
    char id_chars[CX_ID_TEXT_BYTES];
    const struct dispatch_failure *why =
        exchange_refusal(refusal->begun, refusal->connector == NULL);
    json_t *trace = refusal->is_traced ? trace_of(refusal, why) : NULL;
    struct problem problem = {.status = terms_verdict_status(why->code),
                              .code = terms_verdict(why->code),
                              .detail = slice_of_str(why->message),
                              .stage = why->stage,
                              .execution = why->execution,
                              .safe_to_retry = "yes",
                              .connector = refusal->connector,
                              .id = id_text(&refusal->id, id_chars),
                              .trace = trace,
                              .trace_id = trace_id};

    switch (refusal->begun) {
    case EXCHANGE_NO_CONNECTOR:
        problem.safe_to_retry = "after_fix";
        break;
    case EXCHANGE_FULL:
        problem.has_retry_after = true;
        problem.retry_after_ms = CONNECTOR_FULL_RETRY_MS;
        break;
    case EXCHANGE_DRAINING:
        problem.status = 503; /* another node, or this one when it is back */
        problem.has_retry_after = true;
        problem.retry_after_ms = DRAINING_RETRY_MS;
        break;
    case EXCHANGE_UNABLE:
        problem.safe_to_retry = "after_fix";
        break;
    case EXCHANGE_OFFLINE:
    case EXCHANGE_BEGUN:
    case EXCHANGE_INPUT:
    case EXCHANGE_NO_MEMORY:
        break;
    }
    api_reply_problem(call, &problem);
    json_decref(trace);
}

/* What is to be begun. */
struct begin {
    const struct profile *profile;
    const struct exchange_repeat *repeat; /* NULL: no Idempotency-Key */
    const struct api_ask *ask;
};

static void begin(struct api_request *r, const struct begin *what, struct faults *faults)
{
    const struct profile *profile = what->profile;
    const struct exchange_repeat *repeat = what->repeat;
    const struct api_ask *ask = what->ask;
    struct api_group *group = api_group_new(r, repeat != NULL);
    struct exchange_request request = {.profile = profile,
                                       .call = &ask->call,
                                       .budget_ms = ask->budget_ms,
                                       .key = r->key,
                                       .trace_id = r->trace_id,
                                       .repeat = repeat,
                                       .hears_sent = repeat == NULL,
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
        const struct api_refusal refusal = {.begun = begun,
                                            .profile = profile->name,
                                            .connector = profile->connector,
                                            .id = id,
                                            .is_traced = ask->call.trace};

        api_refuse_begin(r->call, r->trace_id, &refusal);
    }
}

/* ---- what can't be revoked ---- */

/* False: answered. */
static bool may_revoke(const struct api_request *r, const struct profile *profile)
{
    struct faults faults;
    struct problem problem = {.status = terms_verdict_status(VERDICT_PROFILE_INCOMPLETE),
                              .code = terms_verdict(VERDICT_PROFILE_INCOMPLETE),
                              .detail =
                                  SLICE_LIT("the profile has no revocation_url, so its tokens "
                                            "can't be revoked; nothing was sent"),
                              .errors = &faults,
                              .stage = STAGE_PLATFORM,
                              .execution = EXECUTION_NOT_SENT,
                              .safe_to_retry = problem_retry_name(RETRY_AFTER_FIX),
                              .connector = profile->connector,
                              .trace_id = r->trace_id};

    if (profile->revocation_url[0] != '\0') {
        return true;
    }
    faults_init(&faults);
    faults_add(&faults, NULL, "revocation_url",
               "is not set: put the provider's revocation endpoint (RFC 7009) into the profile");
    api_reply_problem(r->call, &problem);
    faults_done(&faults);
    return false;
}

/* ---- one call ---- */

static void run(struct api_request *r, enum job_purpose purpose)
{
    const struct profile *profile = profiles_find(r->p->profiles, r->words.items[0]);
    struct exchange_repeat repeat;
    struct api_ask ask = {0};
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
    api_ask_read(r, profile, purpose, &ask, &faults);
    if (faults_total(&faults) > 0) {
        api_refuse_faults(r, &faults);
    } else if (purpose != PURPOSE_REVOKE || may_revoke(r, profile)) {
        begin(r, &what, &faults);
    }
    api_ask_done(&ask);
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

void api_revoke(struct api_request *r)
{
    run(r, PURPOSE_REVOKE);
}
