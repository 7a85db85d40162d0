#include "common/core/body_rows.h"

#include "common/core/encode.h"

static enum cx_err put_pair(const struct body_pair *pair, struct buf *out)
{
    enum cx_err err = encode_form(pair->key, out);

    if (err == CX_OK) {
        err = buf_put_byte(out, '=');
    }
    if (err == CX_OK) {
        err = encode_form(pair->value, out);
    }
    return err;
}

enum cx_err body_encode_form(const struct body *in, struct buf *out, struct buf *media_type)
{
    enum cx_err err = CX_OK;

    (void)media_type;
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        if (i > 0) {
            err = buf_put_byte(out, '&');
        }
        if (err == CX_OK) {
            err = put_pair(&in->pairs[i], out);
        }
    }
    return err;
}
