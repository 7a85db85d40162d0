#include "common/core/exchange_counts.h"

void exchange_counts_end(struct exchange_counts *c, enum outcome outcome, enum verdict code,
                         enum stage stage)
{
    if ((unsigned)outcome >= OUTCOME_COUNT || (unsigned)code >= VERDICT_COUNT ||
        (unsigned)stage >= STAGE_COUNT) {
        return;
    }
    c->by_code[outcome][code]++;
    if (!terms_is_success(outcome)) {
        c->by_stage[stage]++;
    }
}

void exchange_counts_timing(struct exchange_counts *c, const struct msg_timing *timing)
{
    const uint64_t hops_us[HOP_COUNT] = {
        [HOP_RESOLVE] = timing->resolve, [HOP_CONNECT] = timing->connect,
        [HOP_TLS] = timing->tls,         [HOP_WAIT] = timing->wait,
        [HOP_RECEIVE] = timing->receive, [HOP_TOTAL] = timing->total,
    };

    for (int i = 0; i < HOP_COUNT; i++) {
        if (hops_us[i] > 0) {
            metrics_observe(&c->hops[i], hops_us[i]);
        }
    }
}

void exchange_counts_result(struct exchange_counts *c, const struct msg_result *result)
{
    exchange_counts_end(c, result->outcome, result->code,
                        result->has_error ? result->error.stage : STAGE_NONE);
    if (result->has_timing) {
        exchange_counts_timing(c, &result->timing);
    }
}

/* A word that this version doesn't have still shows that there was one. */
static const char *word_or_unknown(const char *word)
{
    return word[0] != '\0' ? word : "unknown";
}

static void put_ended(const struct exchange_counts *c, const struct metrics_family *family,
                      struct metrics_page *page)
{
    metrics_family(page, family);
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        for (int k = 0; k < VERDICT_COUNT; k++) {
            struct metrics_labels labels = {
                .items = {{"outcome", word_or_unknown(terms_outcome((enum outcome)i))},
                          {"code", word_or_unknown(terms_verdict((enum verdict)k))}},
                .count = 2};

            if (c->by_code[i][k] > 0) {
                metrics_put(page, family, &labels, (int64_t)c->by_code[i][k]);
            }
        }
    }
}

void exchange_counts_put_stages(const uint64_t by_stage[STAGE_COUNT],
                                const struct metrics_family *family, struct metrics_page *page)
{
    metrics_family(page, family);
    for (int i = 0; i < STAGE_COUNT; i++) {
        struct metrics_labels labels = {
            .items = {{"stage", word_or_unknown(terms_stage((enum stage)i))}}, .count = 1};

        if (by_stage[i] > 0) {
            metrics_put(page, family, &labels, (int64_t)by_stage[i]);
        }
    }
}

void exchange_counts_put(const struct exchange_counts *c, const struct exchange_families *families,
                         struct metrics_page *page)
{
    static const char *const hops[HOP_COUNT] = {
        [HOP_RESOLVE] = "resolve", [HOP_CONNECT] = "connect", [HOP_TLS] = "tls",
        [HOP_WAIT] = "wait",       [HOP_RECEIVE] = "receive", [HOP_TOTAL] = "total",
    };

    put_ended(c, &families->ended, page);
    exchange_counts_put_stages(c->by_stage, &families->failed, page);
    metrics_family(page, &families->hop);
    for (int i = 0; i < HOP_COUNT; i++) {
        struct metrics_labels labels = {.items = {{"hop", hops[i]}}, .count = 1};

        metrics_put_histogram(page, &families->hop, &labels, &c->hops[i]);
    }
}
