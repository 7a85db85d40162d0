#include "platform/core/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void problem_retry_says_what_is_known(void **state)
{
    static const struct {
        const char *why;
        enum verdict code;
        enum execution execution;
        const char *want;
    } rows[] = {
        {"nothing was sent", VERDICT_ENDPOINT_UNREACHABLE, EXECUTION_NOT_SENT, "yes"},
        {"it may have acted", VERDICT_ENDPOINT_UNREACHABLE, EXECUTION_SENT, "no"},
        {"no agent", VERDICT_CONNECTOR_OFFLINE, EXECUTION_NOT_SENT, "yes"},
        {"full", VERDICT_CONNECTOR_FULL, EXECUTION_NOT_SENT, "yes"},
        {"lost with the job", VERDICT_AGENT_LOST, EXECUTION_SENT, "no"},
        {"hung", VERDICT_BUDGET_EXCEEDED, EXECUTION_SENT, "no"},
        {"queued too long", VERDICT_BUDGET_EXCEEDED, EXECUTION_NOT_SENT, "yes"},
        {"wrong password", VERDICT_CREDENTIALS_REFUSED, EXECUTION_ANSWERED, "with_new_credentials"},
        {"wrong client", VERDICT_CLIENT_REFUSED, EXECUTION_ANSWERED, "after_fix"},
        {"wrong scope", VERDICT_REQUEST_REFUSED, EXECUTION_ANSWERED, "after_fix"},
        {"policy", VERDICT_POLICY_REFUSED, EXECUTION_NOT_SENT, "after_fix"},
        {"template", VERDICT_PROFILE_INCOMPLETE, EXECUTION_NOT_SENT, "after_fix"},
        {"redirect", VERDICT_REDIRECTED, EXECUTION_ANSWERED, "after_fix"},
        {"busy said: not taken", VERDICT_ENDPOINT_BUSY, EXECUTION_ANSWERED, "yes"},
        {"500 after who knows what", VERDICT_ENDPOINT_FAILED, EXECUTION_ANSWERED, "no"},
        {"garbage", VERDICT_ANSWER_UNREADABLE, EXECUTION_SENT, "no"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *got =
            problem_retry_name(problem_retry(PURPOSE_AUTHORIZE, rows[i].code, rows[i].execution));

        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: %s", rows[i].why, got);
        }
    }
}

static void a_revocation_may_run_twice(void **state)
{
    (void)state;
    assert_int_equal(problem_retry(PURPOSE_REVOKE, VERDICT_ENDPOINT_UNREACHABLE, EXECUTION_SENT),
                     RETRY_YES);
    assert_int_equal(problem_retry(PURPOSE_REVOKE, VERDICT_AGENT_LOST, EXECUTION_SENT), RETRY_YES);
    assert_int_equal(problem_retry(PURPOSE_REVOKE, VERDICT_ENDPOINT_FAILED, EXECUTION_ANSWERED),
                     RETRY_YES);
    assert_int_equal(problem_retry(PURPOSE_REVOKE, VERDICT_CLIENT_REFUSED, EXECUTION_ANSWERED),
                     RETRY_AFTER_FIX);
    assert_int_equal(problem_retry(PURPOSE_REFRESH, VERDICT_AGENT_LOST, EXECUTION_SENT), RETRY_NO);
}

static void problem_json_has_what_it_is_given_and_nothing_else(void **state)
{
    struct problem bare = {.status = 404, .code = "not_found"};
    json_t *want = json_loads("{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                              "\"code\":\"not_found\"}",
                              0, NULL);
    json_t *got = problem_json(&bare);

    (void)state;
    assert_true(json_equal(got, want));
    json_decref(want);
    json_decref(got);
}

static void problem_json_tells_every_fault_by_field(void **state)
{
    struct problem problem = {.status = 400, .code = "bad_input"};
    struct faults faults;
    json_t *got;
    json_t *errors;

    (void)state;
    faults_init(&faults);
    faults_add(&faults, NULL, "variables.pin", "is missing");
    faults_add(&faults, NULL, "tenant", "must be one host label");
    problem.errors = &faults;
    got = problem_json(&problem);
    errors = json_object_get(got, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "field")),
                        "variables.pin");
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 1), "message")),
                        "must be one host label");
    json_decref(got);
    faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problem_retry_says_what_is_known),
        cmocka_unit_test(a_revocation_may_run_twice),
        cmocka_unit_test(problem_json_has_what_it_is_given_and_nothing_else),
        cmocka_unit_test(problem_json_tells_every_fault_by_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
