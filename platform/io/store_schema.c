#include "platform/io/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Words (terms.h) are stored as they are spelt, not by their number: rows outlive a change of the
 * enumerations. An id is its 16 bytes, `none` is NULL.
 *
 * exchanges: an id is a UUIDv7 of ours, so the order of ids is the order of time, and new rows come
 * at the right edge of the tree. An entry of an index ends with the id: a profile's exchanges lie
 * in the order of time too. The index by outcome leaves out what nearly all rows are; a query by
 * any other outcome has to repeat its WHERE. (Each further index costs a page a group: a fifth
 * more.) strays: results of jobs that were never stored. Their ids are an agent's, who may choose
 * them. results: nearly in the order of arrival, which is that of expiry; apart from exchanges,
 * whose rows stay small. exchanges.result: NULL, no result has ended it; 0, one has, and nothing
 * was kept; else results.seq (as long as results.id agrees). */
static const char step_1[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE keys (name TEXT PRIMARY KEY, role TEXT NOT NULL, sha256 BLOB NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE connectors (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE agents (id BLOB PRIMARY KEY,"
    " connector BLOB NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,"
    " enrolled_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,"
    " certificate_ends_ms INTEGER NOT NULL, ledger BLOB, ledger_seq INTEGER NOT NULL,"
    " version TEXT NOT NULL, host TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX agents_by_connector ON agents (connector);"
    "CREATE TABLE enrollments (token_sha256 BLOB PRIMARY KEY,"
    " connector BLOB NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,"
    " expires_ms INTEGER NOT NULL, is_used INTEGER NOT NULL, spki_sha256 BLOB, agent BLOB,"
    " certificate TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX enrollments_by_connector ON enrollments (connector);"
    "CREATE TABLE profiles (name TEXT PRIMARY KEY NOT NULL, sealed BLOB NOT NULL);"
    "CREATE TABLE exchanges (id BLOB PRIMARY KEY, profile TEXT NOT NULL, connector TEXT NOT NULL,"
    " key TEXT NOT NULL, subject TEXT NOT NULL, purpose TEXT NOT NULL, agent BLOB,"
    " began_ms INTEGER NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL,"
    " execution TEXT NOT NULL, stage TEXT NOT NULL, status INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL, result INTEGER) WITHOUT ROWID;"
    "CREATE INDEX exchanges_by_profile ON exchanges (profile);"
    "CREATE INDEX exchanges_by_outcome ON exchanges (outcome)"
    " WHERE outcome NOT IN ('', 'issued');"
    "CREATE TABLE strays (id BLOB PRIMARY KEY, connector TEXT NOT NULL, agent BLOB,"
    " outcome TEXT NOT NULL, code TEXT NOT NULL, execution TEXT NOT NULL, stage TEXT NOT NULL,"
    " status INTEGER NOT NULL, ended_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX strays_by_time ON strays (ended_ms);"
    "CREATE TABLE results (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, ended_ms INTEGER NOT NULL,"
    " sealed BLOB NOT NULL);";

/* What an Idempotency-Key was given for: see struct store_exchange. Few rows are, and only they are
 * in the index. A result that was delivered is kept for a repeat, and is no more to be claimed. */
static const char step_2[] = "ALTER TABLE exchanges ADD COLUMN repeat_sha256 BLOB;"
                             "ALTER TABLE exchanges ADD COLUMN sealed_body_sha256 BLOB;"
                             "CREATE INDEX exchanges_by_repeat ON exchanges (repeat_sha256)"
                             " WHERE repeat_sha256 IS NOT NULL;"
                             "ALTER TABLE results ADD COLUMN is_delivered INTEGER NOT NULL"
                             " DEFAULT 0;";

/* Where it was before, and what its exclusive key is known by: see struct store_exchange. In the
 * index are those whose key is still in use. */
static const char step_3[] =
    "ALTER TABLE exchanges ADD COLUMN moved TEXT;"
    "ALTER TABLE exchanges ADD COLUMN hold TEXT;"
    "CREATE INDEX exchanges_by_hold ON exchanges (began_ms)"
    " WHERE hold IS NOT NULL AND result IS NULL AND execution <> 'not_sent';";

const char *const store_steps[STORE_VERSION] = {step_1, step_2, step_3};

/* The file itself carries SQLite's own locks, which vanish when any descriptor of it is closed, and
 * which a second connection of this process (the checkpoint's) has to pass: so the store is locked
 * by a file beside it. That stays when the store is closed: removing it would let two processes
 * lock two files of one name. */
enum cx_err store_lock(const char *path, int *fd, struct cx_fail *fail)
{
    char name[PATH_MAX + 8];
    int lock;

    (void)snprintf(name, sizeof(name), "%s.lock", path);
    lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        return cx_fail_set(fail, CX_E_STORE, "store.lock", "%s: %s", name, strerror(errno));
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        enum cx_err err =
            errno == EWOULDBLOCK
                ? cx_fail_set(fail, CX_E_STATE, "store.lock",
                              "%s: in use by another process (is the server running?)", path)
                : cx_fail_set(fail, CX_E_STORE, "store.lock", "%s: %s", name, strerror(errno));

        (void)close(lock);
        return err;
    }
    *fd = lock;
    return CX_OK;
}

static enum cx_err set_wal(sqlite3 *db, struct cx_fail *fail)
{
    sqlite3_stmt *stmt = NULL;
    enum cx_err err = CX_OK;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_ROW) {
        err = store_fail_of(db, rc, fail);
    } else if (sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") != 0) {
        err = cx_fail_set(fail, CX_E_STORE, "store.open",
                          "this file system can't hold the store (no shared memory for SQLite's"
                          " write-ahead log): put it on a local disk");
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

/* secure_delete: what is deleted is overwritten in the file. (In the log, old pages stay until they
 * are overwritten; nothing secret is in either but sealed.) wal_autocheckpoint: see
 * store_checkpoint.c. temp_store: no copy in a temporary file elsewhere. */
enum cx_err store_configure(sqlite3 *db, struct cx_fail *fail)
{
    enum cx_err err = set_wal(db, fail);

    return err != CX_OK ? err
                        : store_exec(db,
                                     "PRAGMA foreign_keys = ON;"
                                     "PRAGMA secure_delete = ON;"
                                     "PRAGMA temp_store = MEMORY;"
                                     "PRAGMA trusted_schema = OFF;"
                                     "PRAGMA wal_autocheckpoint = 0;"
                                     "PRAGMA synchronous = NORMAL;",
                                     fail);
}

static enum cx_err migrate_step(sqlite3 *db, const char *step, int64_t version,
                                struct cx_fail *fail)
{
    char set_version[64];
    enum cx_err err;

    (void)snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %lld",
                   (long long)version);
    err = store_exec(db, "BEGIN IMMEDIATE", fail);
    if (err == CX_OK) {
        err = store_exec(db, step, fail);
    }
    if (err == CX_OK) {
        err = store_exec(db, set_version, fail);
    }
    if (err == CX_OK) {
        err = store_exec(db, "COMMIT", fail);
    }
    if (!sqlite3_get_autocommit(db)) {
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return err;
}

enum cx_err store_migrate(sqlite3 *db, const char *const *steps, int64_t count,
                          struct cx_fail *fail)
{
    int64_t version = 0;
    enum cx_err err = store_pragma(db, "PRAGMA user_version", &version, fail);

    if (err == CX_OK && version > count) {
        return cx_fail_set(fail, CX_E_STORE, "store.migrate",
                           "the store was written by a newer connector-platform (schema %lld; this"
                           " one knows %lld): install that version, or restore a backup",
                           (long long)version, (long long)count);
    }
    if (err == CX_OK && version < 0) {
        return cx_fail_set(fail, CX_E_STORE, "store.migrate", "the file is not a store");
    }
    if (err != CX_OK || version == count) {
        return err;
    }
    err = store_exec(db, "PRAGMA synchronous = FULL", fail);
    for (; err == CX_OK && version < count; version++) {
        err = migrate_step(db, steps[version], version + 1, fail);
    }
    return err;
}
