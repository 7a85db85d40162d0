#include "common/core/answer_reader.h"

/* Text: a key=value line a field. Nothing is decoded; white space around keys and values is left
 * out, and so are empty lines. */

enum { LINES_MAX = 256 };

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.text", "%s", clause);
}

static bool is_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.ptr[i];
        bool is_alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

        if (!is_alphanumeric && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return key.len > 0;
}

static enum cx_err put_line(json_t *object, struct slice line, struct cx_fail *fail)
{
    size_t equals = slice_find(line, 0, '=');
    struct slice key = answer_trim(slice_first(line, equals));

    if (equals == line.len || !is_key(key)) {
        return fault(fail, CX_E_SYNTAX, "it is text, and no lines of key=value");
    }
    return answer_set_text(object, key, answer_trim(slice_from(line, equals + 1)), fail);
}

enum cx_err answer_read_text(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    json_t *object = json_object();
    enum cx_err err = object == NULL ? CX_E_NOMEM : CX_OK;
    size_t lines = 0;

    while (body.len > 0 && err == CX_OK) {
        size_t end = slice_find(body, 0, '\n');
        struct slice line = answer_trim(slice_first(body, end));

        body = slice_from(body, end + 1);
        if (line.len == 0) {
            continue;
        }
        err = ++lines > LINES_MAX ? fault(fail, CX_E_TOO_BIG, "it is text of more than 256 lines")
                                  : put_line(object, line, fail);
    }
    return answer_keep_flat(object, err, out);
}
