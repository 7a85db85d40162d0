#include "common/core/request_parts.h"

#include "common/core/body.h"
#include "common/core/xml_write.h"

#include <stdlib.h>

static const struct slice content_type = SLICE_LIT("Content-Type");

/* A boundary that no other Content-Type names would leave a body that nobody can read. */
static enum cx_err check_media_type(const struct request_parts *p, const struct body_encoder *e)
{
    return e->has_boundary && request_parts_has_header(p, content_type)
               ? request_parts_refuse_field(p, CX_E_SYNTAX, "header field", content_type,
                                            "is set by the encoding, which chooses a boundary")
               : CX_OK;
}

static enum cx_err check_root(const struct request_parts *p, const struct body *body)
{
    const char *why = p->job->request.encoding == ENCODING_XML && !slice_is_absent(body->root)
                          ? xml_why_no_name(body->root)
                          : NULL;

    return why == NULL ? CX_OK : request_parts_refuse(p, CX_E_SYNTAX, "root", why);
}

static enum cx_err check_pairs(const struct request_parts *p, const struct body_encoder *e,
                               const struct body *body)
{
    struct body_fault fault;

    for (size_t i = 0; i < body->npairs; i++) {
        if (body_has_fault(e, body, i, &fault)) {
            return request_parts_refuse_field(
                p, CX_E_SYNTAX, fault.is_value ? "payload field" : "key of the payload field",
                body->pairs[i].key, fault.why);
        }
    }
    return CX_OK;
}

static enum cx_err encode(struct request_parts *p, const struct body_encoder *e,
                          const struct body *body)
{
    struct buf media_type;
    enum cx_err err;

    buf_init(&media_type, REQUEST_HEADER_BYTES_MAX);
    err = body_encode(e, body, &p->made->body, &media_type);
    if (err != CX_OK) {
        err = request_parts_refuse(p, err, "payload", cx_err_text(err));
    } else if (!request_parts_has_header(p, content_type)) {
        err = request_parts_put_header(
            p, content_type, e->has_boundary ? buf_view(&media_type) : slice_of_str(e->media_type));
    }
    buf_done(&media_type);
    return err;
}

enum cx_err request_body_put(struct request_parts *p)
{
    const struct body_encoder *e = body_encoder_of(p->job->request.encoding);
    struct body_pair few[REQUEST_FEW_ITEMS];
    bool is_many = p->nitems > REQUEST_FEW_ITEMS;
    struct body_pair *pairs = is_many ? calloc(p->nitems, sizeof(*pairs)) : few;
    struct body body = {.pairs = pairs, .root = p->job->request.root, .id = p->job->id};
    enum cx_err err;

    if (pairs == NULL) {
        return request_parts_refuse(p, CX_E_NOMEM, "payload", cx_err_text(CX_E_NOMEM));
    }
    for (size_t i = 0; i < p->nitems; i++) {
        if (p->items[i].place == PLACE_PAYLOAD) {
            pairs[body.npairs++] =
                (struct body_pair){p->items[i].key, request_parts_value(p, &p->items[i])};
        }
    }
    p->made->has_body = true;
    err = check_media_type(p, e);
    if (err == CX_OK) {
        err = check_root(p, &body);
    }
    if (err == CX_OK) {
        err = check_pairs(p, e, &body);
    }
    if (err == CX_OK) {
        err = encode(p, e, &body);
    }
    if (is_many) {
        free(pairs);
    }
    return err;
}
