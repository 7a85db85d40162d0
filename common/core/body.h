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
    /* Append the pairs in their order. Errors: buf_put's. Pure. */
    enum cx_err (*encode)(const struct body_pair *pairs, size_t npairs, struct buf *out);
};

/* The row for `encoding`, or NULL: this version can't send it. */
const struct body_encoder *body_encoder_of(enum body_encoding encoding);

/* application/x-www-form-urlencoded as RFC 6749, appendix B, wants it: UTF-8, "key=value" joined
 * by '&', a space is '+'. */
enum cx_err body_encode_form(const struct body_pair *pairs, size_t npairs,
                             struct buf *out) CX_MUST_CHECK;

#endif
