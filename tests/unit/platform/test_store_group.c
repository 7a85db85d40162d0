#include "tests/unit/platform/store_answers.h"

#include "platform/io/store_sqlite.h"

static void a_group_is_written_in_order(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    store_drop_result(f->store, &id);
    put_result(f, &answers, 2, &agent_1, "token"); /* before its exchange: not known yet */
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xnuxa");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
    store_put_exchange(f->store, &(struct store_exchange){.id = id}, NULL, NULL); /* no `done` */
    store_put_result(f->store, &(struct store_exchange){.id = id, .agent = agent_1}, SLICE_LIT(""),
                     NULL, NULL);
    store_flush(f->store);
    assert_null(store_trouble(f->store));
}

static void note_next(void *ctx, enum cx_err err)
{
    struct answers *answers = ctx;

    on_exchange(ctx, err);
    answers->next.id.bytes[15]++;
    store_put_exchange(answers->store, &answers->next, on_exchange, answers);
    store_flush(answers->store); /* does nothing */
}

static void what_a_done_notes_is_for_the_next_group(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    answers.store = f->store;
    answers.next = an_exchange(1, &agent_1);
    store_put_exchange(f->store, &answers.next, note_next, &answers);
    put(f, &answers, 7, &agent_1);
    flush_and_expect(f, &answers, "xx");
    assert_true(store_is_dirty(f->store));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "2");
    flush_and_expect(f, &answers, "x");
    assert_false(store_is_dirty(f->store));
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "3");
}

static void close_flushes_also_what_is_noted_then(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    answers.store = f->store;
    answers.next = an_exchange(1, &agent_1);
    store_put_exchange(f->store, &answers.next, note_next, &answers);
    fixture_close(f);
    assert_string_equal(answers.text, "xx");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "2");
}

static void note_for_ever(void *ctx, enum cx_err err)
{
    struct answers *answers = ctx;

    on_exchange(ctx, err);
    answers->next.id.bytes[15]++;
    store_put_exchange(answers->store, &answers->next, note_for_ever, answers);
}

static void close_ends_although_each_done_notes_more(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};

    answers.store = f->store;
    answers.next = an_exchange(1, &agent_1);
    note_for_ever(&answers, CX_OK);
    fixture_close(f);
    assert_string_equal(answers.text, "xxxxx");
}

static void what_was_noted_is_wiped(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct note_group *g = &f->store->written;
    size_t texts;

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    assert_non_null(memmem(f->store->noted.bytes.ptr, f->store->noted.bytes.len, "portal", 6));
    assert_null(memmem(f->store->noted.bytes.ptr, f->store->noted.bytes.len, "token", 5));
    texts = f->store->noted.bytes.len;
    flush_and_expect(f, &answers, "xn");
    assert_int_equal(g->count, 0);
    for (size_t i = 0; i < 2 * sizeof(g->notes[0]); i++) {
        assert_int_equal(((const uint8_t *)g->notes)[i], 0);
    }
    for (size_t i = 0; i < texts; i++) {
        assert_int_equal(g->bytes.ptr[i], 0);
    }
}

static void a_group_larger_than_any_before_is_written(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    static uint8_t part[1 << 18];

    memset(part, 'p', sizeof(part));
    for (unsigned i = 0; i < 1000; i++) {
        struct store_exchange e = an_exchange((uint8_t)i, &agent_1);

        e.id.bytes[14] = (uint8_t)(i >> 8);
        store_put_exchange(f->store, &e, NULL, NULL);
        if (i < 20) {
            store_put_result(f->store, &e, slice_of(part, sizeof(part)), on_result, &answers);
        }
    }
    flush_and_expect(f, &answers, "nnnnnnnnnnnnnnnnnnnn");
    assert_int_equal(f->store->written.bytes.room, 0); /* that much memory is given back */
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "1000");
    assert_string_equal(fixture_get(f, "SELECT sum(length(sealed)) FROM results"), "5243460");
}

static void what_can_not_be_noted_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const size_t bytes = (1 << 26) + 1; /* more than a group holds */
    uint8_t *part = calloc(1, bytes);
    const struct store_exchange e = a_result(1, &agent_1);

    assert_non_null(part);
    put(f, &answers, 1, &agent_1);
    store_put_result(f->store, &e, slice_of(part, bytes), on_result, &answers);
    put(f, &answers, 2, &agent_1);
    flush_and_expect(f, &answers, "xRx");
    free(part);
    assert_string_equal(fixture_get(f, END_OF("01")), "    0 0 A1");
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "n");
}

static void a_group_that_is_full_answers_at_once(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);

    for (size_t i = 0; i < (1 << 17) + 1; i++) {
        store_drop_result(f->store, &id);
    }
    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    store_put_agent_seen(f->store, &(struct store_agent){.id = agent_1, .version = "", .host = ""});
    assert_string_equal(answers.text, "XR");
    store_flush(f->store);
    assert_string_equal(answers.text, "XR");
    answers.text[0] = '\0';
    put(f, &answers, 1, &agent_1);
    flush_and_expect(f, &answers, "x");
}

static void a_group_without_memory_fails_and_the_store_goes_on(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    static uint8_t part[100000];
    const struct store_exchange e = a_result(1, &agent_1);

    put(f, &answers, 1, &agent_1);
    store_put_result(f->store, &e, slice_of(part, sizeof(part)), on_result, &answers);
    (void)sqlite3_hard_heap_limit64(sqlite3_memory_used());
    store_flush(f->store);
    (void)sqlite3_hard_heap_limit64(0);
    assert_string_equal(answers.text, "XR");
    answers.text[0] = '\0';
    assert_int_equal(store_trouble(f->store)->code, CX_E_NOMEM);
    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_group_is_written_in_order),
        STORE_TEST(what_a_done_notes_is_for_the_next_group),
        STORE_TEST(close_flushes_also_what_is_noted_then),
        STORE_TEST(close_ends_although_each_done_notes_more),
        STORE_TEST(what_was_noted_is_wiped),
        STORE_TEST(a_group_larger_than_any_before_is_written),
        STORE_TEST(what_can_not_be_noted_fails_alone),
        STORE_TEST(a_group_that_is_full_answers_at_once),
        STORE_TEST(a_group_without_memory_fails_and_the_store_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
