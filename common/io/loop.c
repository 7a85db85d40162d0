#include "common/io/loop.h"

#include "common/io/loop_private.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOOP_CLOSE_TURNS = 100, /* that long loop_free waits for what is closing, at most */
    LOOP_CLOSE_TURN_US = 1000,
};

/* ---- timers ---- */

static struct loop_timer *timer_owner(struct timer *node)
{
    return (struct loop_timer *)node; /* it is the first member */
}

static void loop_run_timers(struct loop *loop)
{
    uint64_t now_ms = loop_now_ms(loop);
    uint64_t turn = loop->timers.added; /* what is added from here on waits for the next turn */
    struct timer *first;

    while ((first = timers_first(&loop->timers)) != NULL && first->due_ms <= now_ms &&
           first->order < turn) {
        struct loop_timer *timer = timer_owner(first);

        timers_remove(&loop->timers, first);
        if (timer->repeat_ms != 0) {
            timers_add(&loop->timers, first, now_ms + timer->repeat_ms);
        }
        timer->fire(timer->arg);
    }
}

/* True if something waits for the next turn. */
static bool loop_is_pending(const struct loop *loop)
{
    const struct timer *first = timers_first(&loop->timers);

    return loop->hooks.first != NULL || loop->late.first != NULL ||
           (first != NULL && first->due_ms <= loop_now_ms(loop));
}

static void loop_clock_cb(uv_timer_t *clock)
{
    struct loop *loop = clock->data;

    loop->clock_at_ms = UINT64_MAX;
    loop_run_timers(loop);
}

static void loop_awake_cb(uv_idle_t *awake)
{
    (void)awake; /* its being there keeps the loop from waiting */
}

static void loop_stay_awake(struct loop *loop)
{
    (void)uv_idle_start(&loop->awake, loop_awake_cb); /* fails only without a callback */
}

/* Set the clock to the earliest timer; one that is due already has the loop awake instead, because
 * libuv would call a timer of 0 ms in the same turn, for ever if it starts itself again. */
static void loop_set_clock(struct loop *loop)
{
    const struct timer *first = timers_first(&loop->timers);
    uint64_t now_ms = loop_now_ms(loop);

    if (first == NULL || first->due_ms >= loop->clock_at_ms) {
        return;
    }
    if (first->due_ms <= now_ms) {
        loop_stay_awake(loop);
        return;
    }
    loop->clock_at_ms = first->due_ms;
    (void)uv_timer_start(&loop->clock, loop_clock_cb, first->due_ms - now_ms, 0);
}

static void loop_timer_add(struct loop *loop, struct loop_timer *timer, uint64_t after_ms)
{
    uint64_t now_ms = loop_now_ms(loop);

    timer->loop = loop;
    timers_add(&loop->timers, &timer->node,
               after_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + after_ms);
    loop_set_clock(loop);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms,
                      void (*fire)(void *arg), void *arg)
{
    loop_timer_stop(timer);
    *timer = (struct loop_timer){.fire = fire, .arg = arg};
    loop_timer_add(loop, timer, after_ms);
}

void loop_timer_every(struct loop *loop, struct loop_timer *timer, uint64_t every_ms,
                      void (*fire)(void *arg), void *arg)
{
    loop_timer_stop(timer);
    *timer = (struct loop_timer){.fire = fire, .arg = arg, .repeat_ms = every_ms};
    loop_timer_add(loop, timer, every_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer_is_set(&timer->node)) {
        timers_remove(&timer->loop->timers, &timer->node);
    }
}

bool loop_timer_runs(const struct loop_timer *timer)
{
    return timer_is_set(&timer->node);
}

void loop_asleep(struct loop *loop, uint64_t slept_ms)
{
    loop->slept_ms += slept_ms;
    loop->clock_at_ms = UINT64_MAX; /* what libuv's timer was set to is too late now */
    loop_set_clock(loop);
}

/* ---- hooks ---- */

static void hooks_clear(struct loop_hooks *hooks)
{
    hooks->first = NULL;
    hooks->end = &hooks->first;
}

static void hook_unlink(struct loop_hook *hook)
{
    struct loop *loop = hook->loop;

    *hook->at = hook->next;
    if (hook->next != NULL) {
        hook->next->at = hook->at;
    } else if (loop->hooks.end == &hook->next) {
        loop->hooks.end = hook->at;
    } else if (loop->late.end == &hook->next) {
        loop->late.end = hook->at;
    }
    hook->next = NULL;
    hook->at = NULL;
}

static void loop_run_hooks(struct loop *loop)
{
    struct loop_hook *now = loop->hooks.first;

    if (now == NULL) {
        return;
    }
    hooks_clear(&loop->hooks); /* what queues itself while these run is for the next turn */
    now->at = &now;
    while (now != NULL) {
        struct loop_hook *hook = now;

        hook_unlink(hook);
        hook->run(hook->arg);
    }
    if (loop->hooks.first != NULL) {
        loop_stay_awake(loop);
    }
}

/* What waited for another look at the events is due after the one that comes now. */
static void loop_take_late(struct loop *loop)
{
    struct loop_hook *first = loop->late.first;

    if (first == NULL) {
        return;
    }
    first->at = loop->hooks.end;
    *first->at = first;
    loop->hooks.end = loop->late.end;
    hooks_clear(&loop->late);
}

static void hook_put(struct loop *loop, struct loop_hooks *hooks, struct loop_hook *hook)
{
    if (hook->at != NULL) {
        return;
    }
    hook->loop = loop;
    hook->next = NULL;
    hook->at = hooks->end;
    *hooks->end = hook;
    hooks->end = &hook->next;
}

void loop_defer(struct loop *loop, struct loop_hook *hook)
{
    hook_put(loop, &loop->hooks, hook);
}

void loop_defer_late(struct loop *loop, struct loop_hook *hook)
{
    hook_put(loop, &loop->late, hook);
}

void loop_defer_cancel(struct loop_hook *hook)
{
    if (hook->at != NULL) {
        hook_unlink(hook);
    }
}

/* ---- looking again instead of sleeping ---- */

void loop_set_poll(struct loop *loop, uint32_t limit_us)
{
    polling_init(&loop->polling, (uint64_t)limit_us * 1000);
}

void loop_note_event(struct loop *loop)
{
    loop->polling.events++;
    if (loop->polling.is_idle) {
        polling_end_wait(&loop->polling, uv_hrtime());
    }
}

/* There is nothing to do. The next turn looks for events, without waiting if this is true; in
 * between whoever else wants the core has it. */
static bool loop_looks_again(struct loop *loop)
{
    struct polling *p = &loop->polling;
    uint64_t now_ns = p->limit_ns != 0 ? uv_hrtime() : 0;
    bool is_first = !p->is_idle;

    if (!polling_goes_on(p, now_ns)) {
        return false;
    }
    if (!is_first) {
        (void)sched_yield(); /* does not fail on Linux */
        polling_gave_way(p, now_ns, uv_hrtime());
    }
    return true;
}

/* ---- the turn ---- */

static void loop_before_cb(uv_prepare_t *before)
{
    struct loop *loop = before->data;

    loop_run_timers(loop);
    loop_run_hooks(loop);
    loop_take_late(loop);
    loop_set_clock(loop);
    if (loop_is_pending(loop) || loop_looks_again(loop)) {
        loop_stay_awake(loop);
    } else {
        (void)uv_idle_stop(&loop->awake);
    }
}

static void loop_after_cb(uv_check_t *after)
{
    loop_run_hooks(after->data);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_turn(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv) + loop->slept_ms;
}

/* ---- signals ---- */

static void loop_signal_cb(uv_signal_t *uv, int signum)
{
    struct loop_signal *s = uv->data;

    s->fire(s->arg, signum);
}

enum cx_err loop_on_signal(struct loop *loop, int signum, void (*fire)(void *arg, int signum),
                           void *arg)
{
    struct loop_signal *s = NULL;

    for (size_t i = 0; i < LOOP_SIGNALS_MAX; i++) {
        if (loop->signals[i].signum == signum || loop->signals[i].signum == 0) {
            s = &loop->signals[i];
            break;
        }
    }
    if (s == NULL) {
        return CX_E_FULL;
    }
    s->fire = fire;
    s->arg = arg;
    if (s->signum == signum) {
        return CX_OK;
    }
    if (uv_signal_init(&loop->uv, &s->uv) != 0) {
        return CX_E_IO;
    }
    s->signum = signum; /* from here on loop_free closes it */
    s->uv.data = s;
    return uv_signal_start(&s->uv, loop_signal_cb, signum) == 0 ? CX_OK : CX_E_IO;
}

/* ---- birth and death ---- */

enum cx_err loop_new(struct loop **out, struct cx_fail *fail)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int rc;

    if (loop == NULL) {
        return CX_E_NOMEM;
    }
    rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        free(loop);
        return cx_fail_set(fail, CX_E_IO, "loop.new", "no event loop: %s", uv_strerror(rc));
    }
    /* These can't fail: they only fill in the structs. */
    (void)uv_timer_init(&loop->uv, &loop->clock);
    (void)uv_prepare_init(&loop->uv, &loop->before);
    (void)uv_check_init(&loop->uv, &loop->after);
    (void)uv_idle_init(&loop->uv, &loop->awake);
    loop->clock.data = loop->before.data = loop->after.data = loop;
    loop->clock_at_ms = UINT64_MAX;
    hooks_clear(&loop->hooks);
    hooks_clear(&loop->late);
    loop_clocks_open(loop);
    (void)uv_prepare_start(&loop->before, loop_before_cb);
    (void)uv_check_start(&loop->after, loop_after_cb);
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error of write, not our death */
    *out = loop;
    return CX_OK;
}

enum cx_err loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return CX_OK;
    }
    uv_close((uv_handle_t *)&loop->clock, NULL);
    uv_close((uv_handle_t *)&loop->before, NULL);
    uv_close((uv_handle_t *)&loop->after, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    loop_clocks_close(loop);
    for (size_t i = 0; i < LOOP_SIGNALS_MAX; i++) {
        if (loop->signals[i].signum != 0) {
            uv_close((uv_handle_t *)&loop->signals[i].uv, NULL);
        }
    }
    for (int i = 0; i < LOOP_CLOSE_TURNS; i++) {
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
        if (loop->threads == 0) {
            break;
        }
        (void)usleep(LOOP_CLOSE_TURN_US);
    }
    if (uv_loop_close(&loop->uv) != 0) {
        return CX_E_TIMEOUT;
    }
    free(loop);
    return CX_OK;
}
