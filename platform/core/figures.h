#ifndef CONNECTOR_PLATFORM_CORE_FIGURES_H
#define CONNECTOR_PLATFORM_CORE_FIGURES_H

#include "common/core/metrics.h"
#include "platform/core/registry.h"

/* What the connectors are at, for /metrics. Pure.
 *
 * Series are bounded: the first connectors by name have their own, the others are added up under
 * "(others)", which is no connector's name, so that sums over the label stay right. */

enum { FIGURES_CONNECTORS_MAX = 256 };

enum figure { FIGURE_AGENTS_ONLINE, FIGURE_QUEUED, FIGURE_OUTSTANDING, FIGURE_CAPACITY, FIGURES };

struct figures_row {
    const char *connector; /* borrowed from the registry */
    uint64_t gauges[FIGURES];
    uint64_t refused_offline, refused_full;
};

struct figures {
    struct figures_row rows[FIGURES_CONNECTORS_MAX + 1];
    size_t nrows;
    bool has_others; /* the last row is "(others)" */
    uint64_t connectors, connectors_online, agents, agents_online, tunnels;
};

/* `out` is valid as long as the registry doesn't change. */
void figures_collect(const struct registry *registry, struct figures *out);

/* All families of connectors, agents and tunnels. The counter of refused exchanges has no
 * "(others)": it would seem to start anew whenever one of them is removed. */
void figures_put(const struct figures *f, struct metrics_page *page);

#endif
