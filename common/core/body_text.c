#include "common/core/body_rows.h"

static const char *why_no_line(struct slice text)
{
    if (!slice_is_utf8(text)) {
        return "is not UTF-8";
    }
    return slice_is_line(text) ? NULL
                               : "holds a line break or another control character, which would "
                                 "make it another line";
}

const char *body_why_no_line_key(const struct body *in, size_t index)
{
    struct slice key = in->pairs[index].key;

    if (key.len == 0 && in->npairs > 1) {
        return "is empty: the value would be the whole body, and there are other fields";
    }
    return slice_find(key, 0, '=') != key.len ? "holds a '=', which ends the key in its line"
                                              : why_no_line(key);
}

const char *body_why_no_line_value(const struct body *in, size_t index)
{
    return in->pairs[index].key.len == 0 ? body_why_no_utf8_value(in, index)
                                         : why_no_line(in->pairs[index].value);
}

static enum cx_err put_line(const struct body_pair *pair, struct buf *out)
{
    enum cx_err err = buf_put(out, pair->key);

    if (err == CX_OK) {
        err = buf_put_byte(out, '=');
    }
    if (err == CX_OK) {
        err = buf_put(out, pair->value);
    }
    return err == CX_OK ? buf_put_str(out, "\r\n") : err;
}

enum cx_err body_encode_text(const struct body *in, struct buf *out, struct buf *media_type)
{
    enum cx_err err = CX_OK;

    (void)media_type;
    if (in->npairs == 1 && in->pairs[0].key.len == 0) {
        return buf_put(out, in->pairs[0].value);
    }
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = put_line(&in->pairs[i], out);
    }
    return err;
}
