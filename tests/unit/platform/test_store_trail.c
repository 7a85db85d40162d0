#include "tests/unit/platform/store_answers.h"

#include "platform/io/store_sqlite.h"

/* Looking exchanges up: by id, by what repeats them, and as the audit trail. */

static void put_keyed(struct fixture *f, struct answers *answers, uint8_t n, uint8_t hash)
{
    struct store_exchange e = an_exchange(n, &agent_1);

    e.is_keyed = true;
    memset(e.repeat_sha256, hash, sizeof(e.repeat_sha256));
    memset(e.body_sha256, n, sizeof(e.body_sha256));
    store_put_exchange(f->store, &e, on_exchange, answers);
}

static enum cx_err find_repeat(struct fixture *f, uint8_t hash, uint64_t now_ms,
                               struct store_found *out)
{
    uint8_t sha256[32];

    memset(sha256, hash, sizeof(sha256));
    return store_find_repeat(f->store, sha256, now_ms, out, &f->fail);
}

static void an_exchange_is_found_by_its_id(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1), other = fixture_id(T0, 9);
    struct store_found found;

    put(f, &answers, 1, &agent_1);
    assert_int_equal(store_find_exchange(f->store, &id, &found, &f->fail), CX_E_NOT_FOUND);
    flush_and_expect(f, &answers, "x");
    assert_int_equal(store_find_exchange(f->store, &id, &found, &f->fail), CX_OK);
    assert_true(id_eq(&found.id, &id) && id_eq(&found.agent, &agent_1));
    assert_string_equal(found.key, "portal");
    assert_string_equal(found.connector, "west");
    assert_int_equal(found.began_ms, T0);
    assert_int_equal(found.ended_ms, 0);
    assert_int_equal(found.outcome, OUTCOME_UNKNOWN);
    assert_false(found.has_result || found.is_keyed);
    put_result(f, &answers, 1, &agent_1, "");
    flush_and_expect(f, &answers, "n");
    assert_int_equal(store_find_exchange(f->store, &id, &found, &f->fail), CX_OK);
    assert_true(found.has_result);
    assert_int_equal(found.outcome, OUTCOME_ISSUED);
    assert_int_equal(found.code, VERDICT_ISSUED);
    assert_int_equal(found.execution, EXECUTION_ANSWERED);
    assert_int_equal(found.ended_ms, T0 + 50);
    assert_int_equal(store_find_exchange(f->store, &other, &found, &f->fail), CX_E_NOT_FOUND);
}

static void a_repeat_finds_the_last_of_its_exchanges(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_found found;
    const struct cx_id second = fixture_id(T0, 2);

    put_keyed(f, &answers, 1, 7);
    put_keyed(f, &answers, 2, 7);
    put_keyed(f, &answers, 3, 8);
    put(f, &answers, 4, &agent_1);
    flush_and_expect(f, &answers, "xxxx");
    fixture_reopen(f);
    assert_int_equal(find_repeat(f, 7, T0, &found), CX_OK);
    assert_true(id_eq(&found.id, &second) && found.is_keyed);
    assert_int_equal(found.body_sha256[0], 2);
    assert_int_equal(found.body_sha256[31], 2);
    assert_int_equal(find_repeat(f, 9, T0, &found), CX_E_NOT_FOUND);
}

static void a_repeat_is_known_for_15_minutes_after_the_end(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_found found;

    put_keyed(f, &answers, 1, 7);
    flush_and_expect(f, &answers, "x");
    assert_int_equal(find_repeat(f, 7, T0 + 899999, &found), CX_OK);
    assert_int_equal(find_repeat(f, 7, T0 + 900000, &found), CX_E_NOT_FOUND);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "n");
    assert_int_equal(find_repeat(f, 7, T0 + 50 + 899999, &found), CX_OK);
    assert_int_equal(find_repeat(f, 7, T0 + 50 + 900000, &found), CX_E_NOT_FOUND);
}

static void what_was_asked_is_kept_sealed_and_for_this_row_only(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct store_found found;
    static const char clear[] = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1";

    put_keyed(f, &answers, 1, 7);
    put_keyed(f, &answers, 2, 8);
    flush_and_expect(f, &answers, "xx");
    fixture_close(f);
    assert_false(fixture_file_has(f->path, clear));
    fixture_sql(f, "UPDATE exchanges SET sealed_body_sha256 ="
                   " (SELECT max(sealed_body_sha256) FROM exchanges WHERE id ="
                   " (SELECT max(id) FROM exchanges))");
    fixture_open(f);
    assert_int_equal(find_repeat(f, 7, T0, &found), CX_E_CRYPTO);
    assert_int_equal(find_repeat(f, 8, T0, &found), CX_OK);
}

static void expect_kept(struct fixture *f, uint8_t n, uint64_t now_ms, const char *want)
{
    const struct cx_id id = fixture_id(T0, n);
    struct store_claim claim;

    buf_init(&claim.part, 256);
    buf_init(&claim.key, 256);
    assert_int_equal(store_get_kept(f->store, &id, now_ms, &claim, &f->fail),
                     want != NULL ? CX_OK : CX_E_NOT_FOUND);
    assert_true(want == NULL || slice_eq_str(buf_view(&claim.part), want));
    buf_done(&claim.part);
    buf_done(&claim.key);
}

static void a_keyed_result_is_claimed_once_and_kept_for_repeats(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);

    put_keyed(f, &answers, 1, 7);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xn");
    expect_claim(f, 1, T0 + 60, "token");
    store_drop_result(f->store, &id);
    expect_claim(f, 1, T0 + 60, NULL); /* as soon as it is noted */
    expect_kept(f, 1, T0 + 60, "token");
    store_flush(f->store);
    fixture_reopen(f);
    expect_claim(f, 1, T0 + 60, NULL);
    expect_kept(f, 1, T0 + 60, "token");
    expect_kept(f, 1, T0 + 50 + 900000, NULL);
    while (store_tidy(f->store, T0 + 50 + 900000)) {
    }
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
}

/* --- the audit trail --- */

struct list {
    char text[256]; /* the last byte of each id */
    struct store_exchange last;
    char last_profile[32];
};

static void on_row(void *ctx, const struct store_exchange *e)
{
    struct list *l = ctx;
    size_t at = strlen(l->text);

    (void)snprintf(l->text + at, sizeof(l->text) - at, "%d ", e->id.bytes[15]);
    l->last = *e;
    (void)snprintf(l->last_profile, sizeof(l->last_profile), "%s", e->profile);
}

static void put_row(struct fixture *f, uint8_t n, const char *profile, enum outcome outcome)
{
    struct store_exchange e = an_exchange(n, &agent_1);

    e.id = fixture_id(T0 + n, n);
    e.began_ms = T0 + n;
    e.profile = profile;
    e.outcome = outcome;
    store_put_exchange(f->store, &e, NULL, NULL);
}

static struct cx_id expect_list(struct fixture *f, struct store_query query, const char *want)
{
    struct list list = {.text = ""};
    struct cx_id next = {{0xff}};

    query.each = on_row;
    query.ctx = &list;
    query.limit = query.limit != 0 ? query.limit : 100;
    assert_int_equal(store_list_exchanges(f->store, &query, &next, &f->fail), CX_OK);
    assert_string_equal(list.text, want);
    return next;
}

static void fill(struct fixture *f)
{
    put_row(f, 1, "hr", OUTCOME_ISSUED);
    put_row(f, 2, "hr", OUTCOME_REFUSED);
    put_row(f, 3, "pay", OUTCOME_REFUSED);
    put_row(f, 4, "pay", OUTCOME_UNKNOWN);
    put_row(f, 5, "hr", OUTCOME_FAILED);
    put_row(f, 6, "hr", OUTCOME_ISSUED);
    store_flush(f->store);
}

static void the_trail_is_given_newest_first_by_what_was_asked(void **state)
{
    static const struct {
        struct store_query query;
        const char *want;
    } rows[] = {
        {{0}, "6 5 4 3 2 1 "},
        {{.profile = "hr"}, "6 5 2 1 "},
        {{.profile = "none"}, ""},
        {{.outcome = OUTCOME_REFUSED}, "3 2 "},
        {{.outcome = OUTCOME_ISSUED}, "6 1 "},
        {{.outcome = OUTCOME_CANCELLED}, ""},
        {{.profile = "hr", .outcome = OUTCOME_REFUSED}, "2 "},
        {{.profile = "hr", .outcome = OUTCOME_ISSUED}, "6 1 "},
        {{.since_ms = T0 + 4}, "6 5 4 "},
        {{.since_ms = T0 + 2, .outcome = OUTCOME_REFUSED}, "3 2 "},
        {{.since_ms = T0 + 3, .profile = "hr"}, "6 5 "},
    };
    struct fixture *f = *state;

    fill(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cx_id next = expect_list(f, rows[i].query, rows[i].want);

        assert_true(id_is_none(&next));
    }
}

static void the_trail_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    struct store_query query = {.profile = "hr", .limit = 2};

    fill(f);
    query.after = expect_list(f, query, "6 5 ");
    assert_int_equal(query.after.bytes[15], 5);
    query.after = expect_list(f, query, "2 1 ");
    assert_true(id_is_none(&query.after)); /* and that was all: nobody asks in vain */
    query.limit = 3;
    query.after = expect_list(f, query, "6 5 2 ");
    query.after = expect_list(f, query, "1 ");
    assert_true(id_is_none(&query.after));
}

static void a_row_says_all_that_is_known_of_it(void **state)
{
    struct fixture *f = *state;
    struct store_exchange e = an_exchange(1, &agent_2);
    struct list list = {.text = ""};
    struct store_query query = {.limit = 1, .each = on_row, .ctx = &list};
    struct cx_id next;

    e.purpose = PURPOSE_REFRESH;
    e.outcome = OUTCOME_FAILED;
    e.code = VERDICT_ENDPOINT_UNREACHABLE;
    e.execution = EXECUTION_NOT_SENT;
    e.stage = STAGE_TLS;
    e.status = 0;
    e.ended_ms = T0 + 7;
    store_put_exchange(f->store, &e, NULL, NULL);
    store_flush(f->store);
    assert_int_equal(store_list_exchanges(f->store, &query, &next, &f->fail), CX_OK);
    assert_string_equal(list.last_profile, "hr");
    assert_true(id_eq(&list.last.agent, &agent_2));
    assert_int_equal(list.last.purpose, PURPOSE_REFRESH);
    assert_int_equal(list.last.outcome, OUTCOME_FAILED);
    assert_int_equal(list.last.code, VERDICT_ENDPOINT_UNREACHABLE);
    assert_int_equal(list.last.execution, EXECUTION_NOT_SENT);
    assert_int_equal(list.last.stage, STAGE_TLS);
    assert_int_equal(list.last.began_ms, T0);
    assert_int_equal(list.last.ended_ms, T0 + 7);
}

static void a_call_looks_at_a_bounded_number_of_rows(void **state)
{
    struct fixture *f = *state;
    struct list list = {.text = ""};
    struct store_query query = {
        .profile = "hr", .outcome = OUTCOME_ISSUED, .limit = 10, .each = on_row, .ctx = &list};

    /* two that match, far apart: ids in the order of time, the last byte told by */
    put_row(f, 1, "hr", OUTCOME_ISSUED);
    for (uint64_t i = 0; i < STORE_QUERY_ROWS; i++) {
        struct store_exchange e = an_exchange(9, &agent_1);

        e.id = fixture_id(T0 + 10 + i, 9);
        store_put_exchange(f->store, &e, NULL, NULL); /* it runs */
    }
    store_flush(f->store);
    assert_int_equal(store_list_exchanges(f->store, &query, &query.after, &f->fail), CX_OK);
    assert_string_equal(list.text, "");
    assert_false(id_is_none(&query.after));
    assert_int_equal(store_list_exchanges(f->store, &query, &query.after, &f->fail), CX_OK);
    assert_string_equal(list.text, "1 ");
    assert_true(id_is_none(&query.after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(an_exchange_is_found_by_its_id),
        STORE_TEST(a_repeat_finds_the_last_of_its_exchanges),
        STORE_TEST(a_repeat_is_known_for_15_minutes_after_the_end),
        STORE_TEST(what_was_asked_is_kept_sealed_and_for_this_row_only),
        STORE_TEST(a_keyed_result_is_claimed_once_and_kept_for_repeats),
        STORE_TEST(the_trail_is_given_newest_first_by_what_was_asked),
        STORE_TEST(the_trail_goes_on_where_it_stopped),
        STORE_TEST(a_row_says_all_that_is_known_of_it),
        STORE_TEST(a_call_looks_at_a_bounded_number_of_rows),
    };

    return cmocka_run_group_tests_name("store_trail", tests, NULL, NULL);
}
