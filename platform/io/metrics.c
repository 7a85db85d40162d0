#include "platform/io/metrics.h"

#include "common/core/rule_load.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/metrics_server.h"
#include "platform/core/figures.h"
#include "platform/io/exchange.h"
#include "platform/io/own.h"
#include "platform/io/platform.h"

static const struct metrics_family build = {"connector_platform_build", METRICS_INFO, NULL,
                                            "The platform's version."};

static const struct rule_load_families rule_loads = {
    .running =
        {"connector_platform_rule_jobs_running", METRICS_GAUGE, NULL,
         "Exchanges without a connector that run, by the rule of the policy that allowed them."},
    .max = {"connector_platform_rule_jobs_max", METRICS_GAUGE, NULL,
            "How many may run under the rule at once (`jobs`)."},
    .refused = {"connector_platform_rule_jobs_refused", METRICS_COUNTER, NULL,
                "Those that were refused since as many ran as may."},
};

static void put_exchanges(const struct platform *p, struct metrics_page *page)
{
    static const struct exchange_families families = {
        .ended = {"connector_platform_exchanges", METRICS_COUNTER, NULL,
                  "Exchanges that have ended, by outcome and code."},
        .failed = {"connector_platform_exchanges_failed", METRICS_COUNTER, NULL,
                   "Exchanges that ended without a token, by the stage that failed."},
        .hop = {"connector_platform_hop_duration_seconds", METRICS_HISTOGRAM, "seconds",
                "How long each hop of a request took, as the agents tell; one that did not take "
                "place, as connect on a connection that is reused, is not counted."},
    };
    static const struct metrics_family moved = {
        "connector_platform_exchanges_moved", METRICS_COUNTER, NULL,
        "Times that an exchange went on to another agent of its connector, by the stage at which "
        "the first had sent nothing."};
    static const struct metrics_family duration = {
        "connector_platform_exchange_duration_seconds", METRICS_HISTOGRAM, "seconds",
        "How long exchanges took as their callers saw it, queue, tunnel and store included."};
    static const struct metrics_family running = {"connector_platform_exchanges_running",
                                                  METRICS_GAUGE, NULL, "Exchanges under way."};
    static const struct metrics_family own = {
        "connector_platform_own_exchanges_running", METRICS_GAUGE, NULL,
        "Exchanges that the platform runs by itself, of profiles without a connector."};

    exchange_counts_put(&p->metrics.ended, &families, page);
    exchange_counts_put_stages(p->metrics.moved, &moved, page);
    metrics_family(page, &duration);
    metrics_put_histogram(page, &duration, NULL, &p->metrics.durations);
    metrics_put_one(page, &running, (int64_t)exchanges_under_way(p->exchanges));
    metrics_put_one(page, &own, (int64_t)own_running(p->own));
    rule_loads_put(own_loads(p->own), &rule_loads, page);
}

static void put_api(const struct platform *p, struct metrics_page *page)
{
    static const struct metrics_family requests = {
        "connector_platform_api_requests", METRICS_COUNTER, NULL,
        "Requests that listen.api has answered, by the class of the answer's status."};
    static const char *const classes[HTTP_STATUS_CLASSES] = {NULL,  "1xx", "2xx",
                                                             "3xx", "4xx", "5xx"};
    uint64_t sums[HTTP_STATUS_CLASSES] = {0};

    for (size_t i = 0; i < p->napi; i++) {
        uint64_t answers[HTTP_STATUS_CLASSES];

        http_server_count(p->api[i], answers);
        for (size_t k = 0; k < HTTP_STATUS_CLASSES; k++) {
            sums[k] += answers[k];
        }
    }
    metrics_family(page, &requests);
    for (size_t k = 2; k < HTTP_STATUS_CLASSES; k++) {
        struct metrics_labels labels = {.items = {{"status", classes[k]}}, .count = 1};

        metrics_put(page, &requests, &labels, (int64_t)sums[k]);
    }
}

static void put_server(const struct platform *p, struct metrics_page *page)
{
    static const struct metrics_family opened = {"connector_platform_tunnels_opened",
                                                 METRICS_COUNTER, NULL,
                                                 "Tunnels that agents have opened."};
    static const struct metrics_family flush = {
        "connector_platform_store_flush_duration_seconds", METRICS_HISTOGRAM, "seconds",
        "How long the store took to write what one turn of the loop had noted."};
    static const struct metrics_family certificate = {
        "connector_platform_certificate_expiry_seconds", METRICS_GAUGE, "seconds",
        "Until the server's own certificate ends; negative when it has."};

    metrics_put_one(page, &opened, (int64_t)p->tunnel_table.last_serial);
    metrics_family(page, &flush);
    metrics_put_histogram(page, &flush, NULL, &p->metrics.flushes);
    if (p->metrics.certificate_ends_s != 0) {
        metrics_put_one(page, &certificate,
                        (int64_t)p->metrics.certificate_ends_s - (int64_t)clock_wall_s());
    }
}

static void write_page(void *arg, struct metrics_page *page)
{
    const struct platform *p = arg;
    struct figures figures;

    put_exchanges(p, page);
    figures_collect(&p->registry, &figures);
    figures_put(&figures, page);
    put_api(p, page);
    put_server(p, page);
}

enum cx_err platform_metrics_open(struct platform *p, struct cx_fail *fail)
{
    struct metrics_server_opts opts = {
        .listen = p->settings.metrics_listen, .build = &build, .write = write_page, .arg = p};

    return opts.listen == NULL ? CX_OK
                               : metrics_server_new(p->web, &opts, &p->metrics.server, fail);
}

void platform_metrics_close(struct platform *p)
{
    metrics_server_free(p->metrics.server);
    p->metrics.server = NULL;
}
