#include "platform/core/moved_text.h"

#include "tests/support/check.h"

static const struct cx_id a = {{0x01, 0xa2, 0x0f, 0x84, 0x38, 0x2d, 0x74, 0xb3, 0x82, 0xb1, 0x95,
                                0x25, 0x71, 0x25, 0x17, 0xf8}};
#define A_TEXT "01a20f84-382d-74b3-82b1-9525712517f8"

static void what_is_added_is_cut_again(void **state)
{
    struct slice rest, agent, stage;
    struct buf text;

    (void)state;
    buf_init(&text, 100);
    assert_int_equal(moved_text_add(&text, &a, STAGE_CONNECT), CX_OK);
    assert_int_equal(moved_text_add(&text, &a, STAGE_AGENT), CX_OK);
    CHECK_TEXT("both", buf_view(&text), A_TEXT ":connect " A_TEXT ":agent");
    assert_int_equal(moved_text_add(&text, &a, STAGE_TLS), CX_E_TOO_BIG);
    CHECK_TEXT("unchanged", buf_view(&text), A_TEXT ":connect " A_TEXT ":agent");
    rest = buf_view(&text);
    assert_true(moved_text_cut(&rest, &agent, &stage));
    CHECK_TEXT("agent", agent, A_TEXT);
    CHECK_TEXT("stage", stage, "connect");
    assert_true(moved_text_cut(&rest, &agent, &stage));
    CHECK_TEXT("the last stage", stage, "agent");
    assert_false(moved_text_cut(&rest, &agent, &stage));
    buf_done(&text);
}

static void what_is_none_is_cut_too(void **state)
{
    static const struct {
        const char *text, *agent, *stage;
    } rows[] = {
        {"x", "x", ""}, {":", "", ""}, {"x:", "x", ""}, {":y", "", "y"}, {"x:y:z", "x", "y:z"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice rest = slice_of_str(rows[i].text);
        struct slice agent, stage;

        assert_true(moved_text_cut(&rest, &agent, &stage));
        CHECK_TEXT(rows[i].text, agent, rows[i].agent);
        CHECK_TEXT(rows[i].text, stage, rows[i].stage);
        assert_false(moved_text_cut(&rest, &agent, &stage));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_cut_again),
        cmocka_unit_test(what_is_none_is_cut_too),
    };

    return cmocka_run_group_tests_name("moved_text", tests, NULL, NULL);
}
