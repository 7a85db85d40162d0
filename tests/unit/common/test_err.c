#include "common/core/err.h"

#include "common/core/slice.h"
#include "tests/support/check.h"

static void cx_err_text_has_a_sentence_for_every_code(void **state)
{
    (void)state;
    for (int code = 0; code < CX_ERR_COUNT; code++) {
        assert_true(strlen(cx_err_text((enum cx_err)code)) > 1);
        for (int other = 0; other < code; other++) {
            assert_string_not_equal(cx_err_text((enum cx_err)code),
                                    cx_err_text((enum cx_err)other));
        }
    }
    assert_string_equal(cx_err_text(CX_OK), "ok");
    assert_string_equal(cx_err_text(CX_ERR_COUNT), "unknown error");
}

static void cx_fail_set_fills_and_gives_the_code(void **state)
{
    struct cx_fail fail = {0};

    (void)state;
    assert_int_equal(cx_fail_set(&fail, CX_E_RANGE, "conf.read", "must be %d..%d", 1, 9),
                     CX_E_RANGE);
    assert_int_equal(fail.code, CX_E_RANGE);
    assert_string_equal(fail.op, "conf.read");
    assert_string_equal(cx_fail_text(&fail), "must be 1..9");
    assert_int_equal(cx_fail_set(&fail, CX_E_NOMEM, "x", "%s", ""), CX_E_NOMEM);
    assert_string_equal(cx_fail_text(&fail), cx_err_text(CX_E_NOMEM));
    assert_int_equal(cx_fail_set(NULL, CX_E_TYPE, "x", "%s", "y"), CX_E_TYPE);
}

static void cx_fail_set_cuts_and_cleans(void **state)
{
    static char longer[1000];
    struct cx_fail fail;

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    (void)cx_fail_set(&fail, CX_E_IO, "x", "%s", longer);
    assert_int_equal(strlen(fail.detail), sizeof(fail.detail) - 1);
    (void)cx_fail_set(&fail, CX_E_IO, "x", "a%sb", "\n\x1b\x7f\x01\xc3\xa4");
    assert_string_equal(fail.detail, "a????\xc3\xa4"
                                     "b");
    (void)cx_fail_set(&fail, CX_E_IO, "x", "a%sb", "\xc2\x80\xc2\x9b\xc2\xa0\xe2\x9b\x9f");
    assert_string_equal(fail.detail, "a????\xc2\xa0\xe2\x9b\x9f"
                                     "b"); /* terminals take U+009B for ESC [ */
    (void)cx_fail_set(&fail, CX_E_IO, "x", "%s", "a\xff\xc3\xa4");
    assert_string_equal(fail.detail, "a???"); /* not UTF-8: it goes into JSON and msgpack */
}

static void cx_fail_set_cuts_no_character_in_half(void **state)
{
    struct cx_fail fail;

    (void)state;
    for (int before = 236; before < 240; before++) {
        (void)cx_fail_set(&fail, CX_E_IO, "x", "%*s%s", before, "", "\xf0\x9f\x94\x91");
        assert_true(slice_is_utf8(slice_of_str(fail.detail)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cx_err_text_has_a_sentence_for_every_code),
        cmocka_unit_test(cx_fail_set_fills_and_gives_the_code),
        cmocka_unit_test(cx_fail_set_cuts_and_cleans),
        cmocka_unit_test(cx_fail_set_cuts_no_character_in_half),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
