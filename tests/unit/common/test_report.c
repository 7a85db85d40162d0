#include "common/core/report.h"
#include "common/core/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct cx_id an_id = {{1, 2, 3}};

static struct msg_result issued(struct slice token, struct slice extra)
{
    return (struct msg_result){
        .id = an_id,
        .outcome = OUTCOME_ISSUED,
        .code = VERDICT_ISSUED,
        .execution = EXECUTION_ANSWERED,
        .status = 200,
        .has_token = true,
        .token = {.access_token = token, .token_type = SLICE_LIT("Bearer"), .extra = extra},
        .has_timing = true,
        .timing = {.total = 5},
    };
}

static void decode(const struct buf *bytes, struct msg *out)
{
    struct cx_fail fail = {0};

    assert_int_equal(wire_get(buf_view(bytes), out, &fail), CX_OK);
    assert_int_equal(out->type, MSG_RESULT);
}

static void report_encode_leaves_out_extra_before_the_token(void **state)
{
    char *extra = calloc(1, 3001);
    struct msg_result result;
    struct msg m = {0};
    struct buf out;

    (void)state;
    memset(extra, 'x', 3000);
    result = issued(SLICE_LIT("token"), slice_of_str(extra));
    buf_init(&out, 10000);
    assert_int_equal(report_encode(&result, 2000, &out), CX_OK);
    assert_true(out.len <= 2000);
    decode(&out, &m);
    assert_true(slice_eq_str(m.body.result.token.access_token, "token"));
    assert_true(slice_is_absent(m.body.result.token.extra));
    assert_true(m.body.result.token.extra_omitted);
    wire_done(&m);
    buf_done(&out);
    free(extra);
}

static void report_encode_leaves_out_the_trace_first(void **state)
{
    char *text = calloc(1, 3001);
    struct msg_hop hop = {.hop = SLICE_LIT("connect")};
    struct msg_result result = issued(SLICE_LIT("token"), SLICE_LIT("{}"));
    struct msg m = {0};
    struct buf out;

    (void)state;
    memset(text, 'x', 3000);
    hop.text = slice_of_str(text);
    result.trace = &hop;
    result.ntrace = 1;
    buf_init(&out, 10000);
    assert_int_equal(report_encode(&result, 2000, &out), CX_OK);
    decode(&out, &m);
    assert_int_equal(m.body.result.ntrace, 0);
    assert_true(slice_eq_str(m.body.result.token.extra, "{}"));
    wire_done(&m);
    buf_clear(&out);
    assert_int_equal(report_encode(&result, 4000, &out), CX_OK);
    decode(&out, &m);
    assert_int_equal(m.body.result.ntrace, 1);
    wire_done(&m);
    buf_done(&out);
    free(text);
}

static void report_encode_never_cuts_a_token(void **state)
{
    char *token = calloc(1, 3001);
    struct msg_result result;
    struct buf out;

    (void)state;
    memset(token, 't', 3000);
    result = issued(slice_of_str(token), (struct slice){0});
    buf_init(&out, 10000);
    assert_int_equal(report_encode(&result, 2000, &out), CX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    buf_done(&out);
    free(token);
}

static void report_repeat_adds_the_age(void **state)
{
    struct msg_result result = issued(SLICE_LIT("token"), SLICE_LIT("{}"));
    struct report_again how = {.has_age = true, .age_ms = 1234, .max = 10000};
    struct msg m = {0};
    struct buf first;
    struct buf second;

    (void)state;
    buf_init(&first, 10000);
    buf_init(&second, 10000);
    assert_int_equal(report_encode(&result, 10000, &first), CX_OK);
    assert_int_equal(report_repeat(buf_view(&first), &how, &second), CX_OK);
    decode(&second, &m);
    assert_true(m.body.result.has_age);
    assert_int_equal(m.body.result.age_ms, 1234);
    assert_true(slice_eq_str(m.body.result.token.access_token, "token"));
    assert_true(slice_eq_str(m.body.result.token.extra, "{}"));
    wire_done(&m);
    buf_done(&first);
    buf_done(&second);
}

static void report_repeat_in_short_keeps_id_verdict_and_token_alone(void **state)
{
    struct msg_result result = issued(SLICE_LIT("token"), SLICE_LIT("{}"));
    struct report_again how = {.is_short = true, .has_age = true, .max = 10000};
    struct msg m = {0};
    struct buf first;
    struct buf second;

    (void)state;
    buf_init(&first, 10000);
    buf_init(&second, 10000);
    assert_int_equal(report_encode(&result, 10000, &first), CX_OK);
    assert_int_equal(report_repeat(buf_view(&first), &how, &second), CX_OK);
    decode(&second, &m);
    assert_true(id_eq(&m.body.result.id, &an_id));
    assert_int_equal(m.body.result.status, 200);
    assert_false(m.body.result.has_timing);
    assert_false(m.body.result.has_age);
    assert_false(m.body.result.has_error);
    assert_true(slice_eq_str(m.body.result.token.access_token, "token"));
    wire_done(&m);
    buf_done(&first);
    buf_done(&second);
}

static void report_failure_says_that_nothing_was_sent(void **state)
{
    struct msg_result refused =
        report_failure(&an_id, VERDICT_POLICY_REFUSED, STAGE_POLICY, "no rule allows it");
    struct msg_result cancelled = report_failure(&an_id, VERDICT_CANCELLED, STAGE_AGENT, "");

    (void)state;
    assert_int_equal(refused.outcome, OUTCOME_FAILED);
    assert_int_equal(refused.execution, EXECUTION_NOT_SENT);
    assert_int_equal(refused.error.stage, STAGE_POLICY);
    assert_int_equal(cancelled.outcome, OUTCOME_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_encode_leaves_out_extra_before_the_token),
        cmocka_unit_test(report_encode_leaves_out_the_trace_first),
        cmocka_unit_test(report_encode_never_cuts_a_token),
        cmocka_unit_test(report_repeat_adds_the_age),
        cmocka_unit_test(report_repeat_in_short_keeps_id_verdict_and_token_alone),
        cmocka_unit_test(report_failure_says_that_nothing_was_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
