#include "platform/core/agent_policy.h"

#include "tests/support/check.h"

#include <stdlib.h>

static const struct slice methods[] = {SLICE_LIT("POST"), SLICE_LIT("PUT")};

static void an_agents_policy_is_told_as_far_as_it_is_shared(void **state)
{
    static const struct msg_rule rules[] = {
        {.name = SLICE_LIT("hr"),
         .url = SLICE_LIT("https://*.hr/**"),
         .methods = methods,
         .nmethods = 2},
        {.name = SLICE_LIT("kept \"to\" itself")},
    };
    struct msg_policy policy = {.rules = rules, .nrules = 2};
    char *text = agent_policy_json(&policy);

    (void)state;
    assert_string_equal(text, "{\"rules\":[{\"name\":\"hr\",\"url\":\"https://*.hr/**\","
                              "\"methods\":[\"POST\",\"PUT\"]},"
                              "{\"name\":\"kept \\\"to\\\" itself\"}]}");
    free(text);
}

static void no_rule_and_a_rule_without_a_name_are_told_too(void **state)
{
    static const struct msg_rule nameless = {.name = {(const uint8_t *)"", 0}};
    struct msg_policy policy = {0};
    char *text = agent_policy_json(&policy);

    (void)state;
    assert_string_equal(text, "{\"rules\":[]}");
    free(text);
    policy.rules = &nameless;
    policy.nrules = 1;
    text = agent_policy_json(&policy);
    assert_string_equal(text, "{\"rules\":[{\"name\":\"\"}]}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agents_policy_is_told_as_far_as_it_is_shared),
        cmocka_unit_test(no_rule_and_a_rule_without_a_name_are_told_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
