#include "platform/core/problem.h"

#include <string.h>

enum retry problem_retry(enum job_purpose purpose, enum verdict code, enum execution execution)
{
    switch (code) {
    case VERDICT_CREDENTIALS_REFUSED:
        return RETRY_WITH_NEW_CREDENTIALS;
    case VERDICT_CLIENT_REFUSED:
    case VERDICT_REQUEST_REFUSED:
    case VERDICT_REDIRECTED:
    case VERDICT_POLICY_REFUSED:
    case VERDICT_PROFILE_INCOMPLETE:
        return RETRY_AFTER_FIX;
    case VERDICT_ENDPOINT_BUSY: /* 429 and 503 say that the request was not taken */
        return RETRY_YES;
    case VERDICT_UNKNOWN:
    case VERDICT_ISSUED:
    case VERDICT_REVOKED:
    case VERDICT_ENDPOINT_FAILED:
    case VERDICT_ANSWER_UNREADABLE:
    case VERDICT_ENDPOINT_UNREACHABLE:
    case VERDICT_BUDGET_EXCEEDED:
    case VERDICT_CONNECTOR_OFFLINE:
    case VERDICT_CONNECTOR_FULL:
    case VERDICT_AGENT_LOST:
    case VERDICT_AGENT_UNAVAILABLE:
    case VERDICT_PLATFORM_FAILED:
    case VERDICT_CANCELLED:
    case VERDICT_COUNT:
        break;
    }
    /* a token that is revoked already is no error (RFC 7009, 2.2) */
    return execution == EXECUTION_NOT_SENT || purpose == PURPOSE_REVOKE ? RETRY_YES : RETRY_NO;
}

const char *problem_retry_name(enum retry r)
{
    static const char *const names[] = {[RETRY_YES] = "yes",
                                        [RETRY_NO] = "no",
                                        [RETRY_WITH_NEW_CREDENTIALS] = "with_new_credentials",
                                        [RETRY_AFTER_FIX] = "after_fix"};

    return names[r];
}

const char *problem_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } rows[] = {
        {400, "Bad Request"},       {401, "Unauthorized"},           {403, "Forbidden"},
        {404, "Not Found"},         {405, "Method Not Allowed"},     {409, "Conflict"},
        {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {422, "Unprocessable Content"},
        {429, "Too Many Requests"}, {499, "Client Closed Request"},  {500, "Internal Server Error"},
        {502, "Bad Gateway"},       {503, "Service Unavailable"},    {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == status) {
            return rows[i].title;
        }
    }
    return "";
}

static void set_text(json_t *json, const char *key, struct slice text)
{
    if (text.ptr != NULL && text.len > 0) {
        (void)json_object_set_new(json, key, json_stringn((const char *)text.ptr, text.len));
    }
}

static void set_str(json_t *json, const char *key, const char *text)
{
    set_text(json, key, slice_of_str(text));
}

static json_t *errors_json(const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->count; i++) {
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "field", faults->items[i].field,
                                                    "message", faults->items[i].what));
    }
    if (faults->omitted > 0) {
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s}", "field", "", "message", "and more"));
    }
    return list;
}

void problem_hops(const struct msg_timing *t, struct problem_hop out[PROBLEM_HOPS])
{
    const struct problem_hop hops[PROBLEM_HOPS] = {
        {"queued", t->queued},   {"policy", t->policy}, {"resolve", t->resolve},
        {"connect", t->connect}, {"tls", t->tls},       {"wait", t->wait},
        {"receive", t->receive}, {"total", t->total},
    };

    memcpy(out, hops, sizeof(hops));
}

json_t *problem_timing_json(const struct msg_timing *t)
{
    struct problem_hop hops[PROBLEM_HOPS];
    json_t *json = json_object();

    problem_hops(t, hops);
    for (size_t i = 0; i < PROBLEM_HOPS; i++) {
        (void)json_object_set_new(json, hops[i].name, json_integer((json_int_t)hops[i].us));
    }
    return json;
}

json_t *problem_json(const struct problem *p)
{
    json_t *json = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                             problem_title(p->status), "status", (int)p->status, "code", p->code);

    if (json == NULL) {
        return NULL;
    }
    set_text(json, "detail", p->detail);
    set_str(json, "stage", terms_stage(p->stage));
    set_str(json, "execution", terms_execution(p->execution));
    set_str(json, "safe_to_retry", p->safe_to_retry);
    set_text(json, "oauth_error", p->oauth_error);
    set_text(json, "oauth_description", p->oauth_description);
    if (p->endpoint_status != 0) {
        (void)json_object_set_new(json, "endpoint_status",
                                  json_integer((json_int_t)p->endpoint_status));
    }
    if (p->has_retry_after) {
        (void)json_object_set_new(json, "retry_after_ms",
                                  json_integer((json_int_t)p->retry_after_ms));
    }
    if (p->timing != NULL) {
        (void)json_object_set_new(json, "timing_us", problem_timing_json(p->timing));
    }
    if (p->errors != NULL && faults_total(p->errors) > 0) {
        (void)json_object_set_new(json, "errors", errors_json(p->errors));
    }
    if (p->trace != NULL) {
        (void)json_object_set(json, "trace", p->trace);
    }
    set_str(json, "connector", p->connector);
    set_str(json, "agent", p->agent);
    set_str(json, "id", p->id);
    set_str(json, "trace_id", p->trace_id);
    return json;
}
