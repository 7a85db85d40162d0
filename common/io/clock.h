#ifndef CONNECTOR_COMMON_IO_CLOCK_H
#define CONNECTOR_COMMON_IO_CLOCK_H

#include "common/core/clock_watch.h"
#include "common/core/id.h"

#include <stddef.h>
#include <stdint.h>

/* The time of day (Unix time, UTC): for people, certificates and the store. It may jump. */
uint64_t clock_wall_ms(void);
uint64_t clock_wall_s(void);

/* A clock that nobody sets: it never goes backwards, and counts from an arbitrary start, the time
 * for which the machine was suspended included: for deadlines and spans. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);

/* All three clocks at one moment, as nearly as can be. */
void clock_read(struct clock_reading *out);

/* Random bytes from the kernel, fit for keys. A kernel without getrandom(2) stops the program. */
void random_fill(void *out, size_t bytes);
uint64_t random_u64(void);

/* Random bytes for ids, of which there are many: asked for many at a time. What is given out is
 * wiped. Zeroed is a valid empty one. Not for keys: they are in memory before they are needed. */
struct random_pool {
    uint8_t bytes[512];
    size_t left;
};
void random_take(struct random_pool *pool, void *out, size_t bytes); /* at most 512 */

/* A new UUIDv7 of now. */
struct cx_id random_id(void);

#endif
