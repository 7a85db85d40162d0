#ifndef CONNECTOR_TESTS_SUPPORT_MSGPACK_TEXT_H
#define CONNECTOR_TESTS_SUPPORT_MSGPACK_TEXT_H

#include "common/core/buf.h"

/* msgpack written by hand, without the code under test. Words, with blanks between them:
 *
 *     92 0f c3          bytes in hex, any even number of digits
 *     'hello'           a str with its header; no quote in it
 *     @07               an id: a bin of sixteen bytes 07
 *
 * `out` is appended to; a word that is none of these, or no memory, fails the test. */
void msgpack_text(struct buf *out, const char *text);

#endif
