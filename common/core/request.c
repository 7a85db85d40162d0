#include "common/core/request_parts.h"

#include "common/core/body.h"
#include "common/core/encode.h"

static enum cx_err put_query(struct request_parts *p, const struct request_item *item)
{
    struct buf *url = &p->made->url;
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

    return err == CX_OK && !body_is_carried_by(p->made->method)
               ? put_queries(p, PLACE_PAYLOAD, "payload field")
               : err;
}

static enum cx_err build_url(struct request_parts *p)
{
    static const struct request_spot spot = {.what = "url"};

    return request_parts_expand(p, &spot, p->job->request.url, TEMPLATE_URL, &p->made->url);
}

/* What this job is answered with, as far as its profile knows. */
static enum cx_err put_accept(struct request_parts *p)
{
    const struct slice name = SLICE_LIT("Accept");
    const struct body_encoder *answer = body_encoder_of(p->job->expect.answer);

    if (request_parts_has_header(p, name)) {
        return CX_OK;
    }
    if (answer == NULL) {
        answer = body_encoder_of(p->job->request.encoding);
    }
    return request_parts_put_header(p, name, slice_of_str(answer->accept));
}

/* The fields that stand in the URL, or those that don't. */
static enum cx_err put_fields(struct request_parts *p, bool is_in_url)
{
    const struct msg_request *ask = &p->job->request;
    bool is_payload_in_url = !body_is_carried_by(ask->method);
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < ask->nfields && err == CX_OK; i++) {
        enum field_place place = ask->fields[i].place;
        bool goes_into_url = place == PLACE_PAYLOAD ? is_payload_in_url : place != PLACE_HEADER;

        err = goes_into_url == is_in_url ? request_parts_put_field(p, &ask->fields[i]) : CX_OK;
    }
    return err;
}

static enum cx_err check(const struct request_parts *p)
{
    const struct msg_request *ask = &p->job->request;

    if (ask->method <= METHOD_UNKNOWN || ask->method >= METHOD_COUNT) {
        return request_parts_refuse(p, CX_E_UNSUPPORTED, "method", "this version does not know it");
    }
    if (body_encoder_of(ask->encoding) == NULL) {
        return request_parts_refuse(p, CX_E_UNSUPPORTED, "encoding",
                                    "this version can't encode it");
    }
    return request_client_check(p);
}

static enum cx_err begin(struct request_parts *p)
{
    enum cx_err err = check(p);

    if (err == CX_OK) {
        err = put_fields(p, true);
    }
    if (err == CX_OK && !body_is_carried_by(p->made->method)) {
        err = request_client_put_payload(p);
    }
    if (err == CX_OK) {
        err = build_url(p);
    }
    return err == CX_OK ? build_query(p) : err;
}

static enum cx_err finish(struct request_parts *p)
{
    bool has_body = body_is_carried_by(p->made->method);
    enum cx_err err = put_fields(p, false);

    if (err == CX_OK && has_body) {
        err = request_client_put_payload(p);
    }
    if (err == CX_OK) {
        err = request_client_put_header(p);
    }
    if (err == CX_OK) {
        err = request_client_put_identity(p);
    }
    if (err == CX_OK) {
        err = put_accept(p);
    }
    return err == CX_OK && has_body ? request_body_put(p) : err;
}

static enum stage stage_of(enum cx_err err)
{
    if (err == CX_E_DENIED) {
        return STAGE_POLICY;
    }
    if (err == CX_E_SECRET) {
        return STAGE_SECRET;
    }
    return err == CX_E_UNSUPPORTED || err == CX_E_NOMEM ? STAGE_AGENT : STAGE_TEMPLATE;
}

enum cx_err request_begin(struct request_parts *parts, const struct msg_job *job,
                          struct request *out, enum stage *stage, struct cx_fail *fail)
{
    enum cx_err err = request_parts_init(parts, job, out);

    parts->fail = fail;
    err = err == CX_OK ? begin(parts)
                       : cx_fail_set(fail, err, "request.build", "%s", cx_err_text(err));
    if (err != CX_OK) {
        *stage = stage_of(err);
        request_drop(parts);
    }
    return err;
}

enum cx_err request_finish(struct request_parts *parts, const struct request_keeper *keeper,
                           enum stage *stage, struct cx_fail *fail)
{
    enum cx_err err;

    parts->keeper = keeper;
    parts->fail = fail;
    err = finish(parts);
    if (err == CX_OK && keeper != NULL && keeper->look != NULL) {
        err = keeper->look(keeper->ctx, parts, fail);
    }
    if (err != CX_OK) {
        *stage = stage_of(err);
        request_drop(parts);
    }
    request_parts_done(parts);
    return err;
}

void request_drop(struct request_parts *parts)
{
    request_parts_done(parts);
    request_done(parts->made);
}

enum cx_err request_build(const struct msg_job *job, const struct request_keeper *keeper,
                          struct request *out, enum stage *stage, struct cx_fail *fail)
{
    struct request_parts parts;
    enum cx_err err = request_begin(&parts, job, out, stage, fail);

    return err == CX_OK ? request_finish(&parts, keeper, stage, fail) : err;
}

struct slice request_take_header(struct slice *lines)
{
    size_t end = slice_find(*lines, 0, '\0');
    struct slice line = slice_first(*lines, end);

    *lines = slice_from(*lines, end + 1);
    return line;
}

void request_done(struct request *r)
{
    buf_done(&r->url);
    buf_done(&r->headers);
    buf_done(&r->body);
    buf_done(&r->certificate);
    buf_done(&r->key);
    r->nheaders = 0;
    r->has_body = false;
}
