#ifndef CONNECTOR_COMMON_CORE_BUF_H
#define CONNECTOR_COMMON_CORE_BUF_H

#include "common/core/slice.h"

/* Growable bytes with a cap that is fixed at birth. Any buffer may carry a secret at some time,
 * so every one wipes what it gives back: growing allocates, copies and wipes; buf_done wipes.
 * A zeroed struct buf is a valid empty buffer of cap 0. */
struct buf {
    uint8_t *ptr;
    size_t len;
    size_t room; /* bytes allocated */
    size_t cap;  /* bytes it may ever hold */
};

void buf_init(struct buf *b, size_t cap);
void buf_done(struct buf *b);  /* wipes and frees; safe on empty and on a second call */
void buf_clear(struct buf *b); /* wipes the content, keeps the memory */

/* Cut back to the first `len` bytes (no effect if it is no longer than that); wipes the rest. */
void buf_truncate(struct buf *b, size_t len);

/* The view is valid until the buffer changes. Present (ptr non-NULL) even when empty. */
struct slice buf_view(const struct buf *b);

/* Append. Unchanged on error. Errors: CX_E_TOO_BIG (cap), CX_E_NOMEM. */
enum cx_err buf_put(struct buf *b, struct slice s) CX_MUST_CHECK;
enum cx_err buf_put_str(struct buf *b, const char *text) CX_MUST_CHECK;
enum cx_err buf_put_byte(struct buf *b, uint8_t byte) CX_MUST_CHECK;
enum cx_err buf_put_u64(struct buf *b, uint64_t value) CX_MUST_CHECK; /* decimal */

/* Make room for `more` bytes and give where they go; buf_grew() then says how many came.
 * Errors as above. */
enum cx_err buf_reserve(struct buf *b, size_t more, uint8_t **at) CX_MUST_CHECK;
void buf_grew(struct buf *b, size_t by);

/* The content as a NUL-terminated string (the NUL is not counted in len); NULL if out of memory
 * or room. Borrowed until the buffer changes. */
const char *buf_cstr(struct buf *b);

/* Move `from` into `to` (which is done away with first); `from` is left empty, its cap kept. */
void buf_take(struct buf *to, struct buf *from);

#endif
