#include "common/io/loop.h"

#include "tests/support/check.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

struct seen {
    struct loop *loop;
    struct loop_timer timer;
    struct loop_hook hook;
    char order[32];
    size_t n;
    int count;
    int fds[2];
};

static void note(struct seen *s, char what)
{
    if (s->n + 1 < sizeof(s->order)) {
        s->order[s->n++] = what;
    }
}

static struct loop *open_loop(void)
{
    struct loop *loop = NULL;

    assert_int_equal(loop_new(&loop, NULL), CX_OK);
    return loop;
}

static void close_loop(struct loop *loop)
{
    assert_int_equal(loop_free(loop), CX_OK);
}

static void note_a(void *arg)
{
    note(arg, 'a');
}

static void note_b(void *arg)
{
    note(arg, 'b');
}

static void stop_cb(void *arg)
{
    struct seen *s = arg;

    note(s, 'z');
    loop_stop(s->loop);
}

static void timers_fire_in_order_and_a_stopped_one_does_not(void **state)
{
    struct seen s = {.loop = open_loop()};
    struct loop_timer a = {0};
    struct loop_timer b = {0};
    struct loop_timer stopped = {0};

    (void)state;
    loop_timer_start(s.loop, &s.timer, 8, stop_cb, &s);
    loop_timer_start(s.loop, &b, 4, note_b, &s);
    loop_timer_start(s.loop, &a, 0, note_a, &s);
    loop_timer_start(s.loop, &stopped, 1, note_a, &s);
    loop_timer_stop(&stopped);
    assert_false(loop_timer_runs(&stopped));
    loop_run(s.loop);
    assert_string_equal(s.order, "abz");
    close_loop(s.loop);
}

static void again_cb(void *arg)
{
    struct seen *s = arg;

    if (++s->count == 3) {
        loop_stop(s->loop);
        return;
    }
    loop_timer_start(s->loop, &s->timer, 0, again_cb, s);
}

static void a_timer_of_0_ms_that_starts_itself_leaves_the_turn(void **state)
{
    struct seen s = {.loop = open_loop()};

    (void)state;
    loop_timer_start(s.loop, &s.timer, 0, again_cb, &s);
    loop_turn(s.loop);
    assert_int_equal(s.count, 1);
    loop_run(s.loop);
    assert_int_equal(s.count, 3);
    close_loop(s.loop);
}

static void tick_cb(void *arg)
{
    struct seen *s = arg;

    if (++s->count == 3) {
        loop_timer_stop(&s->timer);
        loop_stop(s->loop);
    }
}

static void a_repeating_timer_fires_until_it_is_stopped(void **state)
{
    struct seen s = {.loop = open_loop()};

    (void)state;
    loop_timer_every(s.loop, &s.timer, 1, tick_cb, &s);
    loop_run(s.loop);
    assert_int_equal(s.count, 3);
    assert_false(loop_timer_runs(&s.timer));
    close_loop(s.loop);
}

/* Three pipes that are readable at once are the events of one turn. */
static void pipe_cb(uv_poll_t *poll, int status, int events)
{
    struct seen *s = poll->data;

    (void)status;
    (void)events;
    note(s, 'e');
    loop_defer(s->loop, &s->hook);
    uv_poll_stop(poll);
}

static void hook_then_stop(void *arg)
{
    struct seen *s = arg;

    note(s, 'h');
    loop_timer_start(s->loop, &s->timer, 0, stop_cb, s);
}

static void a_hook_runs_once_after_all_events_of_the_turn(void **state)
{
    struct seen s = {.loop = open_loop(), .hook = {.run = hook_then_stop}};
    uv_poll_t polls[3];
    int fds[3][2];

    (void)state;
    s.hook.arg = &s;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
        assert_int_equal(uv_poll_init(loop_uv(s.loop), &polls[i], fds[i][0]), 0);
        polls[i].data = &s;
        assert_int_equal(uv_poll_start(&polls[i], UV_READABLE, pipe_cb), 0);
    }
    loop_run(s.loop);
    assert_string_equal(s.order, "eeehz");
    for (size_t i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&polls[i], NULL);
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    close_loop(s.loop);
}

/* The first event makes the second one ready, and queues the hook. */
static void first_cb(uv_poll_t *poll, int status, int events)
{
    struct seen *s = poll->data;

    (void)status;
    (void)events;
    note(s, '1');
    loop_defer_late(s->loop, &s->hook);
    loop_defer_late(s->loop, &s->hook); /* the same as once */
    assert_int_equal(write(s->count, "x", 1), 1);
    uv_poll_stop(poll);
}

static void second_cb(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    note(poll->data, '2');
    uv_poll_stop(poll);
}

static void a_late_hook_runs_when_the_loop_has_looked_once_more(void **state)
{
    struct seen s = {.loop = open_loop(), .hook = {.run = hook_then_stop}};
    uv_poll_cb callbacks[] = {first_cb, second_cb};
    uv_poll_t polls[2];
    int fds[2][2];

    (void)state;
    s.hook.arg = &s;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        assert_int_equal(uv_poll_init(loop_uv(s.loop), &polls[i], fds[i][0]), 0);
        polls[i].data = &s;
        assert_int_equal(uv_poll_start(&polls[i], UV_READABLE, callbacks[i]), 0);
    }
    s.count = fds[1][1];
    assert_int_equal(write(fds[0][1], "x", 1), 1);
    loop_run(s.loop);
    assert_string_equal(s.order, "12hz");
    for (size_t i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&polls[i], NULL);
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    close_loop(s.loop);
}

enum { PINGS = 100, SLEEP_MS = 200 };

/* Each event brings the next one, so that all waits are short; then comes a long one. */
static void ping_cb(uv_poll_t *poll, int status, int events)
{
    struct seen *s = poll->data;
    char byte;

    (void)status;
    (void)events;
    loop_note_event(s->loop);
    assert_int_equal(read(s->fds[0], &byte, 1), 1);
    if (++s->count < PINGS) {
        assert_int_equal(write(s->fds[1], "x", 1), 1);
    } else {
        loop_timer_start(s->loop, &s->timer, SLEEP_MS, stop_cb, s);
    }
}

static uint64_t thread_cpu_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void a_loop_that_polls_still_sleeps_when_nothing_comes(void **state)
{
    struct seen s = {.loop = open_loop()};
    uint64_t from_ms = thread_cpu_ms();
    uv_poll_t poll;

    (void)state;
    assert_int_equal(pipe(s.fds), 0);
    assert_int_equal(uv_poll_init(loop_uv(s.loop), &poll, s.fds[0]), 0);
    poll.data = &s;
    assert_int_equal(uv_poll_start(&poll, UV_READABLE, ping_cb), 0);
    loop_set_poll(s.loop, LOOP_POLL_US_MAX);
    assert_int_equal(write(s.fds[1], "x", 1), 1);
    loop_run(s.loop);
    assert_int_equal(s.count, PINGS);
    assert_true(thread_cpu_ms() - from_ms < SLEEP_MS / 2);
    uv_close((uv_handle_t *)&poll, NULL);
    (void)close(s.fds[0]);
    (void)close(s.fds[1]);
    close_loop(s.loop);
}

static void hook_again(void *arg)
{
    struct seen *s = arg;

    if (++s->count < 3) {
        loop_defer(s->loop, &s->hook);
    } else {
        loop_stop(s->loop);
    }
}

static void a_hook_that_queues_itself_runs_in_the_next_turn(void **state)
{
    struct seen s = {.loop = open_loop(), .hook = {.run = hook_again}};

    (void)state;
    s.hook.arg = &s;
    loop_defer(s.loop, &s.hook);
    loop_defer(s.loop, &s.hook); /* the same as once */
    loop_run(s.loop);            /* would hang if the loop waited with a hook queued */
    assert_int_equal(s.count, 3);
    close_loop(s.loop);
}

static void cancel_other(void *arg)
{
    struct seen *s = arg;

    note(s, 'c');
    loop_defer_cancel(&s->hook);
    loop_timer_start(s->loop, &s->timer, 0, stop_cb, s); /* after the hooks of this turn */
}

static void a_hook_may_cancel_one_that_is_behind_it(void **state)
{
    struct seen s = {.loop = open_loop(), .hook = {.run = note_b}};
    struct loop_hook first = {.run = cancel_other, .arg = &s};

    (void)state;
    s.hook.arg = &s;
    loop_defer(s.loop, &first);
    loop_defer(s.loop, &s.hook);
    loop_run(s.loop);
    assert_string_equal(s.order, "cz");
    close_loop(s.loop);
}

static void signal_cb(void *arg, int signum)
{
    struct seen *s = arg;

    s->count = signum;
    loop_stop(s->loop);
}

static void a_signal_comes_through_the_loop(void **state)
{
    struct seen s = {.loop = open_loop()};

    (void)state;
    assert_int_equal(loop_on_signal(s.loop, SIGHUP, signal_cb, &s), CX_OK);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    loop_run(s.loop);
    assert_int_equal(s.count, SIGHUP);
    close_loop(s.loop);
}

struct looked_up {
    struct loop *loop;
    size_t n;
    struct loop_address first;
    struct cx_fail fail;
};

static void lookup_cb(void *arg, const struct loop_address *addresses, size_t n,
                      const struct cx_fail *fail)
{
    struct looked_up *l = arg;

    l->n = n;
    l->fail = *fail;
    if (n != 0) {
        l->first = addresses[0];
    }
    loop_stop(l->loop);
}

static void names_and_numbers_are_resolved(void **state)
{
    static const struct {
        const char *why, *host, *want;
    } rows[] = {
        {"an IPv4 address", "192.0.2.7", "192.0.2.7"},
        {"an IPv6 address", "2001:db8::1", "2001:db8::1"},
        {"a name of /etc/hosts", "localhost", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct looked_up l = {.loop = open_loop()};
        struct loop_lookup_ask ask = {rows[i].host, 8443, lookup_cb, &l};
        struct loop_lookup *lookup;

        CHECK_ERR(rows[i].why, loop_lookup(l.loop, &ask, &lookup), CX_OK);
        CHECK("never before it returns", l.n == 0);
        loop_run(l.loop);
        CHECK(rows[i].why, l.n > 0);
        if (rows[i].want != NULL) {
            CHECK_TEXT(rows[i].why, slice_of_str(l.first.text), rows[i].want);
        }
        close_loop(l.loop);
    }
}

static void a_name_that_is_not_resolved_says_so(void **state)
{
    struct looked_up l = {.loop = open_loop()};
    /* A label of 64 characters is no DNS name: refused without asking anybody. */
    static const char host[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test";
    struct loop_lookup_ask ask = {host, 1, lookup_cb, &l};
    struct loop_lookup *lookup;

    (void)state;
    assert_int_equal(loop_lookup(l.loop, &ask, &lookup), CX_OK);
    loop_run(l.loop);
    assert_int_equal(l.n, 0);
    assert_int_equal(l.fail.code, CX_E_CONNECT);
    assert_non_null(strstr(l.fail.detail, host));
    ask.host = "";
    assert_int_equal(loop_lookup(l.loop, &ask, &lookup), CX_E_SYNTAX);
    close_loop(l.loop);
}

static void a_cancelled_lookup_never_calls_back(void **state)
{
    struct looked_up l = {.loop = open_loop()};
    struct loop_lookup_ask ask = {"localhost", 1, lookup_cb, &l};
    struct loop_lookup *lookup;

    (void)state;
    assert_int_equal(loop_lookup(l.loop, &ask, &lookup), CX_OK);
    loop_lookup_cancel(lookup);
    ask.host = "127.0.0.1";
    assert_int_equal(loop_lookup(l.loop, &ask, &lookup), CX_OK);
    loop_lookup_cancel(lookup);
    close_loop(l.loop); /* waits for the thread */
    assert_int_equal(l.n, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_a_stopped_one_does_not),
        cmocka_unit_test(a_timer_of_0_ms_that_starts_itself_leaves_the_turn),
        cmocka_unit_test(a_repeating_timer_fires_until_it_is_stopped),
        cmocka_unit_test(a_hook_runs_once_after_all_events_of_the_turn),
        cmocka_unit_test(a_late_hook_runs_when_the_loop_has_looked_once_more),
        cmocka_unit_test(a_loop_that_polls_still_sleeps_when_nothing_comes),
        cmocka_unit_test(a_hook_that_queues_itself_runs_in_the_next_turn),
        cmocka_unit_test(a_hook_may_cancel_one_that_is_behind_it),
        cmocka_unit_test(a_signal_comes_through_the_loop),
        cmocka_unit_test(names_and_numbers_are_resolved),
        cmocka_unit_test(a_name_that_is_not_resolved_says_so),
        cmocka_unit_test(a_cancelled_lookup_never_calls_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
