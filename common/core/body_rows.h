#ifndef CONNECTOR_COMMON_CORE_BODY_ROWS_H
#define CONNECTOR_COMMON_CORE_BODY_ROWS_H

#include "common/core/body.h"

/* What the rows of the table in body.c consist of, and what they share; for body*.c alone. */

/* application/x-www-form-urlencoded as RFC 6749, appendix B, wants it: UTF-8, "key=value" joined
 * by '&', a space is '+'. */
enum cx_err body_encode_form(const struct body *in, struct buf *out,
                             struct buf *media_type) CX_MUST_CHECK;

/* The same with every octet but A-Z a-z 0-9 - . _ ~ percent-encoded (RFC 5849, 3.6), sorted by the
 * encoded names, and those of one name by the encoded values (3.4.1.3.2), both bytewise. */
enum cx_err body_encode_form_rfc3986(const struct body *in, struct buf *out,
                                     struct buf *media_type) CX_MUST_CHECK;

/* One object, a member a key, in the order in which the keys first come; every value a string in
 * UTF-8 (RFC 8259). A key that comes again gets an array of its values, in order, since an object
 * has each name once (4). */
enum cx_err body_encode_json(const struct body *in, struct buf *out,
                             struct buf *media_type) CX_MUST_CHECK;

/* The same object is a resource item of Oracle's ADF REST: an attribute has one value, so that no
 * key may come again. */
const char *body_why_no_attribute(const struct body *in, size_t index);

/* An XML 1.0 document: an element for each pair, in order, in the element `root`. */
const char *body_why_no_element(const struct body *in, size_t index);
const char *body_why_no_element_text(const struct body *in, size_t index);
enum cx_err body_encode_xml(const struct body *in, struct buf *out,
                            struct buf *media_type) CX_MUST_CHECK;

/* An RSS 2.0 document with what a channel must have, and one item: an element for each pair, in
 * order. Keys and values as in XML. */
enum cx_err body_encode_rss(const struct body *in, struct buf *out,
                            struct buf *media_type) CX_MUST_CHECK;

/* RFC 4180: a row of the keys and a row of the values, CRLF behind each. A field is quoted if it
 * holds a comma, a quote, CR or LF, or is empty and alone in its row. */
const char *body_why_no_csv_key(const struct body *in, size_t index);
const char *body_why_no_csv_value(const struct body *in, size_t index);
enum cx_err body_encode_csv(const struct body *in, struct buf *out,
                            struct buf *media_type) CX_MUST_CHECK;

/* "key=value" and CRLF for each pair, as HTML's text/plain forms (4.10.21.8) have it; no key has a
 * '=', neither has a line break, so that a reader sees the same lines. A pair without a key must be
 * the only one: its value is the whole body, as it is. */
const char *body_why_no_line_key(const struct body *in, size_t index);
const char *body_why_no_line_value(const struct body *in, size_t index);
enum cx_err body_encode_text(const struct body *in, struct buf *out,
                             struct buf *media_type) CX_MUST_CHECK;

/* RFC 7578: a part for each pair, in order, the value's octets as they are. In the names '"', CR
 * and LF are %22, %0D and %0A, as HTML (4.10.21.7) and so every browser writes them; the rest is
 * UTF-8 (RFC 7578, 5.1). */
enum cx_err body_encode_multipart_form(const struct body *in, struct buf *out,
                                       struct buf *media_type) CX_MUST_CHECK;

/* RFC 2387: one part, the root, which is the JSON object. */
enum cx_err body_encode_multipart_related(const struct body *in, struct buf *out,
                                          struct buf *media_type) CX_MUST_CHECK;

/* For an encoding in UTF-8 that carries any character. */
const char *body_why_no_utf8_key(const struct body *in, size_t index);
const char *body_why_no_utf8_value(const struct body *in, size_t index);

/* Append "connector-" and the id's hex digits: a boundary (RFC 2046, 5.1.1) that occurs in no key
 * and no value of the pairs; where one holds it, letters are added until none does. */
enum cx_err body_put_boundary(const struct cx_id *id, const struct body_pair *pairs, size_t npairs,
                              struct buf *out) CX_MUST_CHECK;

/* Append "--", the boundary, and what stands behind it. */
enum cx_err body_put_delimiter(struct slice boundary, const char *behind,
                               struct buf *out) CX_MUST_CHECK;

#endif
