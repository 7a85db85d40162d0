#include "platform/io/store_sqlite.h"

#include "common/io/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- making one --- */

enum { NAME_BYTES = PATH_MAX + 16 };

/* The name that realpath would give a file that is not there yet. */
static enum cx_err resolve_new(const char *path, char out[PATH_MAX], struct cx_fail *fail)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    char real[PATH_MAX];
    enum cx_err err = CX_OK;

    if (folder == NULL) {
        err = cx_fail_set(fail, CX_E_NOMEM, "store.create", "out of memory");
    } else if (realpath(folder, real) == NULL) {
        err = cx_fail_set(fail, CX_E_STORE, "store.create", "%s: %s", folder, strerror(errno));
    } else if (snprintf(out, PATH_MAX, "%s/%s", real, base) >= PATH_MAX || *base == '\0') {
        err = cx_fail_set(fail, CX_E_STORE, "store.create", "%s: not a name for a file", path);
    }
    free(folder);
    return err;
}

static void remove_file(const char *path)
{
    static const char *const tails[] = {"", "-journal", "-wal", "-shm"};
    char name[NAME_BYTES + 16];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void)unlink(name);
    }
}

/* Fill a new, empty file. With SQLite's default journal, where a commit that has returned is on the
 * disk and in this one file. */
static enum cx_err fill(const char *path, struct cx_fail *fail)
{
    char mark[64];
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum cx_err err = rc == SQLITE_OK ? CX_OK : store_fail_of(db, rc, fail);

    (void)snprintf(mark, sizeof(mark), "PRAGMA application_id = %d", (int)STORE_APPLICATION_ID);
    if (err == CX_OK) {
        err = store_exec(db, mark, fail);
    }
    if (err == CX_OK) {
        err = store_migrate(db, store_steps, STORE_VERSION, fail);
    }
    (void)sqlite3_close(db);
    return err;
}

/* Give the finished file its name, unless something has it by now; for good. */
static enum cx_err publish(const char *from, const char *to, struct cx_fail *fail)
{
    char folder[NAME_BYTES];
    enum cx_err err = CX_OK;
    int fd;

    if (link(from, to) != 0) {
        return cx_fail_set(fail, errno == EEXIST ? CX_E_EXISTS : CX_E_STORE, "store.create",
                           "%s: %s", to, strerror(errno));
    }
    (void)snprintf(folder, sizeof(folder), "%s", to);
    *(strrchr(folder, '/') + 1) = '\0'; /* absolute: there is one */
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        err = cx_fail_set(fail, CX_E_STORE, "store.create", "%s: %s", folder, strerror(errno));
        (void)unlink(to);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return err;
}

static enum cx_err create_at(const char *path, struct cx_fail *fail)
{
    char draft[NAME_BYTES];
    enum cx_err err;
    int fd;

    (void)snprintf(draft, sizeof(draft), "%s.new", path);
    remove_file(draft); /* of one that was interrupted; the lock is ours */
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return cx_fail_set(fail, CX_E_STORE, "store.create", "%s: %s", draft, strerror(errno));
    }
    (void)close(fd);
    err = fill(draft, fail);
    if (err == CX_OK) {
        err = publish(draft, path, fail);
    }
    remove_file(draft);
    return err;
}

enum cx_err store_create(const char *path, struct cx_fail *fail)
{
    char real[PATH_MAX];
    struct stat st;
    enum cx_err err = resolve_new(path, real, fail);
    int lock;

    if (err != CX_OK) {
        return err;
    }
    if (lstat(real, &st) == 0) {
        return cx_fail_set(fail, CX_E_EXISTS, "store.create", "%s exists already", path);
    }
    err = store_lock(real, &lock, fail);
    if (err == CX_OK) {
        err = create_at(real, fail);
        (void)close(lock);
    }
    return err;
}

/* --- opening it --- */

static enum cx_err check_file(const char *path, struct cx_fail *fail)
{
    static const char *const tails[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char name[NAME_BYTES];
        struct stat st;

        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        if (stat(name, &st) != 0) {
            continue; /* realpath has seen the first; the others need not be there */
        }
        if (!S_ISREG(st.st_mode)) {
            return cx_fail_set(fail, CX_E_STORE, "store.open", "%s is not a file", name);
        }
        if ((st.st_mode & 077) != 0) {
            return cx_fail_set(fail, CX_E_MODE, "store.open",
                               "%s has mode %04o and others may read it: chmod 600 it", name,
                               (unsigned)(st.st_mode & 07777));
        }
    }
    return CX_OK;
}

/* Refuse what is not ours before anything is written to it. */
static enum cx_err check_mark(sqlite3 *db, struct cx_fail *fail)
{
    int64_t mark = 0;
    enum cx_err err = store_pragma(db, "PRAGMA application_id", &mark, fail);

    if (err == CX_OK && mark != STORE_APPLICATION_ID) {
        err = cx_fail_set(fail, CX_E_STORE, "store.open", "the file is not a store");
    }
    return err;
}

static int on_commit(void *ctx, sqlite3 *db, const char *name, int frames)
{
    (void)db, (void)name;
    ((struct store *)ctx)->log_frames = frames;
    return SQLITE_OK;
}

/* A value that only the right master key opens. */
static const char probe[] = "connector-platform";

static enum cx_err add_probe(struct store *s, struct slice aad, struct cx_fail *fail)
{
    struct buf sealed;
    struct query q;
    enum cx_err err;

    buf_init(&sealed, sizeof(probe) + SEAL_OVERHEAD_BYTES);
    err = seal(s->key, aad, slice_of(probe, sizeof(probe)), &sealed);
    if (err != CX_OK) {
        cx_fail_set(fail, err, "store.open", "the master key can't be used");
        goto out;
    }
    err = store_begin_synced(s, fail);
    if (err != CX_OK) {
        goto out;
    }
    query_start(&q, s, "INSERT INTO meta (name, value) VALUES ('master_key', ?)");
    query_put_blob(&q, buf_view(&sealed));
    err = store_end_synced(s, query_run(&q, fail), fail);
out:
    buf_done(&sealed);
    return err;
}

static enum cx_err check_key(struct store *s, struct cx_fail *fail)
{
    struct slice aad = SLICE_LIT("store:master_key");
    struct buf opened;
    struct query q;
    bool has_probe;
    enum cx_err err = CX_OK;
    enum cx_err end;

    buf_init(&opened, 256);
    query_start(&q, s, "SELECT value FROM meta WHERE name = 'master_key'");
    has_probe = query_next(&q);
    if (has_probe) {
        err = seal_open(s->key, aad, query_blob(&q, 0), &opened);
    }
    end = query_end(&q, fail);
    buf_done(&opened);
    if (end != CX_OK) {
        return end;
    }
    if (err != CX_OK && err != CX_E_NOMEM) {
        return cx_fail_set(fail, CX_E_CRYPTO, "store.open",
                           "the store was sealed under another master key: give the file of its"
                           " own (store.master_key)");
    }
    return has_probe ? err : add_probe(s, aad, fail);
}

static enum cx_err find_next_result(struct store *s, struct cx_fail *fail)
{
    struct query q;

    query_start(&q, s, "SELECT max(seq) FROM results");
    if (query_next(&q)) {
        s->next_result = query_u64(&q, 0) + 1; /* 1 if there is none: 0 is "nothing kept" */
    }
    return query_end(&q, fail);
}

/* Everything that takes the opened file to a store that can be used. */
static enum cx_err set_up(struct store *s, const char *path, struct cx_fail *fail)
{
    enum cx_err err = check_mark(s->db, fail);

    if (err == CX_OK) {
        err = store_migrate(s->db, store_steps, STORE_VERSION, fail);
    }
    if (err == CX_OK) {
        err = store_configure(s->db, fail);
    }
    if (err == CX_OK) {
        err = store_checkpoint_new(s->db, path, &s->checkpoint, fail);
    }
    if (err == CX_OK) {
        (void)sqlite3_wal_hook(s->db, on_commit, s);
        err = store_prepare_kept(s, fail);
    }
    if (err == CX_OK) {
        err = check_key(s, fail);
    }
    return err == CX_OK ? find_next_result(s, fail) : err;
}

/* After everything else, so that nobody else opens a store that is still being closed. */
static void release(struct store *s)
{
    store_checkpoint_free(s->checkpoint);
    for (int i = 0; i < KEPT_COUNT; i++) {
        (void)sqlite3_finalize(s->kept[i]);
    }
    (void)sqlite3_close(s->db); /* merges the log and removes it */
    if (s->lock_fd >= 0) {
        (void)close(s->lock_fd);
    }
    note_group_done(&s->noted);
    note_group_done(&s->written);
    free(s);
}

static enum cx_err open_at(struct store *s, const char *path, struct cx_fail *fail)
{
    enum cx_err err = check_file(path, fail);
    int rc;

    if (err == CX_OK) {
        err = store_lock(path, &s->lock_fd, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        return store_fail_of(s->db, rc, fail);
    }
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    return set_up(s, path, fail);
}

/* Put the file's name before what was found. */
static void name_file(struct cx_fail *fail, const char *path)
{
    char detail[sizeof(fail->detail)];

    if (fail != NULL && strstr(fail->detail, path) == NULL) {
        (void)snprintf(detail, sizeof(detail), "%s", cx_fail_text(fail));
        cx_fail_set(fail, fail->code, fail->op, "%s: %s", path, detail);
    }
}

enum cx_err store_open(const char *path, const struct seal_key *key, struct store **out,
                       struct cx_fail *fail)
{
    char real[PATH_MAX];
    struct store *s;
    enum cx_err err;

    if (realpath(path, real) == NULL) {
        return cx_fail_set(fail, errno == ENOENT ? CX_E_NOT_FOUND : CX_E_STORE, "store.open",
                           "%s: %s", path, strerror(errno));
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "store.open", "out of memory");
    }
    s->key = key;
    s->lock_fd = -1;
    note_group_init(&s->noted);
    note_group_init(&s->written);
    err = open_at(s, real, fail);
    if (err != CX_OK) {
        name_file(fail, path);
        release(s);
        return err;
    }
    *out = s;
    return CX_OK;
}

void store_close(struct store *s)
{
    /* A `done` that notes more each time must not keep us here. */
    for (int rounds = 0; s != NULL && store_is_dirty(s) && rounds < 4; rounds++) {
        store_flush(s);
    }
    if (s != NULL) {
        release(s);
    }
}

const struct cx_fail *store_trouble(const struct store *s)
{
    return s->trouble.code != CX_OK ? &s->trouble : NULL;
}
