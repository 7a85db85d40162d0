#include "common/core/answer.h"

#include "common/core/answer_reader.h"

#include <curl/curl.h>
#include <string.h>

enum {
    ANSWER_SLACK_BYTES = 4 * ANSWER_TEXT_BYTES_MAX, /* beside what comes from the body */
    RETRY_DATE_BYTES_MAX = 64,
    RETRY_SECONDS_MAX = 1000000000
};

static bool is_2xx(const struct answer_input *in)
{
    return in->status >= 200 && in->status <= 299;
}

static bool is_auth_error_status(const struct answer_input *in)
{
    for (size_t i = 0; in->expect != NULL && i < in->expect->nauth_error_status; i++) {
        if (in->expect->auth_error_status[i] == in->status) {
            return true;
        }
    }
    return false;
}

/* An OAuth code, unlike the "Not Found" in a framework's error page. */
static bool is_word(struct slice code)
{
    for (size_t i = 0; i < code.len; i++) {
        uint8_t c = code.ptr[i];

        if (!((c >= 'a' && c <= 'z') ||
              (i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.')))) {
            return false;
        }
    }
    return code.len > 0;
}

/* `error` beside a status that doesn't say by itself what is meant. */
static bool is_refused_request(const struct answer_input *in, const struct answer_refusal *refusal)
{
    if (in->status == 400 || (is_2xx(in) && refusal->is_error)) {
        return true;
    }
    return answer_refusal_is_standard(refusal) ||
           (in->status >= 400 && in->status <= 499 && is_word(refusal->code));
}

/* The verdict on an answer without a token; the order is that of how sure each sign is. */
static enum verdict judge(const struct answer_input *in, const struct answer_body *body,
                          const struct answer_refusal *refusal)
{
    if (is_2xx(in) && !in->is_body_whole) {
        return VERDICT_ANSWER_UNREADABLE;
    }
    if (in->status >= 300 && in->status <= 399 && !is_auth_error_status(in)) {
        return VERDICT_REDIRECTED;
    }
    if (slice_eq_str(refusal->code, "invalid_grant")) {
        return VERDICT_CREDENTIALS_REFUSED;
    }
    if (slice_eq_str(refusal->code, "invalid_client") ||
        slice_eq_str(refusal->code, "unauthorized_client")) {
        return VERDICT_CLIENT_REFUSED;
    }
    if (in->status == 401 || is_auth_error_status(in)) { /* whose credentials the request showed */
        return in->purpose == PURPOSE_REVOKE ? VERDICT_CLIENT_REFUSED : VERDICT_CREDENTIALS_REFUSED;
    }
    if (in->status == 429 || in->status == 503) {
        return VERDICT_ENDPOINT_BUSY;
    }
    if (is_refused_request(in, refusal)) {
        return VERDICT_REQUEST_REFUSED;
    }
    return is_2xx(in) && body->root == NULL && !body->is_empty ? VERDICT_ANSWER_UNREADABLE
                                                               : VERDICT_ENDPOINT_FAILED;
}

void answer_read_retry_after(const struct answer_input *in, struct answer_judgement *j)
{
    char date[RETRY_DATE_BYTES_MAX];
    uint64_t seconds;
    time_t until;

    if (slice_to_u64(in->retry_after, 0, RETRY_SECONDS_MAX, &seconds) == CX_OK) {
        j->has_retry_after = true;
        j->retry_after_ms = seconds * 1000;
        return;
    }
    if (in->retry_after.len == 0 || in->retry_after.len >= sizeof(date)) {
        return;
    }
    memcpy(date, in->retry_after.ptr, in->retry_after.len);
    date[in->retry_after.len] = '\0';
    until = curl_getdate(date, NULL);
    if (until < 0) {
        return;
    }
    j->has_retry_after = true;
    if ((uint64_t)until > in->now_unix_s) {
        j->retry_after_ms = ((uint64_t)until - in->now_unix_s) * 1000;
    }
}

static enum outcome outcome_of(enum verdict code)
{
    return code == VERDICT_CREDENTIALS_REFUSED || code == VERDICT_CLIENT_REFUSED ||
                   code == VERDICT_REQUEST_REFUSED
               ? OUTCOME_REFUSED
               : OUTCOME_FAILED;
}

/* Put the texts into the answer's bytes, and slices of those into `error`. */
static enum cx_err tell(const char *message, const struct answer_refusal *refusal,
                        struct answer *out)
{
    struct buf *bytes = &out->bytes;
    uint8_t *at;
    size_t code_at;
    size_t description_at;
    enum cx_err err = buf_reserve(bytes, ANSWER_SLACK_BYTES, &at); /* so that nothing moves */

    if (err == CX_OK) {
        err = buf_put_str(bytes, message);
    }
    code_at = bytes->len;
    if (err == CX_OK) {
        err = buf_put(bytes, refusal->code);
    }
    description_at = bytes->len;
    if (err == CX_OK) {
        err = answer_put_clean(refusal->description, bytes);
    }
    if (err != CX_OK) {
        return CX_E_NOMEM;
    }
    out->error.message = slice_first(buf_view(bytes), code_at);
    if (description_at > code_at) {
        out->error.oauth_error = slice_of(bytes->ptr + code_at, description_at - code_at);
    }
    if (bytes->len > description_at) {
        out->error.oauth_description =
            slice_of(bytes->ptr + description_at, bytes->len - description_at);
    }
    return CX_OK;
}

/* The answer brings no token: say what it means. */
static enum cx_err decline(const struct answer_input *in, const struct answer_body *body,
                           struct answer_judgement *j, struct answer *out)
{
    char message[ANSWER_TEXT_BYTES_MAX];

    if (j->code == VERDICT_ENDPOINT_BUSY) {
        answer_read_retry_after(in, j);
    }
    answer_say(in, body, j, message);
    out->code = j->code;
    out->outcome = outcome_of(j->code);
    out->stage = in->is_body_whole ? STAGE_PARSE : STAGE_RECEIVE;
    out->error.stage = out->stage;
    out->error.has_retry_after = j->has_retry_after;
    out->error.retry_after_ms = j->retry_after_ms;
    return tell(message, &j->refusal, out);
}

static enum cx_err decide(const struct answer_input *in, struct answer_body *body,
                          struct answer *out)
{
    const struct msg_places *places = in->expect == NULL ? NULL : &in->expect->places;
    struct answer_judgement j = {.code = VERDICT_UNKNOWN};
    enum cx_err err = CX_E_NOT_FOUND;

    answer_refusal_find(body, &j.refusal);
    j.is_unmet =
        is_2xx(in) && body->root != NULL && !j.refusal.is_error && !answer_is_success(body, places);
    if (is_2xx(in) && body->root != NULL && !j.refusal.is_error && !j.is_unmet) {
        err = answer_token_take(body, places, out);
    }
    if (err == CX_E_NOMEM) {
        return err;
    }
    if (err == CX_OK) {
        out->outcome = OUTCOME_ISSUED;
        out->code = VERDICT_ISSUED;
        return CX_OK;
    }
    /* a token that is there but can't be trusted is not the same as none */
    if (err != CX_E_NOT_FOUND) {
        j.code = VERDICT_ANSWER_UNREADABLE;
    } else {
        j.code = j.is_unmet ? VERDICT_REQUEST_REFUSED : judge(in, body, &j.refusal);
    }
    return decline(in, body, &j, out);
}

enum cx_err answer_read(const struct answer_input *in, struct answer *out)
{
    struct answer made = {.outcome = OUTCOME_UNKNOWN};
    struct answer_body body;
    enum cx_err err;

    if (in->purpose == PURPOSE_REVOKE && is_2xx(in)) {
        *out = (struct answer){.outcome = OUTCOME_REVOKED, .code = VERDICT_REVOKED};
        return CX_OK;
    }
    err = answer_body_read(in, &body);
    buf_init(&made.bytes, in->body.len + MSG_EXTRA_BYTES_MAX + ANSWER_SLACK_BYTES);
    if (err == CX_OK) {
        err = decide(in, &body, &made);
    }
    answer_body_done(&body);
    if (err != CX_OK) {
        answer_done(&made);
        return err;
    }
    *out = made;
    return CX_OK;
}

void answer_done(struct answer *a)
{
    buf_done(&a->bytes);
    *a = (struct answer){.outcome = OUTCOME_UNKNOWN};
}
