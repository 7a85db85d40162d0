#include "common/core/clock_watch.h"

void clock_watch_init(struct clock_watch *w, const struct clock_reading *now)
{
    w->last = *now;
}

/* How much further the one has gone than the other. */
static int64_t ahead(uint64_t from, uint64_t to, uint64_t other_from, uint64_t other_to)
{
    return (int64_t)(to - from) - (int64_t)(other_to - other_from);
}

struct clock_news clock_watch_look(struct clock_watch *w, const struct clock_reading *now)
{
    const struct clock_reading *last = &w->last;
    int64_t slept_ms = ahead(last->boot_ms, now->boot_ms, last->mono_ms, now->mono_ms);
    int64_t stepped_ms = ahead(last->wall_ms, now->wall_ms, last->boot_ms, now->boot_ms);
    struct clock_news news = {0};

    if (slept_ms >= CLOCK_WATCH_LEAST_MS) {
        news.slept_ms = (uint64_t)slept_ms;
    }
    if (stepped_ms >= CLOCK_WATCH_LEAST_MS || stepped_ms <= -CLOCK_WATCH_LEAST_MS) {
        news.stepped_ms = stepped_ms;
    }
    if (news.slept_ms != 0 || news.stepped_ms != 0) {
        w->last = *now;
    }
    return news;
}
