#include "common/core/report_hide.h"

#include <jansson.h>

enum { DEPTH_MAX = 64 };

static const char out_of_memory[] = "the agent is out of memory";

static void refuse(struct msg_result *result, enum verdict code, enum stage stage,
                   const char *message)
{
    result->outcome = OUTCOME_FAILED;
    result->code = code;
    result->has_token = false;
    result->token = (struct msg_token){0};
    result->document = (struct slice){0};
    result->has_error = true;
    result->error = (struct msg_failure){.stage = stage, .message = slice_of_str(message)};
}

static struct buf *next_text(struct report_hidden *hidden)
{
    struct buf *text = &hidden->texts[hidden->ntexts++];

    buf_init(text, MSG_MESSAGE_BYTES_MAX);
    return text;
}

/* ---- texts ---- */

enum cx_err report_hide_text(struct slice *text, const struct echo *secrets,
                             struct report_hidden *hidden)
{
    struct buf *masked;
    enum cx_err err = CX_OK;

    if (!slice_is_absent(*text)) { /* also one that ends with a part of a value */
        masked = next_text(hidden);
        err = echo_mask(secrets, *text, masked);
        *text = err == CX_OK ? buf_view(masked) : *text;
    }
    return err;
}

/* ---- JSON ---- */

static json_t *mask_text(struct slice text, const struct echo *secrets)
{
    struct buf masked;
    json_t *made = NULL;

    buf_init(&masked, MSG_MESSAGE_BYTES_MAX);
    if (echo_mask(secrets, text, &masked) == CX_OK) {
        made = json_stringn((const char *)buf_view(&masked).ptr, masked.len);
    }
    buf_done(&masked);
    return made;
}

static json_t *mask_value(const json_t *value, const struct echo *secrets, int depth);

static json_t *mask_object(const json_t *object, const struct echo *secrets, int depth)
{
    json_t *made = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        json_t *masked = mask_text(slice_of_str(name), secrets);

        if (masked == NULL || json_object_set_new(made, json_string_value(masked),
                                                  mask_value(value, secrets, depth + 1)) != 0) {
            json_decref(made);
            made = NULL;
        }
        json_decref(masked);
        if (made == NULL) {
            break;
        }
    }
    return made;
}

static json_t *mask_array(const json_t *array, const struct echo *secrets, int depth)
{
    json_t *made = json_array();

    for (size_t i = 0; i < json_array_size(array) && made != NULL; i++) {
        if (json_array_append_new(made, mask_value(json_array_get(array, i), secrets, depth + 1)) !=
            0) {
            json_decref(made);
            made = NULL;
        }
    }
    return made;
}

/* A new value; NULL if out of memory, or too deep. */
static json_t *mask_value(const json_t *value, const struct echo *secrets, int depth)
{
    if (depth > DEPTH_MAX) {
        return NULL;
    }
    if (json_is_object(value)) {
        return mask_object(value, secrets, depth);
    }
    if (json_is_array(value)) {
        return mask_array(value, secrets, depth);
    }
    if (json_is_string(value)) {
        return mask_text(slice_of(json_string_value(value), json_string_length(value)), secrets);
    }
    return json_deep_copy(value);
}

static int put_piece(const char *piece, size_t len, void *out)
{
    return buf_put(out, slice_of(piece, len)) == CX_OK ? 0 : -1;
}

/* Each string of it masked, as it reads; unchanged if none repeats a value. False: it can't be
 * masked, or there is no memory; then it is not to be told. */
static bool mask_json(struct slice *text, const struct echo *secrets, struct report_hidden *hidden)
{
    json_t *read = json_loadb((const char *)text->ptr, text->len, JSON_ALLOW_NUL, NULL);
    json_t *masked = read == NULL ? NULL : mask_value(read, secrets, 0);
    struct slice told = *text;
    bool is_masked = masked != NULL;

    if (is_masked && json_equal(read, masked) == 0) {
        struct buf *out = next_text(hidden);

        is_masked = json_dump_callback(masked, put_piece, out, JSON_COMPACT) == 0;
        told = buf_view(out);
    }
    json_decref(read);
    json_decref(masked);
    *text = told;
    return is_masked && !echo_is_in(secrets, told, 0);
}

bool report_hide_json(struct slice *text, const struct echo *secrets, struct report_hidden *hidden)
{
    bool is_hidden = slice_is_absent(*text) || mask_json(text, secrets, hidden);

    if (!is_hidden) {
        *text = (struct slice){0};
    }
    return is_hidden;
}

/* ---- all of it ---- */

/* Which member of the token repeats a secret, or NULL. */
static const char *repeating_member(const struct msg_token *t, const struct echo *secrets)
{
    const struct {
        struct slice text;
        const char *message;
    } rows[] = {
        {t->access_token,
         "the answer's access token repeats a secret of the agent: it is withheld"},
        {t->refresh_token,
         "the answer's refresh token repeats a secret of the agent: it is withheld"},
        {t->id_token, "the answer's id_token repeats a secret of the agent: it is withheld"},
        {t->token_type, "the answer's token_type repeats a secret of the agent: it is withheld"},
        {t->scope, "the answer's scope repeats a secret of the agent: it is withheld"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (echo_is_in(secrets, rows[i].text, ECHO_SURE_BYTES)) {
            return rows[i].message;
        }
    }
    return NULL;
}

void report_hide(struct msg_result *result, const struct echo *secrets,
                 struct report_hidden *hidden)
{
    const char *repeating = NULL;
    enum cx_err err = CX_OK;

    if (secrets == NULL) {
        refuse(result, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, out_of_memory);
        return;
    }
    if (result->has_token) {
        repeating = repeating_member(&result->token, secrets);
    }
    if (repeating != NULL) {
        refuse(result, VERDICT_ANSWER_UNREADABLE, STAGE_PARSE, repeating);
        return;
    }
    if (result->has_token && !report_hide_json(&result->token.extra, secrets, hidden)) {
        result->token.extra_omitted = true;
    }
    (void)report_hide_json(&result->document, secrets, hidden);
    if (result->has_error) {
        err = report_hide_text(&result->error.message, secrets, hidden);
    }
    if (result->has_error && err == CX_OK) {
        err = report_hide_text(&result->error.oauth_error, secrets, hidden);
    }
    if (result->has_error && err == CX_OK) {
        err = report_hide_text(&result->error.oauth_description, secrets, hidden);
    }
    if (err != CX_OK) {
        refuse(result, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, out_of_memory);
    }
}

void report_hidden_done(struct report_hidden *hidden)
{
    for (size_t i = 0; i < hidden->ntexts; i++) {
        buf_done(&hidden->texts[i]);
    }
    hidden->ntexts = 0;
}
