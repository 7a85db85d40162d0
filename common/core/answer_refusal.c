#include "common/core/answer_reader.h"

#include <string.h>

/* RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E. */
static bool is_code(struct slice code)
{
    for (size_t i = 0; i < code.len; i++) {
        uint8_t c = code.ptr[i];

        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            return false;
        }
    }
    return code.len <= ANSWER_TEXT_BYTES_MAX;
}

static struct slice string_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

/* Some providers put `"error": null`, false, 0 or "" into what is a success; in XML, a form or CSV
 * all of them are text. */
static bool is_error(const json_t *error)
{
    if (json_is_string(error)) {
        struct slice text = string_of(error);

        return text.len > 0 && !slice_eq_str(text, "0") &&
               !slice_eq_nocase(text, SLICE_LIT("false")) &&
               !slice_eq_nocase(text, SLICE_LIT("null"));
    }
    if (json_is_number(error)) {
        return json_number_value(error) < 0 || json_number_value(error) > 0;
    }
    return error != NULL && !json_is_null(error) && !json_is_false(error);
}

void answer_refusal_find(const struct answer_body *body, struct answer_refusal *out)
{
    const json_t *error = body->members.value[ANSWER_ERROR];
    const json_t *description = body->members.value[ANSWER_ERROR_DESCRIPTION];

    if (error == NULL &&
        body->document != body->root) { /* an XML document whose element is called that */
        error = json_object_get(body->document, "error");
    }

    *out = (struct answer_refusal){.is_error = is_error(error)};
    if (!out->is_error) {
        return;
    }
    if (json_is_string(error) && is_code(string_of(error))) {
        out->code = string_of(error);
    }
    if (json_is_string(description)) {
        out->description = string_of(description);
    }
}

bool answer_refusal_is_standard(const struct answer_refusal *r)
{
    static const char *const codes[] = {"invalid_request",        "invalid_client",
                                        "invalid_grant",          "unauthorized_client",
                                        "unsupported_grant_type", "invalid_scope"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (slice_eq_str(r->code, codes[i])) {
            return true;
        }
    }
    return false;
}

size_t answer_char(struct slice s, bool *is_control)
{
    uint8_t c = s.ptr[0];

    *is_control = c < 0x20 || c == 0x7f || (c == 0xc2 && s.ptr[1] < 0xa0);
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

enum cx_err answer_put_clean(struct slice text, struct buf *out)
{
    size_t room = ANSWER_TEXT_BYTES_MAX;
    enum cx_err err = CX_OK;

    while (text.len > 0 && err == CX_OK) {
        bool is_control;
        size_t bytes = answer_char(text, &is_control);
        struct slice shown = is_control ? SLICE_LIT("?") : slice_first(text, bytes);

        if (shown.len > room) {
            break;
        }
        err = buf_put(out, shown);
        room -= shown.len;
        text = slice_from(text, bytes);
    }
    return err;
}
