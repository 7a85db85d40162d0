#include "tests/unit/platform/store_answers.h"

static const struct cx_id none = {{0}};

static void an_exchange_is_written_with_its_group(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_exchange e = an_exchange(1, &agent_1);
    char profile[] = "hr";

    e.profile = profile;
    store_put_exchange(f->store, &e, on_exchange, &answers);
    profile[0] = 'x'; /* it was copied */
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "0");
    flush_and_expect(f, &answers, "x");
    assert_string_equal(fixture_get(f, "SELECT profile || ' ' || connector || ' ' || key || ' ' ||"
                                       " subject || ' ' || purpose || ' ' || hex(agent) || ' ' ||"
                                       " began_ms || ' ' || hex(id) FROM exchanges"),
                        "hr west portal u1 authorize A1000000000000000000000000000000 1000000 "
                        "0000000F424070008000000000000001");
    assert_string_equal(fixture_get(f, END_OF("01")), "    0 0 A1");
    assert_false(store_is_dirty(f->store));
    store_flush(f->store); /* nothing is noted: nothing happens */
    assert_string_equal(answers.text, "");
}

static void a_job_that_moves_belongs_to_the_new_agent(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put(f, &answers, 1, &none);
    flush_and_expect(f, &answers, "x");
    assert_string_equal(fixture_get(f, END_OF("01")), "    0 0 ");
    put_result(f, &answers, 1, &agent_1, "a stranger's");
    flush_and_expect(f, &answers, "f"); /* no agent was given it */
    put(f, &answers, 1, &agent_1);
    flush_and_expect(f, &answers, "x");
    put(f, &answers, 1, &agent_2);
    put_result(f, &answers, 1, &agent_1, "late");
    put_result(f, &answers, 1, &agent_2, "token");
    flush_and_expect(f, &answers, "xfn");
    expect_claim(f, 1, T0 + 50, "token");
    put_result(f, &answers, 1, &agent_1, "late");
    flush_and_expect(f, &answers, "f");
    assert_string_equal(fixture_get(f, END_OF("01")), "issued issued answered  200 1000050 A2");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM strays"), "0");
}

static void a_late_result_replaces_the_platforms_end(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_exchange e = an_exchange(1, &agent_1);

    put(f, &answers, 1, &agent_1);
    e.agent = none; /* leaves it as it is */
    e.outcome = OUTCOME_FAILED;
    e.code = VERDICT_BUDGET_EXCEEDED;
    e.execution = EXECUTION_SENT;
    e.stage = STAGE_BUDGET;
    e.ended_ms = T0 + 40;
    store_put_exchange(f->store, &e, on_exchange, &answers);
    flush_and_expect(f, &answers, "xx");
    assert_string_equal(fixture_get(f, END_OF("01")),
                        "failed budget_exceeded sent budget 0 1000040 A1");
    fixture_reopen(f);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "n");
    assert_string_equal(fixture_get(f, END_OF("01")), "issued issued answered  200 1000050 A1");
    expect_claim(f, 1, T0 + 60, "token");
}

static void a_result_of_no_agent_ends_what_none_was_given(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put(f, &answers, 1, &none); /* the platform runs it by itself */
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &none, "token");
    put_result(f, &answers, 1, &none, "again");
    put_result(f, &answers, 2, &none, "not ours");
    flush_and_expect(f, &answers, "xxnaf");
    assert_string_equal(fixture_get(f, END_OF("01")), "issued issued answered  200 1000050 ");
    expect_claim(f, 1, T0 + 60, "token");
    expect_claim(f, 2, T0 + 60, NULL);
}

static void an_end_by_a_result_stays(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_exchange e = an_exchange(1, &agent_2);

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    put_result(f, &answers, 1, &agent_1, "again");
    flush_and_expect(f, &answers, "xna");
    e.outcome = OUTCOME_FAILED;
    e.ended_ms = T0 + 99;
    store_put_exchange(f->store, &e, on_exchange, &answers);
    flush_and_expect(f, &answers, "x");
    assert_string_equal(fixture_get(f, END_OF("01")), "issued issued answered  200 1000050 A1");
    fixture_reopen(f);
    put_result(f, &answers, 1, &agent_1, "again");
    flush_and_expect(f, &answers, "a");
    expect_claim(f, 1, T0 + 60, "token");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
}

static void a_result_without_a_part_ends_the_exchange_too(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "");
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 2, &agent_1, NULL);
    flush_and_expect(f, &answers, "xnxn");
    put_result(f, &answers, 1, &agent_1, "more");
    flush_and_expect(f, &answers, "a");
    expect_claim(f, 1, T0 + 60, NULL);
    expect_claim(f, 2, T0 + 60, NULL);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

static void a_result_of_a_job_that_nobody_stored_leaves_a_trace(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_result(f, &answers, 9, &agent_1, "token");
    put_result(f, &answers, 9, &agent_1, "token");
    flush_and_expect(f, &answers, "ua");
    put_result(f, &answers, 9, &agent_2, "token");
    flush_and_expect(f, &answers, "a");
    assert_string_equal(
        fixture_get(f, "SELECT connector || ' ' || hex(agent) || ' ' || outcome || ' ' || code ||"
                       " ' ' || execution || ' ' || stage || ' ' || status || ' ' || ended_ms"
                       " FROM strays"),
        "west A1000000000000000000000000000000 issued issued answered  200 1000050");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "0");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
    expect_claim(f, 9, T0 + 60, NULL);
}

static void a_part_is_claimed_until_it_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id first = fixture_id(T0, 1);

    put(f, &answers, 1, &agent_1);
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "one");
    put_result(f, &answers, 2, &agent_1, "two");
    expect_claim(f, 1, T0 + 60, NULL); /* not written yet */
    flush_and_expect(f, &answers, "xxnn");
    fixture_reopen(f);
    expect_claim(f, 1, T0 + 60, "one");
    store_drop_result(f->store, &first);
    expect_claim(f, 1, T0 + 60, NULL); /* from now on, although it is still there */
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "2");
    store_flush(f->store);
    expect_claim(f, 1, T0 + 60, NULL);
    expect_claim(f, 2, T0 + 60, "two");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
    store_drop_result(f->store, &first); /* a second time: nothing */
    store_flush(f->store);
    expect_claim(f, 2, T0 + 60, "two");
}

static void a_part_expires_after_15_minutes(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xn");
    expect_claim(f, 1, 0, "token"); /* a clock that was set back */
    expect_claim(f, 1, T0 + 50 + 900000 - 1, "token");
    expect_claim(f, 1, T0 + 50 + 900000, NULL);
}

static void a_number_that_is_used_again_gives_nobody_elses_part(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id first = fixture_id(T0, 1);

    put(f, &answers, 1, &agent_1);
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "one");
    flush_and_expect(f, &answers, "xxn");
    store_drop_result(f->store, &first);
    fixture_reopen(f); /* flushes, and counts anew from the highest number in use: none */
    put_result(f, &answers, 2, &agent_1, "two");
    flush_and_expect(f, &answers, "n");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges WHERE result = 1"), "2");
    expect_claim(f, 1, T0 + 60, NULL);
    expect_claim(f, 2, T0 + 60, "two");
    store_drop_result(f->store, &first);
    store_flush(f->store);
    expect_claim(f, 2, T0 + 60, "two");
    fixture_reopen(f); /* now one is in use */
    put(f, &answers, 3, &agent_1);
    put_result(f, &answers, 3, &agent_1, "three");
    flush_and_expect(f, &answers, "xn");
    expect_claim(f, 2, T0 + 60, "two");
    expect_claim(f, 3, T0 + 60, "three");
}

static void a_claim_is_whole_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);
    struct store_claim claim;

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xn");
    buf_init(&claim.part, 4);
    buf_init(&claim.key, 100);
    assert_int_equal(store_get_result(f->store, &id, T0, &claim, &f->fail), CX_E_TOO_BIG);
    assert_int_equal(claim.part.len + claim.key.len, 0);
    buf_init(&claim.part, 100);
    buf_done(&claim.key);
    buf_init(&claim.key, 5);
    assert_int_equal(store_get_result(f->store, &id, T0, &claim, &f->fail), CX_E_TOO_BIG);
    assert_int_equal(claim.part.len + claim.key.len, 0);

    fixture_sql(f, "UPDATE results SET sealed = x'01' || sealed");
    buf_init(&claim.key, 100);
    assert_int_equal(store_get_result(f->store, &id, T0, &claim, &f->fail), CX_E_CRYPTO);
    assert_int_equal(claim.part.len + claim.key.len, 0);
    buf_done(&claim.part);
    buf_done(&claim.key);
}

static void a_part_can_not_take_the_place_of_another(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);
    struct store_claim claim;

    put(f, &answers, 1, &agent_1);
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "one");
    put_result(f, &answers, 2, &agent_1, "two");
    flush_and_expect(f, &answers, "xxnn");
    fixture_sql(f, "UPDATE results SET sealed = (SELECT sealed FROM results WHERE seq = 2)"
                   " WHERE seq = 1");
    buf_init(&claim.part, 100);
    buf_init(&claim.key, 100);
    assert_int_equal(store_get_result(f->store, &id, T0, &claim, &f->fail), CX_E_CRYPTO);
    assert_int_equal(claim.part.len, 0);
    buf_done(&claim.part);
    buf_done(&claim.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(an_exchange_is_written_with_its_group),
        STORE_TEST(a_job_that_moves_belongs_to_the_new_agent),
        STORE_TEST(a_late_result_replaces_the_platforms_end),
        STORE_TEST(a_result_of_no_agent_ends_what_none_was_given),
        STORE_TEST(an_end_by_a_result_stays),
        STORE_TEST(a_result_without_a_part_ends_the_exchange_too),
        STORE_TEST(a_result_of_a_job_that_nobody_stored_leaves_a_trace),
        STORE_TEST(a_part_is_claimed_until_it_is_dropped),
        STORE_TEST(a_part_expires_after_15_minutes),
        STORE_TEST(a_number_that_is_used_again_gives_nobody_elses_part),
        STORE_TEST(a_claim_is_whole_or_nothing),
        STORE_TEST(a_part_can_not_take_the_place_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
