#include "common/core/request_parts.h"

#include "common/core/body.h"
#include "common/core/url.h"

#include <stdlib.h>

enum { CLIENT_ITEMS_MAX = 3, SHOWN_KEY_BYTES = 64 };

enum cx_err request_parts_init(struct request_parts *p, const struct msg_job *job,
                               struct request *out)
{
    size_t nitems_max = job->request.nfields + CLIENT_ITEMS_MAX;

    p->job = job;
    p->made = out;
    p->keeper = NULL;
    p->nitems = 0;
    p->fail = NULL;
    out->method = job->request.method;
    out->nheaders = 0;
    out->has_body = false;
    buf_init(&out->url, URL_BYTES_MAX);
    buf_init(&out->headers, REQUEST_HEADER_BYTES_MAX + REQUEST_HEADERS_MAX);
    buf_init(&out->body, REQUEST_BODY_BYTES_MAX);
    buf_init(&out->certificate, REQUEST_PEM_BYTES_MAX);
    buf_init(&out->key, REQUEST_PEM_BYTES_MAX);
    buf_init(&p->values, REQUEST_BODY_BYTES_MAX);
    p->items = nitems_max <= REQUEST_FEW_ITEMS ? p->few : calloc(nitems_max, sizeof(*p->items));
    return p->items == NULL ? CX_E_NOMEM : CX_OK;
}

void request_parts_done(struct request_parts *p)
{
    if (p->items != p->few) {
        free(p->items);
    }
    p->items = NULL;
    buf_done(&p->values);
}

enum cx_err request_parts_refuse(const struct request_parts *p, enum cx_err code, const char *what,
                                 const char *why)
{
    return cx_fail_set(p->fail, code, "request.build", "%s: %s", what, why);
}

enum cx_err request_parts_refuse_field(const struct request_parts *p, enum cx_err code,
                                       const char *what, struct slice key, const char *why)
{
    return cx_fail_set(p->fail, code, "request.build", "%s \"%.*s\": %s", what,
                       SLICE_ARG(slice_first(key, SHOWN_KEY_BYTES)), why);
}

struct slice request_parts_value(const struct request_parts *p, const struct request_item *item)
{
    return slice_from(slice_first(buf_view(&p->values), item->at + item->len), item->at);
}

const struct request_item *request_parts_find(const struct request_parts *p, enum field_place place,
                                              struct slice key)
{
    for (size_t i = 0; i < p->nitems; i++) {
        if (p->items[i].place == place && slice_eq(p->items[i].key, key)) {
            return &p->items[i];
        }
    }
    return NULL;
}

static enum cx_err find_variable(const struct request_parts *p, struct slice name,
                                 struct slice *value)
{
    for (size_t i = 0; i < p->job->nvariables; i++) {
        if (slice_eq(p->job->variables[i].name, name)) {
            *value = p->job->variables[i].value;
            return slice_is_absent(*value) ? CX_E_MISSING : CX_OK;
        }
    }
    return CX_E_MISSING;
}

static enum cx_err find_path_value(const struct request_parts *p, struct slice name,
                                   struct slice *value)
{
    const struct request_item *item = request_parts_find(p, PLACE_PATH, name);

    if (slice_eq_str(name, "tenant")) {
        return find_variable(p, name, value);
    }
    if (item == NULL) {
        return CX_E_MISSING;
    }
    *value = request_parts_value(p, item);
    return CX_OK;
}

/* One expansion. */
struct expansion {
    struct request_parts *p;
    const struct request_spot *spot;
};

static enum cx_err find_secret(struct request_parts *p, const struct request_spot *spot,
                               struct slice name, struct slice *value)
{
    const struct keeper_use use = {spot->place, spot->key, name};
    struct cx_fail why = {0};
    enum cx_err err;

    if (spot->place == SECRET_NOWHERE) {
        return cx_fail_set(&p->secret_fail, CX_E_SECRET, "request.secret",
                           "{{secret:%.*s}} can't stand here, since it goes into the URL, which "
                           "others read; put it into a header or the payload of a POST",
                           SLICE_ARG(name));
    }
    err = keeper_find_secret(p->keeper, &use, value, &why);
    return err == CX_OK ? CX_OK
                        : cx_fail_set(&p->secret_fail, err, "request.secret", "{{secret:%.*s}}: %s",
                                      SLICE_ARG(name), cx_fail_text(&why));
}

/* A template_lookup; ctx is the expansion. */
static enum cx_err find_value(void *ctx, enum template_kind kind, struct slice name,
                              struct slice *value)
{
    const struct expansion *x = ctx;
    struct request_parts *p = x->p;

    switch (kind) {
    case TEMPLATE_VARIABLE:
        return find_variable(p, name, value);
    case TEMPLATE_PATH:
        return find_path_value(p, name, value);
    case TEMPLATE_SECRET:
        return find_secret(p, x->spot, name, value);
    case TEMPLATE_LITERAL:
        break;
    }
    return CX_E_MISSING;
}

static enum cx_err expand(struct expansion *x, struct slice text, enum template_escape escape,
                          struct buf *out, struct cx_fail *fail)
{
    const struct template_values values = {find_value, x};

    return slice_is_absent(text) ? cx_fail_set(fail, CX_E_MISSING, "request.build", "has no value")
                                 : template_fill(text, escape, &values, out, fail);
}

enum cx_err request_parts_expand(struct request_parts *p, const struct request_spot *spot,
                                 struct slice text, enum template_escape escape, struct buf *out)
{
    struct expansion x = {p, spot};
    struct cx_fail inner; /* of every error */
    enum cx_err err = expand(&x, text, escape, out, &inner);
    const char *why;

    if (err == CX_OK) {
        return CX_OK;
    }
    why = cx_fail_text(err == CX_E_SECRET ? &p->secret_fail : &inner);
    if (slice_is_absent(spot->key) || spot->place == SECRET_IN_CLIENT) {
        return request_parts_refuse(p, err, spot->what, why);
    }
    return request_parts_refuse_field(p, err, spot->what, spot->key, why);
}

bool request_parts_has_header(const struct request_parts *p, struct slice name)
{
    struct slice rest = buf_view(&p->made->headers);

    while (rest.len > 0) {
        struct slice line = request_take_header(&rest);

        if (slice_eq_nocase(slice_first(line, slice_find(line, 0, ':')), name)) {
            return true;
        }
    }
    return false;
}

static enum cx_err put_line(struct request *made, struct slice name, struct slice value)
{
    struct slice sign = value.len == 0 ? SLICE_LIT(":") : SLICE_LIT(": ");
    struct buf *lines = &made->headers;
    enum cx_err err = buf_put(lines, name);

    if (err == CX_OK) {
        err = buf_put(lines, sign);
    }
    if (err == CX_OK) {
        err = buf_put(lines, value);
    }
    if (err == CX_OK) {
        err = buf_put_byte(lines, '\0');
    }
    if (err == CX_OK) {
        made->nheaders++;
    }
    return err;
}

enum cx_err request_parts_put_header(struct request_parts *p, struct slice name, struct slice value)
{
    struct request *made = p->made;
    enum cx_err err = CX_E_TOO_BIG;

    if (made->nheaders < REQUEST_HEADERS_MAX) {
        made->headers.cap = REQUEST_HEADER_BYTES_MAX + made->nheaders + 1; /* no NUL counts */
        err = put_line(made, name, slice_trim(value, " \t")); /* white space around it is no part
                                                    of a value (RFC 9110, 5.5) */
    }
    return err == CX_OK
               ? CX_OK
               : request_parts_refuse_field(
                     p, err, "header", name,
                     err == CX_E_NOMEM ? cx_err_text(err) : "more than 64 lines or 16384 bytes");
}

static enum cx_err put_header_field(struct request_parts *p, const struct msg_field *field)
{
    const struct request_spot spot = {"header field", SECRET_IN_HEADER, field->key};
    const char *why = NULL;
    struct buf value;
    enum cx_err err;

    if (!request_allows_header(field->key, &why)) {
        return request_parts_refuse_field(p, CX_E_SYNTAX, "header field", field->key, why);
    }
    if (request_parts_has_header(p, field->key)) {
        return request_parts_refuse_field(p, CX_E_SYNTAX, "header field", field->key,
                                          "occurs twice");
    }
    buf_init(&value, REQUEST_HEADER_BYTES_MAX);
    err = request_parts_expand(p, &spot, field->value, TEMPLATE_HEADER, &value);
    if (err == CX_OK) {
        err = request_parts_put_header(p, field->key, buf_view(&value));
    }
    buf_done(&value);
    return err;
}

/* A payload that is one text has a structure of its own, which no value may add to. */
static enum template_escape escape_of(const struct request_parts *p, const struct msg_field *field)
{
    bool is_whole_body = field->place == PLACE_PAYLOAD && field->key.len == 0 &&
                         p->job->request.encoding == ENCODING_TEXT;

    return is_whole_body ? TEMPLATE_LINE : TEMPLATE_RAW;
}

enum cx_err request_parts_put_item(struct request_parts *p, const struct msg_field *field,
                                   const struct request_spot *spot)
{
    struct request_item item = {.place = field->place, .key = field->key, .at = p->values.len};
    enum cx_err err = request_parts_expand(p, spot, field->value, escape_of(p, field), &p->values);

    if (err != CX_OK) {
        return err;
    }
    item.len = p->values.len - item.at;
    p->items[p->nitems++] = item;
    return CX_OK;
}

enum cx_err request_parts_put_text(struct request_parts *p, struct slice key, struct slice value)
{
    struct request_item item = {PLACE_PAYLOAD, key, p->values.len, value.len};
    enum cx_err err = buf_put(&p->values, value);

    if (err != CX_OK) {
        return request_parts_refuse_field(p, err, "payload field", key, cx_err_text(err));
    }
    p->items[p->nitems++] = item;
    return CX_OK;
}

enum cx_err request_parts_put_field(struct request_parts *p, const struct msg_field *field)
{
    struct request_spot spot = {.key = field->key};

    switch (field->place) {
    case PLACE_HEADER:
        return put_header_field(p, field);
    case PLACE_PAYLOAD:
        spot.what = "payload field";
        spot.place =
            body_is_carried_by(p->job->request.method) ? SECRET_IN_PAYLOAD : SECRET_NOWHERE;
        return request_parts_put_item(p, field, &spot);
    case PLACE_QUERY:
        spot.what = "query field";
        return request_parts_put_item(p, field, &spot);
    case PLACE_PATH:
        spot.what = "path field";
        if (request_parts_find(p, PLACE_PATH, field->key) != NULL) {
            return request_parts_refuse_field(p, CX_E_SYNTAX, "path field", field->key,
                                              "occurs twice");
        }
        return request_parts_put_item(p, field, &spot);
    case PLACE_UNKNOWN:
    case PLACE_COUNT:
        break;
    }
    return request_parts_refuse_field(p, CX_E_UNSUPPORTED, "field", field->key,
                                      "its place is not known");
}
