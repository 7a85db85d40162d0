#include "common/core/wire.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"
#include "tests/support/msgpack_text.h"
#include "tests/support/wire_samples.h"

#include <stdlib.h>

#define MAX MSG_MESSAGE_BYTES_MAX

/* Cut one message off `bytes`, which are copied first to where nothing lies behind them (a
 * sanitizer sees a read too far). Nothing may be allocated, and nothing changed on error. */
static enum cx_err cut(const char *why, struct slice bytes, size_t max, size_t *len)
{
    uint8_t *alone = malloc(bytes.len);
    struct slice rest;
    struct slice message = {NULL, 0};
    struct cx_fail fail = {0};
    struct alloc_seen seen;
    enum cx_err err;

    CHECK(why, alone != NULL);
    memcpy(alone, bytes.ptr, bytes.len);
    rest = slice_of(alone, bytes.len);
    alloc_any_start(0);
    err = wire_cut(&rest, max, &message, &fail);
    seen = alloc_any_stop();
    CHECK(why, seen.calls == 0);
    if (err != CX_OK) {
        CHECK(why, fail.code == err && fail.detail[0] != '\0');
        CHECK(why, rest.ptr == alone && rest.len == bytes.len && message.ptr == NULL);
    } else {
        CHECK(why, message.ptr == alone && rest.ptr == alone + message.len);
        CHECK(why, rest.len == bytes.len - message.len);
        *len = message.len;
    }
    free(alone);
    return err;
}

static const struct {
    const char *why, *text;
    enum cx_err err;
} cut_rows[] = {
    {"the smallest message", "92 05 80", CX_OK},
    {"a long array header", "dc 00 02 05 80", CX_OK},
    {"a longer array header", "dd 00 00 00 02 05 80", CX_OK},
    {"a long map header", "92 05 de 00 00", CX_OK},
    {"a signed form of the type", "92 d1 00 05 80", CX_OK},
    {"every other format",
     "92 05 8d 'a' c0 'b' c2 'c' c3 'd' ca 00000000 'e' cb 0000000000000000 "
     "'f' cc 01 'g' cd 0001 'h' d3 ffffffffffffffff 'i' e0 'j' d9 01 61 "
     "'k' da 0001 61 'l' db 00000001 61 'm' c5 0001 ff",
     CX_OK},

    {"nothing", "", CX_E_SYNTAX},
    {"a byte that is never used", "c1", CX_E_SYNTAX},
    {"that byte as the type", "92 c1 80", CX_E_SYNTAX},
    {"that byte as the body", "92 05 c1", CX_E_SYNTAX},
    {"that byte in the body", "92 05 81 'a' c1", CX_E_SYNTAX},
    {"that byte as a key", "92 05 81 c1 c0", CX_E_SYNTAX},

    {"a number alone", "05", CX_E_TYPE},
    {"a map alone", "80", CX_E_TYPE},
    {"text", "'hello'", CX_E_TYPE},
    {"JSON", "7b 22", CX_E_TYPE},
    {"an array of none", "90", CX_E_TYPE},
    {"an array of one", "91 05", CX_E_TYPE},
    {"an array of three", "93 05 80 c0", CX_E_TYPE},
    {"a type that is text", "92 'job' 80", CX_E_TYPE},
    {"a type that is nil", "92 c0 80", CX_E_TYPE},
    {"a type that is a float", "92 ca 00000000 80", CX_E_TYPE},
    {"a negative type", "92 ff 80", CX_E_TYPE},
    {"a negative type of 8 bits", "92 d0 80 80", CX_E_TYPE},
    {"a negative type of 64 bits", "92 d3 8000000000000000 80", CX_E_TYPE},
    {"a body that is an array", "92 05 90", CX_E_TYPE},
    {"a body that is nil", "92 05 c0", CX_E_TYPE},

    {"a number as a key", "92 05 81 01 c0", CX_E_TYPE},
    {"nil as a key", "92 05 81 c0 c0", CX_E_TYPE},
    {"binary as a key", "92 05 81 c4 01 61 c0", CX_E_TYPE},
    {"a map as a key", "92 05 81 80 c0", CX_E_TYPE},
    {"a number as a key further in", "92 05 81 'a' 91 81 01 c0", CX_E_TYPE},

    {"ext 8", "92 05 81 'a' c7 01 05 00", CX_E_TYPE},
    {"ext 16", "92 05 81 'a' c8 0001 05 00", CX_E_TYPE},
    {"ext 32", "92 05 81 'a' c9 00000001 05 00", CX_E_TYPE},
    {"fixext 1", "92 05 81 'a' d4 05 00", CX_E_TYPE},
    {"fixext 2", "92 05 81 'a' d5 05 0000", CX_E_TYPE},
    {"fixext 4, a timestamp", "92 05 81 'a' d6 ff 00000000", CX_E_TYPE},
    {"fixext 8", "92 05 81 'a' d7 ff 0000000000000000", CX_E_TYPE},
    {"fixext 16", "92 05 81 'a' d8 05 00000000000000000000000000000000", CX_E_TYPE},
    {"ext as a key", "92 05 81 d4 05 00 c0", CX_E_TYPE},
    {"ext as the message", "d4 05 00", CX_E_TYPE},

    {"a key twice", "92 05 82 'a' c0 'a' c0", CX_E_DUPLICATE},
    {"a key twice, in two forms", "92 05 82 'a' c0 d9 01 61 c0", CX_E_DUPLICATE},
    {"the empty key twice", "92 05 82 '' c0 '' c0", CX_E_DUPLICATE},
    {"first and last", "92 05 84 'b' c0 'a' c0 'c' c0 'b' c0", CX_E_DUPLICATE},
    {"a key twice, a map between", "92 05 82 'a' 81 'b' c0 'a' c0", CX_E_DUPLICATE},
    {"a key twice further in", "92 05 81 'a' 92 c0 82 'b' c0 'b' c0", CX_E_DUPLICATE},
    {"a key again further in", "92 05 81 'a' 81 'a' 81 'a' c0", CX_OK},
    {"a key again beside", "92 05 82 'a' 81 'x' c0 'b' 81 'x' c0", CX_OK},
    {"keys of one length that begin alike", "92 05 83 'ab' c0 'ac' c0 'ad' c0", CX_OK},
    {"one of these twice", "92 05 84 'ab' c0 'ac' c0 'ad' c0 'ac' c0", CX_E_DUPLICATE},
    {"keys that begin alike", "92 05 83 'a' c0 'aa' c0 '' c0", CX_OK},

    {"a str of ff", "92 05 81 'a' a1 ff", CX_E_UTF8},
    {"a key of ff", "92 05 81 a1 ff c0", CX_E_UTF8},
    {"an overlong slash", "92 05 81 'a' a2 c0 af", CX_E_UTF8},
    {"a surrogate", "92 05 81 'a' a3 ed a0 80", CX_E_UTF8},
    {"above U+10FFFF", "92 05 81 'a' a4 f4 90 80 80", CX_E_UTF8},
    {"a sequence cut by the str's end", "92 05 82 'a' a1 c3 'b' c0", CX_E_UTF8},
    {"the same bytes as binary", "92 05 81 'a' c4 01 ff", CX_OK},
    {"four bytes, U+1F511", "92 05 81 'a' a4 f0 9f 94 91", CX_OK},
};

static void wire_cut_takes_and_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cut_rows); i++) {
        struct buf bytes;
        size_t len = 0;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, cut_rows[i].text);
        CHECK_ERR(cut_rows[i].why, cut(cut_rows[i].why, buf_view(&bytes), MAX, &len),
                  cut_rows[i].err);
        CHECK(cut_rows[i].why, cut_rows[i].err != CX_OK || len == bytes.len);
        buf_done(&bytes);
    }
}

/* A few bytes that announce gigabytes, where each could stand. */
static void wire_cut_believes_no_declared_length(void **state)
{
    static const struct {
        const char *why, *head;
        enum cx_err err;
    } heads[] = {
        {"array 32 of 268 million", "dd 0f ff ff ff", CX_E_TOO_BIG},
        {"array 32 of all", "dd ff ff ff ff", CX_E_TOO_BIG},
        {"array 32 of 4096", "dd 00 00 10 00", CX_E_SYNTAX},
        {"array 16 of all", "dc ff ff", CX_E_TOO_BIG},
        {"array 16 of 4096", "dc 10 00", CX_E_SYNTAX},
        {"fixarray of 15", "9f", CX_E_SYNTAX},
        {"map 32 of all", "df ff ff ff ff", CX_E_TOO_BIG},
        {"map 32 of 2^31", "df 80 00 00 00", CX_E_TOO_BIG},
        {"map 32 of 256", "df 00 00 01 00", CX_E_SYNTAX},
        {"map 16 of all", "de ff ff", CX_E_TOO_BIG},
        {"fixmap of 15", "8f", CX_E_SYNTAX},
        {"str 32 of all", "db ff ff ff ff", CX_E_TOO_BIG},
        {"str 32 of 100000", "db 00 01 86 a0", CX_E_SYNTAX},
        {"str 16 of all", "da ff ff", CX_E_SYNTAX},
        {"str 8 of all", "d9 ff", CX_E_SYNTAX},
        {"bin 32 of all", "c6 ff ff ff ff", CX_E_TOO_BIG},
        {"bin 16 of all", "c5 ff ff", CX_E_SYNTAX},
    };
    static const char *const places[] = {"92 03 81 'x'", "92 03 81 'x' 92 c0",
                                         "92 63 81 'x' 81 'y'"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads) * COUNT_OF(places); i++) {
        struct buf bytes;
        size_t len;
        const char *why = heads[i / COUNT_OF(places)].why;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, places[i % COUNT_OF(places)]);
        msgpack_text(&bytes, heads[i / COUNT_OF(places)].head);
        CHECK_ERR(why, cut(why, buf_view(&bytes), MAX, &len), heads[i / COUNT_OF(places)].err);
        buf_done(&bytes);
    }
    for (size_t i = 0; i < COUNT_OF(heads); i++) { /* as the message itself */
        struct buf bytes;
        size_t len;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, heads[i].head);
        CHECK(heads[i].why, cut(heads[i].why, buf_view(&bytes), MAX, &len) != CX_OK);
        buf_done(&bytes);
    }
}

static void wire_cut_refuses_a_message_cut_at_any_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < wire_samples_count; i++) {
        const char *why = wire_samples[i].why;
        struct buf bytes;
        size_t len;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, wire_samples[i].golden);
        for (size_t at = 0; at < bytes.len; at++) {
            CHECK_ERR(why, cut(why, slice_first(buf_view(&bytes), at), MAX, &len), CX_E_SYNTAX);
        }
        CHECK_ERR(why, cut(why, buf_view(&bytes), MAX, &len), CX_OK);
        buf_done(&bytes);
    }
}

static void wire_cut_keeps_the_limit_of_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < wire_samples_count; i++) {
        const char *why = wire_samples[i].why;
        struct buf bytes;
        size_t whole;
        size_t len = 0;

        buf_init(&bytes, MAX);
        msgpack_text(&bytes, wire_samples[i].golden);
        whole = bytes.len;
        msgpack_text(&bytes, "92 05 80"); /* the next message does not count */
        CHECK_ERR(why, cut(why, buf_view(&bytes), whole, &len), CX_OK);
        CHECK(why, len == whole);
        CHECK_ERR(why, cut(why, slice_first(buf_view(&bytes), whole - 1), whole, &len),
                  CX_E_SYNTAX);
        for (size_t max = 0; max < whole; max++) {
            CHECK_ERR(why, cut(why, buf_view(&bytes), max, &len), CX_E_TOO_BIG);
        }
        buf_done(&bytes);
    }
}

/* `head`, then `n` times `element`, after "[5, {x: "; an element may have one %zu for its number.
 */
static enum cx_err cut_many(const char *head, const char *element, size_t n, const char *tail)
{
    struct buf bytes;
    size_t len;
    enum cx_err err;

    buf_init(&bytes, 2 * (size_t)MAX);
    msgpack_text(&bytes, "92 05 81 'x'");
    msgpack_text(&bytes, head);
    for (size_t i = 0; i < n; i++) {
        char text[64];

        if (strcmp(element, "key") == 0) {
            (void)snprintf(text, sizeof(text), "'%zu' c0", i);
            msgpack_text(&bytes, text);
        } else {
            msgpack_text(&bytes, element);
        }
    }
    msgpack_text(&bytes, tail);
    err = cut(head, buf_view(&bytes), MAX, &len);
    buf_done(&bytes);
    return err;
}

static void wire_cut_keeps_every_count_at_its_edge(void **state)
{
    static const struct {
        const char *why, *head, *element;
        size_t n;
        const char *tail;
        enum cx_err err;
    } rows[] = {
        {"a map of 256", "de 01 00", "key", 256, "", CX_OK},
        {"a map of 257", "de 01 01", "key", 257, "", CX_E_TOO_BIG},
        {"a map 32 of 256", "df 00 00 01 00", "key", 256, "", CX_OK},
        {"a map 32 of 257", "df 00 00 01 01", "key", 257, "", CX_E_TOO_BIG},
        {"a map of 256, the last key twice", "de 01 00", "key", 255, "'254' c0", CX_E_DUPLICATE},
        {"a map of 256, the first key twice", "de 01 00", "key", 255, "'0' c0", CX_E_DUPLICATE},
        {"an array of 4096", "dc 10 00", "c0", 4096, "", CX_OK},
        {"an array of 4097", "dc 10 01", "c0", 4097, "", CX_E_TOO_BIG},
        {"an array 32 of 4096", "dd 00 00 10 00", "c0", 4096, "", CX_OK},
        {"an array 32 of 4097", "dd 00 00 10 01", "c0", 4097, "", CX_E_TOO_BIG},
        /* the message's array is level 1, its body 2: six more may be opened */
        {"arrays to level 8", "", "91", 6, "c0", CX_OK},
        {"arrays to level 9", "", "91", 7, "c0", CX_E_TOO_BIG},
        {"an empty array on level 8", "", "91", 5, "90", CX_OK},
        {"an empty array on level 9", "", "91", 6, "90", CX_E_TOO_BIG},
        {"maps to level 8", "", "81 'k'", 6, "c0", CX_OK},
        {"maps to level 9", "", "81 'k'", 7, "c0", CX_E_TOO_BIG},
        {"an empty map on level 9", "", "81 'k'", 6, "80", CX_E_TOO_BIG},
        {"a hundred thousand levels", "", "91", 100000, "c0", CX_E_TOO_BIG},
        {"many on one level", "dc 10 00", "91 91 91 91 91 c0", 4096, "", CX_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_ERR(rows[i].why, cut_many(rows[i].head, rows[i].element, rows[i].n, rows[i].tail),
                  rows[i].err);
    }
}

/* All levels full of keys at once: what the scan keeps for them has room for all. */
static void wire_cut_takes_full_maps_on_every_level(void **state)
{
    struct buf bytes;
    size_t len = 0;

    (void)state;
    buf_init(&bytes, MAX);
    msgpack_text(&bytes, "92 05");
    for (size_t level = 2; level <= MSG_NESTING_MAX; level++) {
        msgpack_text(&bytes, "de 01 00");
        for (size_t i = 0; i < MSG_MAP_MAX; i++) {
            char key[16];

            (void)snprintf(key, sizeof(key), "'%zu'", i);
            msgpack_text(&bytes, key);
            if (i < MSG_MAP_MAX - 1 || level == MSG_NESTING_MAX) {
                msgpack_text(&bytes, "c0"); /* the last value of a level is the next level */
            }
        }
    }
    CHECK_ERR("full", cut("full", buf_view(&bytes), MAX, &len), CX_OK);
    assert_int_equal(len, bytes.len);
    buf_done(&bytes);
}

static void wire_cut_says_where_and_never_what(void **state)
{
    struct buf bytes;
    struct slice rest;
    struct slice message;
    struct cx_fail fail;

    (void)state;
    buf_init(&bytes, MAX);
    msgpack_text(&bytes, "92 05 81 'password' a7 68 75 6e 74 65 72 ff");
    rest = buf_view(&bytes);
    assert_int_equal(wire_cut(&rest, MAX, &message, &fail), CX_E_UTF8);
    assert_string_equal(fail.detail, "byte 12: text is not valid UTF-8");
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_cut_takes_and_refuses),
        cmocka_unit_test(wire_cut_believes_no_declared_length),
        cmocka_unit_test(wire_cut_refuses_a_message_cut_at_any_byte),
        cmocka_unit_test(wire_cut_keeps_the_limit_of_bytes),
        cmocka_unit_test(wire_cut_keeps_every_count_at_its_edge),
        cmocka_unit_test(wire_cut_takes_full_maps_on_every_level),
        cmocka_unit_test(wire_cut_says_where_and_never_what),
    };

    return cmocka_run_group_tests_name("wire_scan", tests, NULL, NULL);
}
