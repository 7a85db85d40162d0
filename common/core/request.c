#include "common/core/request_parts.h"

#include "common/core/body.h"
#include "common/core/encode.h"

#include <stdlib.h>

/* JSON is what RFC 6749, 5.1 promises; what else comes is read too. */
#define ACCEPT "application/json, */*;q=0.5"

static enum cx_err put_query(struct request_parts *p, const struct request_item *item)
{
    struct buf *url = &p->made.url;
    struct slice so_far = buf_view(url);
    uint8_t last = so_far.ptr[so_far.len - 1];
    enum cx_err err = CX_OK;

    if (slice_find(so_far, 0, '?') == so_far.len) {
        err = buf_put_byte(url, '?');
    } else if (last != '?' && last != '&') {
        err = buf_put_byte(url, '&');
    }
    if (err == CX_OK) {
        err = encode_percent(item->key, url);
    }
    if (err == CX_OK) {
        err = buf_put_byte(url, '=');
    }
    return err == CX_OK ? encode_percent(request_parts_value(p, item), url) : err;
}

static enum cx_err put_queries(struct request_parts *p, enum field_place place, const char *what)
{
    for (size_t i = 0; i < p->nitems; i++) {
        enum cx_err err = p->items[i].place == place ? put_query(p, &p->items[i]) : CX_OK;

        if (err != CX_OK) {
            return request_parts_refuse_field(p, err, what, p->items[i].key,
                                              err == CX_E_NOMEM ? cx_err_text(err)
                                                                : "no room in the URL");
        }
    }
    return CX_OK;
}

static enum cx_err build_query(struct request_parts *p)
{
    enum cx_err err = put_queries(p, PLACE_QUERY, "query field");

    return err == CX_OK && !body_is_carried_by(p->made.method)
               ? put_queries(p, PLACE_PAYLOAD, "payload field")
               : err;
}

static enum cx_err build_url(struct request_parts *p)
{
    const struct msg_field url = {.value = p->job->request.url};

    return request_parts_expand(p, "url", &url, TEMPLATE_URL, &p->made.url);
}

static enum cx_err put_default_header(struct request_parts *p, struct slice name, const char *value)
{
    return request_parts_has_header(p, name)
               ? CX_OK
               : request_parts_put_header(p, name, slice_of_str(value));
}

static enum cx_err build_body(struct request_parts *p, const struct body_encoder *encoder)
{
    struct body_pair *pairs = calloc(p->nitems + 1, sizeof(*pairs));
    size_t npairs = 0;
    enum cx_err err = CX_E_NOMEM;

    for (size_t i = 0; i < p->nitems && pairs != NULL; i++) {
        if (p->items[i].place == PLACE_PAYLOAD) {
            pairs[npairs++] =
                (struct body_pair){p->items[i].key, request_parts_value(p, &p->items[i])};
        }
    }
    if (pairs != NULL) {
        err = encoder->encode(pairs, npairs, &p->made.body);
    }
    free(pairs);
    p->made.has_body = true;
    return err == CX_OK ? CX_OK : request_parts_refuse(p, err, "payload", cx_err_text(err));
}

static enum cx_err build_headers(struct request_parts *p, const char *media_type)
{
    enum cx_err err = put_default_header(p, SLICE_LIT("Accept"), ACCEPT);

    return err == CX_OK && body_is_carried_by(p->made.method)
               ? put_default_header(p, SLICE_LIT("Content-Type"), media_type)
               : err;
}

static enum cx_err build(struct request_parts *p)
{
    const struct msg_request *ask = &p->job->request;
    const struct body_encoder *encoder = body_encoder_of(ask->encoding);
    enum cx_err err = CX_OK;

    if (ask->method <= METHOD_UNKNOWN || ask->method >= METHOD_COUNT) {
        return request_parts_refuse(p, CX_E_UNSUPPORTED, "method", "this version does not know it");
    }
    if (encoder == NULL) {
        return request_parts_refuse(p, CX_E_UNSUPPORTED, "encoding",
                                    "this version can't encode it");
    }
    for (size_t i = 0; i < ask->nfields && err == CX_OK; i++) {
        err = request_parts_put_field(p, &ask->fields[i]);
    }
    if (err == CX_OK) {
        err = build_url(p);
    }
    if (err == CX_OK) {
        err = request_client_put(p);
    }
    if (err == CX_OK) {
        err = build_query(p);
    }
    if (err == CX_OK) {
        err = build_headers(p, encoder->media_type);
    }
    return err == CX_OK && body_is_carried_by(ask->method) ? build_body(p, encoder) : err;
}

static enum stage stage_of(enum cx_err err)
{
    if (err == CX_E_SECRET) {
        return STAGE_SECRET;
    }
    return err == CX_E_UNSUPPORTED || err == CX_E_NOMEM ? STAGE_AGENT : STAGE_TEMPLATE;
}

enum cx_err request_build(const struct msg_job *job, struct request *out, enum stage *stage,
                          struct cx_fail *fail)
{
    struct request_parts parts;
    enum cx_err err = request_parts_init(&parts, job, fail);

    if (err == CX_OK) {
        err = build(&parts);
    }
    if (err == CX_OK) {
        *out = parts.made;
        parts.made = (struct request){0};
    } else {
        *stage = stage_of(err);
    }
    request_parts_done(&parts);
    return err;
}

void request_done(struct request *r)
{
    buf_done(&r->url);
    buf_done(&r->body);
    for (size_t i = 0; i < r->nheaders; i++) {
        buf_done(&r->headers[i]);
    }
    r->nheaders = 0;
    r->has_body = false;
}
