#include "platform/io/api_internal.h"

#include "common/core/json_text.h"
#include "common/core/trace_json.h"
#include "common/core/wire.h"
#include "platform/io/api_exchange.h"

/* The answer that an exchange's end is. */

enum {
    ANSWER_BYTES_FIRST = 1024,
    ANSWER_BYTES_MAX = 8 * MSG_MESSAGE_BYTES_MAX, /* an escape has six bytes at most */
};

/* Of the platform's own exchanges: none. */
static const char *connector_of(const struct exchange_end *end)
{
    return end->connector != NULL && end->connector[0] != '\0' ? end->connector : NULL;
}

/* The answer's other members: an agent says that they are JSON. */
static void put_extra(struct json_text *w, struct slice extra)
{
    json_t *json = json_loadb((const char *)extra.ptr, extra.len, 0, NULL);

    if (json != NULL) {
        json_text_put_json(w, "extra", json);
    }
    json_decref(json);
}

static void put_token(struct json_text *w, const struct msg_token *token)
{
    json_text_open(w, "token");
    json_text_put(w, "access_token", token->access_token);
    json_text_put(w, "token_type", token->token_type);
    if (token->has_expires_in) {
        json_text_put_u64(w, "expires_in", token->expires_in);
    }
    json_text_put(w, "refresh_token", token->refresh_token);
    if (token->has_refresh_expires_in) {
        json_text_put_u64(w, "refresh_expires_in", token->refresh_expires_in);
    }
    json_text_put(w, "scope", token->scope);
    json_text_put(w, "id_token", token->id_token);
    if (!slice_is_absent(token->extra)) {
        put_extra(w, token->extra);
    }
    if (token->extra_omitted) {
        json_text_put_true(w, "extra_omitted");
    }
    json_text_close(w);
}

json_t *api_trace_json(const struct exchange_end *end)
{
    const struct msg_result *r = end->result;
    json_t *rows;

    if (end->way == NULL && (r == NULL || r->ntrace == 0)) {
        return NULL;
    }
    rows = json_array();
    if (end->way != NULL) {
        trace_json_append(rows, end->way->hops, end->way->nhops);
    }
    if (r != NULL) {
        trace_json_append(rows, r->trace, r->ntrace);
    }
    return rows;
}

static void put_timing(struct json_text *w, const struct msg_timing *timing)
{
    struct problem_hop hops[PROBLEM_HOPS];

    problem_hops(timing, hops);
    json_text_open(w, "timing_us");
    for (size_t i = 0; i < PROBLEM_HOPS; i++) {
        json_text_put_u64(w, hops[i].name, hops[i].us);
    }
    json_text_close(w);
}

static enum cx_err put_success(struct buf *out, const char *trace_id,
                               const struct exchange_end *end, const json_t *trace)
{
    const struct msg_result *result = end->result;
    char text[CX_ID_TEXT_BYTES];
    struct json_text w;

    json_text_init(&w, out);
    json_text_put_str(&w, "id", id_text(&end->id, text));
    json_text_put_str(&w, "outcome", terms_outcome(result->outcome));
    json_text_put_str(&w, "code", terms_verdict(result->code));
    json_text_put_str(&w, "execution", terms_execution(result->execution));
    json_text_put_u64(&w, "status", result->status);
    if (result->has_token) {
        put_token(&w, &result->token);
    }
    json_text_put_str(&w, "connector", connector_of(end));
    json_text_put_str(&w, "agent", id_is_none(&end->agent) ? NULL : id_text(&end->agent, text));
    json_text_put_str(&w, "trace_id", trace_id);
    if (result->has_timing) {
        put_timing(&w, &result->timing);
    }
    if (trace != NULL) {
        json_text_put_json(&w, "trace", trace);
    }
    return json_text_end(&w);
}

/* As text at once: this is the answer that nearly all exchanges get. */
static void reply_success(struct http_call *call, const char *trace_id,
                          const struct exchange_end *end, json_t *trace)
{
    struct buf text;
    uint8_t *at;
    enum cx_err err;

    buf_init(&text, ANSWER_BYTES_MAX);
    err = buf_reserve(&text, ANSWER_BYTES_FIRST, &at);
    if (err == CX_OK) {
        err = put_success(&text, trace_id, end, trace);
    }
    api_reply_text(call, 200, &text, err);
    buf_done(&text);
}

/* What the result says, or why there is none. */
static void fill_problem(struct problem *problem, const struct exchange_end *end)
{
    const struct msg_result *r = end->result;
    enum verdict code = r != NULL ? r->code : end->failure->code;

    problem->status = terms_verdict_status(code);
    problem->code = terms_verdict(code);
    problem->execution = r != NULL ? r->execution : end->failure->execution;
    problem->stage = r != NULL ? r->error.stage : end->failure->stage;
    problem->detail = r != NULL ? r->error.message : slice_of_str(end->failure->message);
    problem->safe_to_retry =
        problem_retry_name(problem_retry(end->purpose, code, problem->execution));
    if (r != NULL) {
        problem->oauth_error = r->error.oauth_error;
        problem->oauth_description = r->error.oauth_description;
        problem->endpoint_status = r->status;
        problem->has_retry_after = r->error.has_retry_after;
        problem->retry_after_ms = r->error.retry_after_ms;
        problem->timing = r->has_timing ? &r->timing : NULL;
    }
}

static void reply_problem(struct http_call *call, const char *trace_id,
                          const struct exchange_end *end, json_t *trace)
{
    char agent[CX_ID_TEXT_BYTES];
    char id[CX_ID_TEXT_BYTES];
    struct problem problem = {
        .connector = connector_of(end),
        .agent = id_is_none(&end->agent) ? NULL : id_text(&end->agent, agent),
        .id = id_text(&end->id, id),
        .trace = trace,
        .trace_id = trace_id,
    };

    fill_problem(&problem, end);
    api_reply_problem(call, &problem);
}

void api_reply_end(struct http_call *call, const char *trace_id, const struct exchange_end *end)
{
    json_t *trace = api_trace_json(end);

    if (end->result != NULL && terms_is_success(end->result->outcome)) {
        reply_success(call, trace_id, end, trace);
    } else {
        reply_problem(call, trace_id, end, trace);
    }
    json_decref(trace);
}

bool api_reply_stored(const struct api_request *r, const struct store_found *found,
                      struct slice part)
{
    struct exchange_end end = {.id = found->id,
                               .purpose = found->purpose,
                               .connector = found->connector,
                               .agent = found->agent};
    struct msg m = {0};
    struct cx_fail fail;
    bool is_read = wire_get(part, &m, &fail) == CX_OK && m.type == MSG_RESULT;

    if (is_read) {
        end.result = &m.body.result;
        api_reply_end(r->call, r->trace_id, &end);
    }
    wire_done(&m);
    return is_read;
}
