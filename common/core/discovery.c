#include "common/core/discovery.h"

#include "common/core/answer_reader.h"
#include "common/core/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 256 };

enum kind { KIND_TEXT, KIND_TEXTS };

static const struct {
    const char *name;
    enum kind kind;
} members[] = {
    {"issuer", KIND_TEXT},
    {"token_endpoint", KIND_TEXT},
    {"revocation_endpoint", KIND_TEXT},
    {"grant_types_supported", KIND_TEXTS},
    {"token_endpoint_auth_methods_supported", KIND_TEXTS},
    {"token_endpoint_auth_signing_alg_values_supported", KIND_TEXTS},
};

static bool is_of_kind(const json_t *value, enum kind kind)
{
    bool is_right = kind == KIND_TEXT ? json_is_string(value) : json_is_array(value);

    for (size_t i = 0; is_right && kind == KIND_TEXTS && i < json_array_size(value); i++) {
        is_right = json_is_string(json_array_get(value, i));
    }
    return is_right;
}

/* A new reference; NULL if out of memory. */
static json_t *members_of(const json_t *root)
{
    json_t *kept = json_object();

    for (size_t i = 0; kept != NULL && i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(root, members[i].name);

        if (is_of_kind(value, members[i].kind) &&
            json_object_set(kept, members[i].name, value) != 0) {
            json_decref(kept);
            kept = NULL;
        }
    }
    return kept;
}

/* Put the text of it into the answer's bytes. Errors: CX_E_TOO_BIG, CX_E_NOMEM. */
static enum cx_err put_document(const json_t *root, struct answer *out)
{
    json_t *kept = members_of(root);
    char *text = kept == NULL ? NULL : json_dumps(kept, JSON_COMPACT);
    enum cx_err err = CX_E_NOMEM;

    json_decref(kept);
    if (text != NULL) {
        err = strlen(text) > MSG_DOCUMENT_BYTES_MAX ? CX_E_TOO_BIG : buf_put_str(&out->bytes, text);
    }
    free(text);
    if (err == CX_OK) {
        out->document = buf_view(&out->bytes);
        out->outcome = OUTCOME_ISSUED;
        out->code = VERDICT_ISSUED;
    }
    return err;
}

static enum cx_err decline(struct answer *out, enum verdict code, enum stage stage,
                           const char *message)
{
    enum cx_err err = buf_put_str(&out->bytes, message);

    out->outcome = OUTCOME_FAILED;
    out->code = code;
    out->stage = stage;
    out->error.stage = stage;
    out->error.message = buf_view(&out->bytes);
    return err == CX_OK ? CX_OK : CX_E_NOMEM;
}

static enum cx_err decline_redirect(const struct answer_input *in, struct answer *out)
{
    char host[URL_HOST_TEXT_BYTES];
    bool is_told = !in->is_location_hidden && url_peek_host(in->location, host);
    char message[MESSAGE_BYTES + URL_HOST_TEXT_BYTES];

    (void)snprintf(message, sizeof(message),
                   "the server answered %u instead of its metadata: a redirect%s%s is not "
                   "followed; give the issuer's own URL",
                   in->status, is_told ? " to " : "", is_told ? host : "");
    return decline(out, VERDICT_REDIRECTED, STAGE_PARSE, message);
}

/* An answer other than 2xx. */
static enum cx_err decline_status(const struct answer_input *in, struct answer *out)
{
    bool is_busy = in->status == 429 || in->status == 503;
    struct answer_judgement j = {.code = VERDICT_UNKNOWN};
    char message[MESSAGE_BYTES];

    if (in->status >= 300 && in->status <= 399) {
        return decline_redirect(in, out);
    }
    if (is_busy) {
        answer_read_retry_after(in, &j);
        out->error.has_retry_after = j.has_retry_after;
        out->error.retry_after_ms = j.retry_after_ms;
    }
    (void)snprintf(message, sizeof(message), "the server answered %u instead of its metadata%s",
                   in->status,
                   is_busy             ? ": it is busy; try again later"
                   : in->status == 404 ? ": there is none at this URL"
                                       : "");
    return decline(out, is_busy ? VERDICT_ENDPOINT_BUSY : VERDICT_ENDPOINT_FAILED, STAGE_PARSE,
                   message);
}

static enum cx_err decline_body(struct answer *out, const char *clause)
{
    char message[MESSAGE_BYTES];

    (void)snprintf(message, sizeof(message), "the server's metadata can't be read: %s", clause);
    return decline(out, VERDICT_ANSWER_UNREADABLE, STAGE_PARSE, message);
}

static enum cx_err read_root(const json_t *root, struct answer *out)
{
    const json_t *issuer = json_object_get(root, "issuer");
    enum cx_err err;

    if (!json_is_object(root)) {
        return decline_body(out, "it is no JSON object");
    }
    if (json_string_length(issuer) == 0) {
        return decline_body(out, "it names no issuer (RFC 8414, 2), so it is none");
    }
    err = put_document(root, out);
    return err == CX_E_TOO_BIG ? decline_body(out, "it is longer than 64 KiB") : err;
}

static enum cx_err read_body(struct slice body, struct answer *out)
{
    const struct slice mark = SLICE_LIT("\xef\xbb\xbf"); /* a byte order mark */
    struct cx_fail fail = {0};
    struct answer_body whole = {.document = NULL};
    enum cx_err err;

    body = slice_has_prefix(body, mark) ? slice_from(body, mark.len) : body;
    err = answer_read_json(body, &whole, &fail);
    if (err == CX_E_NOMEM) {
        return err;
    }
    err = err == CX_OK ? read_root(whole.root, out) : decline_body(out, cx_fail_text(&fail));
    answer_body_done(&whole);
    return err;
}

enum cx_err discovery_read(const struct answer_input *in, struct answer *out)
{
    struct answer made = {.outcome = OUTCOME_UNKNOWN};
    enum cx_err err;

    buf_init(&made.bytes, MSG_DOCUMENT_BYTES_MAX);
    if (in->status < 200 || in->status > 299) {
        err = decline_status(in, &made);
    } else if (!in->is_body_whole) {
        err = decline(&made, VERDICT_ANSWER_UNREADABLE, STAGE_RECEIVE,
                      "the server's metadata did not come whole: it was cut short, or is longer "
                      "than limits.answer_bytes");
    } else {
        err = read_body(in->body, &made);
    }
    if (err != CX_OK) {
        answer_done(&made);
        return err;
    }
    *out = made;
    return CX_OK;
}
