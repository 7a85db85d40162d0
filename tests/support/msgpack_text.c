#include "tests/support/msgpack_text.h"

#include "common/core/encode.h"
#include "tests/support/check.h"

static void put(struct buf *out, struct slice s)
{
    assert_int_equal(buf_put(out, s), CX_OK);
}

static void put_byte(struct buf *out, size_t byte)
{
    uint8_t one = (uint8_t)byte;

    put(out, slice_of(&one, 1));
}

static void put_str(struct buf *out, struct slice text)
{
    assert_in_range(text.len, 0, 255);
    if (text.len < 32) {
        put_byte(out, 0xa0 | text.len);
    } else {
        put_byte(out, 0xd9);
        put_byte(out, text.len);
    }
    put(out, text);
}

static void put_hex(struct buf *out, struct slice digits)
{
    if (decode_hex(digits, out) != CX_OK) {
        fail_msg("not a word of msgpack_text: %.*s", SLICE_ARG(digits));
    }
}

static void put_id(struct buf *out, struct slice digits)
{
    put_hex(out, SLICE_LIT("c410"));
    for (size_t i = 0; i < 16; i++) {
        put_hex(out, digits);
    }
}

void msgpack_text(struct buf *out, const char *text)
{
    struct slice rest = slice_of_str(text);

    while (rest.len > 0) {
        size_t end;

        if (rest.ptr[0] == ' ') {
            rest = slice_from(rest, 1);
        } else if (rest.ptr[0] == '\'') {
            end = slice_find(rest, 1, '\'');
            put_str(out, slice_first(slice_from(rest, 1), end - 1));
            rest = slice_from(rest, end + 1);
        } else if (rest.ptr[0] == '@') {
            put_id(out, slice_first(slice_from(rest, 1), 2));
            rest = slice_from(rest, 3);
        } else {
            end = slice_find(slice_first(rest, slice_find(rest, 0, '\'')), 0, ' ');
            put_hex(out, slice_first(rest, end));
            rest = slice_from(rest, end);
        }
    }
}
