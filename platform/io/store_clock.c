#include "platform/io/store_sqlite.h"

/* Somebody has set the clock. What waits for 15 minutes (a result for its caller, an
 * Idempotency-Key, an enrolment string) shall still wait for what is left of them: its time is
 * moved with the clock. */

enum { SPAN_MS = 2 * STORE_RESULT_MS }; /* from the beginning of an exchange to its last use */

static enum cx_err move_results(struct store *s, int64_t step_ms, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "UPDATE results SET ended_ms = ended_ms + ?");
    query_put_u64(&q, (uint64_t)step_ms); /* two's complement: what is negative stays so */
    return query_run(&q, fail);
}

static enum cx_err move_enrollments(struct store *s, int64_t step_ms, uint64_t before_ms,
                                    struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "UPDATE enrollments SET expires_ms = expires_ms + ? WHERE expires_ms > ?");
    query_put_u64(&q, (uint64_t)step_ms);
    query_put_u64(&q, before_ms);
    return query_run(&q, fail);
}

/* Rows lie in the order of their ids, which begin with the time: only the last ones are looked at.
 * Those of before the last step have ids of the time before it. */
static struct cx_id least_id(struct store *s, uint64_t before_ms)
{
    static const uint8_t least[10] = {0};
    uint64_t since_ms = store_before(before_ms, SPAN_MS);
    bool is_soon = s->clock_set_ms != 0 && s->clock_set_ms >= since_ms;

    if (is_soon && s->moved_since_ms < since_ms) {
        since_ms = s->moved_since_ms;
    }
    s->moved_since_ms = since_ms;
    return id_make(since_ms, least);
}

/* Those that something can still come of. */
static enum cx_err move_exchanges(struct store *s, int64_t step_ms, uint64_t before_ms,
                                  struct cx_fail *fail)
{
    struct cx_id since = least_id(s, before_ms);
    struct query q;

    query_start(&q, s,
                "UPDATE exchanges SET began_ms = began_ms + ?1,"
                " ended_ms = CASE ended_ms WHEN 0 THEN 0 ELSE ended_ms + ?1 END WHERE id >= ?2"
                " AND (repeat_sha256 IS NOT NULL OR outcome = '' OR execution = 'sent')");
    query_put_u64(&q, (uint64_t)step_ms);
    query_put_id(&q, &since);
    return query_run(&q, fail);
}

void store_clock_set(struct store *s, uint64_t now_ms, int64_t step_ms)
{
    uint64_t before_ms = now_ms - (uint64_t)step_ms;
    struct cx_fail fail = {.code = CX_OK};
    enum cx_err err;

    store_flush(s); /* what is noted has the time of before */
    err = store_begin(s, &fail);
    if (err == CX_OK) {
        err = move_results(s, step_ms, &fail);
        if (err == CX_OK) {
            err = move_enrollments(s, step_ms, before_ms, &fail);
        }
        if (err == CX_OK) {
            err = move_exchanges(s, step_ms, before_ms, &fail);
        }
        (void)!store_end(s, err, &fail); /* `fail` has it */
    }
    s->clock_set_ms = now_ms;
    store_note_trouble(s, &fail);
}
