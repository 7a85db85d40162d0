#include "common/core/body_rows.h"

#include "common/core/encode.h"

#include <stdlib.h>
#include <string.h>

/* A pair, encoded. */
struct parameter {
    struct slice name;
    struct slice value;
};

static int compare_bytes(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_parameters(const void *a, const void *b)
{
    const struct parameter *p = a;
    const struct parameter *q = b;
    int order = compare_bytes(p->name, q->name);

    return order != 0 ? order : compare_bytes(p->value, q->value);
}

/* Encode all texts, one behind the other: each name and then its value. */
static enum cx_err encode_all(const struct body *in, struct parameter *parameters,
                              struct buf *texts)
{
    size_t at = 0;
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        at = texts->len;
        err = encode_percent(in->pairs[i].key, texts);
        parameters[i].name.len = texts->len - at;
        at = texts->len;
        if (err == CX_OK) {
            err = encode_percent(in->pairs[i].value, texts);
        }
        parameters[i].value.len = texts->len - at;
    }
    at = 0;
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) { /* now that the buffer stays */
        parameters[i].name.ptr = buf_view(texts).ptr + at;
        at += parameters[i].name.len;
        parameters[i].value.ptr = buf_view(texts).ptr + at;
        at += parameters[i].value.len;
    }
    return err;
}

static enum cx_err put_parameter(const struct parameter *p, bool is_first, struct buf *out)
{
    enum cx_err err = is_first ? CX_OK : buf_put_byte(out, '&');

    if (err == CX_OK) {
        err = buf_put(out, p->name);
    }
    if (err == CX_OK) {
        err = buf_put_byte(out, '=');
    }
    return err == CX_OK ? buf_put(out, p->value) : err;
}

enum cx_err body_encode_form_rfc3986(const struct body *in, struct buf *out, struct buf *media_type)
{
    struct parameter *parameters = calloc(in->npairs + 1, sizeof(*parameters));
    struct buf texts;
    enum cx_err err = CX_E_NOMEM;

    (void)media_type;
    buf_init(&texts, out->cap);
    if (parameters != NULL) {
        err = encode_all(in, parameters, &texts);
    }
    if (err == CX_OK) {
        qsort(parameters, in->npairs, sizeof(*parameters), compare_parameters);
    }
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = put_parameter(&parameters[i], i == 0, out);
    }
    buf_done(&texts);
    free(parameters);
    return err;
}
