#include "common/core/metrics.h"

#include "tests/support/check.h"

/* ---- histograms ---- */

static const struct {
    const char *why;
    uint64_t us;
    size_t bucket;
} edges[] = {
    {"nothing is in the first", 0, 0},
    {"a bound belongs to the bucket below it", 500, 0},
    {"and a microsecond more to the next", 501, 1},
    {"a millisecond", 1000, 1},
    {"1.001 ms", 1001, 2},
    {"a second", 1000000, 10},
    {"a second and a bit", 1000001, 11},
    {"the last bound", 30000000, 14},
    {"above the last bound", 30000001, 15},
    {"an hour", 3600000000, 15},
};

static void metrics_observe_takes_the_bucket_of_a_duration(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        struct metrics_histogram h = {0};

        metrics_observe(&h, edges[i].us);
        for (size_t k = 0; k <= METRICS_BOUNDS; k++) {
            CHECK(edges[i].why, h.counts[k] == (k == edges[i].bucket));
        }
        CHECK(edges[i].why, h.sum_us == edges[i].us);
    }
}

/* ---- the page ---- */

static const struct metrics_family jobs = {"x_jobs", METRICS_COUNTER, NULL, "Jobs that ended."};
static const struct metrics_family left = {"x_left_seconds", METRICS_GAUGE, "seconds",
                                           "Until it ends."};
static const struct metrics_family build = {"x_build", METRICS_INFO, NULL, "What it is."};
static const struct metrics_family hop = {"x_hop_seconds", METRICS_HISTOGRAM, "seconds",
                                          "A hop's time."};

static void write_page(struct metrics_page *page)
{
    struct metrics_labels two = {.items = {{"outcome", "failed"}, {"code", "a\\b\"c\nd\xc3\xbc"}},
                                 .count = 2};
    struct metrics_labels version = {.items = {{"version", "1.2"}}, .count = 1};
    struct metrics_labels connect = {.items = {{"hop", "connect"}}, .count = 1};
    struct metrics_histogram h = {0};

    metrics_observe(&h, 400);
    metrics_observe(&h, 1000000);
    metrics_observe(&h, 31000005);
    metrics_family(page, &jobs);
    metrics_put(page, &jobs, NULL, 3);
    metrics_put(page, &jobs, &two, 9007199254740993);
    metrics_put_one(page, &left, -86400);
    metrics_family(page, &build);
    metrics_put(page, &build, &version, 1);
    metrics_family(page, &hop);
    metrics_put_histogram(page, &hop, &connect, &h);
}

#define SAMPLES_JOBS                                                                               \
    "x_jobs_total 3\n"                                                                             \
    "x_jobs_total{outcome=\"failed\",code=\"a\\\\b\\\"c\\nd\xc3\xbc\"} 9007199254740993\n"
#define SAMPLES_HOP                                                                                \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.0005\"} 1\n"                                      \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.001\"} 1\n"                                       \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.0025\"} 1\n"                                      \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.005\"} 1\n"                                       \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.01\"} 1\n"                                        \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.025\"} 1\n"                                       \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.05\"} 1\n"                                        \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.1\"} 1\n"                                         \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.25\"} 1\n"                                        \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"0.5\"} 1\n"                                         \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"1.0\"} 2\n"                                         \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"2.5\"} 2\n"                                         \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"5.0\"} 2\n"                                         \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"10.0\"} 2\n"                                        \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"30.0\"} 2\n"                                        \
    "x_hop_seconds_bucket{hop=\"connect\",le=\"+Inf\"} 3\n"                                        \
    "x_hop_seconds_count{hop=\"connect\"} 3\n"                                                     \
    "x_hop_seconds_sum{hop=\"connect\"} 32.000405\n"

static const char *const pages[] = {
    [METRICS_OPEN] = "# TYPE x_jobs counter\n"
                     "# HELP x_jobs Jobs that ended.\n" SAMPLES_JOBS "# TYPE x_left_seconds gauge\n"
                     "# UNIT x_left_seconds seconds\n"
                     "# HELP x_left_seconds Until it ends.\n"
                     "x_left_seconds -86400\n"
                     "# TYPE x_build info\n"
                     "# HELP x_build What it is.\n"
                     "x_build_info{version=\"1.2\"} 1\n"
                     "# TYPE x_hop_seconds histogram\n"
                     "# UNIT x_hop_seconds seconds\n"
                     "# HELP x_hop_seconds A hop's time.\n" SAMPLES_HOP "# EOF\n",
    [METRICS_TEXT] =
        "# TYPE x_jobs_total counter\n"
        "# HELP x_jobs_total Jobs that ended.\n" SAMPLES_JOBS "# TYPE x_left_seconds gauge\n"
        "# HELP x_left_seconds Until it ends.\n"
        "x_left_seconds -86400\n"
        "# TYPE x_build_info gauge\n"
        "# HELP x_build_info What it is.\n"
        "x_build_info{version=\"1.2\"} 1\n"
        "# TYPE x_hop_seconds histogram\n"
        "# HELP x_hop_seconds A hop's time.\n" SAMPLES_HOP,
};

static void metrics_page_is_written_in_both_formats(void **state)
{
    (void)state;
    for (int format = METRICS_TEXT; format <= METRICS_OPEN; format++) {
        struct metrics_page page;
        struct buf out;

        buf_init(&out, 8192);
        metrics_begin(&page, &out, (enum metrics_format)format);
        write_page(&page);
        assert_int_equal(metrics_end(&page), CX_OK);
        assert_string_equal(buf_cstr(&out), pages[format]);
        buf_done(&out);
    }
}

static void metrics_page_that_is_too_long_says_so(void **state)
{
    size_t whole = strlen(pages[METRICS_OPEN]);

    (void)state;
    for (size_t cap = 0; cap <= whole; cap++) {
        struct metrics_page page;
        struct buf out;

        buf_init(&out, cap);
        metrics_begin(&page, &out, METRICS_OPEN);
        write_page(&page);
        assert_int_equal(metrics_end(&page), cap < whole ? CX_E_TOO_BIG : CX_OK);
        buf_done(&out);
    }
}

/* ---- the format ---- */

static const struct {
    const char *why, *accept;
    enum metrics_format want;
} accepts[] = {
    {"no header", NULL, METRICS_TEXT},
    {"empty", "", METRICS_TEXT},
    {"anything, as a browser or curl", "*/*", METRICS_TEXT},
    {"Prometheus 2",
     "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     METRICS_OPEN},
    {"Prometheus where it knows more",
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
     METRICS_OPEN},
    {"alone", "application/openmetrics-text", METRICS_OPEN},
    {"in capitals and with spaces", " text/plain ; q=0.9 ,\tApplication/OpenMetrics-Text ; q=1",
     METRICS_OPEN},
    {"not wanted", "application/openmetrics-text;q=0,text/plain", METRICS_TEXT},
    {"not wanted, at length", "application/openmetrics-text;version=1.0.0; Q=0.000", METRICS_TEXT},
    {"hardly wanted", "application/openmetrics-text;q=0.001", METRICS_OPEN},
    {"another type that begins like it", "application/openmetrics-text2", METRICS_TEXT},
    {"the old format alone", "text/plain;version=0.0.4", METRICS_TEXT},
    {"nothing but commas", ",,;,", METRICS_TEXT},
};

static void metrics_format_follows_accept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepts); i++) {
        CHECK(accepts[i].why,
              metrics_format_of(slice_of_str(accepts[i].accept)) == accepts[i].want);
    }
    assert_string_equal(metrics_content_type(METRICS_OPEN),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_string_equal(metrics_content_type(METRICS_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_observe_takes_the_bucket_of_a_duration),
        cmocka_unit_test(metrics_page_is_written_in_both_formats),
        cmocka_unit_test(metrics_page_that_is_too_long_says_so),
        cmocka_unit_test(metrics_format_follows_accept),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
