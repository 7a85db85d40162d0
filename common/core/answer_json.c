#include "common/core/answer_reader.h"

#include <string.h>

enum { NESTING_MAX = 64 }; /* jansson's own bound is 2048 calls deep */

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.json", "%s", clause);
}

/* How often `byte` occurs, but no more than just above NESTING_MAX. */
static size_t count(struct slice body, uint8_t byte)
{
    size_t n = 0;

    for (size_t at = slice_find(body, 0, byte); at < body.len && n <= NESTING_MAX; n++) {
        at = slice_find(body, at + 1, byte);
    }
    return n;
}

/* Nearly every answer has too few brackets to be deep, which is found much faster. */
static bool may_be_deep(struct slice body)
{
    return count(body, '{') + count(body, '[') > NESTING_MAX;
}

static bool is_too_deep(struct slice body)
{
    size_t depth = 0;
    bool is_string = false;

    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.ptr[i];

        if (is_string && c == '\\') {
            i++;
        } else if (c == '"') {
            is_string = !is_string;
        } else if (!is_string && (c == '{' || c == '[')) {
            depth++;
        } else if (!is_string && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (depth > NESTING_MAX) {
            return true;
        }
    }
    return false;
}

/* jansson's own text quotes what it stumbled over, which may be a token. */
static enum cx_err explain(const json_error_t *error, struct cx_fail *fail)
{
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return fault(fail, CX_E_NOMEM, cx_err_text(CX_E_NOMEM));
    case json_error_unknown: /* an allocation that jansson says nothing about */
        return fault(fail, CX_E_NOMEM, cx_err_text(CX_E_NOMEM));
    case json_error_invalid_utf8:
        return fault(fail, CX_E_UTF8, "it is not valid UTF-8");
    case json_error_duplicate_key:
        return fault(fail, CX_E_DUPLICATE, "it is JSON with one name twice in an object");
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return fault(fail, CX_E_SYNTAX, "it is JSON with a NUL character in it");
    case json_error_premature_end_of_input:
        return fault(fail, CX_E_SYNTAX, "it is JSON that ends too early");
    default:
        return cx_fail_set(fail, CX_E_SYNTAX, "answer.json", "it is no JSON (line %d, column %d)",
                           error->line, error->column);
    }
}

enum cx_err answer_read_json(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t error = {0};
    json_t *value;

    if (may_be_deep(body) && is_too_deep(body)) {
        return fault(fail, CX_E_TOO_BIG, "it is JSON nested deeper than 64 levels");
    }
    value = json_loadb((const char *)body.ptr, body.len, flags, &error);
    if (value == NULL && json_error_code(&error) == json_error_numeric_overflow) {
        /* an integer past 64 bits, in a member that is nobody's token: worth its last digits */
        value =
            json_loadb((const char *)body.ptr, body.len, flags | JSON_DECODE_INT_AS_REAL, &error);
    }
    if (value == NULL) {
        return explain(&error, fail);
    }
    out->document = value;
    out->root = value;
    return CX_OK;
}
