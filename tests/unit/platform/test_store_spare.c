#include "tests/unit/platform/store_answers.h"

#include "platform/io/store_sqlite.h"

/* The `done` of a result whose caller is there: answers.next.id names it. */
static void on_delivered(void *ctx, enum store_result_kind kind, enum cx_err err)
{
    struct answers *answers = ctx;

    on_result(ctx, kind, err);
    store_free_result(answers->store, &answers->next.id);
}

static void put_delivered(struct fixture *f, struct answers *answers, uint8_t n)
{
    const struct store_exchange e = a_result(n, &agent_1);

    answers->store = f->store;
    answers->next.id = e.id;
    put(f, answers, n, &agent_1);
    store_put_result(f->store, &e, SLICE_LIT("delivered"), on_delivered, answers);
    flush_and_expect(f, answers, "xn");
}

static bool can_be_claimed(struct fixture *f, uint8_t n)
{
    const struct cx_id id = fixture_id(T0, n);
    struct store_claim claim;
    enum cx_err err;

    buf_init(&claim.part, 100);
    buf_init(&claim.key, 100);
    err = store_get_result(f->store, &id, T0 + 60, &claim, &f->fail);
    buf_done(&claim.part);
    buf_done(&claim.key);
    return err == CX_OK;
}

static void a_result_is_written_over_one_that_was_delivered(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_delivered(f, &answers, 1);
    assert_false(can_be_claimed(f, 1)); /* although it is still there */
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
    put(f, &answers, 2, &agent_1);
    flush_and_expect(f, &answers, "x");
    put_result(f, &answers, 2, &agent_1, "two");
    flush_and_expect(f, &answers, "n");
    assert_string_equal(fixture_get(f, "SELECT group_concat(seq) FROM results"), "1");
    assert_true(can_be_claimed(f, 2));
    assert_false(can_be_claimed(f, 1));
    assert_false(store_is_dirty(f->store));
    put_result(f, &answers, 2, &agent_1, "two"); /* again: nothing is written over */
    flush_and_expect(f, &answers, "a");
    assert_true(can_be_claimed(f, 2));
}

static int refuse_commit(void *ctx)
{
    (void)ctx;
    return 1;
}

static void a_delivered_result_stays_one_when_its_group_fails(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_delivered(f, &answers, 1);
    put(f, &answers, 2, &agent_1);
    flush_and_expect(f, &answers, "x");
    put_result(f, &answers, 2, &agent_1, "two");
    (void)sqlite3_commit_hook(f->store->db, refuse_commit, NULL);
    store_flush(f->store);
    (void)sqlite3_commit_hook(f->store->db, NULL, NULL);
    assert_false(can_be_claimed(f, 1));
    store_flush(f->store);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

static void a_delivered_result_goes_when_nothing_is_to_be_written(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_delivered(f, &answers, 1);
    put_delivered(f, &answers, 2);
    assert_true(store_is_dirty(f->store));
    store_flush(f->store);
    assert_false(store_is_dirty(f->store));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
    put_delivered(f, &answers, 3);
    fixture_close(f);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

static void a_delivered_result_goes_when_no_other_comes(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    put_delivered(f, &answers, 1);
    for (uint8_t n = 2; n < 6; n++) { /* it is kept for four groups */
        put(f, &answers, n, &agent_1);
        flush_and_expect(f, &answers, "x");
    }
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
    put(f, &answers, 6, &agent_1);
    flush_and_expect(f, &answers, "x");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

static void only_young_rows_are_used_again(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {.store = f->store, .next = {.id = fixture_id(T0, 1)}};
    const struct store_exchange first = a_result(1, &agent_1);

    put(f, &answers, 1, &agent_1);
    store_put_result(f->store, &first, SLICE_LIT("delivered"), on_delivered, &answers);
    for (uint8_t n = 2; n <= STORE_SPARES + 2; n++) { /* they take the numbers after it */
        const struct store_exchange e = an_exchange(n, &agent_1);
        const struct store_exchange r = a_result(n, &agent_1);

        store_put_exchange(f->store, &e, NULL, NULL);
        store_put_result(f->store, &r, SLICE_LIT("waits"), NULL, NULL);
    }
    flush_and_expect(f, &answers, "xn");
    assert_string_equal(fixture_get(f, "SELECT min(seq) || ' ' || max(seq) FROM results"), "1 34");
    put(f, &answers, 100, &agent_1);
    put_result(f, &answers, 100, &agent_1, "waits");
    flush_and_expect(f, &answers, "xn");
    assert_string_equal(fixture_get(f, "SELECT min(seq) || ' ' || max(seq) FROM results"), "2 35");
}

static void another_result_than_that_which_is_answered_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {.store = f->store};
    const struct store_exchange e = a_result(1, &agent_1);
    const struct cx_id id = fixture_id(T0, 1);

    put(f, &answers, 1, &agent_1);
    store_put_result(f->store, &e, SLICE_LIT("one"), NULL, NULL);
    store_flush(f->store);
    answers.text[0] = '\0';
    store_free_result(f->store, &id); /* from outside: a claim */
    assert_false(can_be_claimed(f, 1));
    put(f, &answers, 2, &agent_1);
    flush_and_expect(f, &answers, "x");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_result_is_written_over_one_that_was_delivered),
        STORE_TEST(a_delivered_result_stays_one_when_its_group_fails),
        STORE_TEST(a_delivered_result_goes_when_nothing_is_to_be_written),
        STORE_TEST(a_delivered_result_goes_when_no_other_comes),
        STORE_TEST(only_young_rows_are_used_again),
        STORE_TEST(another_result_than_that_which_is_answered_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
