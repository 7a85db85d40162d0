#ifndef CONNECTOR_COMMON_IO_LOOP_PRIVATE_H
#define CONNECTOR_COMMON_IO_LOOP_PRIVATE_H

#include "common/core/clock_watch.h"
#include "common/core/polling.h"
#include "common/io/loop.h"

#include <uv.h>

enum { LOOP_SIGNALS_MAX = 4 };

struct loop_signal {
    uv_signal_t uv;
    int signum; /* 0: free */
    void (*fire)(void *arg, int signum);
    void *arg;
};

struct loop_hooks {
    struct loop_hook *first;
    struct loop_hook **end;
};

struct loop {
    uv_loop_t uv;
    uv_timer_t clock;     /* for the earliest of the timers */
    uint64_t clock_at_ms; /* what it is set to; UINT64_MAX: not set */
    uv_prepare_t before;  /* before the loop waits */
    uv_check_t after;     /* after the events */
    uv_idle_t awake;      /* runs while there is something for the next turn */
    struct polling polling;
    struct timers timers;
    struct loop_hooks hooks; /* to run at the end of this turn */
    struct loop_hooks late;  /* to be among them when the loop has looked for events once more */
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    unsigned threads;  /* that are at work: lookups, loop_work */
    uint64_t slept_ms; /* that the machine was suspended since the loop was made */
    uv_poll_t clocks;  /* readable when it has woken, or its clock was set */
    int clocks_fd;     /* -1: none to be had */
    struct clock_watch watch;
    void (*on_clocks)(void *arg, const struct clock_news *news);
    void *on_clocks_arg;
};

/* loop.c: so long it has slept just now. Timers that are due by that run in this turn. */
void loop_asleep(struct loop *loop, uint64_t slept_ms);

/* loop_clocks.c */
void loop_clocks_open(struct loop *loop);
void loop_clocks_close(struct loop *loop);

#endif
