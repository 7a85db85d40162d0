/* Which rule was found lately for which URL. */
#include "common/core/policy_memo.h"

#include "tests/support/check.h"

#include <stdio.h>

static const struct policy_rule rules[2];

static void exactly_this_url_and_method_are_known_again(void **state)
{
    struct policy_memo memo = {0};
    struct slice url = SLICE_LIT("https://idp.example/token");

    (void)state;
    assert_null(policy_memo_find(&memo, url, METHOD_POST));
    policy_memo_add(&memo, url, METHOD_POST, &rules[0]);
    policy_memo_add(&memo, SLICE_LIT("https://idp.example/other"), METHOD_POST, &rules[1]);
    assert_ptr_equal(policy_memo_find(&memo, url, METHOD_POST), &rules[0]);
    assert_ptr_equal(policy_memo_find(&memo, SLICE_LIT("https://idp.example/other"), METHOD_POST),
                     &rules[1]);
    assert_null(policy_memo_find(&memo, url, METHOD_GET));
    assert_null(policy_memo_find(&memo, SLICE_LIT("https://idp.example/toke"), METHOD_POST));
    assert_null(policy_memo_find(&memo, SLICE_LIT("https://idp.example/Token"), METHOD_POST));
    assert_null(policy_memo_find(&memo, SLICE_LIT("https://idp.example/token/"), METHOD_POST));
}

static void a_query_and_a_long_url_are_not_kept(void **state)
{
    struct policy_memo memo = {0};
    uint8_t bytes[POLICY_MEMO_URL_MAX + 1] = {0};
    struct slice longest = slice_of(bytes, POLICY_MEMO_URL_MAX);
    struct slice longer = slice_of(bytes, sizeof(bytes));

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    policy_memo_add(&memo, SLICE_LIT("https://idp.example/token?key=1"), METHOD_POST, &rules[0]);
    policy_memo_add(&memo, longer, METHOD_POST, &rules[0]);
    assert_null(memo.entries[0].rule);
    policy_memo_add(&memo, longest, METHOD_POST, &rules[0]);
    assert_ptr_equal(policy_memo_find(&memo, longest, METHOD_POST), &rules[0]);
}

static void the_oldest_makes_room(void **state)
{
    struct policy_memo memo = {0};
    char url[64];

    (void)state;
    for (int i = 0; i <= POLICY_MEMO_ENTRIES; i++) {
        (void)snprintf(url, sizeof(url), "https://idp-%d.example/token", i);
        policy_memo_add(&memo, slice_of_str(url), METHOD_POST, &rules[i % 2]);
    }
    for (int i = 0; i <= POLICY_MEMO_ENTRIES; i++) {
        (void)snprintf(url, sizeof(url), "https://idp-%d.example/token", i);
        assert_ptr_equal(policy_memo_find(&memo, slice_of_str(url), METHOD_POST),
                         i == 0 ? NULL : &rules[i % 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_this_url_and_method_are_known_again),
        cmocka_unit_test(a_query_and_a_long_url_are_not_kept),
        cmocka_unit_test(the_oldest_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
