#include "tests/bench/bench.h"

#include "common/core/slice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bench_fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void bench_samples_init(struct bench_samples *s, size_t room)
{
    *s = (struct bench_samples){.us = calloc(room, sizeof(*s->us)), .room = room};
    if (s->us == NULL) {
        bench_fail("samples", "out of memory");
    }
}

void bench_samples_clear(struct bench_samples *s)
{
    s->count = 0;
}

void bench_samples_add(struct bench_samples *s, uint64_t us)
{
    if (s->count < s->room) {
        s->us[s->count] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    }
    s->count++;
}

void bench_samples_done(struct bench_samples *s)
{
    free(s->us);
    *s = (struct bench_samples){0};
}

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

/* The nearest-rank percentile of sorted samples. */
static uint32_t percentile(const uint32_t *sorted, size_t n, unsigned percent)
{
    size_t rank = (n * percent + 99) / 100;

    return n == 0 ? 0 : sorted[rank == 0 ? 0 : rank - 1];
}

void bench_row_print(const struct bench_row *row, struct bench_samples *s)
{
    size_t kept = s->count < s->room ? s->count : s->room;
    double seconds = (double)row->elapsed_us / 1e6;
    double jobs = s->count == 0 ? 1 : (double)s->count;

    qsort(s->us, kept, sizeof(*s->us), by_value);
    (void)printf("{\"in_flight\": %u, \"jobs\": %zu, \"jobs_s\": %.1f, \"cpu_us\": %.2f, "
                 "\"p50_us\": %" PRIu32 ", \"p99_us\": %" PRIu32 ", \"errors\": %" PRIu64 "}\n",
                 row->in_flight, s->count, (double)s->count / seconds, (double)row->cpu_us / jobs,
                 percentile(s->us, kept, 50), percentile(s->us, kept, 99), row->errors);
    (void)fflush(stdout);
}

uint64_t bench_cpu_us(long pid)
{
    char path[64];
    char line[64] = "";
    uint64_t ns = 0;
    size_t digits = 0;
    FILE *in;

    (void)snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid == 0 ? (long)getpid() : pid);
    in = fopen(path, "r");
    if (in == NULL || fgets(line, sizeof(line), in) == NULL) {
        bench_fail(path, "cannot be read: the process is gone, or the kernel keeps no schedstat");
    }
    (void)fclose(in);
    while (line[digits] >= '0' && line[digits] <= '9') {
        digits++;
    }
    if (slice_to_u64(slice_of(line, digits), 0, UINT64_MAX, &ns) != CX_OK) {
        bench_fail(path, "is not a number");
    }
    return ns / 1000;
}

uint64_t bench_number(const char *text, uint64_t max)
{
    uint64_t value = 0;

    if (slice_to_u64(slice_of_str(text), 1, max, &value) != CX_OK) {
        bench_fail(text, "is not a number in its range");
    }
    return value;
}
