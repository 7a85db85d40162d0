#include "common/core/buf.h"

#include "tests/support/alloc_any.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

static void buf_put_appends(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    CHECK_TEXT("empty", buf_view(&b), "");
    assert_false(slice_is_absent(buf_view(&b)));
    assert_int_equal(buf_put(&b, SLICE_LIT("one ")), CX_OK);
    assert_int_equal(buf_put_str(&b, "two "), CX_OK);
    assert_int_equal(buf_put_byte(&b, '3'), CX_OK);
    assert_int_equal(buf_put_byte(&b, ' '), CX_OK);
    assert_int_equal(buf_put_u64(&b, 0), CX_OK);
    assert_int_equal(buf_put_byte(&b, ' '), CX_OK);
    assert_int_equal(buf_put_u64(&b, UINT64_MAX), CX_OK);
    assert_int_equal(buf_put(&b, (struct slice){NULL, 0}), CX_OK);
    CHECK_TEXT("all", buf_view(&b), "one two 3 0 18446744073709551615");
    buf_done(&b);
    buf_done(&b);
    CHECK_TEXT("done", buf_view(&b), "");
}

/* The cap is exact, and what does not fit changes nothing. */
static void buf_put_keeps_the_cap(void **state)
{
    static const struct {
        const char *why;
        size_t cap;
        const char *first, *second;
        enum cx_err err;
    } rows[] = {
        {"exactly", 6, "abc", "def", CX_OK},
        {"one over", 5, "abc", "def", CX_E_TOO_BIG},
        {"full, nothing more", 3, "abc", "", CX_OK},
        {"full", 3, "abc", "d", CX_E_TOO_BIG},
        {"cap 0", 0, "", "d", CX_E_TOO_BIG},
        {"cap 0, nothing", 0, "", "", CX_OK},
        {"the greatest cap", SIZE_MAX, "abc", "def", CX_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;

        buf_init(&b, rows[i].cap);
        CHECK_ERR(rows[i].why, buf_put_str(&b, rows[i].first), CX_OK);
        CHECK_ERR(rows[i].why, buf_put_str(&b, rows[i].second), rows[i].err);
        CHECK(rows[i].why, slice_has_prefix(buf_view(&b), slice_of_str(rows[i].first)));
        CHECK(rows[i].why,
              b.len == strlen(rows[i].first) + (rows[i].err ? 0 : strlen(rows[i].second)));
        buf_done(&b);
    }
}

static void buf_put_takes_a_zeroed_buffer(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_put_byte(&b, 'x'), CX_E_TOO_BIG);
    buf_clear(&b);
    buf_truncate(&b, 0);
    buf_done(&b);
}

static void buf_grows_and_keeps_its_content(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(buf_put_byte(&b, (uint8_t)(i % 251)), CX_OK);
    }
    assert_int_equal(buf_put_byte(&b, 0), CX_E_TOO_BIG);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(b.ptr[i], i % 251);
    }
    buf_done(&b);
}

static void buf_reserve_gives_where_bytes_go(void **state)
{
    struct buf b;
    uint8_t *at = NULL;

    (void)state;
    buf_init(&b, 8);
    assert_int_equal(buf_put_str(&b, "abc"), CX_OK);
    assert_int_equal(buf_reserve(&b, 6, &at), CX_E_TOO_BIG);
    assert_null(at);
    assert_int_equal(buf_reserve(&b, 5, &at), CX_OK);
    memcpy(at, "de", 2);
    buf_grew(&b, 2); /* fewer came than there was room for */
    CHECK_TEXT("grown", buf_view(&b), "abcde");
    assert_int_equal(buf_reserve(&b, SIZE_MAX, &at), CX_E_TOO_BIG);
    buf_done(&b);
}

static void buf_cstr_ends_with_a_nul_that_does_not_count(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 3);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_put_str(&b, "abc"), CX_OK);
    assert_string_equal(buf_cstr(&b), "abc"); /* also at the cap */
    assert_int_equal(b.len, 3);
    buf_done(&b);
}

static void buf_cstr_finds_room_behind_a_full_block(void **state)
{
    struct buf b;
    uint8_t *at;

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_put_byte(&b, 'x'), CX_OK);
    assert_int_equal(buf_reserve(&b, b.room - b.len, &at), CX_OK);
    memset(at, 'x', b.room - b.len);
    buf_grew(&b, b.room - b.len);
    assert_int_equal(strlen(buf_cstr(&b)), b.len);
    buf_done(&b);
}

static void buf_truncate_cuts_and_wipes(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_put_str(&b, "keep secret"), CX_OK);
    buf_truncate(&b, 100);
    assert_int_equal(b.len, 11);
    buf_truncate(&b, 4);
    CHECK_TEXT("cut", buf_view(&b), "keep");
    assert_memory_equal(b.ptr + 4, "\0\0\0\0\0\0\0", 7);
    assert_int_equal(buf_put_str(&b, " on"), CX_OK);
    CHECK_TEXT("goes on", buf_view(&b), "keep on");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_memory_equal(b.ptr, "\0\0\0\0\0\0\0", 7);
    buf_done(&b);
}

static void buf_take_moves(void **state)
{
    struct buf from;
    struct buf to;

    (void)state;
    buf_init(&from, 50);
    buf_init(&to, 10);
    assert_int_equal(buf_put_str(&from, "content"), CX_OK);
    assert_int_equal(buf_put_str(&to, "old"), CX_OK);
    buf_take(&to, &from);
    CHECK_TEXT("to", buf_view(&to), "content");
    assert_int_equal(to.cap, 50);
    assert_int_equal(from.len, 0);
    assert_int_equal(from.cap, 50);
    assert_int_equal(buf_put_str(&from, "anew"), CX_OK);
    CHECK_TEXT("to", buf_view(&to), "content");
    buf_done(&from);
    buf_done(&to);
}

/* No block that a buffer gives back still holds what was in it: not when it grows, not at the end.
 */
static void buf_wipes_what_it_gives_back(void **state)
{
    static const char secret[] = "correct horse battery staple";
    struct buf b;
    struct buf other;
    struct alloc_seen seen;

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    buf_init(&b, 10000);
    buf_init(&other, 10000);
    alloc_any_watch(secret);
    alloc_any_start(0);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(buf_put_str(&b, secret), CX_OK);
    }
    assert_int_equal(buf_put_str(&other, secret), CX_OK);
    buf_take(&other, &b);
    buf_truncate(&other, 40); /* the room behind the content is wiped as well */
    buf_done(&other);
    buf_done(&b);
    seen = alloc_any_stop();
    alloc_any_watch(NULL);
    assert_true(seen.freed > 3);
    assert_int_equal(seen.unwiped, 0);
}

static enum cx_err put_three(struct buf *b)
{
    enum cx_err err = buf_put_str(b, "start ");

    for (size_t i = 0; err == CX_OK && i < 100; i++) {
        err = buf_put_str(b, "and more ");
    }
    return err != CX_OK || buf_cstr(b) != NULL ? err : CX_E_NOMEM;
}

static void buf_put_is_whole_or_nothing_when_memory_is_short(void **state)
{
    (void)state;
    for (size_t nth = 1;; nth++) {
        struct buf b;
        enum cx_err err;
        int has_failed;

        buf_init(&b, 10000);
        alloc_fail_at(nth);
        err = put_three(&b);
        has_failed = alloc_fail_end();
        assert_int_equal(err, has_failed ? CX_E_NOMEM : CX_OK);
        assert_int_equal(b.len == 0 ? 0 : (b.len - 6) % 9, 0);
        assert_int_equal(buf_put_str(&b, "afterwards"), CX_OK);
        buf_done(&b);
        if (!has_failed) {
            assert_true(nth > 2);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_put_appends),
        cmocka_unit_test(buf_put_keeps_the_cap),
        cmocka_unit_test(buf_put_takes_a_zeroed_buffer),
        cmocka_unit_test(buf_grows_and_keeps_its_content),
        cmocka_unit_test(buf_reserve_gives_where_bytes_go),
        cmocka_unit_test(buf_cstr_ends_with_a_nul_that_does_not_count),
        cmocka_unit_test(buf_cstr_finds_room_behind_a_full_block),
        cmocka_unit_test(buf_truncate_cuts_and_wipes),
        cmocka_unit_test(buf_take_moves),
        cmocka_unit_test(buf_wipes_what_it_gives_back),
        cmocka_unit_test(buf_put_is_whole_or_nothing_when_memory_is_short),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
