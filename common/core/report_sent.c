#include "common/core/report_sent.h"

#include "common/core/request_mask.h"

#include <string.h>

static enum cx_err keep_value(struct buf *bytes, struct slice value)
{
    uint32_t len = (uint32_t)value.len;
    enum cx_err err;

    if (value.len == 0) {
        return CX_OK;
    }
    err = buf_put(bytes, slice_of(&len, sizeof(len)));
    return err == CX_OK ? buf_put(bytes, value) : err;
}

static bool is_literal(struct slice text)
{
    return memmem(text.ptr, text.len, "{{", 2) == NULL;
}

enum cx_err report_sent_keep(const struct msg_job *job, struct report_sent *out)
{
    const struct slice client[] = {job->request.client.secret, job->request.client.key};
    enum cx_err err = CX_OK;

    buf_init(&out->bytes, MSG_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < sizeof(client) / sizeof(client[0]) && err == CX_OK; i++) {
        err =
            client[i].len > 0 && is_literal(client[i]) ? keep_value(&out->bytes, client[i]) : CX_OK;
    }
    out->client_bytes = out->bytes.len;
    for (size_t i = 0; i < job->nvariables && err == CX_OK; i++) {
        if (request_is_secret(job, job->variables[i].name)) {
            err = keep_value(&out->bytes, job->variables[i].value);
        }
    }
    return err == CX_OK ? CX_OK : CX_E_NOMEM;
}

void report_sent_done(struct report_sent *sent)
{
    buf_done(&sent->bytes);
}

/* Cut the next value off. */
static struct slice next_value(struct slice *rest)
{
    uint32_t len;
    struct slice value;

    memcpy(&len, rest->ptr, sizeof(len));
    value = slice_of(rest->ptr + sizeof(len), len);
    *rest = slice_of(value.ptr + len, rest->len - sizeof(len) - len);
    return value;
}

static enum cx_err look_for(struct slice values, struct echo *out)
{
    enum cx_err err = CX_OK;

    while (values.len > 0 && err == CX_OK) {
        err = echo_add(out, next_value(&values));
    }
    return err;
}

/* Quick, since nearly no answer has one: only then is it looked at closely. */
static bool has_one(struct slice text, struct slice values)
{
    while (values.len > 0) {
        struct slice value = next_value(&values);

        if (value.len >= ECHO_BYTES_MIN &&
            memmem(text.ptr, text.len, value.ptr, value.len) != NULL) {
            return true;
        }
    }
    return false;
}

static void hide_issued(struct msg_result *result, struct slice client,
                        struct report_hidden *hidden)
{
    struct echo echo = {0};

    if (!slice_is_absent(result->token.extra) && has_one(result->token.extra, client)) {
        if (look_for(client, &echo) != CX_OK ||
            !report_hide_json(&result->token.extra, &echo, hidden)) {
            result->token.extra = (struct slice){0};
            result->token.extra_omitted = true;
        }
        echo_done(&echo);
    }
}

static void hide_failure(struct msg_failure *error, const struct report_sent *sent,
                         struct report_hidden *hidden)
{
    struct slice all = buf_view(&sent->bytes);
    struct echo client = {0};
    struct echo every = {0};

    if (look_for(slice_of(all.ptr, sent->client_bytes), &client) != CX_OK ||
        report_hide_text(&error->message, &client, hidden) != CX_OK) {
        error->message = SLICE_LIT("out of memory");
    }
    if (look_for(all, &every) != CX_OK ||
        report_hide_text(&error->oauth_error, &every, hidden) != CX_OK ||
        report_hide_text(&error->oauth_description, &every, hidden) != CX_OK) {
        error->oauth_error = (struct slice){0};
        error->oauth_description = (struct slice){0};
    }
    echo_done(&client);
    echo_done(&every);
}

void report_sent_hide(struct msg_result *result, const struct report_sent *sent,
                      struct report_hidden *hidden)
{
    struct slice all = buf_view(&sent->bytes);

    if (all.len == 0) {
        return;
    }
    if (result->has_error) {
        hide_failure(&result->error, sent, hidden);
    } else if (result->has_token) {
        hide_issued(result, slice_of(all.ptr, sent->client_bytes), hidden);
    }
}
