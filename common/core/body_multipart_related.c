#include "common/core/body_rows.h"

#include "common/core/encode.h"

/* The Content-ID of the root, which must be unique in the world (RFC 2045, 7), in its brackets. */
static enum cx_err put_content_id(const struct cx_id *id, struct buf *out)
{
    enum cx_err err = buf_put_byte(out, '<');

    if (err == CX_OK) {
        err = encode_hex(slice_of(id->bytes, sizeof(id->bytes)), out);
    }
    return err == CX_OK ? buf_put_str(out, "@connector.invalid>") : err;
}

static enum cx_err put_root(const struct body *in, struct slice boundary, struct slice json,
                            struct buf *out)
{
    enum cx_err err =
        body_put_delimiter(boundary, "\r\nContent-Type: application/json\r\nContent-ID: ", out);

    if (err == CX_OK) {
        err = put_content_id(&in->id, out);
    }
    if (err == CX_OK) {
        err = buf_put_str(out, "\r\n\r\n");
    }
    if (err == CX_OK) {
        err = buf_put(out, json);
    }
    if (err == CX_OK) {
        err = buf_put_str(out, "\r\n");
    }
    return err == CX_OK ? body_put_delimiter(boundary, "--\r\n", out) : err;
}

static enum cx_err put_start(const struct body *in, struct buf *media_type)
{
    enum cx_err err = buf_put_str(media_type, "; start=\"");

    if (err == CX_OK) {
        err = put_content_id(&in->id, media_type);
    }
    return err == CX_OK ? buf_put_str(media_type, "\"; boundary=") : err;
}

enum cx_err body_encode_multipart_related(const struct body *in, struct buf *out,
                                          struct buf *media_type)
{
    struct body_pair root = {.key = SLICE_LIT("")};
    struct buf json;
    size_t from;
    enum cx_err err;

    buf_init(&json, out->cap);
    err = body_encode_json(in, &json, media_type);
    if (err == CX_OK) {
        err = put_start(in, media_type);
    }
    root.value = buf_view(&json);
    from = media_type->len;
    if (err == CX_OK) {
        err = body_put_boundary(&in->id, &root, 1, media_type);
    }
    if (err == CX_OK) {
        err = put_root(in, slice_from(buf_view(media_type), from), root.value, out);
    }
    buf_done(&json);
    return err;
}
