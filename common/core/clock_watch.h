#ifndef CONNECTOR_COMMON_CORE_CLOCK_WATCH_H
#define CONNECTOR_COMMON_CORE_CLOCK_WATCH_H

#include <stdint.h>

/* What became of the clocks since they were last looked at: has the machine slept, has somebody set
 * the time of day? Linux's monotonic clock stands still while the machine is suspended, the boot
 * time's goes on; so the difference is the sleep. Pure. */

enum { CLOCK_WATCH_LEAST_MS = 1000 }; /* less than that is noise of reading one after the other */

struct clock_reading {
    uint64_t mono_ms; /* CLOCK_MONOTONIC */
    uint64_t boot_ms; /* CLOCK_BOOTTIME */
    uint64_t wall_ms; /* CLOCK_REALTIME */
};

struct clock_watch {
    struct clock_reading last;
};

struct clock_news {
    uint64_t slept_ms;  /* 0: it has not */
    int64_t stepped_ms; /* forwards, or backwards if negative; 0: it was not set */
};

/* The first reading. */
void clock_watch_init(struct clock_watch *w, const struct clock_reading *now);

/* What is new since the last time that something was. */
struct clock_news clock_watch_look(struct clock_watch *w, const struct clock_reading *now);

#endif
