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
    uint64_t order; /* timers due at the same time come in the order in which they were added */
    struct timer *child; /* private, like the rest: the first of those below */
    struct timer *next;  /* the next one beside */
    struct timer *prev;  /* the one before, or the one above if there is none */
    bool is_set;
};

/* Zeroed is an empty set. */
struct timers {
    struct timer *root;
    uint64_t added; /* the order that the next one gets */
};

/* Add `timer`, which must be in no set. O(1). */
void timers_add(struct timers *set, struct timer *timer, uint64_t due_ms);

/* Take it out; nothing happens if it is in no set. O(log n) amortized. */
void timers_remove(struct timers *set, struct timer *timer);

bool timer_is_set(const struct timer *timer);

/* The earliest, or NULL. It stays in the set. */
struct timer *timers_first(const struct timers *set);

#endif
