#include "tests/unit/platform/store_fixture.h"

#include "platform/io/store_sqlite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static unsigned mode_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return 0;
    }
    return (unsigned)st.st_mode & 07777;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void a_store_is_readable_by_its_owner_only(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm", ".lock"};
    struct fixture *f = *state;
    mode_t before = umask(0);

    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
    fixture_open(f);
    assert_false(store_tidy(f->store, 1)); /* a transaction, so that the log is there */
    (void)umask(before);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        assert_int_equal(mode_of(fixture_name(f, tails[i])), 0600);
    }
}

static void a_closed_store_is_one_file(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    assert_int_equal(mode_of(f->path), 0600);
    assert_int_equal(mode_of(fixture_name(f, "-wal")), 0);
    assert_int_equal(mode_of(fixture_name(f, "-shm")), 0);
    assert_int_equal(mode_of(fixture_name(f, ".new")), 0);
}

static void create_leaves_what_is_there(void **state)
{
    struct fixture *f = *state;

    write_text(f->path, "a letter", 0600);
    assert_int_equal(store_create(f->path, &f->fail), CX_E_EXISTS);
    assert_non_null(strstr(f->fail.detail, f->path));
    assert_true(fixture_file_has(f->path, "a letter"));
}

static void create_follows_no_link(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(symlink("/nowhere/at/all", f->path), 0);
    assert_int_equal(store_create(f->path, &f->fail), CX_E_EXISTS);
}

static void create_needs_a_folder(void **state)
{
    struct fixture *f = *state;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/none/platform.db", f->folder);
    assert_int_equal(store_create(path, &f->fail), CX_E_STORE);
    (void)snprintf(path, sizeof(path), "%s/", f->folder);
    assert_int_equal(store_create(path, &f->fail), CX_E_STORE);
}

static void create_takes_a_name_without_folder(void **state)
{
    struct fixture *f = *state;
    int before = open(".", O_RDONLY | O_DIRECTORY);

    assert_int_equal(chdir(f->folder), 0);
    assert_int_equal(store_create("platform.db", &f->fail), CX_OK);
    assert_int_equal(store_open("platform.db", &f->key, &f->store, &f->fail), CX_OK);
    assert_int_equal(fchdir(before), 0);
    assert_int_equal(close(before), 0);
}

static void create_starts_over_after_an_interrupted_one(void **state)
{
    struct fixture *f = *state;

    write_text(fixture_name(f, ".new"), "half a store", 0600);
    write_text(fixture_name(f, ".new-journal"), "half a journal", 0600);
    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
    fixture_open(f);
}

static void create_leaves_nothing_when_the_disk_is_full(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, full;

    (void)signal(SIGXFSZ, SIG_IGN); /* a write past the limit is an error then, as a full disk is */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = 8192;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    assert_int_equal(store_create(f->path, &f->fail), CX_E_STORE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(mode_of(f->path), 0);
    assert_int_equal(mode_of(fixture_name(f, ".new")), 0);
    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
}

static void open_says_that_there_is_no_file(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_NOT_FOUND);
    assert_non_null(strstr(f->fail.detail, f->path));
    assert_null(f->store);
}

static void open_refuses_a_file_that_others_may_read(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0601};
    struct fixture *f = *state;

    fixture_close(f);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(f->path, modes[i]), 0);
        assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_MODE);
        assert_non_null(strstr(f->fail.detail, "chmod 600"));
    }
    assert_int_equal(chmod(f->path, 0600), 0);
    write_text(fixture_name(f, "-wal"), "", 0644);
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_MODE);
    assert_int_equal(unlink(fixture_name(f, "-wal")), 0);
    fixture_open(f);
}

static void open_refuses_what_is_not_a_store(void **state)
{
    struct fixture *f = *state;
    char letter[4096];

    memset(letter, 'x', sizeof(letter));
    letter[sizeof(letter) - 1] = '\0';
    write_text(f->path, letter, 0600);
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "not a store"));
    assert_non_null(strstr(f->fail.detail, f->path));
    assert_true(fixture_file_has(f->path, letter));

    write_text(f->path, "", 0600);
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "not a store"));

    fixture_sql(f, "CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1;");
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "not a store"));
    assert_string_equal(fixture_get(f, "PRAGMA journal_mode"), "delete"); /* as it was */

    assert_int_equal(store_open(f->folder, &f->key, &f->store, &f->fail), CX_E_STORE);
}

static void open_refuses_a_store_of_a_newer_version(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    fixture_sql(f, "PRAGMA user_version = 4");
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_STORE);
    assert_non_null(
        strstr(f->fail.detail, "newer connector-platform (schema 4; this one knows 3)"));
    assert_string_equal(fixture_get(f, "PRAGMA user_version"), "4");
    fixture_sql(f, "PRAGMA user_version = -1");
    assert_int_equal(store_open(f->path, &f->key, &f->store, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "not a store"));
}

static void open_refuses_another_master_key_without_harm(void **state)
{
    struct fixture *f = *state;
    struct seal_key other = {0};

    assert_int_equal(store_put_profile(f->store, "hr", SLICE_LIT("{}"), &f->fail), CX_OK);
    fixture_close(f);
    fixture_set_key(&other, 8);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(f->path, &other, &f->store, &f->fail), CX_E_CRYPTO);
        assert_non_null(strstr(f->fail.detail, "another master key"));
        assert_non_null(strstr(f->fail.detail, f->path));
    }
    seal_key_done(&other);
    fixture_open(f);
    assert_int_equal(store_remove_profile(f->store, "hr", &f->fail), CX_OK);
}

static void open_needs_a_key_that_is_set(void **state)
{
    struct fixture *f = *state;
    struct seal_key none = {0};

    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
    assert_int_equal(store_open(f->path, &none, &f->store, &f->fail), CX_E_CRYPTO);
    fixture_open(f); /* and that was not taken for the store's own */
}

/* In a child: 0 if opening is refused as it must be. */
static int open_elsewhere(const struct fixture *f, const char *path)
{
    struct store *s = NULL;
    struct cx_fail fail = {0};
    enum cx_err err = store_open(path, &f->key, &s, &fail);

    if (err != CX_E_STATE || s != NULL ||
        strstr(fail.detail, "in use by another process") == NULL) {
        return 1;
    }
    return 0;
}

static int in_child(int (*run)(const struct fixture *f, const char *path), const struct fixture *f,
                    const char *path)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        _exit(run(f, path));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_second_process_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(in_child(open_elsewhere, f, f->path), 0);
    assert_int_equal(symlink(f->path, fixture_name(f, ".link")), 0);
    assert_int_equal(in_child(open_elsewhere, f, fixture_name(f, ".link")), 0);
    assert_int_equal(open_elsewhere(f, f->path), 0); /* a second one in this process likewise */
    fixture_reopen(f);
}

static void create_is_refused_while_another_process_is_at_it(void **state)
{
    struct fixture *f = *state;
    int lock;

    assert_int_equal(store_lock(f->path, &lock, &f->fail), CX_OK);
    assert_int_equal(store_create(f->path, &f->fail), CX_E_STATE);
    assert_int_equal(mode_of(f->path), 0);
    assert_int_equal(close(lock), 0);
    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
}

static void migrations_run_in_order_and_stop_at_a_fault(void **state)
{
    static const char *const steps[] = {"CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y",
                                        "CREATE TABLE b (x); CREATE TABLE a (x)",
                                        "CREATE TABLE c (x)"};
    static const char *const mended[] = {"", "", "CREATE TABLE b (x)", "CREATE TABLE c (x)"};
    struct fixture *f = *state;
    sqlite3 *db;

    write_text(f->path, "", 0600);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(store_migrate(db, steps, 4, &f->fail), CX_E_STORE);
    assert_non_null(strstr(f->fail.detail, "already exists"));
    assert_string_equal(fixture_get(f, "PRAGMA user_version"), "2");
    assert_string_equal(fixture_get(f, "SELECT count(y) FROM a"), "0");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM sqlite_schema"), "1"); /* no b */
    assert_int_equal(store_migrate(db, mended, 4, &f->fail), CX_OK);
    assert_string_equal(fixture_get(f, "PRAGMA user_version"), "4");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM sqlite_schema"), "3");
    assert_int_equal(store_migrate(db, mended, 4, &f->fail), CX_OK);
    assert_int_equal(store_migrate(db, mended, 3, &f->fail), CX_E_STORE);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void the_file_is_set_as_the_contract_wants(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *pragma;
        int64_t want;
    } rows[] = {{"PRAGMA foreign_keys", 1},
                {"PRAGMA secure_delete", 1},
                {"PRAGMA synchronous", 1},
                {"PRAGMA temp_store", 2},
                {"PRAGMA busy_timeout", STORE_BUSY_MS},
                {"PRAGMA user_version", 3},
                {"PRAGMA wal_autocheckpoint", 0},
                {"PRAGMA trusted_schema", 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t got = -1;

        assert_int_equal(store_pragma(f->store->db, rows[i].pragma, &got, &f->fail), CX_OK);
        if (got != rows[i].want) {
            fail_msg("%s is %lld", rows[i].pragma, (long long)got);
        }
    }
    assert_string_equal(fixture_get(f, "PRAGMA journal_mode"), "wal");
    assert_null(store_trouble(f->store));
}

static void close_takes_null(void **state)
{
    (void)state;
    store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST_BARE(a_store_is_readable_by_its_owner_only),
        STORE_TEST(a_closed_store_is_one_file),
        STORE_TEST_BARE(create_leaves_what_is_there),
        STORE_TEST_BARE(create_follows_no_link),
        STORE_TEST_BARE(create_needs_a_folder),
        STORE_TEST_BARE(create_takes_a_name_without_folder),
        STORE_TEST_BARE(create_starts_over_after_an_interrupted_one),
        STORE_TEST_BARE(create_leaves_nothing_when_the_disk_is_full),
        STORE_TEST_BARE(open_says_that_there_is_no_file),
        STORE_TEST(open_refuses_a_file_that_others_may_read),
        STORE_TEST_BARE(open_refuses_what_is_not_a_store),
        STORE_TEST(open_refuses_a_store_of_a_newer_version),
        STORE_TEST(open_refuses_another_master_key_without_harm),
        STORE_TEST_BARE(open_needs_a_key_that_is_set),
        STORE_TEST(a_second_process_is_refused),
        STORE_TEST_BARE(create_is_refused_while_another_process_is_at_it),
        STORE_TEST_BARE(migrations_run_in_order_and_stop_at_a_fault),
        STORE_TEST(the_file_is_set_as_the_contract_wants),
        cmocka_unit_test(close_takes_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
