#include "common/io/loop_private.h"

#include "tests/support/check.h"

#include <stdlib.h>

/* Three clocks are read one after the other, in whole milliseconds. */
enum { HOUR = 3600 * 1000, NOISE = 500 };

struct seen {
    struct loop *loop;
    struct loop_timer timer;
    struct clock_news news;
    unsigned told, fired;
};

static void on_clocks(void *arg, const struct clock_news *news)
{
    struct seen *s = arg;

    s->told++;
    s->news = *news;
    assert_int_equal(s->fired, 0); /* the timers come after it */
}

static void on_timer(void *arg)
{
    struct seen *s = arg;

    s->fired++;
    loop_stop(s->loop);
}

static struct seen *seen_new(void)
{
    struct seen *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    assert_int_equal(loop_new(&s->loop, NULL), CX_OK);
    loop_on_clocks(s->loop, on_clocks, s);
    return s;
}

static void seen_free(struct seen *s)
{
    assert_int_equal(loop_free(s->loop), CX_OK);
    free(s);
}

/* As if the reading of before had been made before the machine slept. */
static void sleep_for(struct seen *s, uint64_t ms)
{
    s->loop->watch.last.boot_ms -= ms;
    s->loop->watch.last.wall_ms -= ms;
    loop_clocks_look(s->loop);
}

static void a_timer_counts_the_time_asleep(void **state)
{
    struct seen *s = seen_new();
    uint64_t before_ms = loop_now_ms(s->loop);

    (void)state;
    loop_timer_start(s->loop, &s->timer, HOUR, on_timer, s);
    loop_turn(s->loop);
    loop_turn(s->loop);
    assert_int_equal(s->fired, 0);
    sleep_for(s, HOUR);
    assert_int_equal(s->told, 1);
    assert_int_equal(s->news.stepped_ms, 0);
    assert_true(s->news.slept_ms > HOUR - NOISE && s->news.slept_ms < HOUR + NOISE);
    assert_true(loop_now_ms(s->loop) > before_ms + HOUR - NOISE);
    loop_run(s->loop); /* at once, or the test runs out of time */
    assert_int_equal(s->fired, 1);
    seen_free(s);
}

static void what_is_left_of_a_timer_is_waited_for(void **state)
{
    struct seen *s = seen_new();
    uint64_t began_ms = loop_now_ms(s->loop);

    (void)state;
    loop_timer_start(s->loop, &s->timer, HOUR + 50, on_timer, s);
    loop_turn(s->loop);
    sleep_for(s, HOUR);
    loop_run(s->loop);
    assert_int_equal(s->fired, 1);
    assert_true(loop_now_ms(s->loop) > began_ms + HOUR + 50 - NOISE);
    seen_free(s);
}

static void a_clock_that_is_set_moves_no_timer(void **state)
{
    struct seen *s = seen_new();
    uint64_t before_ms = loop_now_ms(s->loop);

    (void)state;
    loop_timer_start(s->loop, &s->timer, HOUR, on_timer, s);
    s->loop->watch.last.wall_ms -= 3 * HOUR;
    loop_clocks_look(s->loop);
    assert_int_equal(s->told, 1);
    assert_int_equal(s->news.slept_ms, 0);
    assert_true(s->news.stepped_ms > 3 * HOUR - NOISE && s->news.stepped_ms < 3 * HOUR + NOISE);
    loop_turn(s->loop);
    loop_turn(s->loop);
    assert_int_equal(s->fired, 0);
    assert_true(loop_now_ms(s->loop) < before_ms + HOUR);
    loop_timer_stop(&s->timer);
    seen_free(s);
}

static void nothing_new_is_not_told(void **state)
{
    struct seen *s = seen_new();

    (void)state;
    loop_clocks_look(s->loop);
    loop_turn(s->loop);
    assert_int_equal(s->told, 0);
    seen_free(s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_counts_the_time_asleep),
        cmocka_unit_test(what_is_left_of_a_timer_is_waited_for),
        cmocka_unit_test(a_clock_that_is_set_moves_no_timer),
        cmocka_unit_test(nothing_new_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
