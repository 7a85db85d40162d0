#ifndef CONNECTOR_COMMON_CORE_EXCHANGE_COUNTS_H
#define CONNECTOR_COMMON_CORE_EXCHANGE_COUNTS_H

#include "common/core/message.h"
#include "common/core/metrics.h"

/* How exchanges have ended, as both ends count them: by outcome and code, by the stage that failed,
 * and how long each hop took. Labels are words of our own, so that a peer can't make series. Pure.
 */

enum exchange_hop {
    HOP_RESOLVE,
    HOP_CONNECT,
    HOP_TLS,
    HOP_WAIT,
    HOP_RECEIVE,
    HOP_TOTAL,
    HOP_COUNT
};

struct exchange_counts { /* zeroed is valid */
    uint64_t by_code[OUTCOME_COUNT][VERDICT_COUNT];
    uint64_t by_stage[STAGE_COUNT]; /* of those that did not succeed */
    struct metrics_histogram hops[HOP_COUNT];
};

/* A result: how it ended, and its hops if it has them. */
void exchange_counts_result(struct exchange_counts *c, const struct msg_result *result);

/* An end without a result. */
void exchange_counts_end(struct exchange_counts *c, enum outcome outcome, enum verdict code,
                         enum stage stage);

/* Each hop that took place: one of 0 µs did not (a reused connection has no connect, a refused
 * request no wait). */
void exchange_counts_timing(struct exchange_counts *c, const struct msg_timing *timing);

/* The three families, named by the program. */
struct exchange_families {
    struct metrics_family ended;  /* counter; labels outcome and code */
    struct metrics_family failed; /* counter; label stage */
    struct metrics_family hop;    /* histogram; label hop */
};

/* Counts that are 0 are left out, except those of the hops. */
void exchange_counts_put(const struct exchange_counts *c, const struct exchange_families *families,
                         struct metrics_page *page);

/* A counter by stage (label stage); counts that are 0 are left out. */
void exchange_counts_put_stages(const uint64_t by_stage[STAGE_COUNT],
                                const struct metrics_family *family, struct metrics_page *page);

#endif
