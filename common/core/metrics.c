#include "common/core/metrics.h"

#include <stdio.h>
#include <string.h>

/* In microseconds, and in seconds as OpenMetrics writes them: with a point, so that a server that
 * compares texts sees one series in both formats. */
static const struct {
    uint64_t us;
    const char *text;
} bounds[METRICS_BOUNDS] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},    {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"},   {500000, "0.5"},
    {1000000, "1.0"}, {2500000, "2.5"}, {5000000, "5.0"}, {10000000, "10.0"}, {30000000, "30.0"},
};

void metrics_observe(struct metrics_histogram *h, uint64_t duration_us)
{
    size_t i = 0;

    while (i < METRICS_BOUNDS && duration_us > bounds[i].us) {
        i++;
    }
    h->counts[i]++;
    h->sum_us += duration_us;
}

/* ---- what is asked for ---- */

/* The part before `separator`, trimmed; `rest` is what is behind it. */
static struct slice cut(struct slice *rest, uint8_t separator)
{
    size_t end = slice_find(*rest, 0, separator);
    struct slice part = slice_trim(slice_first(*rest, end), " \t");

    *rest = slice_from(*rest, end + 1);
    return part;
}

/* "q=0", "q=0.", "q=0.000": the client doesn't want it (RFC 9110 12.4.2). */
static bool is_weight_zero(struct slice parameter)
{
    if (parameter.len < 3 || !slice_eq_nocase(slice_first(parameter, 2), SLICE_LIT("q="))) {
        return false;
    }
    for (size_t i = 2; i < parameter.len; i++) {
        if (parameter.ptr[i] != '0' && !(i == 3 && parameter.ptr[i] == '.')) {
            return false;
        }
    }
    return true;
}

static bool is_open_metrics(struct slice range)
{
    bool is_wanted = slice_eq_nocase(cut(&range, ';'), SLICE_LIT("application/openmetrics-text"));

    while (is_wanted && range.len > 0) {
        is_wanted = !is_weight_zero(cut(&range, ';'));
    }
    return is_wanted;
}

enum metrics_format metrics_format_of(struct slice accept)
{
    while (accept.len > 0) {
        if (is_open_metrics(cut(&accept, ','))) {
            return METRICS_OPEN;
        }
    }
    return METRICS_TEXT;
}

const char *metrics_content_type(enum metrics_format format)
{
    return format == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- writing ---- */

static void put(struct metrics_page *page, const char *text)
{
    if (page->err == CX_OK) {
        page->err = buf_put_str(page->out, text);
    }
}

static void put_byte(struct metrics_page *page, char c)
{
    if (page->err == CX_OK) {
        page->err = buf_put_byte(page->out, (uint8_t)c);
    }
}

static void put_u64(struct metrics_page *page, uint64_t value)
{
    if (page->err == CX_OK) {
        page->err = buf_put_u64(page->out, value);
    }
}

/* A label's value: backslash, quote and line feed are escaped, all else stands as it is. */
static void put_escaped(struct metrics_page *page, const char *text)
{
    for (; *text != '\0' && page->err == CX_OK; text++) {
        if (*text == '\n') {
            put(page, "\\n");
        } else {
            if (*text == '\\' || *text == '"') {
                put_byte(page, '\\');
            }
            put_byte(page, *text);
        }
    }
}

void metrics_begin(struct metrics_page *page, struct buf *out, enum metrics_format format)
{
    *page = (struct metrics_page){.out = out, .format = format};
}

/* What a family's type adds to its name in a sample. */
static const char *suffix_of(enum metrics_type type)
{
    switch (type) {
    case METRICS_COUNTER:
        return "_total";
    case METRICS_INFO:
        return "_info";
    case METRICS_GAUGE:
    case METRICS_HISTOGRAM:
        break;
    }
    return "";
}

static const char *type_word(const struct metrics_page *page, enum metrics_type type)
{
    switch (type) {
    case METRICS_COUNTER:
        return "counter";
    case METRICS_HISTOGRAM:
        return "histogram";
    case METRICS_INFO: /* Prometheus' own format doesn't have it */
        return page->format == METRICS_OPEN ? "info" : "gauge";
    case METRICS_GAUGE:
        break;
    }
    return "gauge";
}

static void put_about(struct metrics_page *page, const char *what,
                      const struct metrics_family *family, const char *text)
{
    put(page, "# ");
    put(page, what);
    put(page, family->name);
    /* The older format describes samples by their whole name. */
    put(page, page->format == METRICS_OPEN ? "" : suffix_of(family->type));
    put_byte(page, ' ');
    put(page, text);
    put_byte(page, '\n');
}

void metrics_family(struct metrics_page *page, const struct metrics_family *family)
{
    put_about(page, "TYPE ", family, type_word(page, family->type));
    if (family->unit != NULL && page->format == METRICS_OPEN) {
        put_about(page, "UNIT ", family, family->unit);
    }
    put_about(page, "HELP ", family, family->help);
}

/* NAME and suffix, and the labels; `bound` is a bucket's, NULL elsewhere. */
static void put_name(struct metrics_page *page, const char *name, const char *suffix,
                     const struct metrics_labels *labels, const char *bound)
{
    size_t n = labels != NULL ? labels->count : 0;

    put(page, name);
    put(page, suffix);
    for (size_t i = 0; i < n; i++) {
        put_byte(page, i == 0 ? '{' : ',');
        put(page, labels->items[i].name);
        put(page, "=\"");
        put_escaped(page, labels->items[i].value);
        put_byte(page, '"');
    }
    if (bound != NULL) {
        put(page, n == 0 ? "{le=\"" : ",le=\"");
        put(page, bound);
        put_byte(page, '"');
    }
    put(page, n > 0 || bound != NULL ? "} " : " ");
}

void metrics_put(struct metrics_page *page, const struct metrics_family *family,
                 const struct metrics_labels *labels, int64_t value)
{
    put_name(page, family->name, suffix_of(family->type), labels, NULL);
    if (value < 0) {
        put_byte(page, '-');
    }
    put_u64(page, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    put_byte(page, '\n');
}

void metrics_put_histogram(struct metrics_page *page, const struct metrics_family *family,
                           const struct metrics_labels *labels, const struct metrics_histogram *h)
{
    uint64_t count = 0;
    char sum[32];

    for (size_t i = 0; i <= METRICS_BOUNDS; i++) {
        count += h->counts[i];
        put_name(page, family->name, "_bucket", labels,
                 i < METRICS_BOUNDS ? bounds[i].text : "+Inf");
        put_u64(page, count);
        put_byte(page, '\n');
    }
    put_name(page, family->name, "_count", labels, NULL);
    put_u64(page, count);
    put_byte(page, '\n');
    (void)snprintf(sum, sizeof(sum), "%llu.%06llu\n", (unsigned long long)(h->sum_us / 1000000),
                   (unsigned long long)(h->sum_us % 1000000));
    put_name(page, family->name, "_sum", labels, NULL);
    put(page, sum);
}

void metrics_put_one(struct metrics_page *page, const struct metrics_family *family, int64_t value)
{
    metrics_family(page, family);
    metrics_put(page, family, NULL, value);
}

enum cx_err metrics_end(struct metrics_page *page)
{
    put(page, page->format == METRICS_OPEN ? "# EOF\n" : "");
    return page->err;
}
