#ifndef CONNECTOR_COMMON_CORE_TIMERS_H
#define CONNECTOR_COMMON_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of timers ordered by due time: a pairing heap whose nodes live in their owners, so that
 * starting and stopping never fails and never allocates. Pure: the clock is the caller's. */

/* Embedded by its owner. Zeroed is a timer that is in no set. */
struct timer {
    uint64_t due_ms;
    uint64_t order; /* timers due at the same time fire in the order in which they were added */
    struct timer *child, *next;
    struct timer **at; /* the pointer that points here; NULL: in no set */
    struct timer *prev;
};

struct timers {
    struct timer *root;
    uint64_t added;
};

/* Add `timer`, which must be in no set. O(1). */
void timers_add(struct timers *set, struct timer *timer, uint64_t due_ms);

/* Take it out; nothing happens if it is in no set. O(log n) amortized. */
void timers_remove(struct timers *set, struct timer *timer);

bool timer_is_set(const struct timer *timer);

/* The earliest, or NULL. It stays in the set. */
struct timer *timers_first(const struct timers *set);

#endif
