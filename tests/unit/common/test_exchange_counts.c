#include "common/core/exchange_counts.h"

#include "tests/support/check.h"

static const struct exchange_families families = {
    .ended = {"x_jobs", METRICS_COUNTER, NULL, "Ended."},
    .failed = {"x_failed", METRICS_COUNTER, NULL, "Failed."},
    .hop = {"x_hop_seconds", METRICS_HISTOGRAM, "seconds", "Hop."},
};

/* The page as far as the histograms. */
static void expect(const struct exchange_counts *c, const char *want)
{
    struct metrics_page page;
    struct buf out;

    buf_init(&out, 65536);
    metrics_begin(&page, &out, METRICS_OPEN);
    exchange_counts_put(c, &families, &page);
    assert_int_equal(metrics_end(&page), CX_OK);
    assert_true(out.len > strlen(want));
    CHECK_TEXT("page", slice_first(buf_view(&out), strlen(want)), want);
    buf_done(&out);
}

static void exchange_counts_tell_outcomes_codes_and_stages(void **state)
{
    struct exchange_counts c = {0};

    (void)state;
    exchange_counts_end(&c, OUTCOME_ISSUED, VERDICT_ISSUED, STAGE_NONE);
    exchange_counts_end(&c, OUTCOME_ISSUED, VERDICT_ISSUED, STAGE_NONE);
    exchange_counts_end(&c, OUTCOME_FAILED, VERDICT_BUDGET_EXCEEDED, STAGE_WAIT);
    exchange_counts_end(&c, OUTCOME_REFUSED, VERDICT_CREDENTIALS_REFUSED, STAGE_PARSE);
    exchange_counts_end(&c, OUTCOME_FAILED, VERDICT_UNKNOWN, STAGE_NONE);
    expect(&c, "# TYPE x_jobs counter\n"
               "# HELP x_jobs Ended.\n"
               "x_jobs_total{outcome=\"issued\",code=\"issued\"} 2\n"
               "x_jobs_total{outcome=\"refused\",code=\"credentials_refused\"} 1\n"
               "x_jobs_total{outcome=\"failed\",code=\"unknown\"} 1\n"
               "x_jobs_total{outcome=\"failed\",code=\"budget_exceeded\"} 1\n"
               "# TYPE x_failed counter\n"
               "# HELP x_failed Failed.\n"
               "x_failed_total{stage=\"unknown\"} 1\n"
               "x_failed_total{stage=\"wait\"} 1\n"
               "x_failed_total{stage=\"parse\"} 1\n"
               "# TYPE x_hop_seconds histogram\n"
               "# UNIT x_hop_seconds seconds\n"
               "# HELP x_hop_seconds Hop.\n"
               "x_hop_seconds_bucket{hop=\"resolve\",le=\"0.0005\"} 0\n");
}

static void exchange_counts_ignore_what_is_out_of_range(void **state)
{
    struct exchange_counts c = {0};
    static const struct exchange_counts none;

    (void)state;
    exchange_counts_end(&c, OUTCOME_COUNT, VERDICT_ISSUED, STAGE_NONE);
    exchange_counts_end(&c, OUTCOME_ISSUED, VERDICT_COUNT, STAGE_NONE);
    exchange_counts_end(&c, OUTCOME_FAILED, VERDICT_CANCELLED, STAGE_COUNT);
    assert_memory_equal(&c, &none, sizeof(c));
}

static void exchange_counts_leave_out_hops_that_did_not_take_place(void **state)
{
    struct exchange_counts c = {0};
    struct msg_timing reused = {.queued = 9, .policy = 9, .wait = 700, .receive = 1, .total = 800};
    struct msg_timing fresh = {
        .resolve = 10, .connect = 20, .tls = 2000, .wait = 30, .receive = 40, .total = 2100};

    (void)state;
    exchange_counts_timing(&c, &reused);
    exchange_counts_timing(&c, &fresh);
    assert_int_equal(c.hops[HOP_RESOLVE].counts[0], 1);
    assert_int_equal(c.hops[HOP_RESOLVE].sum_us, 10);
    assert_int_equal(c.hops[HOP_CONNECT].counts[0], 1);
    assert_int_equal(c.hops[HOP_TLS].counts[0], 0);
    assert_int_equal(c.hops[HOP_TLS].counts[2], 1);
    assert_int_equal(c.hops[HOP_WAIT].counts[0], 1);
    assert_int_equal(c.hops[HOP_WAIT].counts[1], 1);
    assert_int_equal(c.hops[HOP_WAIT].sum_us, 730);
    assert_int_equal(c.hops[HOP_RECEIVE].counts[0], 2);
    assert_int_equal(c.hops[HOP_TOTAL].sum_us, 2900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange_counts_tell_outcomes_codes_and_stages),
        cmocka_unit_test(exchange_counts_ignore_what_is_out_of_range),
        cmocka_unit_test(exchange_counts_leave_out_hops_that_did_not_take_place),
    };

    return cmocka_run_group_tests_name("exchange_counts", tests, NULL, NULL);
}
