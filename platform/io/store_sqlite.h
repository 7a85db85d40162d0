#ifndef CONNECTOR_PLATFORM_IO_STORE_SQLITE_H
#define CONNECTOR_PLATFORM_IO_STORE_SQLITE_H

#include "platform/io/store.h"

#include <sqlite3.h>

/* What the parts of the store share; nobody else includes it. */

enum {
    STORE_VERSION = 3,                         /* of the schema, in user_version */
    STORE_APPLICATION_ID = 0x43584e53,         /* tells our files from other SQLite files */
    STORE_BUSY_MS = 100,                       /* how long the sqlite3 shell may make us wait */
    STORE_TIDY_ROWS = 64,                      /* a step of store_tidy: a millisecond */
    STORE_ENROLLMENT_KEEP_MS = 60 * 60 * 1000, /* after its end */
    STORE_AAD_MAX_BYTES = 1024,
};

/* --- queries (store_query.c) --- */

/* The statements of the hot path are prepared once and kept. */
enum store_kept {
    KEPT_BEGIN,
    KEPT_COMMIT,
    KEPT_ROLLBACK,
    KEPT_PUT_EXCHANGE,
    KEPT_END_EXCHANGE,
    KEPT_FIND_EXCHANGE,
    KEPT_ADD_STRAY,
    KEPT_KEEP_RESULT,
    KEPT_DROP_RESULT,
    KEPT_DELIVER_RESULT,
    KEPT_SEE_AGENT,
    KEPT_COUNT
};

/* One run of a statement: start, put each parameter in order, next while there are rows, end. An
 * error on the way is kept and comes out of query_end, so that nothing between needs checking. */
struct query {
    struct store *store;
    sqlite3_stmt *stmt;
    int rc;
    int at; /* last parameter that was put */
    bool is_kept;
};

enum cx_err store_prepare_kept(struct store *s, struct cx_fail *fail) CX_MUST_CHECK;

void query_start(struct query *q, struct store *s, const char *sql);
void query_start_kept(struct query *q, struct store *s, enum store_kept which);
/* Borrowed until query_end. NULL text and none ids are put as NULL. */
void query_put_u64(struct query *q, uint64_t value);
void query_put_text(struct query *q, const char *text);
void query_put_blob(struct query *q, struct slice bytes);
void query_put_id(struct query *q, const struct cx_id *id);
bool query_next(struct query *q); /* true: on a row */
/* Of the row; borrowed until the next query_next. NULL reads as 0, "", none or all zero. */
uint64_t query_u64(struct query *q, int column);
const char *query_text(struct query *q, int column);
struct slice query_blob(struct query *q, int column);
struct cx_id query_id(struct query *q, int column);
void query_bytes32(struct query *q, int column, uint8_t out[32]);
/* Errors: CX_E_EXISTS (a key that must be unique), CX_E_NOT_FOUND (a row that this one belongs to),
 * CX_E_NOMEM, CX_E_STORE. */
enum cx_err query_end(struct query *q, struct cx_fail *fail) CX_MUST_CHECK;
void query_drop(struct query *q); /* query_end, when the run has failed for another reason */
/* query_next, for a statement without rows, and query_end. */
enum cx_err query_run(struct query *q, struct cx_fail *fail) CX_MUST_CHECK;

/* Set `fail` by what SQLite says of `rc` (an extended result code), and give its code. */
enum cx_err store_fail_of(sqlite3 *db, int rc, struct cx_fail *fail);

/* Run statements that have no parameters. */
enum cx_err store_exec(sqlite3 *db, const char *sql, struct cx_fail *fail) CX_MUST_CHECK;

/* The value of a PRAGMA that gives one integer. */
enum cx_err store_pragma(sqlite3 *db, const char *sql, int64_t *out,
                         struct cx_fail *fail) CX_MUST_CHECK;

/* Rows that the last statement changed. */
bool store_has_changed(const struct store *s);

/* Begin a transaction whose commit is synced to the disk, and end it: commits if `err` is CX_OK,
 * else rolls back. Returns `err`, or why it couldn't commit. */
enum cx_err store_begin_synced(struct store *s, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err store_end_synced(struct store *s, enum cx_err err, struct cx_fail *fail) CX_MUST_CHECK;

/* Likewise without the sync: what is committed survives a killed process, not a power cut. */
enum cx_err store_begin(struct store *s, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err store_end(struct store *s, enum cx_err err, struct cx_fail *fail) CX_MUST_CHECK;

/* --- the file (store_schema.c) --- */

/* Take the lock of the store at `path` (as realpath gives it): *fd is to be closed to give it back.
 * Errors: CX_E_STATE, CX_E_STORE. */
enum cx_err store_lock(const char *path, int *fd, struct cx_fail *fail) CX_MUST_CHECK;

/* Settings of the connection that writes; after store_migrate, which wants SQLite's defaults. */
enum cx_err store_configure(sqlite3 *db, struct cx_fail *fail) CX_MUST_CHECK;

/* steps[i] brings version i to i + 1. Each is a transaction of its own, so that a failure leaves
 * the version that was reached. Error: CX_E_STORE (also: the file is newer than `count`). */
enum cx_err store_migrate(sqlite3 *db, const char *const *steps, int64_t count,
                          struct cx_fail *fail) CX_MUST_CHECK;

/* The steps up to STORE_VERSION. */
extern const char *const store_steps[STORE_VERSION];

/* --- merging the log into the file, beside the loop (store_checkpoint.c) --- */
struct store_checkpoint;
/* `db` and `path` are of the open store. Errors: CX_E_STORE, CX_E_NOMEM. */
enum cx_err store_checkpoint_new(sqlite3 *db, const char *path, struct store_checkpoint **out,
                                 struct cx_fail *fail) CX_MUST_CHECK;
/* After each commit: `frames` pages are in the log now. */
void store_checkpoint_note(struct store_checkpoint *c, int frames);
/* The result code of the last merge. */
int store_checkpoint_rc(struct store_checkpoint *c);
void store_checkpoint_free(struct store_checkpoint *c); /* NULL is fine */

/* --- what is noted (store_note.c) --- */
enum note_kind { NOTE_EXCHANGE, NOTE_RESULT, NOTE_DROP, NOTE_AGENT };

struct note {
    enum note_kind kind;
    enum cx_err err;   /* CX_E_STORE: it couldn't be noted whole, and is not to be written */
    size_t text_at;    /* in the group's bytes: its strings, each with its NUL, in order */
    size_t part_at;    /* in the group's bytes: the sealed part (an exchange's: of its body) */
    size_t part_bytes; /* 0: none */
    union {
        struct store_exchange exchange; /* its strings are not valid: see text_at */
        struct store_agent agent;       /* likewise */
    } of;
    enum store_result_kind result;
    union {
        store_done *exchange;
        store_result_done *result;
    } done;
    void *ctx;
};

/* What is written in one transaction. Both arrays keep their memory from group to group. */
struct note_group {
    struct note *notes;
    size_t count, room;
    struct buf bytes;
};
void note_group_init(struct note_group *g);
void note_group_clear(struct note_group *g); /* wipes */
void note_group_done(struct note_group *g);  /* wipes and frees */
bool note_group_drops(const struct note_group *g, const struct cx_id *id);

struct store {
    sqlite3 *db;
    const struct seal_key *key;
    int lock_fd;
    sqlite3_stmt *kept[KEPT_COUNT];
    struct store_checkpoint *checkpoint;
    int log_frames;       /* pages in the write-ahead log as of the last commit */
    uint64_t next_result; /* results.seq */
    struct note_group noted, written;
    bool is_flushing;
    uint64_t clock_set_ms;   /* when the clock was set last, by the new time; 0: never */
    uint64_t moved_since_ms; /* of the ids whose rows were moved with it */
    struct cx_fail trouble;  /* code CX_OK: none */
};

/* --- shared between subjects --- */
#define STORE_INSERT_AGENT                                                                         \
    "INSERT INTO agents (id, connector, enrolled_ms, revoked_ms, last_seen_ms,"                    \
    " certificate_ends_ms, ledger, ledger_seq, version, host)"                                     \
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
/* Put those ten parameters. */
void store_put_agent_row(struct query *q, const struct store_agent *a);

/* The associated data "KIND:NAME" of a sealed value, appended to `out`. */
enum cx_err store_aad(struct buf *out, const char *kind, const char *name) CX_MUST_CHECK;
enum cx_err store_result_aad(struct buf *out, const struct cx_id *id) CX_MUST_CHECK;
enum cx_err store_body_aad(struct buf *out, const struct cx_id *id) CX_MUST_CHECK;

/* What must have ended before, to be over. */
uint64_t store_before(uint64_t now_ms, uint64_t span_ms);

/* What store_trouble says from now on: `fail`, or if its code is CX_OK, what ails the merging. */
void store_note_trouble(struct store *s, const struct cx_fail *fail);

#endif
