#ifndef CONNECTOR_TESTS_BENCH_BENCH_H
#define CONNECTOR_TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* What the load programs share: a row of figures, and the processor time of a process. A fault of
 * the set-up ends the program with a line on stderr. */

/* How long each of many took, in µs. Their memory is taken before the clock runs. */
struct bench_samples {
    uint32_t *us;
    size_t count, room; /* past `room` they are counted and not kept */
};
void bench_samples_init(struct bench_samples *s, size_t room);
void bench_samples_clear(struct bench_samples *s);
void bench_samples_add(struct bench_samples *s, uint64_t us);
void bench_samples_done(struct bench_samples *s);

/* One measurement, printed as a line of JSON on stdout. `cpu_us`: of the process that was looked
 * at, in the whole time. */
struct bench_row {
    unsigned in_flight;
    uint64_t elapsed_us;
    uint64_t cpu_us;
    uint64_t errors;
};
void bench_row_print(const struct bench_row *row, struct bench_samples *s);

/* Processor time of the process so far, all of its threads, in µs. 0: this one. */
uint64_t bench_cpu_us(long pid);

/* A decimal number from the command line. */
uint64_t bench_number(const char *text, uint64_t max);

_Noreturn void bench_fail(const char *what, const char *why);

#endif
