#ifndef CONNECTOR_COMMON_CORE_ECHO_H
#define CONNECTOR_COMMON_CORE_ECHO_H

#include "common/core/buf.h"

/* Does a text repeat a secret? Looked for are values that must not be told, as they are and as an
 * endpoint may write them again: percent- or form-encoded (either case of the hex digits, whatever
 * else is escaped), escaped as JSON, XML or CSV, and in base64 (RFC 4648, both alphabets), at each
 * of the three places where a value may begin in it, as in Basic. A value of several lines (PEM) is
 * looked for line by line. This is the second line of defence: what a secret may be sent to is the
 * policy's matter. Pure.
 *
 * A short value occurs in other texts by chance: one of fewer than ECHO_BYTES_MIN bytes is not
 * looked for at all, and whoever would throw away a whole text for it asks for ECHO_SURE_BYTES. */

enum { ECHO_BYTES_MIN = 4, ECHO_SURE_BYTES = 8 };

struct echo_item {
    size_t at, len;     /* in bytes */
    size_t value_bytes; /* of the value that it stands for */
};

struct echo { /* zeroed: nothing is looked for */
    struct buf bytes;
    struct echo_item *items;
    size_t nitems, room;
};

/* Look for this value too. Error: CX_E_NOMEM: it may then be found in some of its forms. */
enum cx_err echo_add(struct echo *e, struct slice value) CX_MUST_CHECK;
void echo_done(struct echo *e); /* wipes */

/* Does it repeat a value of at least that many bytes? Out of memory counts as yes. */
bool echo_is_in(const struct echo *e, struct slice text, size_t value_bytes_min);

/* Append `text` with REQUEST_MASK in place of every value in it, and of one that is cut off by its
 * end. Errors: buf_put's; `out` is unchanged then. */
enum cx_err echo_mask(const struct echo *e, struct slice text, struct buf *out) CX_MUST_CHECK;

#endif
