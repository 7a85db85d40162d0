#include "common/core/body_rows.h"

static enum cx_err put_name(struct slice name, struct buf *out)
{
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < name.len && err == CX_OK; i++) {
        switch (name.ptr[i]) {
        case '"':
            err = buf_put_str(out, "%22");
            break;
        case '\r':
            err = buf_put_str(out, "%0D");
            break;
        case '\n':
            err = buf_put_str(out, "%0A");
            break;
        default:
            err = buf_put_byte(out, name.ptr[i]);
            break;
        }
    }
    return err;
}

static enum cx_err put_part(const struct body_pair *pair, struct slice boundary, struct buf *out)
{
    enum cx_err err =
        body_put_delimiter(boundary, "\r\nContent-Disposition: form-data; name=\"", out);

    if (err == CX_OK) {
        err = put_name(pair->key, out);
    }
    if (err == CX_OK) {
        err = buf_put_str(out, "\"\r\n\r\n");
    }
    if (err == CX_OK) {
        err = buf_put(out, pair->value);
    }
    return err == CX_OK ? buf_put_str(out, "\r\n") : err;
}

enum cx_err body_encode_multipart_form(const struct body *in, struct buf *out,
                                       struct buf *media_type)
{
    struct slice boundary;
    size_t from;
    enum cx_err err = buf_put_str(media_type, "; boundary=");

    from = media_type->len;
    if (err == CX_OK) {
        err = body_put_boundary(&in->id, in->pairs, in->npairs, media_type);
    }
    boundary = slice_from(buf_view(media_type), from);
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = put_part(&in->pairs[i], boundary, out);
    }
    return err == CX_OK ? body_put_delimiter(boundary, "--\r\n", out) : err;
}
