/* What the platform is told of a policy. */
#include "agent/core/policy_summary.h"

#include "tests/support/check.h"

#include <stdio.h>

enum { AMPLE = 64 * 1024 };

static void add(struct policy *p, const struct policy_rule_text *rule)
{
    struct policy_rule_text text = *rule;
    struct faults faults;

    text.where = "agent.conf:1";
    text.field = "policy[0]";
    faults_init(&faults);
    CHECK(text.name, policy_add(p, &text, &faults));
    faults_done(&faults);
}

static void each_rule_is_told_as_its_share_allows(void **state)
{
    static const char *const put_post[] = {"PUT", "POST", NULL};
    static const struct policy_rule_text texts[] = {
        {.name = "hidden", .url = "https://hidden.example/t", .share = "none"},
        {.name = "all",
         .url = "https://all.example/**",
         .methods = put_post,
         .target = "https://idp-3.internal:8443"},
        {.name = "named", .url = "https://named.example/t", .share = "name"},
    };
    struct policy_summary s;
    struct policy p;

    (void)state;
    policy_init(&p);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        add(&p, &texts[i]);
    }
    assert_int_equal(policy_summary_make(&p, AMPLE, &s), CX_OK);
    assert_int_equal(s.extent, POLICY_SUMMARY_WHOLE);
    assert_int_equal(s.policy.nrules, 2);
    assert_true(slice_eq_str(s.policy.rules[0].name, "all"));
    assert_true(slice_eq_str(s.policy.rules[0].url, "https://all.example/**"));
    assert_int_equal(s.policy.rules[0].nmethods, 2);
    assert_true(slice_eq_str(s.policy.rules[0].methods[0], "POST"));
    assert_true(slice_eq_str(s.policy.rules[0].methods[1], "PUT"));
    assert_true(slice_eq_str(s.policy.rules[1].name, "named"));
    assert_true(slice_is_absent(s.policy.rules[1].url));
    assert_int_equal(s.policy.rules[1].nmethods, 0);
    policy_summary_done(&s);
    policy_done(&p);
}

static void what_is_too_long_is_cut_to_names_or_nothing(void **state)
{
    /* A name takes 8 bytes, the whole rule above 40. */
    static const struct {
        size_t bytes_max;
        enum policy_summary_extent extent;
        size_t nrules;
    } rows[] = {
        {AMPLE, POLICY_SUMMARY_WHOLE, 100},
        {3000, POLICY_SUMMARY_NAMES, 100},
        {500, POLICY_SUMMARY_NONE, 0},
    };
    struct policy p;

    (void)state;
    policy_init(&p);
    for (int i = 0; i < 100; i++) {
        char name[16];
        struct policy_rule_text text = {.name = name,
                                        .url = "https://login.hr.example/oauth/token"};

        (void)snprintf(name, sizeof(name), "rule-%03d", i);
        add(&p, &text);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct policy_summary s;

        assert_int_equal(policy_summary_make(&p, rows[i].bytes_max, &s), CX_OK);
        assert_int_equal(s.extent, rows[i].extent);
        assert_int_equal(s.policy.nrules, rows[i].nrules);
        if (rows[i].extent == POLICY_SUMMARY_NAMES) {
            assert_true(slice_eq_str(s.policy.rules[99].name, "rule-099"));
            assert_true(slice_is_absent(s.policy.rules[99].url));
            assert_int_equal(s.policy.rules[99].nmethods, 0);
        }
        policy_summary_done(&s);
    }
    policy_done(&p);
}

static void an_empty_policy_is_told_as_one(void **state)
{
    struct policy_summary s;
    struct policy p;

    (void)state;
    policy_init(&p);
    assert_int_equal(policy_summary_make(&p, AMPLE, &s), CX_OK);
    assert_int_equal(s.extent, POLICY_SUMMARY_WHOLE);
    assert_int_equal(s.policy.nrules, 0);
    policy_summary_done(&s);
    policy_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_told_as_its_share_allows),
        cmocka_unit_test(what_is_too_long_is_cut_to_names_or_nothing),
        cmocka_unit_test(an_empty_policy_is_told_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
