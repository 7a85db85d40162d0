#include "common/io/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { READINGS_MAX = 10, READING_MS = 5 };

static uint64_t read_us(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0) {
        abort(); /* the kernel lacks a clock that every Linux has */
    }
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000u;
}

uint64_t clock_wall_s(void)
{
    return read_us(CLOCK_REALTIME) / 1000000u;
}

uint64_t clock_mono_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000u;
}

uint64_t clock_mono_us(void)
{
    return read_us(CLOCK_BOOTTIME);
}

void clock_read(struct clock_reading *out)
{
    for (int i = 0; i < READINGS_MAX; i++) {
        out->mono_ms = read_us(CLOCK_MONOTONIC) / 1000u;
        out->boot_ms = read_us(CLOCK_BOOTTIME) / 1000u;
        out->wall_ms = read_us(CLOCK_REALTIME) / 1000u;
        if (read_us(CLOCK_MONOTONIC) / 1000u - out->mono_ms <= READING_MS) {
            return; /* else another process ran in between: once more */
        }
    }
}

void random_fill(void *out, size_t bytes)
{
    uint8_t *at = out;

    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);

        if (got < 0 && errno != EINTR) {
            abort(); /* nothing that needs random bytes may go on without them */
        }
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        }
    }
}

void random_take(struct random_pool *pool, void *out, size_t bytes)
{
    uint8_t *at;

    if (pool->left < bytes) {
        random_fill(pool->bytes, sizeof(pool->bytes));
        pool->left = sizeof(pool->bytes);
    }
    at = pool->bytes + sizeof(pool->bytes) - pool->left;
    memcpy(out, at, bytes);
    explicit_bzero(at, bytes);
    pool->left -= bytes;
}

uint64_t random_u64(void)
{
    uint64_t value;

    random_fill(&value, sizeof(value));
    return value;
}

struct cx_id random_id(void)
{
    uint8_t random[10];

    random_fill(random, sizeof(random));
    return id_make(clock_wall_ms(), random);
}
