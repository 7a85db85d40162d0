#include "agent/io/metrics.h"

#include "agent/io/agent.h"
#include "agent/io/recorder.h"
#include "common/core/rule_load.h"
#include "common/io/clock.h"
#include "common/io/executor.h"

static const struct metrics_family build = {"connector_agent_build", METRICS_INFO, NULL,
                                            "The agent's version."};

static const struct exchange_families families = {
    .ended = {"connector_agent_jobs", METRICS_COUNTER, NULL,
              "Jobs that have ended, by outcome and code."},
    .failed = {"connector_agent_jobs_failed", METRICS_COUNTER, NULL,
               "Jobs that ended without a token, by the stage that failed."},
    .hop = {"connector_agent_hop_duration_seconds", METRICS_HISTOGRAM, "seconds",
            "How long each hop of a job's request took; one that did not take place, as connect on "
            "a connection that is reused, is not counted."},
};

static const struct metrics_family running = {"connector_agent_jobs_running", METRICS_GAUGE, NULL,
                                              "Jobs that run."};
static const struct metrics_family unacknowledged = {
    "connector_agent_jobs_unacknowledged", METRICS_GAUGE, NULL,
    "Jobs that have ended and whose result the platform has not acknowledged yet."};
static const struct metrics_family capacity = {"connector_agent_jobs_capacity", METRICS_GAUGE, NULL,
                                               "Jobs that may be held at once (limits.jobs)."};
static const struct metrics_family tunnels = {"connector_agent_tunnels_up", METRICS_GAUGE, NULL,
                                              "Tunnels to the platform that are up."};
static const struct metrics_family connects = {
    "connector_agent_connects", METRICS_COUNTER, NULL,
    "Times that the platform has welcomed a tunnel: the first, and every reconnect."};
static const struct metrics_family certificate = {
    "connector_agent_certificate_expiry_seconds", METRICS_GAUGE, "seconds",
    "Until the agent's certificate ends; negative when it has."};
static const struct metrics_family rules = {"connector_agent_policy_rules", METRICS_GAUGE, NULL,
                                            "Rules of the policy."};

static const struct rule_load_families rule_loads = {
    .running = {"connector_agent_rule_jobs_running", METRICS_GAUGE, NULL,
                "Jobs that run, by the rule of the policy that allowed them."},
    .max = {"connector_agent_rule_jobs_max", METRICS_GAUGE, NULL,
            "How many may run under the rule at once (`jobs`)."},
    .refused = {"connector_agent_rule_jobs_refused", METRICS_COUNTER, NULL,
                "Those that were refused since as many ran as may."},
};

static const struct metrics_family ledger_good = {
    "connector_agent_ledger_good", METRICS_GAUGE, NULL,
    "1 while the ledger takes jobs; 0 when it is full or can't be written: new jobs are refused."};
static const struct metrics_family ledger_size = {"connector_agent_ledger_size_bytes",
                                                  METRICS_GAUGE, "bytes",
                                                  "What the ledger takes on the disk."};
static const struct metrics_family ledger_writes = {"connector_agent_ledger_writes",
                                                    METRICS_COUNTER, NULL,
                                                    "Groups of records written to the ledger."};
static const struct metrics_family ledger_syncs = {"connector_agent_ledger_syncs", METRICS_COUNTER,
                                                   NULL, "Times that the ledger was synced."};

static int64_t tunnels_up(const struct agent *a)
{
    int64_t n = 0;

    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        n += tunnel_is_up(&a->tunnels[i]);
    }
    return n;
}

static void write_page(void *arg, struct metrics_page *page)
{
    const struct agent *a = arg;
    size_t held = jobs_held(a->jobs);
    size_t run = jobs_running(a->jobs);
    struct ledger_status ledger = ledger_status(recorder_ledger(a->recorder));

    exchange_counts_put(&a->ended, &families, page);
    metrics_put_one(page, &running, (int64_t)run);
    metrics_put_one(page, &unacknowledged, (int64_t)(held - run));
    metrics_put_one(page, &capacity, (int64_t)jobs_capacity(a->jobs));
    metrics_put_one(page, &tunnels, tunnels_up(a));
    metrics_put_one(page, &connects, (int64_t)a->counts.connected);
    metrics_put_one(page, &certificate, (int64_t)a->certificate_ends_s - (int64_t)clock_wall_s());
    metrics_put_one(page, &ledger_good, ledger.state == LEDGER_OK);
    metrics_put_one(page, &ledger_size, (int64_t)ledger.disk_bytes);
    metrics_put_one(page, &ledger_writes, (int64_t)ledger.writes);
    metrics_put_one(page, &ledger_syncs, (int64_t)ledger.syncs);
    metrics_put_one(page, &rules, (int64_t)executor_policy(a->executor)->nrules);
    rule_loads_put(executor_loads(a->executor), &rule_loads, page);
}

enum cx_err agent_metrics_new(struct agent *a, struct metrics_server **out, struct cx_fail *fail)
{
    struct metrics_server_opts opts = {.listen = a->config.settings.metrics_listen,
                                       .build = &build,
                                       .write = write_page,
                                       .arg = a};

    *out = NULL;
    return opts.listen == NULL ? CX_OK : metrics_server_new(a->web, &opts, out, fail);
}
