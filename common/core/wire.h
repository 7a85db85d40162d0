#ifndef CONNECTOR_COMMON_CORE_WIRE_H
#define CONNECTOR_COMMON_CORE_WIRE_H

#include "common/core/buf.h"
#include "common/core/message.h"

/* Protocol messages to and from msgpack. Pure. What is read is checked whole before anything is
 * allocated: declared lengths against the bytes that are there, nesting, counts, UTF-8, keys that
 * occur twice. */

/* Append one protocol message to `out`. Only keys that are present are written: absent slices,
 * numbers without their has_ flag, empty optional arrays and false are left out.
 * What wire_cut or wire_get would refuse is not written, so that a wrong message is an error here
 * and not a closed tunnel; only that `known` names no id twice is left to the caller.
 * out: appended to, unchanged on error.
 * Errors: CX_E_TOO_BIG (more than `message_bytes_max`, out's cap, or another limit), CX_E_MISSING
 * (a required slice is absent), CX_E_UNKNOWN (a required enumeration is not set), CX_E_RANGE,
 * CX_E_UTF8, CX_E_DUPLICATE (a variable's name), CX_E_TYPE (MSG_NONE), CX_E_NOMEM. */
enum cx_err wire_put(const struct msg *m, size_t message_bytes_max, struct buf *out,
                     struct cx_fail *fail) CX_MUST_CHECK;

/* Cut the next protocol message off the front of `rest` (the unread part of one WebSocket message;
 * an empty one is cut short). Nothing is allocated.
 * Errors: CX_E_SYNTAX (cut short, or not msgpack), CX_E_TOO_BIG (a limit), CX_E_UTF8,
 * CX_E_DUPLICATE (a key twice in a map), CX_E_TYPE (not an array of [integer, map], a key that is
 * not text, an extension type). Any of them is a protocol error, and `rest` is of no further use.
 * `fail` says at which byte. */
enum cx_err wire_cut(struct slice *rest, size_t message_bytes_max, struct slice *message,
                     struct cx_fail *fail) CX_MUST_CHECK;

/* Read one message that wire_cut has given (and nothing else: the limits are wire_cut's to keep).
 * Slices in `out` point into `message`, which must outlive it; wire_done frees the rest. A type
 * that is not known gives MSG_NONE and no error. Keys that are not known are ignored, nil is as
 * good as absent. `out` is untouched on error.
 * Errors: CX_E_TYPE, CX_E_MISSING, CX_E_RANGE, CX_E_DUPLICATE (known names an id twice),
 * CX_E_TOO_BIG (token.extra), CX_E_NOMEM; `fail` names the key, never a value. */
enum cx_err wire_get(struct slice message, struct msg *out, struct cx_fail *fail) CX_MUST_CHECK;

/* Free what wire_get allocated and zero the struct; safe on a zeroed one and on a second call, and
 * needless for one that wire_get_in has read. */
void wire_done(struct msg *m);

/* Memory for the arrays of messages that are read one after the other and done with together. It
 * keeps 32 KiB when it is cleared. Texts are never in it, but in the messages' bytes: it holds
 * nothing to wipe. */
struct wire_arena;

/* NULL if out of memory. */
struct wire_arena *wire_arena_new(void);
void wire_arena_free(struct wire_arena *arena); /* NULL is fine */

/* Every message that was read into it is done with. */
void wire_arena_clear(struct wire_arena *arena);

/* As wire_get, but the arrays are the arena's: `out` is good until that is cleared. What an error
 * leaves in it is given back then, too. */
enum cx_err wire_get_in(struct wire_arena *arena, struct slice message, struct msg *out,
                        struct cx_fail *fail) CX_MUST_CHECK;

#endif
