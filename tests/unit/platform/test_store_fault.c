#include "tests/unit/platform/store_answers.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* --- a disk that fails when it is told to, and counts its syncs: SQLite's own, watched --- */

static struct {
    const sqlite3_file *log;      /* the last write-ahead log that was opened */
    atomic_int writes_left;       /* then writes fail; below 0: they don't */
    atomic_bool is_file_refusing; /* writes to anything but the log fail */
    atomic_bool is_sync_failing;
    atomic_int log_syncs;
} disk = {.writes_left = -1};
static sqlite3_vfs *real_vfs, watched_vfs;

/* SQLite has one table of methods for each kind of file. */
static struct kind {
    sqlite3_io_methods ours; /* first: what a file of ours points to */
    const sqlite3_io_methods *real;
} kinds[4];

static const sqlite3_io_methods *real_methods(const sqlite3_file *file)
{
    return ((const struct kind *)file->pMethods)->real;
}

static int disk_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    if (atomic_load(&disk.is_file_refusing) && file != disk.log) {
        return SQLITE_FULL;
    }
    if (atomic_load(&disk.writes_left) == 0) {
        return SQLITE_FULL;
    }
    if (atomic_load(&disk.writes_left) > 0) {
        (void)atomic_fetch_sub(&disk.writes_left, 1);
    }
    return real_methods(file)->xWrite(file, bytes, count, at);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    if (file == disk.log) {
        (void)atomic_fetch_add(&disk.log_syncs, 1);
    }
    if (atomic_load(&disk.is_sync_failing)) {
        return SQLITE_IOERR_FSYNC;
    }
    return real_methods(file)->xSync(file, flags);
}

static const sqlite3_io_methods *watched_methods(const sqlite3_io_methods *real)
{
    struct kind *k = kinds;

    while (k->real != NULL && k->real != real) {
        k++;
        assert_true(k < kinds + 4);
    }
    k->real = real;
    k->ours = *real;
    k->ours.xWrite = disk_write;
    k->ours.xSync = disk_sync;
    return &k->ours;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int rc = real_vfs->xOpen(vfs, name, file, flags, out);

    if (rc == SQLITE_OK) {
        file->pMethods = watched_methods(file->pMethods);
    }
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        disk.log = file;
    }
    return rc;
}

static void watch_the_disk(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    watched_vfs = *real_vfs;
    watched_vfs.zName = "watched";
    watched_vfs.xOpen = disk_open;
    assert_int_equal(sqlite3_vfs_register(&watched_vfs, 1), SQLITE_OK);
}

/* --- what is durable --- */

static void administration_is_synced_and_exchanges_are_not(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct store_key key = {.name = "portal", .sha256 = {1}};
    const struct store_connector c = {.id = {{1}}, .name = "west"};
    const struct store_agent a = {.id = {{2}}, .connector = {{1}}, .version = "", .host = ""};
    const struct store_enrollment e = {.connector = {{1}}, .certificate = "PEM"};
    const struct store_agent b = {.id = {{3}}, .connector = {{1}}, .version = "", .host = ""};

#define EXPECT_SYNCS(n, call)                                                                      \
    do {                                                                                           \
        atomic_store(&disk.log_syncs, 0);                                                          \
        assert_int_equal(call, CX_OK);                                                             \
        assert_int_equal(atomic_load(&disk.log_syncs), n);                                         \
    } while (0)
    EXPECT_SYNCS(1, store_add_key(f->store, &key, &f->fail));
    EXPECT_SYNCS(1, store_remove_key(f->store, "portal", &f->fail));
    EXPECT_SYNCS(1, store_add_connector(f->store, &c, &f->fail));
    EXPECT_SYNCS(1, store_put_agent(f->store, &a, &f->fail));
    EXPECT_SYNCS(1, store_add_enrollment(f->store, &e, &f->fail));
    EXPECT_SYNCS(1, store_use_enrollment(f->store, &e, &b, &f->fail));
    EXPECT_SYNCS(1, store_put_profile(f->store, "hr", SLICE_LIT("{}"), &f->fail));
    EXPECT_SYNCS(1, store_remove_profile(f->store, "hr", &f->fail));

    atomic_store(&disk.log_syncs, 0);
    for (uint8_t i = 0; i < 10; i++) {
        put(f, &answers, i, &agent_1);
        put_result(f, &answers, i, &agent_1, "token");
        store_put_agent_seen(f->store, &a);
        flush_and_expect(f, &answers, "xn");
    }
    assert_false(store_tidy(f->store, T0));
    assert_int_equal(atomic_load(&disk.log_syncs), 0);

    EXPECT_SYNCS(1, store_remove_connector(f->store, &c.id, &f->fail));
#undef EXPECT_SYNCS
}

/* Let `run` begin in a child with an open store; kill it when it has said `words` words. What it
 * said after those is in `rest`. */
static void run_and_kill(struct fixture *f, void (*run)(struct fixture *f, int say), size_t words,
                         char *rest, size_t rest_bytes)
{
    int ends[2];
    pid_t pid;
    ssize_t got;
    char word;
    size_t count = 0;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)alarm(60); /* in case that nobody kills it */
        if (store_open(f->path, &f->key, &f->store, NULL) == CX_OK) {
            run(f, ends[1]);
        }
        _exit(1);
    }
    assert_true(pid > 0);
    assert_int_equal(close(ends[1]), 0);
    for (size_t i = 0; i < words; i++) {
        assert_int_equal(read(ends[0], &word, 1), 1);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while ((got = read(ends[0], rest + count, rest_bytes - 1 - count)) > 0) {
        count += (size_t)got;
    }
    rest[count] = '\0';
    assert_int_equal(close(ends[0]), 0);
}

static void say(int fd, const char *word)
{
    if (write(fd, word, 1) != 1) {
        _exit(2);
    }
}

static void say_done(void *ctx, enum cx_err err)
{
    say(*(const int *)ctx, err == CX_OK ? "d" : "e");
}

static void flush_one_and_wait(struct fixture *f, int fd)
{
    const struct store_exchange e = an_exchange(1, &agent_1);
    const struct store_exchange end = a_result(1, &agent_1);

    store_put_exchange(f->store, &e, NULL, NULL);
    store_put_result(f->store, &end, SLICE_LIT("token"), NULL, NULL);
    store_put_exchange(f->store, &e, say_done, &fd);
    store_flush(f->store);
    (void)pause();
}

static void what_was_flushed_survives_a_killed_process(void **state)
{
    struct fixture *f = *state;
    char rest[8];

    run_and_kill(f, flush_one_and_wait, 1, rest, sizeof(rest));
    assert_string_equal(rest, "");
    fixture_open(f);
    assert_string_equal(fixture_get(f, END_OF("01")), "issued issued answered  200 1000050 A1");
    expect_claim(f, 1, T0 + 60, "token");
}

static void note_one_and_wait(struct fixture *f, int fd)
{
    const struct store_exchange e = an_exchange(1, &agent_1);

    store_put_exchange(f->store, &e, say_done, &fd);
    say(fd, "n");
    (void)pause();
}

static void what_was_not_flushed_is_neither_there_nor_answered(void **state)
{
    struct fixture *f = *state;
    char rest[8];

    run_and_kill(f, note_one_and_wait, 1, rest, sizeof(rest));
    assert_string_equal(rest, "");
    fixture_open(f);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "0");
}

static void flush_for_ever(struct fixture *f, int fd)
{
    struct store_exchange e = an_exchange(0, &agent_1);

    for (unsigned i = 0;; i++) {
        e.id.bytes[14] = (uint8_t)(i >> 8);
        e.id.bytes[15] = (uint8_t)i;
        store_put_exchange(f->store, &e, say_done, &fd);
        store_flush(f->store);
    }
}

static void a_process_killed_at_work_has_lost_nothing_that_it_answered(void **state)
{
    struct fixture *f = *state;
    static char rest[1 << 17];
    unsigned long answered, count;

    run_and_kill(f, flush_for_ever, 500, rest, sizeof(rest));
    assert_null(strchr(rest, 'e'));
    answered = 500 + strlen(rest);
    fixture_open(f);
    count = strtoul(fixture_get(f, "SELECT count(*) FROM exchanges"), NULL, 10);
    assert_true(count == answered || count == answered + 1); /* killed before it said so */
}

/* --- a disk that is full --- */

static void a_full_disk_fails_the_group_and_the_store_goes_on(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    struct rlimit before, full;
    struct stat st;

    put(f, &answers, 1, &agent_1);
    flush_and_expect(f, &answers, "x");
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(stat(fixture_name(f, "-wal"), &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = (rlim_t)st.st_size + 5000; /* one page more */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    store_flush(f->store);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_string_equal(answers.text, "XR");
    answers.text[0] = '\0';
    assert_non_null(store_trouble(f->store));
    assert_int_equal(store_trouble(f->store)->code, CX_E_STORE);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "1");
    assert_string_equal(fixture_get(f, END_OF("01")), "    0 0 A1");

    put(f, &answers, 2, &agent_1);
    put_result(f, &answers, 1, &agent_1, "token");
    flush_and_expect(f, &answers, "xn");
    expect_claim(f, 1, T0 + 60, "token");
}

static void each_write_that_fails_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    int failures = 0;

    for (int n = 0;; n++, failures++) {
        atomic_store(&disk.writes_left, n);
        put(f, &answers, 1, &agent_1);
        put_result(f, &answers, 1, &agent_1, "token");
        store_flush(f->store);
        atomic_store(&disk.writes_left, -1);
        if (answers.text[0] == 'x') {
            break;
        }
        assert_string_equal(answers.text, "XR");
        answers.text[0] = '\0';
        assert_non_null(strstr(store_trouble(f->store)->detail, "full"));
        assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "0");
        assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "0");
        if (n % 3 == 0) {
            fixture_reopen(f);
        }
    }
    assert_string_equal(answers.text, "xn");
    assert_true(failures >= 4); /* a page for the rows and one for the part, in two writes each */
    fixture_reopen(f);
    expect_claim(f, 1, T0 + 60, "token");
}

static void administration_that_can_not_be_synced_fails(void **state)
{
    struct fixture *f = *state;
    const struct store_connector c = {.id = {{1}}, .name = "west"};
    const struct store_enrollment e = {.connector = {{1}}, .certificate = ""};
    const struct store_agent a = {.id = {{2}}, .connector = {{1}}, .version = "", .host = ""};

    assert_int_equal(store_add_connector(f->store, &c, &f->fail), CX_OK);
    assert_int_equal(store_add_enrollment(f->store, &e, &f->fail), CX_OK);
    atomic_store(&disk.is_sync_failing, true);
    assert_int_equal(store_put_profile(f->store, "hr", SLICE_LIT("{}"), &f->fail), CX_E_STORE);
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_E_STORE);
    assert_int_equal(store_remove_connector(f->store, &c.id, &f->fail), CX_E_STORE);
    atomic_store(&disk.is_sync_failing, false);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM profiles"), "0");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM agents"), "0");
    assert_string_equal(fixture_get(f, "SELECT is_used FROM enrollments"), "0");
    assert_int_equal(store_use_enrollment(f->store, &e, &a, &f->fail), CX_OK);
}

static void a_file_that_is_locked_fails_the_group_soon(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct store_key key = {.name = "portal", .sha256 = {1}};
    sqlite3 *other;

    put(f, &answers, 1, &agent_1);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    store_flush(f->store);
    assert_string_equal(answers.text, "X");
    answers.text[0] = '\0';
    assert_non_null(strstr(store_trouble(f->store)->detail, "another program"));
    assert_int_equal(store_add_key(f->store, &key, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "another program"));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(store_add_key(f->store, &key, &f->fail), CX_OK);
    put(f, &answers, 1, &agent_1);
    flush_and_expect(f, &answers, "x");
}

/* --- the write-ahead log --- */

static void write_pages(struct fixture *f, unsigned n)
{
    static uint8_t part[16 * 4096];
    const struct cx_id id = fixture_id(T0 + n, 1);
    struct store_exchange e = an_exchange(1, &agent_1);

    e.id = id;
    store_put_exchange(f->store, &e, NULL, NULL);
    store_put_result(f->store, &e, slice_of(part, sizeof(part)), NULL, NULL);
    store_drop_result(f->store, &id);
    store_flush(f->store);
}

static void the_log_does_not_grow_for_ever(void **state)
{
    struct fixture *f = *state;
    off_t longest = 0;
    struct stat st;
    static uint8_t part[64 * 4096];
    struct store_exchange e = an_exchange(0, &agent_1);

    for (unsigned i = 0; i < 700; i++) { /* 64 pages each: 180 MB */
        e.id.bytes[14] = (uint8_t)(i >> 8);
        e.id.bytes[15] = (uint8_t)i;
        store_put_exchange(f->store, &e, NULL, NULL);
        store_put_result(f->store, &e, slice_of(part, sizeof(part)), NULL, NULL);
        store_flush(f->store);
        assert_null(store_trouble(f->store));
        assert_int_equal(stat(fixture_name(f, "-wal"), &st), 0);
        longest = st.st_size > longest ? st.st_size : longest;
    }
    assert_true(longest > 1000000);
    assert_true(longest < 136000000); /* 2 * 16000 pages, and the group that went over it */
    fixture_reopen(f);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM exchanges"), "700");
    assert_string_equal(fixture_get(f, "PRAGMA integrity_check"), "ok");
}

/* More than the thread waits for, less than the loop bears; then wait for the thread. (Tidying
 * nothing writes nothing.) */
static void wait_for_merge(struct fixture *f, unsigned first, bool is_trouble)
{
    time_t end = time(NULL) + 30;

    for (unsigned i = 0; i < 100; i++) {
        write_pages(f, first + i);
    }
    while ((store_trouble(f->store) != NULL) != is_trouble && time(NULL) < end) {
        (void)sched_yield();
        assert_false(store_tidy(f->store, 0));
    }
    assert_true((store_trouble(f->store) != NULL) == is_trouble);
}

static void a_log_that_can_not_be_merged_is_trouble(void **state)
{
    struct fixture *f = *state;

    atomic_store(&disk.is_file_refusing, true);
    wait_for_merge(f, 0, true);
    assert_non_null(strstr(store_trouble(f->store)->detail, "can't be merged"));
    atomic_store(&disk.is_file_refusing, false);
    wait_for_merge(f, 100, false);
}

/* --- what lies on the disk --- */

static void nothing_secret_lies_on_the_disk_in_clear(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm", ".lock"};
    static const char *const secrets[] = {"s3cr3t-of-the-client", "t0ken-of-the-user"};
    struct fixture *f = *state;
    struct answers answers = {0};

    put(f, &answers, 1, &agent_1);
    put_result(f, &answers, 1, &agent_1, "{\"access_token\":\"t0ken-of-the-user\"}");
    flush_and_expect(f, &answers, "xn");
    assert_int_equal(store_put_profile(f->store, "hr-portal",
                                       SLICE_LIT("{\"secret\":\"s3cr3t-of-the-client\"}"),
                                       &f->fail),
                     CX_OK);
    assert_true(fixture_file_has(fixture_name(f, "-wal"), "hr-portal")); /* one can look there */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
            for (size_t k = 0; k < sizeof(secrets) / sizeof(secrets[0]); k++) {
                assert_false(fixture_file_has(fixture_name(f, tails[i]), secrets[k]));
            }
        }
        fixture_close(f); /* now all is in the file */
    }
    assert_true(fixture_file_has(f->path, "hr-portal"));
}

static void what_is_deleted_is_overwritten(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_put_profile(f->store, "hr-portal-4711", SLICE_LIT("{}"), &f->fail),
                     CX_OK);
    fixture_reopen(f);
    assert_true(fixture_file_has(f->path, "hr-portal-4711"));
    assert_int_equal(store_remove_profile(f->store, "hr-portal-4711", &f->fail), CX_OK);
    fixture_close(f);
    assert_false(fixture_file_has(f->path, "hr-portal-4711"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(administration_is_synced_and_exchanges_are_not),
        STORE_TEST(a_full_disk_fails_the_group_and_the_store_goes_on),
        STORE_TEST(each_write_that_fails_leaves_all_or_nothing),
        STORE_TEST(administration_that_can_not_be_synced_fails),
        STORE_TEST(a_file_that_is_locked_fails_the_group_soon),
        STORE_TEST(the_log_does_not_grow_for_ever),
        STORE_TEST(a_log_that_can_not_be_merged_is_trouble),
        STORE_TEST(nothing_secret_lies_on_the_disk_in_clear),
        STORE_TEST(what_is_deleted_is_overwritten),
        STORE_TEST_CLOSED(what_was_flushed_survives_a_killed_process),
        STORE_TEST_CLOSED(what_was_not_flushed_is_neither_there_nor_answered),
        STORE_TEST_CLOSED(a_process_killed_at_work_has_lost_nothing_that_it_answered),
    };

    watch_the_disk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
