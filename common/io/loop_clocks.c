#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/loop_private.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* Has the machine slept? Nobody asks that again and again: a timer on the time of day that is
 * cancelled when the clock is set (timerfd_create(2)) is cancelled when the machine wakes too. */

static void loop_arm(const struct loop *loop)
{
    /* an absolute time, or it would not be cancelled; the year 2242 */
    struct itimerspec never = {.it_value.tv_sec = (time_t)1 << 33};

    (void)timerfd_settime(loop->clocks_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                          NULL);
}

void loop_clocks_look(struct loop *loop)
{
    struct clock_reading now;
    struct clock_news news;

    clock_read(&now);
    news = clock_watch_look(&loop->watch, &now);
    if (news.slept_ms == 0 && news.stepped_ms == 0) {
        return;
    }
    if (news.slept_ms != 0) {
        log_event(CX_LOG_INFO, "clock.slept", kv_u64("ms", news.slept_ms));
        loop_asleep(loop, news.slept_ms);
    }
    if (news.stepped_ms != 0) {
        log_event(CX_LOG_WARN, "clock.set", kv_i64("ms", news.stepped_ms),
                  kv_str("why", "somebody set the time of day by so much"));
    }
    if (loop->on_clocks != NULL) {
        loop->on_clocks(loop->on_clocks_arg, &news);
    }
}

static void loop_clocks_cb(uv_poll_t *poll, int status, int events)
{
    struct loop *loop = poll->data;
    uint64_t expirations;

    (void)status;
    (void)events;
    (void)!read(loop->clocks_fd, &expirations, sizeof(expirations)); /* ECANCELED, as it should */
    loop_arm(loop);
    loop_clocks_look(loop);
}

void loop_clocks_open(struct loop *loop)
{
    struct clock_reading now;

    clock_read(&now);
    clock_watch_init(&loop->watch, &now);
    loop->clocks_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->clocks_fd < 0) {
        return; /* then it is the heartbeats that find out, in their time */
    }
    loop_arm(loop);
    (void)uv_poll_init(&loop->uv, &loop->clocks, loop->clocks_fd);
    loop->clocks.data = loop;
    (void)uv_poll_start(&loop->clocks, UV_READABLE, loop_clocks_cb);
}

void loop_clocks_close(struct loop *loop)
{
    if (loop->clocks_fd >= 0) {
        (void)uv_poll_stop(&loop->clocks);
        (void)close(loop->clocks_fd);
        uv_close((uv_handle_t *)&loop->clocks, NULL);
    }
}

void loop_on_clocks(struct loop *loop, void (*fire)(void *arg, const struct clock_news *news),
                    void *arg)
{
    loop->on_clocks = fire;
    loop->on_clocks_arg = arg;
}
