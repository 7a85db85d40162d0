#ifndef CONNECTOR_COMMON_CORE_ESCAPE_H
#define CONNECTOR_COMMON_CORE_ESCAPE_H

#include "common/core/buf.h"

/* A peer's text made fit for a log line or a terminal. Escaped are: control characters (C0, DEL,
 * C1), the separators and marks that break lines or turn the direction of text (U+2028, U+2029,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that are not UTF-8. At most
 * `max_bytes` of `in` are taken, up to a whole character; then "..." says that there was more.
 * Unchanged on error; errors are buf_put's. */

/* A value as it is if it consists of letters, digits and -._:/@+,*%=~ ; else in double quotes, with
 * \" \\ \n \r \t, \xNN for a byte and \u{N} for a character. */
enum cx_err escape_text(struct slice in, size_t max_bytes, struct buf *out) CX_MUST_CHECK;

/* A JSON string (RFC 8259, section 7) with its quotes; a byte that is not UTF-8 becomes U+FFFD. */
enum cx_err escape_json(struct slice in, size_t max_bytes, struct buf *out) CX_MUST_CHECK;

#endif
