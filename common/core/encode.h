#ifndef CONNECTOR_COMMON_CORE_ENCODE_H
#define CONNECTOR_COMMON_CORE_ENCODE_H

#include "common/core/buf.h"

/* Text encodings that carry bytes through places with rules of their own. All append to `out` and
 * leave it unchanged on error; errors are buf_put's unless said otherwise. */

/* RFC 3986: every octet outside A-Z a-z 0-9 - . _ ~ as %XX, a space as %20. */
enum cx_err encode_percent(struct slice in, struct buf *out) CX_MUST_CHECK;

/* application/x-www-form-urlencoded as RFC 6749, appendix B uses it (the URL standard's
 * serializer): A-Z a-z 0-9 * - . _ stay, a space is '+', the rest %XX. */
enum cx_err encode_form(struct slice in, struct buf *out) CX_MUST_CHECK;

/* Undo encode_form; '+' is a space. Error: CX_E_SYNTAX for a '%' without two hex digits. */
enum cx_err decode_form(struct slice in, struct buf *out) CX_MUST_CHECK;

/* RFC 4648, section 4, with padding; and section 5 (URL-safe), without. */
enum cx_err encode_base64(struct slice in, struct buf *out) CX_MUST_CHECK;
enum cx_err encode_base64url(struct slice in, struct buf *out) CX_MUST_CHECK;

/* Error: CX_E_SYNTAX for a foreign character, a wrong length or bits that are left over. */
enum cx_err decode_base64url(struct slice in, struct buf *out) CX_MUST_CHECK;

/* Lower-case hex; and back, either case. Error of the second: CX_E_SYNTAX. */
enum cx_err encode_hex(struct slice in, struct buf *out) CX_MUST_CHECK;
enum cx_err decode_hex(struct slice in, struct buf *out) CX_MUST_CHECK;

/* As encode_hex, where there is room: 2 * in.len + 1 chars, NUL-terminated. Returns `out`. */
char *encode_hex_text(struct slice in, char *out);

#endif
