#include "common/core/report_hide.h"

#include "tests/support/check.h"

#define SECRET "hr-s3cret/+"
#define BASE64 "aHItczNjcmV0Lys=" /* of it */

static struct msg_result issued(const char *extra)
{
    return (struct msg_result){
        .outcome = OUTCOME_ISSUED,
        .code = VERDICT_ISSUED,
        .execution = EXECUTION_ANSWERED,
        .status = 200,
        .has_token = true,
        .token = {.access_token = SLICE_LIT("tok"),
                  .token_type = SLICE_LIT("Bearer"),
                  .scope = SLICE_LIT("hr.read"),
                  .extra = slice_of_str(extra)},
    };
}

static void hide(struct msg_result *r, struct report_hidden *hidden)
{
    struct echo e = {0};

    *hidden = (struct report_hidden){0};
    assert_int_equal(echo_add(&e, SLICE_LIT(SECRET)), CX_OK);
    report_hide(r, &e, hidden);
    echo_done(&e);
}

static void report_hide_masks_extra_and_keeps_it_json(void **state)
{
    static const struct {
        const char *why, *extra, *want; /* NULL: left out */
    } rows[] = {
        {"none", NULL, NULL},
        {"without one", "{\"a\":1,\"b\":[null,\"x\"]}", "{\"a\":1,\"b\":[null,\"x\"]}"},
        {"in a value", "{\"a\":\"<" SECRET ">\",\"n\":1.5}", "{\"a\":\"<MASKED>\",\"n\":1.5}"},
        {"escaped", "{\"a\":\"hr-s3cret\\/\\u002b\"}", "{\"a\":\"MASKED\"}"},
        {"escaped twice", "{\"a\":\"hr-s3cret\\\\/\\\\u002b\"}", "{\"a\":\"MASKED\"}"},
        {"in a name", "{\"" SECRET "\":true}", "{\"MASKED\":true}"},
        {"deep", "{\"a\":[{\"b\":[\"" SECRET "\"]}]}", "{\"a\":[{\"b\":[\"MASKED\"]}]}"},
        {"in base64", "{\"a\":\"" BASE64 "\"}", "{\"a\":\"MASKEDs=\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_result r = issued(rows[i].extra);
        struct report_hidden hidden;

        hide(&r, &hidden);
        CHECK(rows[i].why, r.outcome == OUTCOME_ISSUED && r.has_token && !r.token.extra_omitted);
        if (rows[i].want == NULL) {
            CHECK(rows[i].why, slice_is_absent(r.token.extra));
        } else {
            CHECK_TEXT(rows[i].why, r.token.extra, rows[i].want);
        }
        report_hidden_done(&hidden);
    }
}

static void report_hide_leaves_out_what_it_can_not_mask(void **state)
{
    struct msg_result r = issued("{\"a\":12345678}");
    struct report_hidden hidden = {0};
    struct echo e = {0};

    (void)state;
    assert_int_equal(echo_add(&e, SLICE_LIT("12345678")), CX_OK);
    report_hide(&r, &e, &hidden);
    assert_true(r.has_token && r.token.extra_omitted && slice_is_absent(r.token.extra));
    report_hidden_done(&hidden);
    echo_done(&e);
}

static void report_hide_refuses_a_token_that_repeats_one(void **state)
{
    static const char *const says[] = {"access token", "refresh token", "id_token", "token_type",
                                       "scope"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(says); i++) {
        struct msg_result r = issued("{}");
        struct report_hidden hidden;
        struct slice *members[] = {&r.token.access_token, &r.token.refresh_token, &r.token.id_token,
                                   &r.token.token_type, &r.token.scope};

        *members[i] = i % 2 == 0 ? SLICE_LIT("x." SECRET) : SLICE_LIT("x." BASE64);
        hide(&r, &hidden);
        CHECK(says[i], r.outcome == OUTCOME_FAILED && r.code == VERDICT_ANSWER_UNREADABLE);
        CHECK(says[i], !r.has_token && slice_is_absent(r.token.access_token));
        CHECK(says[i], r.has_error && r.error.stage == STAGE_PARSE);
        CHECK(says[i], r.execution == EXECUTION_ANSWERED && r.status == 200);
        CHECK(says[i],
              memmem(r.error.message.ptr, r.error.message.len, says[i], strlen(says[i])) != NULL);
        report_hidden_done(&hidden);
    }
}

static void a_token_is_not_refused_for_a_short_value(void **state)
{
    struct msg_result r = issued("{\"pin\":\"4711\"}");
    struct report_hidden hidden = {0};
    struct echo e = {0};

    (void)state;
    r.token.access_token = SLICE_LIT("a4711b");
    assert_int_equal(echo_add(&e, SLICE_LIT("4711")), CX_OK);
    report_hide(&r, &e, &hidden);
    assert_true(r.has_token);
    CHECK_TEXT("as it came", r.token.access_token, "a4711b");
    CHECK_TEXT("masked", r.token.extra, "{\"pin\":\"MASKED\"}");
    report_hidden_done(&hidden);
    echo_done(&e);
}

static void report_hide_masks_what_an_error_says(void **state)
{
    struct msg_result r = {.outcome = OUTCOME_REFUSED,
                           .code = VERDICT_REQUEST_REFUSED,
                           .has_error = true,
                           .error = {.stage = STAGE_PARSE,
                                     .message = SLICE_LIT("it redirects to " SECRET ".example"),
                                     .oauth_error = SLICE_LIT("e-" SECRET),
                                     .oauth_description = SLICE_LIT("wrong: hr-s3cre")}};
    struct report_hidden hidden;

    (void)state;
    hide(&r, &hidden);
    assert_int_equal(r.code, VERDICT_REQUEST_REFUSED);
    CHECK_TEXT("the message", r.error.message, "it redirects to MASKED.example");
    CHECK_TEXT("the error", r.error.oauth_error, "e-MASKED");
    CHECK_TEXT("a description that was cut", r.error.oauth_description, "wrong: MASKED");
    report_hidden_done(&hidden);
}

static void report_hide_tells_nothing_without_memory(void **state)
{
    struct msg_result r = issued("{}");
    struct report_hidden hidden = {0};

    (void)state;
    report_hide(&r, NULL, &hidden);
    assert_int_equal(r.code, VERDICT_AGENT_UNAVAILABLE);
    assert_true(!r.has_token && slice_is_absent(r.token.access_token));
    report_hidden_done(&hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_hide_masks_extra_and_keeps_it_json),
        cmocka_unit_test(report_hide_leaves_out_what_it_can_not_mask),
        cmocka_unit_test(report_hide_refuses_a_token_that_repeats_one),
        cmocka_unit_test(a_token_is_not_refused_for_a_short_value),
        cmocka_unit_test(report_hide_masks_what_an_error_says),
        cmocka_unit_test(report_hide_tells_nothing_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
