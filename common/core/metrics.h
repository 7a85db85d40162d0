#ifndef CONNECTOR_COMMON_CORE_METRICS_H
#define CONNECTOR_COMMON_CORE_METRICS_H

#include "common/core/buf.h"

/* Figures for a monitoring system: histograms of durations, and the page that such a system asks
 * for, in OpenMetrics 1.0 or in the text format 0.0.4 of Prometheus. Pure.
 *
 * Who counts has plain integers and `struct metrics_histogram`s; the page is written from them when
 * it is asked for. */

/* ---- histograms ---- */

enum { METRICS_BOUNDS = 15 }; /* 0.5 ms to 30 s, and one bucket for all that is above */

/* Zeroed is a valid empty one. */
struct metrics_histogram {
    uint64_t counts[METRICS_BOUNDS + 1]; /* each duration in one of them */
    uint64_t sum_us;
};

/* Count a duration, in microseconds. A duration that is a bound belongs to the bucket below it. */
void metrics_observe(struct metrics_histogram *h, uint64_t duration_us);

/* ---- the page ---- */

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM, METRICS_INFO };

struct metrics_family {
    const char *name; /* [a-z_]; without _total or _info; ends with _UNIT where there is one */
    enum metrics_type type;
    const char *unit; /* "seconds"; NULL: none */
    const char *help; /* a sentence */
};

struct metrics_label {
    const char *name;
    const char *value; /* any UTF-8; escaped here */
};

enum { METRICS_LABELS_MAX = 4 };

struct metrics_labels {
    struct metrics_label items[METRICS_LABELS_MAX];
    size_t count;
};

enum metrics_format { METRICS_TEXT, METRICS_OPEN };

/* The one to answer with: OpenMetrics where the value of `Accept` (RFC 9110 12.5.1; may be absent)
 * names application/openmetrics-text with a weight that is not 0. */
enum metrics_format metrics_format_of(struct slice accept);

/* For the content-type header; static. */
const char *metrics_content_type(enum metrics_format format);

/* A page being written. An error sticks: what follows it is left out, and metrics_end tells. */
struct metrics_page {
    struct buf *out; /* borrowed */
    enum metrics_format format;
    enum cx_err err;
};

void metrics_begin(struct metrics_page *page, struct buf *out, enum metrics_format format);

/* The lines that describe a family: before its samples, which follow one another. */
void metrics_family(struct metrics_page *page, const struct metrics_family *family);

/* One sample of a family. `labels` may be NULL: none. */
void metrics_put(struct metrics_page *page, const struct metrics_family *family,
                 const struct metrics_labels *labels, int64_t value);
void metrics_put_histogram(struct metrics_page *page, const struct metrics_family *family,
                           const struct metrics_labels *labels, const struct metrics_histogram *h);

/* A family with one sample that has no labels. */
void metrics_put_one(struct metrics_page *page, const struct metrics_family *family, int64_t value);

/* Errors: CX_E_TOO_BIG (the cap of `out`), CX_E_NOMEM; the page is then of no use. */
enum cx_err metrics_end(struct metrics_page *page) CX_MUST_CHECK;

#endif
