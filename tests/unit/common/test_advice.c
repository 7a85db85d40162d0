#include "common/core/advice.h"

#include "tests/support/check.h"

static void advice_is_there_for_every_verdict_without_a_token(void **state)
{
    static const enum verdict nothing_to_change[] = {VERDICT_UNKNOWN, VERDICT_ISSUED,
                                                     VERDICT_REVOKED, VERDICT_CANCELLED};

    (void)state;
    for (int code = 0; code < VERDICT_COUNT; code++) {
        bool is_needed = true;

        for (size_t i = 0; i < COUNT_OF(nothing_to_change); i++) {
            is_needed = is_needed && nothing_to_change[i] != (enum verdict)code;
        }
        for (int stage = 0; stage < STAGE_COUNT; stage++) {
            for (int side = ADVICE_AGENT; side <= ADVICE_PLATFORM; side++) {
                const char *text =
                    advice_for((enum advice_side)side, (enum verdict)code, (enum stage)stage);

                CHECK(terms_verdict((enum verdict)code), (text[0] != '\0') == is_needed);
            }
        }
    }
}

static void advice_speaks_of_the_stage(void **state)
{
    static const struct {
        enum advice_side side;
        enum verdict code;
        enum stage stage;
        const char *word;
    } rows[] = {
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_RESOLVE, "DNS"},
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_CONNECT, "firewall"},
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS, "`ca`"},
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS, "client certificate"},
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_PROXY, "proxy"},
        {ADVICE_AGENT, VERDICT_ENDPOINT_UNREACHABLE, STAGE_WAIT, "may have acted"},
        {ADVICE_AGENT, VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET, "its rule names"},
        {ADVICE_AGENT, VERDICT_PROFILE_INCOMPLETE, STAGE_TEMPLATE, "--set"},
        {ADVICE_AGENT, VERDICT_POLICY_REFUSED, STAGE_POLICY, "explain"},
        {ADVICE_AGENT, VERDICT_BUDGET_EXCEEDED, STAGE_WAIT, "budget_ms"},
        {ADVICE_AGENT, VERDICT_ANSWER_UNREADABLE, STAGE_RECEIVE, "agent.conf"},
        {ADVICE_PLATFORM, VERDICT_ANSWER_UNREADABLE, STAGE_RECEIVE, "platform.conf"},
        {ADVICE_PLATFORM, VERDICT_POLICY_REFUSED, STAGE_POLICY, "platform.conf"},
        {ADVICE_PLATFORM, VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET, "keeps no secrets"},
        {ADVICE_PLATFORM, VERDICT_CONNECTOR_FULL, STAGE_PLATFORM, "platform.conf"},
        {ADVICE_AGENT, VERDICT_CONNECTOR_FULL, STAGE_AGENT, "`jobs` of the agent's rule"},
        {ADVICE_AGENT, VERDICT_CONNECTOR_FULL, STAGE_POLICY, "the other one"},
        {ADVICE_AGENT, VERDICT_CONNECTOR_FULL, STAGE_PLATFORM, "limits.jobs"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].word,
              strstr(advice_for(rows[i].side, rows[i].code, rows[i].stage), rows[i].word) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_is_there_for_every_verdict_without_a_token),
        cmocka_unit_test(advice_speaks_of_the_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
