#include "platform/io/api_internal.h"

#include "common/core/wire.h"
#include "platform/io/api_exchange.h"

/* The answer that an exchange's end is. */

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
    if (token->has_refresh_expires_in) {
        set_number(json, "refresh_expires_in", token->refresh_expires_in);
    }
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

static void reply_issued(struct http_call *call, const char *trace_id,
                         const struct exchange_end *end)
{
    const struct msg_result *result = end->result;
    char agent[CX_ID_TEXT_BYTES];
    char id[CX_ID_TEXT_BYTES];
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:s, s:s}", "id", id_text(&end->id, id),
                  "outcome", terms_outcome(result->outcome), "code", terms_verdict(result->code),
                  "execution", terms_execution(result->execution), "status",
                  (json_int_t)result->status, "token", token_json(&result->token), "connector",
                  end->connector, "agent", id_text(&end->agent, agent), "trace_id", trace_id);

    if (json != NULL && result->has_timing) {
        (void)json_object_set_new(json, "timing_us", problem_timing_json(&result->timing));
    }
    api_reply_json(call, 200, json);
}

static void reply_refused(struct http_call *call, const char *trace_id,
                          const struct exchange_end *end)
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
        .trace_id = trace_id,
    };

    api_reply_problem(call, &problem);
}

static void reply_failed(struct http_call *call, const char *trace_id,
                         const struct exchange_end *end)
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
        .trace_id = trace_id,
    };

    api_reply_problem(call, &problem);
}

void api_reply_end(struct http_call *call, const char *trace_id, const struct exchange_end *end)
{
    if (end->result == NULL) {
        reply_failed(call, trace_id, end);
    } else if (end->result->outcome == OUTCOME_ISSUED) {
        reply_issued(call, trace_id, end);
    } else {
        reply_refused(call, trace_id, end);
    }
}

bool api_reply_stored(const struct api_request *r, const struct store_found *found,
                      struct slice part)
{
    struct exchange_end end = {
        .id = found->id, .connector = found->connector, .agent = found->agent};
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
