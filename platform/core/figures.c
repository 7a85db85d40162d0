#include "platform/core/figures.h"

#include "platform/core/dispatch.h"

#define OTHERS "(others)"

/* ---- collecting ---- */

static uint64_t tunnels_of(const struct registry_agent *a)
{
    uint64_t n = 0;

    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        n += a->tunnels[i] != NULL;
    }
    return n;
}

/* The connector's agents; gives the number of those that have a tunnel. */
static uint64_t collect_agents(const struct registry_connector *c, struct figures *out)
{
    uint64_t online = 0;

    for (const struct registry_agent *a = c->agents; a != NULL; a = a->next) {
        uint64_t tunnels = tunnels_of(a);

        out->agents += a->revoked_ms == 0;
        out->tunnels += tunnels;
        online += tunnels > 0;
    }
    out->agents_online += online;
    return online;
}

static struct figures_row *row_for(struct figures *out, const struct registry_connector *c)
{
    struct figures_row *row = &out->rows[out->nrows];

    if (out->has_others) {
        return row - 1;
    }
    out->nrows++;
    out->has_others = out->nrows > FIGURES_CONNECTORS_MAX;
    *row = (struct figures_row){.connector = out->has_others ? OTHERS : c->name};
    return row;
}

void figures_collect(const struct registry *registry, struct figures *out)
{
    out->nrows = 0;
    out->has_others = false;
    out->connectors = out->connectors_online = 0;
    out->agents = out->agents_online = out->tunnels = 0;
    for (const struct registry_connector *c = registry->connectors; c != NULL; c = c->next) {
        struct dispatch_counts counts = dispatch_connector_counts(c->dispatch);
        uint64_t online = collect_agents(c, out);
        struct figures_row *row = row_for(out, c);

        row->gauges[FIGURE_AGENTS_ONLINE] += online;
        row->gauges[FIGURE_QUEUED] += counts.queued;
        row->gauges[FIGURE_OUTSTANDING] += counts.outstanding;
        row->gauges[FIGURE_CAPACITY] += counts.capacity;
        row->refused_offline += c->refused_offline;
        row->refused_full += c->refused_full;
        out->connectors++;
        out->connectors_online += online > 0;
    }
}

/* ---- writing ---- */

static void put_gauges(const struct figures *f, struct metrics_page *page)
{
    static const struct metrics_family families[FIGURES] = {
        [FIGURE_AGENTS_ONLINE] = {"connector_platform_agents_online", METRICS_GAUGE, NULL,
                                  "Agents that have a tunnel, by connector."},
        [FIGURE_QUEUED] = {"connector_platform_jobs_queued", METRICS_GAUGE, NULL,
                           "Exchanges that wait for an agent with room, by connector."},
        [FIGURE_OUTSTANDING] = {"connector_platform_jobs_outstanding", METRICS_GAUGE, NULL,
                                "Jobs that agents hold as far as the platform knows, by "
                                "connector."},
        [FIGURE_CAPACITY] = {"connector_platform_jobs_capacity", METRICS_GAUGE, NULL,
                             "Jobs that the connected agents can hold at once, by connector."},
    };

    for (int k = 0; k < FIGURES; k++) {
        metrics_family(page, &families[k]);
        for (size_t i = 0; i < f->nrows; i++) {
            struct metrics_labels labels = {.items = {{"connector", f->rows[i].connector}},
                                            .count = 1};

            metrics_put(page, &families[k], &labels, (int64_t)f->rows[i].gauges[k]);
        }
    }
}

static void put_refused(const struct figures *f, struct metrics_page *page)
{
    static const struct metrics_family refused = {
        "connector_platform_exchanges_refused", METRICS_COUNTER, NULL,
        "Exchanges that the connector could not take, by connector and code."};
    size_t n = f->has_others ? f->nrows - 1 : f->nrows;

    metrics_family(page, &refused);
    for (size_t i = 0; i < n; i++) {
        const struct figures_row *row = &f->rows[i];
        struct metrics_labels labels = {
            .items = {{"connector", row->connector},
                      {"code", terms_verdict(VERDICT_CONNECTOR_OFFLINE)}},
            .count = 2};

        metrics_put(page, &refused, &labels, (int64_t)row->refused_offline);
        labels.items[1].value = terms_verdict(VERDICT_CONNECTOR_FULL);
        metrics_put(page, &refused, &labels, (int64_t)row->refused_full);
    }
}

void figures_put(const struct figures *f, struct metrics_page *page)
{
    static const struct metrics_family connectors = {"connector_platform_connectors", METRICS_GAUGE,
                                                     NULL, "Connectors that are registered."};
    static const struct metrics_family connectors_online = {
        "connector_platform_connectors_online", METRICS_GAUGE, NULL,
        "Connectors with an agent that has a tunnel."};
    static const struct metrics_family agents = {"connector_platform_agents", METRICS_GAUGE, NULL,
                                                 "Agents that are enrolled and not revoked."};
    static const struct metrics_family tunnels = {"connector_platform_tunnels", METRICS_GAUGE, NULL,
                                                  "Tunnels of agents that have been welcomed."};

    metrics_put_one(page, &connectors, (int64_t)f->connectors);
    metrics_put_one(page, &connectors_online, (int64_t)f->connectors_online);
    metrics_put_one(page, &agents, (int64_t)f->agents);
    metrics_put_one(page, &tunnels, (int64_t)f->tunnels);
    put_gauges(f, page);
    put_refused(f, page);
}
