#ifndef CONNECTOR_TESTS_STORE_FIXTURE_H
#define CONNECTOR_TESTS_STORE_FIXTURE_H

#include "common/io/seal.h"
#include "platform/io/store.h"

/* cmocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A store in a folder of its own, made anew for each test. */
struct fixture {
    char folder[64];
    char path[96];
    struct seal_key key;
    struct store *store;
    struct cx_fail fail;
};

static const char *const fixture_tails[] = {"",     "-wal",  "-shm",  "-journal",
                                            ".new", ".lock", ".link", ".new-journal"};

/* A name beside the store's; good until the next call. */
static inline const char *fixture_name(const struct fixture *f, const char *tail)
{
    static char name[128];

    (void)snprintf(name, sizeof(name), "%s%s", f->path, tail);
    return name;
}

static inline void fixture_set_key(struct seal_key *key, uint8_t byte)
{
    uint8_t bytes[SEAL_KEY_BYTES];

    memset(bytes, byte, sizeof(bytes));
    assert_int_equal(secret_set(&key->bytes, slice_of(bytes, sizeof(bytes))), CX_OK);
}

static inline void fixture_open(struct fixture *f)
{
    enum cx_err err = store_open(f->path, &f->key, &f->store, &f->fail);

    if (err != CX_OK) {
        fail_msg("store_open: %s", cx_fail_text(&f->fail));
    }
}

static inline void fixture_close(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

static inline void fixture_reopen(struct fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

/* A folder and a key, no store yet. */
static inline int fixture_bare(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/store-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/platform.db", f->folder);
    fixture_set_key(&f->key, 7);
    *state = f;
    return 0;
}

/* With a store that nobody has open. */
static inline int fixture_closed(void **state)
{
    struct fixture *f;

    (void)fixture_bare(state);
    f = *state;
    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
    return 0;
}

/* With an open store. */
static inline int fixture_setup(void **state)
{
    (void)fixture_closed(state);
    fixture_open(*state);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    for (size_t i = 0; i < sizeof(fixture_tails) / sizeof(fixture_tails[0]); i++) {
        (void)unlink(fixture_name(f, fixture_tails[i]));
    }
    assert_int_equal(rmdir(f->folder), 0); /* the store left nothing else behind */
    seal_key_done(&f->key);
    free(f);
    return 0;
}

/* Look into the file (or change it) past the store. It may be open. */
static inline void fixture_sql(const struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 1000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The one value that a query gives, as text; good until the next call. "(none)" without a row. */
static inline const char *fixture_get(const struct fixture *f, const char *sql)
{
    static char value[512];
    sqlite3 *db;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 1000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    (void)snprintf(value, sizeof(value), "(none)");
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(stmt, 0);

        (void)snprintf(value, sizeof(value), "%s", text != NULL ? (const char *)text : "(null)");
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

/* Is `text` anywhere in this file? A file that isn't there holds nothing. */
static inline bool fixture_file_has(const char *path, const char *text)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    char *bytes;
    bool has = false;

    if (file == NULL) {
        return false;
    }
    assert_int_equal(fstat(fileno(file), &st), 0);
    bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), (size_t)st.st_size);
    has = memmem(bytes, (size_t)st.st_size, text, strlen(text)) != NULL;
    free(bytes);
    (void)fclose(file);
    return has;
}

/* An id of the time `ms`, told from others of that time by `n`. */
static inline struct cx_id fixture_id(uint64_t ms, uint8_t n)
{
    const uint8_t random[10] = {0, 0, 0, 0, 0, 0, 0, 0, 0, n};

    return id_make(ms, random);
}

#define STORE_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
#define STORE_TEST_CLOSED(function)                                                                \
    cmocka_unit_test_setup_teardown(function, fixture_closed, fixture_teardown)
#define STORE_TEST_BARE(function)                                                                  \
    cmocka_unit_test_setup_teardown(function, fixture_bare, fixture_teardown)

#endif
