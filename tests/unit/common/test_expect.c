#include "common/core/expect.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

static void a_copy_lives_without_the_message(void **state)
{
    uint32_t statuses[] = {403, 419};
    char text[] = "/a/tok/reftrue";
    const struct msg_expect from = {
        .auth_error_status = statuses,
        .nauth_error_status = 2,
        .answer = ENCODING_XML,
        .places = {.access_token = slice_of(text, 6),
                   .refresh_token = slice_of(text + 6, 4),
                   .token_type = slice_of(text, 0),
                   .success_at = slice_of(text, 2),
                   .success_is = slice_of(text + 10, 4)},
    };
    struct expect e;

    (void)state;
    assert_int_equal(expect_dup(&from, &e), CX_OK);
    memset(statuses, 0, sizeof(statuses));
    memset(text, 0, sizeof(text));
    assert_int_equal(e.view.nauth_error_status, 2);
    assert_int_equal(e.view.auth_error_status[0], 403);
    assert_int_equal(e.view.auth_error_status[1], 419);
    assert_int_equal(e.view.answer, ENCODING_XML);
    CHECK_TEXT("access", e.view.places.access_token, "/a/tok");
    CHECK_TEXT("refresh", e.view.places.refresh_token, "/ref");
    assert_true(slice_is_absent(e.view.places.expires_in));
    assert_false(slice_is_absent(e.view.places.token_type));
    CHECK_TEXT("at", e.view.places.success_at, "/a");
    CHECK_TEXT("is", e.view.places.success_is, "true");
    expect_done(&e);
    expect_done(&e);
    assert_null(e.view.auth_error_status);
}

static void nothing_expected_takes_no_memory(void **state)
{
    const struct msg_expect from = {.answer = ENCODING_JSON, .places.access_token = SLICE_LIT("")};
    struct expect e;

    (void)state;
    alloc_fail_at(1);
    assert_int_equal(expect_dup(&from, &e), CX_OK);
    assert_false(alloc_fail_end());
    assert_null(e.memory);
    assert_int_equal(e.view.answer, ENCODING_JSON);
    assert_false(slice_is_absent(e.view.places.access_token));
    expect_done(&e);
}

static void running_out_of_memory_is_said(void **state)
{
    const uint32_t statuses[] = {403};
    const struct msg_expect from = {.auth_error_status = statuses, .nauth_error_status = 1};
    struct expect e;

    (void)state;
    alloc_fail_at(1);
    assert_int_equal(expect_dup(&from, &e), CX_E_NOMEM);
    assert_true(alloc_fail_end());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_lives_without_the_message),
        cmocka_unit_test(nothing_expected_takes_no_memory),
        cmocka_unit_test(running_out_of_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
