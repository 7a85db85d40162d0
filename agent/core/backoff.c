#include "agent/core/backoff.h"

enum {
    FIRST_MS = 500,
    EARLY_MAX_MS = 4000,
    LATE_MAX_MS = 30000,
    EARLY_FOR_MS = 5 * 60 * 1000,
    SHIFT_MAX = 6, /* 500 ms << 6 is past every maximum */
};

uint32_t backoff_jitter_ms(uint32_t max_ms, uint32_t random)
{
    return (uint32_t)(((uint64_t)max_ms + 1) * random >> 32);
}

uint32_t backoff_next_ms(struct backoff *b, uint64_t now_ms, uint32_t random)
{
    uint32_t max_ms;
    uint32_t cap_ms;

    if (b->attempts == 0) {
        b->began_ms = now_ms;
    }
    max_ms = now_ms - b->began_ms < EARLY_FOR_MS ? EARLY_MAX_MS : LATE_MAX_MS;
    cap_ms = (uint32_t)FIRST_MS << (b->attempts < SHIFT_MAX ? b->attempts : SHIFT_MAX);
    if (b->attempts < UINT32_MAX) {
        b->attempts++;
    }
    return backoff_jitter_ms(cap_ms < max_ms ? cap_ms : max_ms, random);
}

void backoff_reset(struct backoff *b)
{
    *b = (struct backoff){0};
}
