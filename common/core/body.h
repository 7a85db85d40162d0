#ifndef CONNECTOR_COMMON_CORE_BODY_H
#define CONNECTOR_COMMON_CORE_BODY_H

#include "common/core/buf.h"
#include "common/core/terms.h"

/* One payload field, ready to be encoded: the value is expanded already. Borrowed. */
struct body_pair {
    struct slice key;
    struct slice value;
};

/* How a payload becomes a request's body: a row for each encoding, a file body_<name>.c for each
 * row. */
struct body_encoder {
    enum body_encoding encoding;
    const char *media_type; /* value of the Content-Type header */
    /* Append the pairs in their order. Errors: buf_put's, CX_E_UTF8 (json). Pure. */
    enum cx_err (*encode)(const struct body_pair *pairs, size_t npairs, struct buf *out);
};

/* The row for `encoding`, or NULL: this version can't send it. */
const struct body_encoder *body_encoder_of(enum body_encoding encoding);

/* True if a request of this method carries its payload in a body. GET and DELETE carry it in the
 * query: a body has no defined meaning there (RFC 9110, 9.3.1 and 9.3.5). */
bool body_is_carried_by(enum http_method method);

/* application/x-www-form-urlencoded as RFC 6749, appendix B, wants it: UTF-8, "key=value" joined
 * by '&', a space is '+'. */
enum cx_err body_encode_form(const struct body_pair *pairs, size_t npairs,
                             struct buf *out) CX_MUST_CHECK;

/* application/json: one object, a member a key, in the order in which the keys first come; every
 * value a string in UTF-8 (RFC 8259). A key that comes again gets an array of its values, in order,
 * since an object has each name once. Error besides: CX_E_UTF8. */
enum cx_err body_encode_json(const struct body_pair *pairs, size_t npairs,
                             struct buf *out) CX_MUST_CHECK;

#endif
