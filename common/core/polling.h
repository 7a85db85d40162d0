#ifndef CONNECTOR_COMMON_CORE_POLLING_H
#define CONNECTOR_COMMON_CORE_POLLING_H

#include <stdbool.h>
#include <stdint.h>

/* Whether an event loop that has nothing to do sleeps until something comes, or looks again at once
 * for a while. Falling asleep and being woken up costs some 25 us on a virtual machine, whose idle
 * core stops and has to be started by the host; a job with one caller waits for six of them. So it
 * looks again
 * - for limit_ns after it has run out of work, no longer;
 * - only while the last waits were shorter than that on average, so that what is far away or rare
 *   (a slow endpoint, idle tunnels) costs nothing;
 * - only while a wait brings few events on average: where it brings many, being woken up costs
 *   little for each, and looking again only takes what they need;
 * - and not while somebody else wants the core: between two looks the caller gives it away
 *   (sched_yield), and if it comes back late, nothing is looked for in the next milliseconds.
 * Pure: times are monotonic nanoseconds. */

enum {
    POLLING_LATE_NS = 300 * 1000,
    POLLING_PAUSE_NS = 20 * 1000 * 1000,
    POLLING_EVENTS = 4, /* a wait; more are many */
};

struct polling {
    uint64_t limit_ns;     /* 0: never */
    uint64_t wait_ns;      /* of the last waits, the later ones weighing more */
    uint64_t idle_from_ns; /* since when nothing has come; only while is_idle */
    uint64_t paused_until_ns;
    uint32_t events;       /* since the last wait ended */
    uint32_t events_parts; /* that a wait brings, in 64ths: the later waits weigh more */
    bool is_idle;
};

/* Nothing is looked for until the waits have shown themselves to be short. */
void polling_init(struct polling *p, uint64_t limit_ns);

/* There is nothing to do. True: look again at once. */
bool polling_goes_on(struct polling *p, uint64_t now_ns);

/* Something has come; call it for the first event of a wait (while is_idle), and count each event
 * by p->events++. */
void polling_end_wait(struct polling *p, uint64_t now_ns);

/* The core was given away at `from_ns` and came back at now_ns. */
void polling_gave_way(struct polling *p, uint64_t from_ns, uint64_t now_ns);

#endif
