#include "agent/core/advice.h"

#include "tests/support/check.h"

static void advice_is_there_for_every_verdict_of_an_agent(void **state)
{
    static const enum verdict of_the_platform[] = {
        VERDICT_UNKNOWN,        VERDICT_ISSUED,     VERDICT_CONNECTOR_OFFLINE,
        VERDICT_CONNECTOR_FULL, VERDICT_AGENT_LOST, VERDICT_PLATFORM_FAILED,
        VERDICT_CANCELLED,
    };

    (void)state;
    for (int code = 0; code < VERDICT_COUNT; code++) {
        bool is_ours = true;

        for (size_t i = 0; i < COUNT_OF(of_the_platform); i++) {
            is_ours = is_ours && of_the_platform[i] != (enum verdict)code;
        }
        for (int stage = 0; stage < STAGE_COUNT; stage++) {
            CHECK(terms_verdict((enum verdict)code),
                  (advice_for((enum verdict)code, (enum stage)stage)[0] != '\0') == is_ours);
        }
    }
}

static void advice_speaks_of_the_stage(void **state)
{
    static const struct {
        enum verdict code;
        enum stage stage;
        const char *word;
    } rows[] = {
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_RESOLVE, "DNS"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_CONNECT, "firewall"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_TLS, "`ca`"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_PROXY, "proxy"},
        {VERDICT_ENDPOINT_UNREACHABLE, STAGE_WAIT, "may have acted"},
        {VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET, "keeps no secrets"},
        {VERDICT_PROFILE_INCOMPLETE, STAGE_TEMPLATE, "--set"},
        {VERDICT_POLICY_REFUSED, STAGE_POLICY, "explain"},
        {VERDICT_BUDGET_EXCEEDED, STAGE_WAIT, "budget_ms"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].word, strstr(advice_for(rows[i].code, rows[i].stage), rows[i].word) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advice_is_there_for_every_verdict_of_an_agent),
        cmocka_unit_test(advice_speaks_of_the_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
