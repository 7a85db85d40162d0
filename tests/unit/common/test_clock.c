#include "common/io/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void clock_wall_is_unix_time(void **state)
{
    time_t before = time(NULL);
    uint64_t ms = clock_wall_ms();
    uint64_t s = clock_wall_s();
    time_t after = time(NULL);

    (void)state;
    /* time(2) may lag by a tick behind clock_gettime(2). */
    assert_true(ms / 1000 >= (uint64_t)before && ms / 1000 <= (uint64_t)after + 1);
    assert_true(s >= (uint64_t)before && s <= (uint64_t)after + 1);
}

static void clock_mono_counts_the_same_in_both_units(void **state)
{
    uint64_t before_us = clock_mono_us();
    uint64_t ms = clock_mono_ms();
    uint64_t after_us = clock_mono_us();

    (void)state;
    assert_true(before_us <= after_us);
    assert_true(ms >= before_us / 1000 && ms <= after_us / 1000);
}

static void random_fill_fills_all_and_no_more(void **state)
{
    uint8_t bytes[1000];
    uint8_t seen[999] = {0};

    (void)state;
    /* A byte that stays 0 in 20 fills has a chance of 2^-160. */
    for (int i = 0; i < 20; i++) {
        memset(bytes, 0, sizeof(bytes));
        random_fill(bytes, 999);
        assert_int_equal(bytes[999], 0);
        for (size_t at = 0; at < 999; at++) {
            seen[at] |= bytes[at];
        }
    }
    for (size_t at = 0; at < 999; at++) {
        assert_int_not_equal(seen[at], 0);
    }
    assert_true(random_u64() != random_u64());
}

static void random_take_gives_nothing_twice_and_keeps_nothing(void **state)
{
    static struct random_pool pool;
    uint8_t taken[40][26];

    (void)state;
    for (size_t i = 0; i < 40; i++) { /* more than it asks for at a time */
        random_take(&pool, taken[i], sizeof(taken[i]));
        assert_null(memmem(pool.bytes, sizeof(pool.bytes), taken[i], sizeof(taken[i])));
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(taken[i], taken[k], sizeof(taken[i]));
        }
    }
    for (size_t at = 0; at < sizeof(pool.bytes) - pool.left; at++) {
        assert_int_equal(pool.bytes[at], 0);
    }
}

static void random_id_is_a_uuid_of_now(void **state)
{
    uint64_t before_ms = clock_wall_ms();
    struct cx_id a = random_id();
    struct cx_id b = random_id();
    uint64_t after_ms = clock_wall_ms();
    uint64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++) { /* RFC 9562, 5.7: 48 bits of Unix time in ms */
        ms = ms << 8 | a.bytes[i];
    }
    assert_true(ms >= before_ms && ms <= after_ms);
    assert_int_equal(a.bytes[6] >> 4, 7);
    assert_int_equal(a.bytes[8] >> 6, 2);
    assert_false(id_eq(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_wall_is_unix_time),
        cmocka_unit_test(clock_mono_counts_the_same_in_both_units),
        cmocka_unit_test(random_fill_fills_all_and_no_more),
        cmocka_unit_test(random_take_gives_nothing_twice_and_keeps_nothing),
        cmocka_unit_test(random_id_is_a_uuid_of_now),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
