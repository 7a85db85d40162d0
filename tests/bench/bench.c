#include "tests/bench/bench.h"

#include "common/core/slice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        bench_fail("processor time", "cannot be read: the process is gone");
    }
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

uint64_t bench_number(const char *text, uint64_t max)
{
    uint64_t value = 0;

    if (slice_to_u64(slice_of_str(text), 1, max, &value) != CX_OK) {
        bench_fail(text, "is not a number in its range");
    }
    return value;
}
