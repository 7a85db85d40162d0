#include "common/core/clock_watch.h"

#include "tests/support/check.h"

enum { HOUR = 3600 * 1000 };

static void clock_watch_tells_sleep_from_a_step_and_both_from_noise(void **state)
{
    static const struct {
        const char *why;
        int64_t mono, boot, wall; /* how far each has gone */
        uint64_t slept_ms;
        int64_t stepped_ms;
    } rows[] = {
        {"all go on alike", HOUR, HOUR, HOUR, 0, 0},
        {"a laptop's lid was shut for an hour", 5, HOUR + 5, HOUR + 5, HOUR, 0},
        {"a second of sleep counts", 0, 1000, 1000, 1000, 0},
        {"less is the time between two readings", 0, 999, 999, 0, 0},
        {"the boot time was read first", 20, 0, 20, 0, 0},
        {"set forwards", 10, 10, HOUR + 10, 0, HOUR},
        {"set backwards", 10, 10, 10 - 2 * HOUR, 0, -2 * HOUR},
        {"a second back counts", 10, 10, -990, 0, -1000},
        {"less than one is the clock's own slewing", 10, 10, 1009, 0, 0},
        {"asleep, and set on waking", 10, HOUR + 10, 3 * HOUR + 10, HOUR, 2 * HOUR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct clock_reading now = {
            .mono_ms = 100000, .boot_ms = 9 * HOUR, .wall_ms = 1764000000000};
        struct clock_watch w;
        struct clock_news news;

        clock_watch_init(&w, &now);
        now.mono_ms += (uint64_t)rows[i].mono;
        now.boot_ms += (uint64_t)rows[i].boot;
        now.wall_ms += (uint64_t)rows[i].wall;
        news = clock_watch_look(&w, &now);
        if (news.slept_ms != rows[i].slept_ms || news.stepped_ms != rows[i].stepped_ms) {
            fail_msg("%s: slept %llu, stepped %lld", rows[i].why, (unsigned long long)news.slept_ms,
                     (long long)news.stepped_ms);
        }
        news = clock_watch_look(&w, &now);
        assert_true(news.slept_ms == 0 && news.stepped_ms == 0); /* told once */
    }
}

static void clock_watch_adds_up_what_was_too_little_to_tell(void **state)
{
    struct clock_reading now = {.mono_ms = 1, .boot_ms = 1, .wall_ms = 1764000000000};
    struct clock_watch w;

    (void)state;
    clock_watch_init(&w, &now);
    now.boot_ms += 600;
    now.wall_ms += 600;
    assert_int_equal(clock_watch_look(&w, &now).slept_ms, 0);
    now.boot_ms += 600;
    now.wall_ms += 600;
    assert_int_equal(clock_watch_look(&w, &now).slept_ms, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_watch_tells_sleep_from_a_step_and_both_from_noise),
        cmocka_unit_test(clock_watch_adds_up_what_was_too_little_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
