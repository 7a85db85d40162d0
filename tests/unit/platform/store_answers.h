#ifndef CONNECTOR_TESTS_STORE_ANSWERS_H
#define CONNECTOR_TESTS_STORE_ANSWERS_H

#include "tests/unit/platform/store_fixture.h"

/* Exchanges and results for tests, and what their `done` functions were told. */

enum { T0 = 1000000 };

static const struct cx_id agent_1 = {{0xa1}}, agent_2 = {{0xa2}};

/* What was answered, in order: "x" an exchange, "n" "a" "u" "f" a result's kind; upper case when it
 * was not written. */
struct answers {
    char text[64];
    struct store *store;
    struct store_exchange next; /* noted by note_next */
};

static inline void add_answer(struct answers *a, char letter)
{
    size_t at = strlen(a->text);

    assert_true(at + 1 < sizeof(a->text));
    a->text[at] = letter;
    a->text[at + 1] = '\0';
}

static inline void on_exchange(void *ctx, enum cx_err err)
{
    assert_true(err == CX_OK || err == CX_E_STORE);
    add_answer(ctx, err == CX_OK ? 'x' : 'X');
}

static inline void on_result(void *ctx, enum store_result_kind kind, enum cx_err err)
{
    assert_true(err == CX_OK || err == CX_E_STORE);
    add_answer(ctx, err == CX_OK ? "nauf"[kind] : 'R');
}

static inline struct store_exchange an_exchange(uint8_t n, const struct cx_id *agent)
{
    return (struct store_exchange){.id = fixture_id(T0, n),
                                   .profile = "hr",
                                   .connector = "west",
                                   .key = "portal",
                                   .subject = "u1",
                                   .purpose = PURPOSE_AUTHORIZE,
                                   .agent = *agent,
                                   .began_ms = T0};
}

static inline struct store_exchange a_result(uint8_t n, const struct cx_id *agent)
{
    return (struct store_exchange){.id = fixture_id(T0, n),
                                   .connector = "west",
                                   .agent = *agent,
                                   .outcome = OUTCOME_ISSUED,
                                   .code = VERDICT_ISSUED,
                                   .execution = EXECUTION_ANSWERED,
                                   .status = 200,
                                   .ended_ms = T0 + 50};
}

static inline void put(struct fixture *f, struct answers *answers, uint8_t n,
                       const struct cx_id *agent)
{
    const struct store_exchange e = an_exchange(n, agent);

    store_put_exchange(f->store, &e, on_exchange, answers);
}

static inline void put_result(struct fixture *f, struct answers *answers, uint8_t n,
                              const struct cx_id *agent, const char *part)
{
    const struct store_exchange e = a_result(n, agent);

    store_put_result(f->store, &e, slice_of_str(part), on_result, answers);
}

static inline void flush_and_expect(struct fixture *f, struct answers *answers, const char *want)
{
    assert_true(store_is_dirty(f->store));
    assert_string_equal(answers->text, ""); /* nothing is answered before */
    store_flush(f->store);
    assert_string_equal(answers->text, want);
    assert_null(store_trouble(f->store));
    answers->text[0] = '\0';
}

static inline void expect_claim(struct fixture *f, uint8_t n, uint64_t now_ms, const char *want)
{
    const struct cx_id id = fixture_id(T0, n);
    struct store_claim claim;
    enum cx_err err;

    buf_init(&claim.part, 256);
    buf_init(&claim.key, 256);
    err = store_get_result(f->store, &id, now_ms, &claim, &f->fail);
    assert_int_equal(err, want != NULL ? CX_OK : CX_E_NOT_FOUND);
    if (want != NULL) {
        assert_true(slice_eq_str(buf_view(&claim.part), want));
        assert_true(slice_eq_str(buf_view(&claim.key), "portal"));
    } else {
        assert_int_equal(claim.part.len + claim.key.len, 0);
    }
    buf_done(&claim.part);
    buf_done(&claim.key);
}

/* The columns of an exchange that say how it ended. */
#define END_OF(id_end)                                                                             \
    "SELECT outcome || ' ' || code || ' ' || execution || ' ' || stage || ' ' || status || ' ' ||" \
    " ended_ms || ' ' || substr(coalesce(hex(agent), '-'), 1, 2) FROM exchanges"                   \
    " WHERE hex(id) LIKE '%" id_end "'"

#endif
