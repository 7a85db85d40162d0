#include "common/core/polling.h"

enum {
    WEIGHT = 8,    /* the last wait counts for an eighth of the average */
    LONG_WAIT = 4, /* times the limit: what a longer one counts as, so that a pause is forgotten */
    EVENT_PARTS = 64,
    EVENTS_MAX = 1024, /* what more count as */
};

void polling_init(struct polling *p, uint64_t limit_ns)
{
    *p = (struct polling){.limit_ns = limit_ns, .wait_ns = LONG_WAIT * limit_ns};
}

/* What the last wait has brought is known when the next one begins. */
static void count_events(struct polling *p)
{
    uint32_t events = p->events < EVENTS_MAX ? p->events : EVENTS_MAX;

    p->events_parts -= p->events_parts / WEIGHT;
    p->events_parts += events * EVENT_PARTS / WEIGHT;
    p->events = 0;
}

bool polling_goes_on(struct polling *p, uint64_t now_ns)
{
    if (p->limit_ns == 0) {
        return false;
    }
    if (!p->is_idle) {
        p->is_idle = true;
        p->idle_from_ns = now_ns;
        count_events(p);
    }
    return p->wait_ns < p->limit_ns && p->events_parts < POLLING_EVENTS * EVENT_PARTS &&
           now_ns - p->idle_from_ns < p->limit_ns && now_ns >= p->paused_until_ns;
}

void polling_end_wait(struct polling *p, uint64_t now_ns)
{
    uint64_t wait_ns = now_ns - p->idle_from_ns;
    uint64_t most_ns = LONG_WAIT * p->limit_ns;

    p->is_idle = false;
    p->wait_ns -= p->wait_ns / WEIGHT;
    p->wait_ns += (wait_ns < most_ns ? wait_ns : most_ns) / WEIGHT;
}

void polling_gave_way(struct polling *p, uint64_t from_ns, uint64_t now_ns)
{
    if (now_ns - from_ns > POLLING_LATE_NS) {
        p->paused_until_ns = now_ns + POLLING_PAUSE_NS;
    }
}
