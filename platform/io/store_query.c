#include "platform/io/store_sqlite.h"

#include <errno.h>
#include <string.h>

/* Binding is positional: the order of the ? in each statement is the order of the puts. */
static const char *const kept_sql[KEPT_COUNT] = {
    [KEPT_BEGIN] = "BEGIN IMMEDIATE",
    [KEPT_COMMIT] = "COMMIT",
    [KEPT_ROLLBACK] = "ROLLBACK",
    [KEPT_PUT_EXCHANGE] =
        "INSERT INTO exchanges (id, profile, connector, key, subject, purpose, agent, began_ms,"
        " outcome, code, execution, stage, status, ended_ms, repeat_sha256, sealed_body_sha256,"
        " moved, hold)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET agent = coalesce(excluded.agent, agent),"
        " outcome = excluded.outcome, code = excluded.code, execution = excluded.execution,"
        " stage = excluded.stage, status = excluded.status, ended_ms = excluded.ended_ms,"
        " moved = coalesce(excluded.moved, moved),"
        " hold = coalesce(excluded.hold, hold)"
        " WHERE result IS NULL",
    [KEPT_END_EXCHANGE] =
        "UPDATE exchanges SET outcome = ?, code = ?, execution = ?, stage = ?, status = ?,"
        " ended_ms = ?, result = ? WHERE id = ? AND agent IS ? AND result IS NULL",
    [KEPT_FIND_EXCHANGE] = "SELECT agent FROM exchanges WHERE id = ?",
    [KEPT_ADD_STRAY] =
        "INSERT INTO strays (id, connector, agent, outcome, code, execution, stage, status,"
        " ended_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    [KEPT_KEEP_RESULT] = "INSERT INTO results (seq, id, ended_ms, sealed, is_delivered)"
                         " VALUES (?, ?, ?, ?, 0)",
    [KEPT_DROP_RESULT] = "DELETE FROM results"
                         " WHERE seq = (SELECT result FROM exchanges WHERE id = ?"
                         " AND repeat_sha256 IS NULL) AND id = ?",
    [KEPT_DELIVER_RESULT] = "UPDATE results SET is_delivered = 1"
                            " WHERE seq = (SELECT result FROM exchanges WHERE id = ?) AND id = ?",
    [KEPT_SEE_AGENT] = "UPDATE agents SET last_seen_ms = ?, ledger = ?, ledger_seq = ?,"
                       " version = ?, host = ? WHERE id = ?",
};

void query_start(struct query *q, struct store *s, const char *sql)
{
    *q = (struct query){.store = s};
    q->rc = sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, NULL);
}

enum cx_err store_prepare_kept(struct store *s, struct cx_fail *fail)
{
    for (int i = 0; i < KEPT_COUNT; i++) {
        int rc = sqlite3_prepare_v3(s->db, kept_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->kept[i],
                                    NULL);

        if (rc != SQLITE_OK) {
            return store_fail_of(s->db, rc, fail);
        }
    }
    return CX_OK;
}

void query_start_kept(struct query *q, struct store *s, enum store_kept which)
{
    *q = (struct query){.store = s, .stmt = s->kept[which], .is_kept = true};
}

/* The position of the next parameter; 0 if there is nothing to be done any more. */
static int next_place(struct query *q)
{
    return q->rc == SQLITE_OK ? ++q->at : 0;
}

/* Numbers above 2^63 (a peer's ledger_seq) come back as they were; SQL compares none of them. */
void query_put_u64(struct query *q, uint64_t value)
{
    int at = next_place(q);

    if (at != 0) {
        q->rc = sqlite3_bind_int64(q->stmt, at, (sqlite3_int64)value);
    }
}

void query_put_text(struct query *q, const char *text)
{
    int at = next_place(q);

    if (at != 0) {
        q->rc = sqlite3_bind_text(q->stmt, at, text, -1, SQLITE_STATIC);
    }
}

void query_put_blob(struct query *q, struct slice bytes)
{
    int at = next_place(q);

    if (at != 0) {
        q->rc = sqlite3_bind_blob64(q->stmt, at, bytes.ptr != NULL ? (const void *)bytes.ptr : "",
                                    bytes.len, SQLITE_STATIC);
    }
}

void query_put_id(struct query *q, const struct cx_id *id)
{
    if (!id_is_none(id)) {
        query_put_blob(q, slice_of(id->bytes, sizeof(id->bytes)));
    } else {
        (void)next_place(q); /* a parameter that is not bound is NULL ... */
        if (q->rc == SQLITE_OK) {
            q->rc = sqlite3_bind_null(q->stmt, q->at); /* ... unless a kept statement had one */
        }
    }
}

bool query_next(struct query *q)
{
    if (q->rc != SQLITE_OK) {
        return false;
    }
    q->rc = sqlite3_step(q->stmt);
    if (q->rc == SQLITE_ROW || q->rc == SQLITE_DONE) {
        bool is_row = q->rc == SQLITE_ROW;

        q->rc = SQLITE_OK;
        return is_row;
    }
    return false;
}

uint64_t query_u64(struct query *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q->stmt, column);
}

const char *query_text(struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);

    return text != NULL ? (const char *)text : "";
}

struct slice query_blob(struct query *q, int column)
{
    const void *bytes = sqlite3_column_blob(q->stmt, column);

    return bytes != NULL ? slice_of(bytes, (size_t)sqlite3_column_bytes(q->stmt, column))
                         : SLICE_LIT("");
}

struct cx_id query_id(struct query *q, int column)
{
    struct slice bytes = query_blob(q, column);
    struct cx_id id = {{0}};

    if (bytes.len == sizeof(id.bytes)) {
        memcpy(id.bytes, bytes.ptr, sizeof(id.bytes));
    }
    return id;
}

void query_bytes32(struct query *q, int column, uint8_t out[32])
{
    struct slice bytes = query_blob(q, column);

    memset(out, 0, 32);
    if (bytes.len == 32) {
        memcpy(out, bytes.ptr, 32);
    }
}

void query_drop(struct query *q)
{
    /* What these two return is the error of the last step, which is known already. */
    if (q->is_kept) {
        (void)sqlite3_reset(q->stmt);
    } else {
        (void)sqlite3_finalize(q->stmt);
    }
    q->stmt = NULL;
}

enum cx_err query_end(struct query *q, struct cx_fail *fail)
{
    enum cx_err err = q->rc == SQLITE_OK ? CX_OK : store_fail_of(q->store->db, q->rc, fail);

    query_drop(q);
    return err;
}

enum cx_err query_run(struct query *q, struct cx_fail *fail)
{
    (void)query_next(q);
    return query_end(q, fail);
}

enum cx_err store_fail_of(sqlite3 *db, int rc, struct cx_fail *fail)
{
    int cause = sqlite3_system_errno(db);

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return cx_fail_set(fail, CX_E_EXISTS, "store", "it is in the store already");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return cx_fail_set(fail, CX_E_NOT_FOUND, "store", "what it belongs to is not in the store");
    }
    switch (rc & 0xff) { /* the primary code */
    case SQLITE_NOMEM:
        return cx_fail_set(fail, CX_E_NOMEM, "store", "out of memory");
    case SQLITE_NOTADB:
        return cx_fail_set(fail, CX_E_STORE, "store", "the file is not a store");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return cx_fail_set(fail, CX_E_STORE, "store",
                           "another program (the sqlite3 shell, a backup?) holds the file locked");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return cx_fail_set(fail, CX_E_STORE, "store", "%s%s%s", sqlite3_errstr(rc),
                           cause != 0 ? ": " : "", cause != 0 ? strerror(cause) : "");
    default:
        return cx_fail_set(fail, CX_E_STORE, "store", "%s", sqlite3_errmsg(db));
    }
}

enum cx_err store_exec(sqlite3 *db, const char *sql, struct cx_fail *fail)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? CX_OK : store_fail_of(db, rc, fail);
}

enum cx_err store_pragma(sqlite3 *db, const char *sql, int64_t *out, struct cx_fail *fail)
{
    sqlite3_stmt *stmt = NULL;
    enum cx_err err = CX_OK;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
    } else {
        err = store_fail_of(db, rc, fail);
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

bool store_has_changed(const struct store *s)
{
    return sqlite3_changes(s->db) > 0;
}

enum cx_err store_begin(struct store *s, struct cx_fail *fail)
{
    struct query q;

    query_start_kept(&q, s, KEPT_BEGIN);
    return query_run(&q, fail);
}

enum cx_err store_end(struct store *s, enum cx_err err, struct cx_fail *fail)
{
    struct query q;

    if (err == CX_OK) {
        query_start_kept(&q, s, KEPT_COMMIT);
        err = query_run(&q, fail);
        if (err == CX_OK) {
            store_checkpoint_note(s->checkpoint, s->log_frames);
        }
    }
    if (!sqlite3_get_autocommit(s->db)) { /* a full disk may have rolled back by itself */
        query_start_kept(&q, s, KEPT_ROLLBACK);
        if (query_run(&q, NULL) != CX_OK) {
            err = err != CX_OK ? err : CX_E_STORE;
        }
    }
    return err;
}

/* In WAL mode FULL differs from NORMAL in this: the commit ends with a sync of the log. That makes
 * all that was committed before durable too. It can't be changed inside a transaction. */
enum cx_err store_begin_synced(struct store *s, struct cx_fail *fail)
{
    enum cx_err err = store_exec(s->db, "PRAGMA synchronous = FULL", fail);

    if (err == CX_OK) {
        err = store_begin(s, fail);
    }
    if (err != CX_OK) {
        (void)sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    }
    return err;
}

enum cx_err store_end_synced(struct store *s, enum cx_err err, struct cx_fail *fail)
{
    err = store_end(s, err, fail);
    /* If that fails, it stays FULL: slower, and no less safe. */
    (void)sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    return err;
}
