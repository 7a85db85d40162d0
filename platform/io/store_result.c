#include "platform/io/store_sqlite.h"

#include "common/io/seal.h"

/* Results that wait for their callers, and forgetting what is past its time. */

#define AUDIT_MS ((uint64_t)STORE_AUDIT_DAYS * 24 * 60 * 60 * 1000)

uint64_t store_before(uint64_t now_ms, uint64_t span_ms)
{
    return now_ms > span_ms ? now_ms - span_ms : 0;
}

static enum cx_err open_part(struct store *s, const struct cx_id *id, struct slice sealed,
                             struct buf *out)
{
    struct buf aad;
    enum cx_err err;

    buf_init(&aad, STORE_AAD_MAX_BYTES);
    err = store_result_aad(&aad, id);
    if (err == CX_OK) {
        err = seal_open(s->key, buf_view(&aad), sealed, out);
    }
    buf_done(&aad);
    return err;
}

/* The row in `q` into `out`; both unchanged on error. */
static enum cx_err read_claim(struct query *q, const struct cx_id *id, struct store_claim *out,
                              struct cx_fail *fail)
{
    size_t key_bytes = out->key.len;
    enum cx_err err = buf_put_str(&out->key, query_text(q, 1));

    if (err == CX_OK) {
        err = open_part(q->store, id, query_blob(q, 0), &out->part);
    }
    if (err == CX_OK) {
        return CX_OK;
    }
    buf_truncate(&out->key, key_bytes);
    if (err != CX_E_NOMEM && err != CX_E_TOO_BIG) {
        err = CX_E_CRYPTO;
    }
    return cx_fail_set(fail, err, "store.get_result", "the result can't be opened: %s",
                       cx_err_text(err));
}

struct wanted {
    const struct cx_id *id;
    uint64_t now_ms;
};

static enum cx_err get_part(struct store *s, const char *sql, const struct wanted *wanted,
                            struct store_claim *out, struct cx_fail *fail)
{
    struct query q;
    enum cx_err err = CX_E_NOT_FOUND;

    query_start(&q, s, sql);
    query_put_id(&q, wanted->id);
    query_put_u64(&q, store_before(wanted->now_ms, STORE_RESULT_MS));
    if (query_next(&q)) {
        err = read_claim(&q, wanted->id, out, fail);
    } else if (q.rc == SQLITE_OK) {
        cx_fail_set(fail, err, "store.get_result", "there is no result to be had");
    }
    if (q.rc != SQLITE_OK) {
        return query_end(&q, fail);
    }
    query_drop(&q);
    return err;
}

#define RESULT_OF                                                                                  \
    "SELECT sealed, key FROM exchanges JOIN results ON results.seq = exchanges.result"             \
    " AND results.id = exchanges.id WHERE exchanges.id = ? AND results.ended_ms > ?"

enum cx_err store_get_result(struct store *s, const struct cx_id *id, uint64_t now_ms,
                             struct store_claim *out, struct cx_fail *fail)
{
    if (note_group_drops(&s->noted, id)) {
        return cx_fail_set(fail, CX_E_NOT_FOUND, "store.get_result", "it was delivered");
    }
    return get_part(s, RESULT_OF " AND results.is_delivered = 0", &(struct wanted){id, now_ms}, out,
                    fail);
}

enum cx_err store_get_kept(struct store *s, const struct cx_id *id, uint64_t now_ms,
                           struct store_claim *out, struct cx_fail *fail)
{
    return get_part(s, RESULT_OF, &(struct wanted){id, now_ms}, out, fail);
}

/* What store_tidy forgets. The first parameter is the time before which a row must lie (for
 * exchanges as the least id of that time), the second how many rows a step may take. */
enum forgotten {
    FORGET_RESULTS,
    FORGET_EXCHANGES,
    FORGET_STRAYS,
    FORGET_ENROLLMENTS,
    FORGET_COUNT
};

static const struct {
    uint64_t after_ms;
    const char *sql;
} forget[FORGET_COUNT] = {
    /* seq is nearly the order in which they expire: only the first need a look */
    [FORGET_RESULTS] = {STORE_RESULT_MS, "DELETE FROM results WHERE ended_ms <= ? AND seq IN"
                                         " (SELECT seq FROM results ORDER BY seq LIMIT ?)"},
    [FORGET_EXCHANGES] = {AUDIT_MS, "DELETE FROM exchanges WHERE id IN"
                                    " (SELECT id FROM exchanges WHERE id < ? ORDER BY id LIMIT ?)"},
    [FORGET_STRAYS] = {AUDIT_MS, "DELETE FROM strays WHERE id IN"
                                 " (SELECT id FROM strays WHERE ended_ms < ? LIMIT ?)"},
    [FORGET_ENROLLMENTS] = {STORE_ENROLLMENT_KEEP_MS,
                            "DELETE FROM enrollments WHERE token_sha256 IN"
                            " (SELECT token_sha256 FROM enrollments WHERE expires_ms < ? LIMIT ?)"},
};

static enum cx_err forget_some(struct store *s, enum forgotten which, uint64_t now_ms,
                               bool *has_more, struct cx_fail *fail)
{
    static const uint8_t least[10] = {0};
    uint64_t before_ms = store_before(now_ms, forget[which].after_ms);
    struct cx_id before_id = id_make(before_ms, least);
    struct query q;
    enum cx_err err;

    query_start(&q, s, forget[which].sql);
    if (which == FORGET_EXCHANGES) {
        query_put_id(&q, &before_id);
    } else {
        query_put_u64(&q, before_ms);
    }
    query_put_u64(&q, STORE_TIDY_ROWS);
    err = query_run(&q, fail);
    if (err == CX_OK && sqlite3_changes(s->db) >= STORE_TIDY_ROWS) {
        *has_more = true;
    }
    return err;
}

bool store_tidy(struct store *s, uint64_t now_ms)
{
    struct cx_fail fail = {.code = CX_OK};
    bool has_more = false;
    enum cx_err err = store_begin(s, &fail);

    if (err == CX_OK) {
        for (int i = 0; i < FORGET_COUNT && err == CX_OK; i++) {
            err = forget_some(s, (enum forgotten)i, now_ms, &has_more, &fail);
        }
        err = store_end(s, err, &fail);
    }
    store_note_trouble(s, &fail);
    return err == CX_OK && has_more;
}
