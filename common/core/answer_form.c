#include "common/core/answer_reader.h"
#include "common/core/encode.h"

#include <string.h>

enum { PAIRS_MAX = 256 };

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.form", "%s", clause);
}

/* Characters that no encoder leaves as they are, and that prose, HTML and JSON are full of. Others
 * are let pass: providers forget to encode the '/' and '=' of a token. */
static bool is_form(struct slice body)
{
    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.ptr[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"<>{}\\^`|", c) != NULL) {
            return false;
        }
    }
    return slice_find(body, 0, '=') < slice_find(body, 0, '&');
}

/* Decode `text` into `out`, which is cleared first. */
static enum cx_err decode(struct slice text, struct buf *out, struct cx_fail *fail)
{
    enum cx_err err;

    buf_clear(out);
    err = decode_form(text, out);
    if (err == CX_E_SYNTAX) {
        return fault(fail, err, "it is form-encoded with a '%' that two hex digits don't follow");
    }
    if (err != CX_OK) {
        return CX_E_NOMEM;
    }
    return slice_is_utf8(buf_view(out)) ? CX_OK : fault(fail, CX_E_UTF8, "it is not valid UTF-8");
}

static enum cx_err put_pair(json_t *object, struct slice pair, struct buf *room,
                            struct cx_fail *fail)
{
    size_t equals = slice_find(pair, 0, '=');
    struct buf name;
    enum cx_err err;

    buf_init(&name, pair.len + 1);
    err = decode(slice_first(pair, equals), &name, fail);
    if (err == CX_OK) {
        err = decode(slice_from(pair, equals + 1), room, fail);
    }
    if (err == CX_OK) {
        err = answer_set_text(object, buf_view(&name), buf_view(room), fail);
    }
    buf_done(&name);
    return err;
}

static enum cx_err put_pairs(json_t *object, struct slice body, struct cx_fail *fail)
{
    enum cx_err err = CX_OK;
    struct buf room;
    size_t count = 0;

    buf_init(&room, body.len + 1);
    while (body.len > 0 && err == CX_OK) {
        size_t end = slice_find(body, 0, '&');
        struct slice pair = slice_first(body, end);

        body = slice_from(body, end + 1);
        if (pair.len == 0) {
            continue;
        }
        err = ++count > PAIRS_MAX ? fault(fail, CX_E_TOO_BIG, "it has more than 256 pairs")
                                  : put_pair(object, pair, &room, fail);
    }
    buf_done(&room);
    return err;
}

static enum cx_err read_pairs(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    json_t *object;
    enum cx_err err;

    if (!is_form(body)) {
        return fault(fail, CX_E_SYNTAX, "it is neither JSON nor form-encoded");
    }
    object = json_object();
    err = object == NULL ? CX_E_NOMEM : put_pairs(object, body, fail);
    return answer_keep_flat(object, err, out);
}

static enum cx_err read_encoded_json(struct slice body, struct answer_body *out,
                                     struct cx_fail *fail)
{
    struct buf text;
    enum cx_err err;

    buf_init(&text, body.len + 1);
    err = decode(body, &text, fail);
    if (err == CX_OK) {
        err = answer_read_json(buf_view(&text), out, fail);
    }
    buf_done(&text);
    return err;
}

enum cx_err answer_read_form(struct slice body, struct answer_body *out, struct cx_fail *fail)
{
    if (slice_eq_nocase(slice_first(body, 3), SLICE_LIT("%7B"))) {
        return read_encoded_json(body, out, fail);
    }
    return read_pairs(body, out, fail);
}
