#ifndef CONNECTOR_COMMON_CORE_BODY_H
#define CONNECTOR_COMMON_CORE_BODY_H

#include "common/core/buf.h"
#include "common/core/id.h"
#include "common/core/terms.h"

/* One payload field, ready to be encoded: the value is expanded already. Borrowed. */
struct body_pair {
    struct slice key;
    struct slice value;
};

/* A payload, as an encoder sees it. Borrowed. */
struct body {
    const struct body_pair *pairs;
    size_t npairs;
    struct slice root; /* xml: the name of the document's element; absent: BODY_ROOT */
    struct cx_id id;   /* the job's: what must be unique in a multipart body is made from it */
};

#define BODY_ROOT "request"

/* How a payload becomes a request's body: a row for each encoding, a file body_<name>.c for each
 * row. */
struct body_encoder {
    enum body_encoding encoding;
    const char *media_type; /* value of the Content-Type header, without what `encode` adds */
    const char *accept; /* value of the Accept header, where this is the answer's encoding too */
    bool has_boundary;  /* no other Content-Type than ours can describe the body */
    /* NULL if the encoding can carry the pair's key, or value; else why not: a static sentence that
     * goes on from "its key" or "its value". A NULL function: it can carry any. */
    const char *(*why_no_key)(const struct body *in, size_t index);
    const char *(*why_no_value)(const struct body *in, size_t index);
    /* Append the pairs, which can all be carried, and the boundary to `media_type`. */
    enum cx_err (*encode)(const struct body *in, struct buf *out, struct buf *media_type);
};

/* The row for `encoding`; NULL for ENCODING_UNKNOWN. */
const struct body_encoder *body_encoder_of(enum body_encoding encoding);

/* What of a payload an encoding can't carry. */
struct body_fault {
    bool is_value; /* of the pair; else its key */
    const char *why;
};

/* True if the encoding can't carry the pair of that index; `fault` then says what and why. Pure. */
bool body_has_fault(const struct body_encoder *e, const struct body *in, size_t index,
                    struct body_fault *fault);

/* Append the encoded payload to `out`, and what Content-Type says of it to `media_type`. No pair
 * has a fault (body_has_fault). After an error (buf_put's) both may hold a part of it. Pure. */
enum cx_err body_encode(const struct body_encoder *e, const struct body *in, struct buf *out,
                        struct buf *media_type) CX_MUST_CHECK;

/* True if a request of this method carries its payload in a body. GET and DELETE carry it in the
 * query: a body has no defined meaning there (RFC 9110, 9.3.1 and 9.3.5). */
bool body_is_carried_by(enum http_method method);

#endif
