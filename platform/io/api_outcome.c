#include "platform/io/api_internal.h"

#include "common/core/json_text.h"
#include "common/core/wire.h"
#include "platform/io/api_exchange.h"

/* The answer that an exchange's end is. */

enum {
    ANSWER_BYTES_FIRST = 1024,
    ANSWER_BYTES_MAX = 8 * MSG_MESSAGE_BYTES_MAX, /* an escape has six bytes at most */
};

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

static enum cx_err put_issued(struct buf *out, const char *trace_id, const struct exchange_end *end)
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
    put_token(&w, &result->token);
    json_text_put_str(&w, "connector", end->connector);
    json_text_put_str(&w, "agent", id_text(&end->agent, text));
    json_text_put_str(&w, "trace_id", trace_id);
    if (result->has_timing) {
        put_timing(&w, &result->timing);
    }
    return json_text_end(&w);
}

/* As text at once: this is the answer that nearly all exchanges get. */
static void reply_issued(struct http_call *call, const char *trace_id,
                         const struct exchange_end *end)
{
    struct buf text;
    uint8_t *at;
    enum cx_err err;

    buf_init(&text, ANSWER_BYTES_MAX);
    err = buf_reserve(&text, ANSWER_BYTES_FIRST, &at);
    if (err == CX_OK) {
        err = put_issued(&text, trace_id, end);
    }
    api_reply_text(call, 200, &text, err);
    buf_done(&text);
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
