#include "platform/io/store_sqlite.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* SQLite's write-ahead log has to be merged into the file now and then (a checkpoint). By itself
 * SQLite would do that in the commit that finds the log long: with two fsyncs, on the event loop,
 * while all exchanges wait. So a thread does it, with a connection of its own, while the loop goes
 * on committing. (This needs SQLite's normal locking mode: the store's lock is a file beside it.)
 *
 * The log starts anew only when a commit finds all of it merged. When commits never pause, what
 * came during a merge is always left over, and the log would grow for ever. So at MAX_FRAMES the
 * loop merges the rest itself as soon as the thread rests, and waits for it at twice that. The
 * thread has left little to do, but it costs the loop two short fsyncs for each 64 MB that are
 * written without a pause. */
enum { MERGE_FRAMES = 1000, MAX_FRAMES = 16000 };

struct store_checkpoint {
    sqlite3 *writer; /* the store's own; used on the loop only */
    int merged_at;   /* the log's length when the thread was last called; loop only */
    int forced_at;   /* likewise, when the loop merged */

    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    sqlite3 *db; /* the thread's */
    bool is_wanted, is_busy, is_over;
    int rc;
};

/* PASSIVE never makes a writer wait. */
static int merge(sqlite3 *db)
{
    return sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void *thread_main(void *arg)
{
    struct store_checkpoint *c = arg;

    (void)pthread_mutex_lock(&c->lock);
    while (!c->is_over) {
        if (!c->is_wanted) {
            (void)pthread_cond_wait(&c->changed, &c->lock);
            continue;
        }
        c->is_wanted = false;
        c->is_busy = true;
        (void)pthread_mutex_unlock(&c->lock);
        int rc = merge(c->db);
        (void)pthread_mutex_lock(&c->lock);
        c->rc = rc;
        c->is_busy = false;
        (void)pthread_cond_broadcast(&c->changed);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct store_checkpoint *c)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&c->thread, NULL, thread_main, c);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum cx_err store_checkpoint_new(sqlite3 *db, const char *path, struct store_checkpoint **out,
                                 struct cx_fail *fail)
{
    struct store_checkpoint *c = calloc(1, sizeof(*c));
    enum cx_err err;
    int error;
    int rc;

    if (c == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "store.open", "out of memory");
    }
    c->writer = db;
    rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        err = store_fail_of(c->db, rc, fail);
        goto out;
    }
    (void)sqlite3_extended_result_codes(c->db, 1);
    err = store_exec(c->db, "PRAGMA synchronous = NORMAL", fail); /* a merge syncs log and file */
    if (err != CX_OK) {
        goto out;
    }
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->changed, NULL);
    error = start_thread(c);
    if (error == 0) {
        *out = c;
        return CX_OK;
    }
    err = cx_fail_set(fail, CX_E_STORE, "store.open", "can't start a thread: %s", strerror(error));
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
out:
    (void)sqlite3_close(c->db);
    free(c);
    return err;
}

static void wake(struct store_checkpoint *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->is_wanted = true;
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

/* False if the thread is at it and `may_wait` is false. */
static bool force(struct store_checkpoint *c, bool may_wait)
{
    bool is_done = false;

    (void)pthread_mutex_lock(&c->lock);
    while (c->is_busy && may_wait) {
        (void)pthread_cond_wait(&c->changed, &c->lock);
    }
    if (!c->is_busy) {
        c->is_wanted = false;
        c->rc = merge(c->writer); /* with the lock held: the thread must not come between */
        is_done = true;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return is_done;
}

void store_checkpoint_note(struct store_checkpoint *c, int frames)
{
    if (frames < c->merged_at || frames < c->forced_at) { /* the log has started anew */
        c->merged_at = 0;
        c->forced_at = 0;
    }
    if (frames - c->forced_at >= MAX_FRAMES && force(c, frames - c->forced_at >= 2 * MAX_FRAMES)) {
        c->forced_at = frames; /* if somebody's long read keeps the log, don't try each time */
        c->merged_at = frames;
    } else if (frames - c->merged_at >= MERGE_FRAMES) {
        c->merged_at = frames;
        wake(c);
    }
}

int store_checkpoint_rc(struct store_checkpoint *c)
{
    int rc;

    (void)pthread_mutex_lock(&c->lock);
    rc = c->rc;
    (void)pthread_mutex_unlock(&c->lock);
    return rc == SQLITE_BUSY ? SQLITE_OK : rc; /* somebody else merges, with the sqlite3 shell */
}

void store_checkpoint_free(struct store_checkpoint *c)
{
    if (c == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&c->lock);
    c->is_over = true;
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread, NULL);
    (void)sqlite3_close(c->db);
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}
