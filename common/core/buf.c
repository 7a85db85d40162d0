#include "common/core/buf.h"

#include "common/core/pool.h"

#include <string.h>

enum { BUF_FIRST_ROOM = 120 };

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void buf_done(struct buf *b)
{
    pool_give(b->ptr);
    *b = (struct buf){.cap = b->cap};
}

void buf_clear(struct buf *b)
{
    if (b->ptr != NULL) {
        explicit_bzero(b->ptr, b->len);
    }
    b->len = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len < b->len) {
        explicit_bzero(b->ptr + len, b->len - len);
        b->len = len;
    }
}

struct slice buf_view(const struct buf *b)
{
    return b->ptr == NULL ? SLICE_LIT("") : slice_of(b->ptr, b->len);
}

/* `need` is more than there is room for. */
static enum cx_err grow(struct buf *b, size_t need)
{
    size_t room = b->room != 0 ? b->room : BUF_FIRST_ROOM;
    uint8_t *grown;

    while (room < need) {
        room = room > SIZE_MAX / 2 ? need : room * 2;
    }
    grown = pool_take(room);
    if (grown == NULL) {
        return CX_E_NOMEM;
    }
    if (b->ptr != NULL) { /* never realloc: it would leave the old bytes behind */
        memcpy(grown, b->ptr, b->len);
        pool_give(b->ptr);
    }
    b->ptr = grown;
    b->room = room;
    return CX_OK;
}

static inline enum cx_err make_room(struct buf *b, size_t need)
{
    return need <= b->room ? CX_OK : grow(b, need);
}

enum cx_err buf_reserve(struct buf *b, size_t more, uint8_t **at)
{
    enum cx_err err;

    if (more > b->cap - b->len) {
        return CX_E_TOO_BIG;
    }
    err = make_room(b, b->len + (more != 0 ? more : 1));
    if (err == CX_OK) {
        *at = b->ptr + b->len;
    }
    return err;
}

void buf_grew(struct buf *b, size_t by)
{
    b->len += by;
}

enum cx_err buf_put(struct buf *b, struct slice s)
{
    uint8_t *at;
    enum cx_err err = buf_reserve(b, s.len, &at);

    if (err == CX_OK && s.len > 0) {
        memcpy(at, s.ptr, s.len);
        b->len += s.len;
    }
    return err;
}

enum cx_err buf_put_str(struct buf *b, const char *text)
{
    return buf_put(b, slice_of_str(text));
}

enum cx_err buf_put_byte(struct buf *b, uint8_t byte)
{
    return buf_put(b, slice_of(&byte, 1));
}

enum cx_err buf_put_u64(struct buf *b, uint64_t value)
{
    char digits[20]; /* of the largest number */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return buf_put(b, slice_of(digits + at, sizeof(digits) - at));
}

const char *buf_cstr(struct buf *b)
{
    if (make_room(b, b->len + 1) != CX_OK) {
        return NULL;
    }
    b->ptr[b->len] = '\0';
    return (const char *)b->ptr;
}

void buf_take(struct buf *to, struct buf *from)
{
    buf_done(to);
    *to = *from;
    *from = (struct buf){.cap = to->cap};
}
