#include "tests/unit/platform/store_answers.h"

#include "platform/io/store_sqlite.h"

static const uint64_t minute = 60 * 1000, day = 24ull * 60 * 60 * 1000;

static void add(struct fixture *f, uint64_t ms, unsigned n, const char *part)
{
    struct store_exchange e = an_exchange((uint8_t)n, &agent_1);
    struct store_exchange end = a_result((uint8_t)n, &agent_1);

    e.id = fixture_id(ms, (uint8_t)n);
    e.began_ms = ms;
    end.id = e.id;
    end.ended_ms = ms;
    store_put_exchange(f->store, &e, NULL, NULL);
    store_put_result(f->store, &end, slice_of_str(part), NULL, NULL);
}

static void results_go_in_steps_when_their_time_is_over(void **state)
{
    struct fixture *f = *state;
    const uint64_t now = T0 + 15 * minute;

    for (unsigned i = 0; i < STORE_TIDY_ROWS + 30; i++) {
        add(f, T0, i, "old");
    }
    add(f, T0 + 1, 1, "new");
    store_flush(f->store);
    assert_false(store_tidy(f->store, now - 1));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "95");
    assert_true(store_tidy(f->store, now));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "31");
    assert_false(store_tidy(f->store, now));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
    assert_false(store_tidy(f->store, now));
    assert_string_equal(fixture_get(f, "SELECT ended_ms FROM results"), "1000001");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "95");
    assert_false(store_tidy(f->store, now + 1));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
    assert_null(store_trouble(f->store));
}

static void the_audit_trail_goes_after_30_days(void **state)
{
    struct fixture *f = *state;
    const uint64_t now = T0 + 30 * day;

    for (unsigned i = 0; i < 2 * STORE_TIDY_ROWS; i++) {
        add(f, T0, i, "");
    }
    add(f, T0 + 1, 1, "");
    store_flush(f->store);
    assert_false(store_tidy(f->store, now)); /* 30 days old, not older */
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "129");
    assert_true(store_tidy(f->store, now + 1));
    assert_true(store_tidy(f->store, now + 1));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "1");
    assert_false(store_tidy(f->store, now + 1));
    assert_string_equal(fixture_get(f, "SELECT began_ms FROM exchanges"), "1000001");
}

static void strays_go_by_their_time_whatever_their_ids(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_exchange e = a_result(0, &agent_1);

    for (uint8_t i = 0; i < 3; i++) {
        memset(e.id.bytes, 0xff - i, sizeof(e.id.bytes)); /* an agent's fancy */
        e.ended_ms = T0 + i;
        store_put_result(f->store, &e, SLICE_LIT(""), on_result, &answers);
    }
    flush_and_expect(f, &answers, "uuu");
    assert_false(store_tidy(f->store, T0 + 30 * day + 2));
    assert_string_equal(fixture_get(f, "SELECT group_concat(ended_ms) FROM strays"), "1000002");
}

static void enrollments_go_an_hour_after_their_end(void **state)
{
    struct fixture *f = *state;
    const struct store_connector c = {.id = agent_1, .name = "west"};
    struct store_enrollment e = {.connector = agent_1, .expires_ms = T0};

    assert_int_equal(store_add_connector(f->store, &c, &f->fail), CX_OK);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    e.token_sha256[0] = 1;
    e.expires_ms = T0 + 1;
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    assert_false(store_tidy(f->store, T0 + 60 * minute));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM enrollments"), "2");
    assert_false(store_tidy(f->store, T0 + 60 * minute + 1));
    assert_string_equal(fixture_get(f, "SELECT group_concat(expires_ms) FROM enrollments"),
                        "1000001");
}

static void an_early_clock_forgets_nothing(void **state)
{
    struct fixture *f = *state;

    add(f, T0, 1, "token");
    store_flush(f->store);
    assert_false(store_tidy(f->store, 0));
    assert_false(store_tidy(f->store, 1));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "1");
}

static void what_is_left_of_15_minutes_is_left_when_the_clock_is_set(void **state)
{
    static const int64_t steps[] = {3 * 3600 * 1000, -2 * 3600 * 1000}; /* to and fro */
    struct fixture *f = *state;
    const struct store_connector c = {.id = agent_1, .name = "west"};
    struct store_enrollment e = {.connector = agent_1};
    struct store_exchange unkeyed = an_exchange(9, &agent_1);
    struct store_exchange kept = an_exchange(1, &agent_1);
    struct store_exchange end = a_result(1, &agent_1);
    uint64_t now = T0 + day;
    struct store_claim claim;
    struct store_found found;

    assert_int_equal(store_add_connector(f->store, &c, &f->fail), CX_OK);
    kept.id = end.id = fixture_id(now, 1);
    kept.began_ms = end.ended_ms = now;
    kept.is_keyed = true;
    memset(kept.repeat_sha256, 5, sizeof(kept.repeat_sha256));
    unkeyed.id = fixture_id(now, 9);
    unkeyed.began_ms = unkeyed.ended_ms = now;
    unkeyed.outcome = OUTCOME_REFUSED;
    unkeyed.code = VERDICT_CREDENTIALS_REFUSED;
    unkeyed.execution = EXECUTION_ANSWERED;
    store_put_exchange(f->store, &kept, NULL, NULL);
    store_put_result(f->store, &end, SLICE_LIT("token"), NULL, NULL);
    store_put_exchange(f->store, &unkeyed, NULL, NULL);
    e.expires_ms = now + 15 * minute;
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    for (size_t i = 0; i < 2; i++) {
        now += 7 * minute;
        now += (uint64_t)steps[i];
        store_clock_set(f->store, now, steps[i]);
        assert_null(store_trouble(f->store));
        assert_false(store_tidy(f->store, now));
    }
    now += minute - 1; /* one millisecond less than 15 minutes are over */
    buf_init(&claim.part, 64);
    buf_init(&claim.key, 64);
    assert_int_equal(store_get_result(f->store, &kept.id, now, &claim, &f->fail), CX_OK);
    assert_int_equal(store_find_repeat(f->store, kept.repeat_sha256, now, &found, &f->fail), CX_OK);
    assert_int_equal(store_find_repeat(f->store, kept.repeat_sha256, now + 1, &found, &f->fail),
                     CX_E_NOT_FOUND);
    assert_int_equal(store_get_result(f->store, &kept.id, now + 1, &claim, &f->fail),
                     CX_E_NOT_FOUND);
    assert_string_equal(fixture_get(f, "SELECT expires_ms FROM enrollments"), "91900000");
    /* the trail keeps the time that the clock showed */
    assert_string_equal(fixture_get(f, "SELECT ended_ms FROM exchanges WHERE outcome = 'refused'"),
                        "87400000");
    buf_done(&claim.part);
    buf_done(&claim.key);
}

static void tidying_that_fails_says_so_and_goes_on_later(void **state)
{
    struct fixture *f = *state;
    sqlite3 *other;

    add(f, T0, 1, "token");
    store_flush(f->store);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_tidy(f->store, T0 + day));
    assert_non_null(store_trouble(f->store));
    assert_non_null(strstr(store_trouble(f->store)->detail, "another program"));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_false(store_tidy(f->store, T0 + day));
    assert_null(store_trouble(f->store));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(results_go_in_steps_when_their_time_is_over),
        STORE_TEST(the_audit_trail_goes_after_30_days),
        STORE_TEST(strays_go_by_their_time_whatever_their_ids),
        STORE_TEST(enrollments_go_an_hour_after_their_end),
        STORE_TEST(an_early_clock_forgets_nothing),
        STORE_TEST(what_is_left_of_15_minutes_is_left_when_the_clock_is_set),
        STORE_TEST(tidying_that_fails_says_so_and_goes_on_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
