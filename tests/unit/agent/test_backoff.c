#include "agent/core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The largest random number gives the largest wait. */
static void backoff_doubles_up_to_its_maximum(void **state)
{
    static const struct {
        const char *why;
        uint64_t now_ms;
        uint32_t want_ms;
    } rows[] = {
        {"first attempt", 1000, 500},
        {"second", 1500, 1000},
        {"third", 2500, 2000},
        {"fourth", 4500, 4000},
        {"at most 4 s early in an outage", 8500, 4000},
        {"still early", 1000 + 5 * 60 * 1000 - 1, 4000},
        {"at most 30 s after five minutes", 1000 + 5 * 60 * 1000, 30000},
        {"and so on", 1000 + 60 * 60 * 1000, 30000},
    };
    struct backoff b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(backoff_next_ms(&b, rows[i].now_ms, UINT32_MAX), rows[i].want_ms);
    }
}

static void backoff_jitter_reaches_from_zero_to_the_maximum(void **state)
{
    static const struct {
        uint32_t random, want_ms;
    } rows[] = {{0, 0}, {1u << 31, 250}, {UINT32_MAX, 500}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct backoff b = {0};

        assert_int_equal(backoff_next_ms(&b, 0, rows[i].random), rows[i].want_ms);
    }
}

static void backoff_reset_begins_a_new_outage(void **state)
{
    struct backoff b = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)backoff_next_ms(&b, 0, 0);
    }
    backoff_reset(&b);
    assert_int_equal(backoff_next_ms(&b, 10u * 60 * 1000, UINT32_MAX), 500);
    assert_int_equal(backoff_next_ms(&b, 15u * 60 * 1000 - 1, UINT32_MAX), 1000);
}

/* A platform that is gone for five seconds meets few attempts of one agent: with the mean of the
 * jitter the waits are 0.25, 0.5, 1, 2, 2 s. */
static void backoff_makes_at_most_five_attempts_in_five_seconds(void **state)
{
    struct backoff b = {0};
    uint64_t now_ms = 0;
    unsigned attempts = 0;

    (void)state;
    while (now_ms < 5000) {
        now_ms += backoff_next_ms(&b, now_ms, 1u << 31);
        attempts++;
    }
    assert_true(attempts <= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff_doubles_up_to_its_maximum),
        cmocka_unit_test(backoff_jitter_reaches_from_zero_to_the_maximum),
        cmocka_unit_test(backoff_reset_begins_a_new_outage),
        cmocka_unit_test(backoff_makes_at_most_five_attempts_in_five_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
