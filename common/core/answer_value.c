#include "common/core/answer_reader.h"
#include "common/core/place.h"

/* How single values of an answer are read. */

static const uint64_t seconds_max = (uint64_t)1 << 53; /* what JSON readers keep exactly */

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *name, const char *what)
{
    return cx_fail_set(fail, code, "answer.token", "its %s %s", name, what);
}

static struct slice string_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

bool answer_is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

/* C0, DEL and C1, as answer_char knows them; a token is long, and this is asked of every one. */
static bool has_control(struct slice text)
{
    const uint8_t *end = text.ptr + text.len;

    for (const uint8_t *at = text.ptr; at < end; at++) {
        if (*at >= 0x20 && *at < 0x7f) {
            continue; /* as nearly all are */
        }
        if (*at <= 0x7f || (*at == 0xc2 && at + 1 < end && at[1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

enum cx_err answer_check_token(const json_t *value, const char *name, struct cx_fail *fail)
{
    if (json_array_size(value) > 1) {
        return fault(fail, CX_E_DUPLICATE, name, "is given more than once");
    }
    if (!json_is_string(value)) {
        return fault(fail, CX_E_TYPE, name, "is not a string");
    }
    return has_control(string_of(value))
               ? fault(fail, CX_E_SYNTAX, name, "contains control characters")
               : CX_OK;
}

/* "3600", " 3600 ", "3599.5". */
static bool read_seconds_text(struct slice text, uint64_t *out)
{
    size_t point;
    uint64_t fraction;

    while (text.len > 0 && text.ptr[0] == ' ') {
        text = slice_from(text, 1);
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text = slice_first(text, text.len - 1);
    }
    point = slice_find(text, 0, '.');
    if (point < text.len &&
        slice_to_u64(slice_from(text, point + 1), 0, UINT64_MAX, &fraction) == CX_E_SYNTAX) {
        return false;
    }
    return slice_to_u64(slice_first(text, point), 0, seconds_max, out) == CX_OK;
}

bool answer_read_seconds(const json_t *value, uint64_t *out)
{
    if (json_is_string(value)) {
        return read_seconds_text(string_of(value), out);
    }
    if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
        !(json_number_value(value) <= (double)seconds_max)) {
        return false;
    }
    *out = json_is_integer(value) ? (uint64_t)json_integer_value(value)
                                  : (uint64_t)json_real_value(value);
    return true;
}

static bool is_scope_gap(uint8_t c)
{
    return c <= 0x20 || c == 0x7f || c == ',';
}

bool answer_is_scope(const json_t *scope)
{
    for (size_t i = 0; i < json_array_size(scope); i++) {
        if (!json_is_string(json_array_get(scope, i))) {
            return false;
        }
    }
    return json_is_string(scope) || json_is_array(scope) || json_is_null(scope);
}

size_t answer_scope_bytes_max(const json_t *scope)
{
    size_t bytes = json_string_length(scope);

    for (size_t i = 0; i < json_array_size(scope); i++) {
        bytes += json_string_length(json_array_get(scope, i)) + 1; /* the space before it */
    }
    return bytes;
}

/* Append the scopes of `text`; the first that is put is at `start`. */
static enum cx_err put_scopes(struct slice text, size_t start, struct buf *out)
{
    enum cx_err err = CX_OK;

    while (text.len > 0 && err == CX_OK) {
        size_t len = 0;

        while (len < text.len && !is_scope_gap(text.ptr[len])) {
            len++;
        }
        if (len > 0 && out->len > start) {
            err = buf_put_byte(out, ' ');
        }
        if (len > 0 && err == CX_OK) {
            err = buf_put(out, slice_first(text, len));
        }
        text = slice_from(text, len + 1);
    }
    return err;
}

enum cx_err answer_put_scopes(const json_t *scope, struct buf *out)
{
    size_t start = out->len;
    enum cx_err err = put_scopes(string_of(scope), start, out);

    for (size_t i = 0; i < json_array_size(scope) && err == CX_OK; i++) {
        err = put_scopes(string_of(json_array_get(scope, i)), start, out);
    }
    return err;
}

static bool is_scalar_text(const json_t *value, struct slice want)
{
    char text[64]; /* of a number */
    size_t len;

    if (json_is_string(value)) {
        return slice_eq(string_of(value), want);
    }
    if (json_is_boolean(value)) {
        return slice_eq_str(want, json_is_true(value) ? "true" : "false");
    }
    if (!json_is_number(value)) {
        return false;
    }
    len = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);
    return len <= sizeof(text) && slice_eq(slice_of(text, len), want);
}

bool answer_is_success(const struct answer_body *body, const struct msg_places *places)
{
    json_t *parent;

    return places == NULL || slice_is_absent(places->success_at) ||
           is_scalar_text(place_find(body->document, places->success_at, body->is_xml, &parent),
                          places->success_is);
}
