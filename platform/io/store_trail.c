#include "platform/io/store_sqlite.h"

#include "common/io/seal.h"

#include <stdio.h>
#include <string.h>

/* Reading the exchanges' rows: one that is asked for, and the audit trail. */

/* --- one --- */

#define FOUND_COLUMNS                                                                              \
    "SELECT id, agent, connector, key, began_ms, ended_ms, outcome, code, execution, stage,"       \
    " result, repeat_sha256, sealed_body_sha256, purpose FROM exchanges "
enum {
    FOUND_ID,
    FOUND_AGENT,
    FOUND_CONNECTOR,
    FOUND_KEY,
    FOUND_BEGAN,
    FOUND_ENDED,
    FOUND_OUTCOME,
    FOUND_CODE,
    FOUND_EXECUTION,
    FOUND_STAGE,
    FOUND_RESULT,
    FOUND_REPEAT,
    FOUND_BODY,
    FOUND_PURPOSE
};

static bool is_null(struct query *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

static enum cx_err open_body(struct query *q, struct store_found *out, struct cx_fail *fail)
{
    struct buf aad;
    struct buf body;
    enum cx_err err;

    buf_init(&aad, STORE_AAD_MAX_BYTES);
    buf_init(&body, sizeof(out->body_sha256));
    err = store_body_aad(&aad, &out->id);
    if (err == CX_OK) {
        err = seal_open(q->store->key, buf_view(&aad), query_blob(q, FOUND_BODY), &body);
    }
    if (err == CX_OK && body.len == sizeof(out->body_sha256)) {
        memcpy(out->body_sha256, body.ptr, body.len);
    } else {
        err = cx_fail_set(fail, err == CX_E_NOMEM ? err : CX_E_CRYPTO, "store.find_exchange",
                          "what it was asked with can't be opened");
    }
    buf_done(&body);
    buf_done(&aad);
    return err;
}

static enum cx_err read_found(struct query *q, struct store_found *out, struct cx_fail *fail)
{
    *out = (struct store_found){
        .id = query_id(q, FOUND_ID),
        .agent = query_id(q, FOUND_AGENT),
        .began_ms = query_u64(q, FOUND_BEGAN),
        .ended_ms = query_u64(q, FOUND_ENDED),
        .purpose = terms_purpose_of(slice_of_str(query_text(q, FOUND_PURPOSE))),
        .outcome = terms_outcome_of(slice_of_str(query_text(q, FOUND_OUTCOME))),
        .code = terms_verdict_of(slice_of_str(query_text(q, FOUND_CODE))),
        .execution = terms_execution_of(slice_of_str(query_text(q, FOUND_EXECUTION))),
        .stage = terms_stage_of(slice_of_str(query_text(q, FOUND_STAGE))),
        .has_result = !is_null(q, FOUND_RESULT),
        .is_keyed = !is_null(q, FOUND_REPEAT),
    };
    (void)snprintf(out->connector, sizeof(out->connector), "%s", query_text(q, FOUND_CONNECTOR));
    (void)snprintf(out->key, sizeof(out->key), "%s", query_text(q, FOUND_KEY));
    return out->is_keyed ? open_body(q, out, fail) : CX_OK;
}

/* The one row of a query that is all put. */
static enum cx_err find(struct query *q, struct store_found *out, struct cx_fail *fail)
{
    struct store_found found;
    bool is_there = query_next(q);
    enum cx_err err = is_there ? read_found(q, &found, fail) : CX_OK;

    if (err != CX_OK) {
        query_drop(q);
        return err;
    }
    err = query_end(q, fail);
    if (err == CX_OK && !is_there) {
        err = cx_fail_set(fail, CX_E_NOT_FOUND, "store.find_exchange", "there is no such exchange");
    }
    if (err == CX_OK) {
        *out = found;
    }
    return err;
}

enum cx_err store_find_exchange(struct store *s, const struct cx_id *id, struct store_found *out,
                                struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, FOUND_COLUMNS "WHERE id = ?");
    query_put_id(&q, id);
    return find(&q, out, fail);
}

enum cx_err store_find_repeat(struct store *s, const uint8_t repeat_sha256[32], uint64_t now_ms,
                              struct store_found *out, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s,
                FOUND_COLUMNS "WHERE repeat_sha256 = ? AND max(began_ms, ended_ms) > ?"
                              " ORDER BY id DESC LIMIT 1");
    query_put_blob(&q, slice_of(repeat_sha256, 32));
    query_put_u64(&q, store_before(now_ms, STORE_RESULT_MS));
    return find(&q, out, fail);
}

/* --- the audit trail --- */

#define TRAIL_COLUMNS                                                                              \
    "SELECT id, profile, connector, key, subject, purpose, agent, began_ms, outcome, code,"        \
    " execution, stage, status, ended_ms, moved, hold FROM exchanges "
#define TRAIL_RANGE "id < ? AND id >= ? ORDER BY id DESC"

/* Few exchanges end in a way that the index by outcome has, and it is then the shorter way. */
static bool is_rare(enum outcome outcome)
{
    return outcome != OUTCOME_UNKNOWN && !terms_is_success(outcome);
}

/* Between which ids the rows lie: below the first, not below the second. */
struct bounds {
    struct cx_id below, least;
};

static struct bounds bounds_of(const struct store_query *query)
{
    static const uint8_t none[10] = {0};
    struct bounds b = {.below = query->after, .least = id_make(query->since_ms, none)};

    if (id_is_none(&b.below)) {
        memset(&b.below, 0xff, sizeof(b.below));
    }
    return b;
}

/* Borrows `bounds` until the query's end. */
static void start_trail(struct query *q, struct store *s, const struct store_query *query,
                        const struct bounds *bounds)
{
    if (is_rare(query->outcome)) {
        query_start(q, s,
                    TRAIL_COLUMNS "INDEXED BY exchanges_by_outcome WHERE outcome = ?"
                                  " AND outcome NOT IN ('', 'issued') AND " TRAIL_RANGE);
        query_put_text(q, terms_outcome(query->outcome));
    } else if (query->profile != NULL) {
        query_start(q, s,
                    TRAIL_COLUMNS
                    "INDEXED BY exchanges_by_profile WHERE profile = ? AND " TRAIL_RANGE);
        query_put_text(q, query->profile);
    } else {
        query_start(q, s, TRAIL_COLUMNS "WHERE " TRAIL_RANGE);
    }
    query_put_blob(q, slice_of(bounds->below.bytes, sizeof(bounds->below.bytes)));
    query_put_blob(q, slice_of(bounds->least.bytes, sizeof(bounds->least.bytes)));
}

static struct store_exchange read_trail(struct query *q)
{
    return (struct store_exchange){
        .id = query_id(q, 0),
        .profile = query_text(q, 1),
        .connector = query_text(q, 2),
        .key = query_text(q, 3),
        .subject = query_text(q, 4),
        .purpose = terms_purpose_of(slice_of_str(query_text(q, 5))),
        .agent = query_id(q, 6),
        .began_ms = query_u64(q, 7),
        .outcome = terms_outcome_of(slice_of_str(query_text(q, 8))),
        .code = terms_verdict_of(slice_of_str(query_text(q, 9))),
        .execution = terms_execution_of(slice_of_str(query_text(q, 10))),
        .stage = terms_stage_of(slice_of_str(query_text(q, 11))),
        .status = (uint32_t)query_u64(q, 12),
        .ended_ms = query_u64(q, 13),
        .moved = query_text(q, 14),
        .hold = query_text(q, 15),
    };
}

static bool fits(const struct store_query *query, const struct store_exchange *e)
{
    return (query->profile == NULL || strcmp(query->profile, e->profile) == 0) &&
           (query->outcome == OUTCOME_UNKNOWN || query->outcome == e->outcome);
}

enum cx_err store_list_exchanges(struct store *s, const struct store_query *query,
                                 struct cx_id *next, struct cx_fail *fail)
{
    const struct bounds bounds = bounds_of(query);
    struct cx_id last = {{0}};
    struct query q;
    size_t given = 0;
    size_t seen = 0;
    bool has_more = false;
    enum cx_err err;

    start_trail(&q, s, query, &bounds);
    while (!has_more && query_next(&q)) {
        if (given == query->limit || seen == STORE_QUERY_ROWS) {
            has_more = true;
            continue;
        }
        struct store_exchange e = read_trail(&q);

        last = e.id;
        seen++;
        if (fits(query, &e)) {
            given++;
            query->each(query->ctx, &e);
        }
    }
    err = query_end(&q, fail);
    if (err == CX_OK) {
        *next = has_more ? last : (struct cx_id){{0}};
    }
    return err;
}

/* --- what may still be with an agent --- */

static enum cx_err each_row(struct query *q, store_each_exchange *each, void *ctx,
                            struct cx_fail *fail)
{
    while (query_next(q)) {
        struct store_exchange e = read_trail(q);

        each(ctx, &e);
    }
    return query_end(q, fail);
}

/* When the newest exchange began; 0: there is none. */
static enum cx_err find_newest(struct store *s, uint64_t *began_ms, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "SELECT began_ms FROM exchanges ORDER BY id DESC LIMIT 1");
    *began_ms = query_next(&q) ? query_u64(&q, 0) : 0;
    return query_end(&q, fail);
}

enum cx_err store_each_open(struct store *s, uint64_t span_ms, store_each_exchange *each, void *ctx,
                            struct cx_fail *fail)
{
    static const uint8_t none[10] = {0};
    uint64_t newest_ms;
    struct cx_id least;
    struct query q;
    enum cx_err err = find_newest(s, &newest_ms, fail);

    if (err != CX_OK) {
        return err;
    }
    least = id_make(store_before(newest_ms, span_ms), none);
    query_start(&q, s, TRAIL_COLUMNS "WHERE outcome = '' AND id >= ?");
    query_put_blob(&q, slice_of(least.bytes, sizeof(least.bytes)));
    return each_row(&q, each, ctx, fail);
}

enum cx_err store_each_hold(struct store *s, uint64_t since_ms, store_each_exchange *each,
                            void *ctx, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s,
                TRAIL_COLUMNS "INDEXED BY exchanges_by_hold WHERE hold IS NOT NULL"
                              " AND result IS NULL AND execution <> 'not_sent' AND began_ms >= ?");
    query_put_u64(&q, since_ms);
    return each_row(&q, each, ctx, fail);
}
