#include "agent/core/failures.h"

#include "tests/support/check.h"

static struct msg_result failed(const char *message)
{
    return (struct msg_result){.outcome = OUTCOME_FAILED,
                               .code = VERDICT_ENDPOINT_UNREACHABLE,
                               .has_error = true,
                               .status = 502,
                               .error = {.stage = STAGE_TLS,
                                         .message = slice_of_str(message),
                                         .oauth_description = SLICE_LIT("its own words")}};
}

static void failures_keep_what_failed_and_nothing_else(void **state)
{
    struct failures f = {0};
    struct msg_result issued = {.outcome = OUTCOME_ISSUED, .code = VERDICT_ISSUED};
    struct msg_result result = failed("the certificate has ended");
    const struct failure *newest;

    (void)state;
    assert_null(failures_at(&f, 0));
    failures_add(&f, &issued, 1000);
    assert_null(failures_at(&f, 0));
    failures_add(&f, &result, 1001);
    newest = failures_at(&f, 0);
    assert_non_null(newest);
    assert_int_equal(newest->at_unix_s, 1001);
    assert_int_equal(newest->code, VERDICT_ENDPOINT_UNREACHABLE);
    assert_int_equal(newest->stage, STAGE_TLS);
    assert_int_equal(newest->status, 502);
    assert_string_equal(newest->text, "the certificate has ended");
    assert_null(failures_at(&f, 1));
}

static void failures_come_newest_first_and_the_oldest_goes(void **state)
{
    struct failures f = {0};

    (void)state;
    for (uint64_t at = 1; at <= 11; at++) {
        struct msg_result result = failed("x");

        failures_add(&f, &result, at);
        assert_int_equal(failures_at(&f, 0)->at_unix_s, at);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(failures_at(&f, i)->at_unix_s, 11 - i);
    }
    assert_null(failures_at(&f, 8));
}

static void failures_cut_a_text_at_a_characters_end(void **state)
{
    struct failures f = {0};
    char text[400] = "";
    struct msg_result result = failed(text);

    (void)state;
    memset(text, 'a', 239);
    memcpy(text + 239, "\xc3\xbc\xc3\xbc", 5); /* 240 bytes fit, which would cut the first one */
    result.error.message = slice_of_str(text);
    failures_add(&f, &result, 1);
    assert_int_equal(strlen(failures_at(&f, 0)->text), 239);
    result.error.message = slice_of_str(text + 1);
    failures_add(&f, &result, 2);
    assert_string_equal(failures_at(&f, 0)->text + 238, "\xc3\xbc");
    result.error.message = SLICE_LIT("a\x1b[2J\nb");
    failures_add(&f, &result, 3);
    assert_string_equal(failures_at(&f, 0)->text, "a?[2J?b");
    result.error.message = (struct slice){0};
    failures_add(&f, &result, 4);
    assert_string_equal(failures_at(&f, 0)->text, "");
}

static void failures_quote_no_error_of_the_endpoints_own(void **state)
{
    static const struct {
        const char *oauth_error, *message, *want;
    } rows[] = {
        {"invalid_grant", "refused (HTTP 400, invalid_grant)", "refused (HTTP 400, invalid_grant)"},
        {"hunter2", "refused (HTTP 400, hunter2); compare",
         "refused (HTTP 400, an error of its own); compare"},
        {"hunter2", "the connection was closed", "the connection was closed"},
        {"", "refused", "refused"},
    };
    struct failures f = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_result result = failed(rows[i].message);

        result.error.oauth_error = slice_of_str(rows[i].oauth_error);
        failures_add(&f, &result, 1);
        CHECK_TEXT(rows[i].message, slice_of_str(failures_at(&f, 0)->text), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_keep_what_failed_and_nothing_else),
        cmocka_unit_test(failures_come_newest_first_and_the_oldest_goes),
        cmocka_unit_test(failures_cut_a_text_at_a_characters_end),
        cmocka_unit_test(failures_quote_no_error_of_the_endpoints_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
