#include "tests/unit/platform/store_answers.h"

/* What an agent may still have when the platform was killed, and where an exchange was before. */

struct seen {
    char text[64]; /* the numbers of the rows, a space after each */
    char moved[64], hold[64];
};

static void on_row(void *ctx, const struct store_exchange *e)
{
    struct seen *seen = ctx;
    size_t at = strlen(seen->text);

    (void)snprintf(seen->text + at, sizeof(seen->text) - at, "%u ", (unsigned)e->id.bytes[15]);
    (void)snprintf(seen->moved, sizeof(seen->moved), "%s", e->moved);
    (void)snprintf(seen->hold, sizeof(seen->hold), "%s", e->hold);
}

static void put_at(struct fixture *f, uint8_t n, uint64_t ms, enum execution execution,
                   const char *hold)
{
    struct store_exchange e = an_exchange(n, &agent_1);

    e.id = fixture_id(ms, n);
    e.began_ms = ms;
    e.hold = hold;
    if (execution != EXECUTION_UNKNOWN) { /* the platform has ended it */
        e.outcome = OUTCOME_FAILED;
        e.code = VERDICT_BUDGET_EXCEEDED;
        e.execution = execution;
        e.ended_ms = ms + 1;
    }
    store_put_exchange(f->store, &e, NULL, NULL);
}

static void expect_open(struct fixture *f, uint64_t span_ms, const char *want)
{
    struct seen seen = {0};

    assert_int_equal(store_each_open(f->store, span_ms, on_row, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

static void expect_hold(struct fixture *f, uint64_t since_ms, const char *want)
{
    struct seen seen = {0};

    assert_int_equal(store_each_hold(f->store, since_ms, on_row, &seen, &f->fail), CX_OK);
    assert_string_equal(seen.text, want);
}

static void what_has_no_end_is_found_as_far_back_as_the_last_began(void **state)
{
    struct fixture *f = *state;

    expect_open(f, 1000, ""); /* an empty store */
    put_at(f, 1, T0, EXECUTION_UNKNOWN, NULL);
    put_at(f, 2, T0 + 1000, EXECUTION_UNKNOWN, NULL);
    put_at(f, 3, T0 + 1500, EXECUTION_SENT, NULL);
    put_at(f, 4, T0 + 2000, EXECUTION_UNKNOWN, NULL);
    store_flush(f->store);
    expect_open(f, 1000, "2 4 ");
    expect_open(f, 999, "4 ");
    expect_open(f, UINT64_MAX, "1 2 4 ");
}

static void a_hold_is_found_until_a_result_or_certainty_ends_it(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_at(f, 1, T0, EXECUTION_UNKNOWN, "one");
    put_at(f, 2, T0, EXECUTION_SENT, "two");
    put_at(f, 3, T0, EXECUTION_NOT_SENT, "three");
    put_at(f, 4, T0, EXECUTION_UNKNOWN, NULL);
    put_at(f, 5, T0 + 1, EXECUTION_UNKNOWN, "five");
    store_flush(f->store);
    expect_hold(f, 0, "1 2 5 ");
    expect_hold(f, T0 + 1, "5 ");
    put_result(f, &answers, 2, &agent_1, "token");
    flush_and_expect(f, &answers, "n");
    expect_hold(f, 0, "1 5 ");
}

static void where_it_was_and_its_hold_stay_until_others_are_given(void **state)
{
    static const struct {
        const char *moved, *hold, *want_moved, *want_hold;
    } rows[] = {
        {NULL, NULL, "", ""},
        {"a:connect", "h", "a:connect", "h"},
        {NULL, NULL, "a:connect", "h"},
        {"a:connect b:tls", "i", "a:connect b:tls", "i"},
        {"", "", "a:connect b:tls", "i"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store_exchange e = an_exchange(1, &agent_1);
        struct seen seen = {0};

        e.moved = rows[i].moved;
        e.hold = rows[i].hold;
        store_put_exchange(f->store, &e, NULL, NULL);
        store_flush(f->store);
        assert_int_equal(store_each_open(f->store, 0, on_row, &seen, &f->fail), CX_OK);
        assert_string_equal(seen.moved, rows[i].want_moved);
        assert_string_equal(seen.hold, rows[i].want_hold);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_has_no_end_is_found_as_far_back_as_the_last_began),
        STORE_TEST(a_hold_is_found_until_a_result_or_certainty_ends_it),
        STORE_TEST(where_it_was_and_its_hold_stay_until_others_are_given),
    };

    return cmocka_run_group_tests_name("store_left", tests, NULL, NULL);
}
