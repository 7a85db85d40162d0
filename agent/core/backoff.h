#ifndef CONNECTOR_AGENT_CORE_BACKOFF_H
#define CONNECTOR_AGENT_CORE_BACKOFF_H

#include <stdint.h>

/* Full-jitter exponential backoff: 0 to 0.5 s at first, doubling, at most 4 s in the first five
 * minutes of an outage (a platform that restarts is found again quickly) and at most 30 s after
 * them (a herd of agents stays bearable). A zeroed struct is ready for use. Pure. */
struct backoff {
    uint32_t attempts; /* since the last reset */
    uint64_t began_ms; /* when the first of them was made */
};

/* Milliseconds to wait before the next attempt. `random`: any 32 random bits. */
uint32_t backoff_next_ms(struct backoff *b, uint64_t now_ms, uint32_t random);

/* Only a `welcome` proves that all is well again, not a TCP connection. */
void backoff_reset(struct backoff *b);

/* 0 to `max_ms`, evenly spread. */
uint32_t backoff_jitter_ms(uint32_t max_ms, uint32_t random);

#endif
