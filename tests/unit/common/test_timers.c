#include "common/core/timers.h"

#include "tests/support/check.h"

#include <stdlib.h>

enum { MANY = 2000 };

static void timers_come_in_order_of_time_then_of_arrival(void **state)
{
    static const uint64_t due_ms[] = {30, 10, 20, 10, 0, 30};
    static const size_t want[] = {4, 1, 3, 2, 0, 5};
    struct timers set = {0};
    struct timer t[COUNT_OF(due_ms)] = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(due_ms); i++) {
        timers_add(&set, &t[i], due_ms[i]);
    }
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_ptr_equal(timers_first(&set), &t[want[i]]);
        timers_remove(&set, &t[want[i]]);
        assert_false(timer_is_set(&t[want[i]]));
    }
    assert_null(timers_first(&set));
}

static void removing_one_that_is_in_no_set_does_nothing(void **state)
{
    struct timers set = {0};
    struct timer in = {0};
    struct timer out = {0};

    (void)state;
    timers_add(&set, &in, 5);
    timers_remove(&set, &out);
    assert_ptr_equal(timers_first(&set), &in);
}

/* A small generator, so that the mix is the same in each run. */
static uint32_t next_number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void many_added_and_removed_anywhere_still_come_in_order(void **state)
{
    struct timers set = {0};
    struct timer *t = calloc(MANY, sizeof(*t));
    uint32_t seed = 7;
    uint64_t last_ms = 0;
    size_t left = 0;

    (void)state;
    assert_non_null(t);
    for (size_t i = 0; i < MANY; i++) {
        timers_add(&set, &t[i], next_number(&seed) % 1000);
    }
    for (size_t i = 0; i < MANY * 5; i++) { /* take one out, put another in */
        struct timer *any = &t[next_number(&seed) % MANY];

        if (timer_is_set(any)) {
            timers_remove(&set, any);
        } else {
            timers_add(&set, any, next_number(&seed) % 1000);
        }
    }
    for (size_t i = 0; i < MANY; i++) {
        left += timer_is_set(&t[i]) ? 1 : 0;
    }
    assert_true(left > 0);
    for (struct timer *first; (first = timers_first(&set)) != NULL; left--) {
        assert_true(first->due_ms >= last_ms);
        last_ms = first->due_ms;
        timers_remove(&set, first);
    }
    assert_int_equal(left, 0);
    free(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_in_order_of_time_then_of_arrival),
        cmocka_unit_test(removing_one_that_is_in_no_set_does_nothing),
        cmocka_unit_test(many_added_and_removed_anywhere_still_come_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
