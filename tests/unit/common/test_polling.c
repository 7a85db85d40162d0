#include "common/core/polling.h"

#include "tests/support/check.h"

enum { US = 1000, LIMIT_NS = 200 * US };

/* So many waits of that length, one right after the other. */
static uint64_t waits(struct polling *p, uint64_t now_ns, unsigned count, uint64_t wait_ns)
{
    for (unsigned i = 0; i < count; i++) {
        (void)polling_goes_on(p, now_ns);
        now_ns += wait_ns;
        polling_end_wait(p, now_ns);
    }
    return now_ns;
}

static void polling_begins_and_ends_with_the_length_of_the_waits(void **state)
{
    static const struct {
        const char *why;
        uint64_t limit_ns;
        unsigned before, after; /* waits */
        uint64_t before_ns, after_ns;
        bool goes_on;
    } rows[] = {
        {"nothing is known yet", LIMIT_NS, 0, 0, 0, 0, false},
        {"short waits", LIMIT_NS, 100, 0, 50 * US, 0, true},
        {"as short, but it is off", 0, 100, 0, 50 * US, 0, false},
        {"as long as the limit", LIMIT_NS, 100, 0, LIMIT_NS, 0, false},
        {"a slow endpoint", LIMIT_NS, 100, 0, 20000 * US, 0, false},
        {"one pause between short waits", LIMIT_NS, 100, 1, 50 * US, 5000000 * (uint64_t)US, true},
        {"two pauses", LIMIT_NS, 100, 2, 50 * US, 5000000 * (uint64_t)US, false},
        {"each second wait is a long one", LIMIT_NS, 100, 1, 400 * US, 50 * US, false},
        {"short ones again after long ones", LIMIT_NS, 100, 20, 20000 * US, 50 * US, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct polling p;
        uint64_t now_ns = 5;

        polling_init(&p, rows[i].limit_ns);
        now_ns = waits(&p, now_ns, rows[i].before, rows[i].before_ns);
        now_ns = waits(&p, now_ns, rows[i].after, rows[i].after_ns);
        if (polling_goes_on(&p, now_ns) != rows[i].goes_on) {
            fail_msg("%s", rows[i].why);
        }
    }
}

static void polling_is_for_few_events(void **state)
{
    static const struct {
        unsigned before, events; /* in each of the first 50 waits, and of the last 50 */
        bool goes_on;
    } rows[] = {{1, 1, true}, {1, 3, true}, {1, 5, false}, {1, 4000000, false}, {2000, 1, true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct polling p;
        uint64_t now_ns = 5;

        polling_init(&p, LIMIT_NS);
        for (unsigned k = 0; k < 100; k++) {
            p.events = k < 50 ? rows[i].before : rows[i].events;
            now_ns = waits(&p, now_ns, 1, 50 * US);
        }
        if (polling_goes_on(&p, now_ns) != rows[i].goes_on) {
            fail_msg("%u, then %u events a wait", rows[i].before, rows[i].events);
        }
    }
}

static void polling_ends_at_the_limit(void **state)
{
    struct polling p;
    uint64_t now_ns;

    (void)state;
    polling_init(&p, LIMIT_NS);
    now_ns = waits(&p, 0, 100, 50 * US);
    assert_true(polling_goes_on(&p, now_ns));
    assert_true(polling_goes_on(&p, now_ns + LIMIT_NS - 1));
    assert_false(polling_goes_on(&p, now_ns + LIMIT_NS));
    assert_false(polling_goes_on(&p, now_ns + 100 * LIMIT_NS));
}

static void polling_pauses_when_the_core_comes_back_late(void **state)
{
    struct polling p;
    uint64_t now_ns;

    (void)state;
    polling_init(&p, LIMIT_NS);
    now_ns = waits(&p, 0, 100, 50 * US);
    polling_gave_way(&p, now_ns, now_ns + POLLING_LATE_NS);
    now_ns = waits(&p, now_ns + POLLING_LATE_NS, 1, 10 * US);
    assert_true(polling_goes_on(&p, now_ns));
    polling_gave_way(&p, now_ns, now_ns + POLLING_LATE_NS + 1);
    now_ns = waits(&p, now_ns + POLLING_LATE_NS + 1, 1, 10 * US);
    assert_false(polling_goes_on(&p, now_ns));
    now_ns = waits(&p, now_ns + POLLING_PAUSE_NS, 1, 10 * US);
    assert_true(polling_goes_on(&p, now_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polling_begins_and_ends_with_the_length_of_the_waits),
        cmocka_unit_test(polling_is_for_few_events),
        cmocka_unit_test(polling_ends_at_the_limit),
        cmocka_unit_test(polling_pauses_when_the_core_comes_back_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
