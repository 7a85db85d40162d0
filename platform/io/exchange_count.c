#include "common/io/clock.h"
#include "platform/io/exchange_internal.h"

/* Each exchange is counted once, at its end. */

static void count_refused(struct platform *p, const char *connector, enum verdict code)
{
    struct registry_connector *c = registry_find_connector(&p->registry, slice_of_str(connector));

    if (c != NULL) {
        c->refused_offline += code == VERDICT_CONNECTOR_OFFLINE;
        c->refused_full += code == VERDICT_CONNECTOR_FULL;
    }
}

void exchange_count_failure(const struct exchange *x, const struct dispatch_failure *failure)
{
    struct platform_metrics *m = &x->platform->metrics;
    enum outcome outcome = failure->code == VERDICT_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED;

    exchange_counts_end(&m->ended, outcome, failure->code, failure->stage);
    metrics_observe(&m->durations, clock_mono_us() - x->began_us);
    if (failure->code == VERDICT_CONNECTOR_OFFLINE || failure->code == VERDICT_CONNECTOR_FULL) {
        count_refused(x->platform, x->connector, failure->code);
    }
}

void exchange_count_end(const struct exchange *x, const struct exchange_end *end)
{
    struct platform_metrics *m = &x->platform->metrics;

    if (end->result == NULL) {
        exchange_count_failure(x, end->failure);
        return;
    }
    exchange_counts_result(&m->ended, end->result);
    metrics_observe(&m->durations, clock_mono_us() - x->began_us);
}
