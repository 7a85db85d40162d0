#include "tests/unit/platform/store_answers.h"

#include "platform/io/store_sqlite.h"

/* A store as connector-platform 0.1 made it, schema 1: its text, kept for ever. */
static const char schema_1[] =
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
    " sealed BLOB NOT NULL);"
    "PRAGMA user_version = 1; PRAGMA application_id = 1129860691;";

/* An exchange of agent 1 that has ended, its result sealed as "token", and one that runs. */
static void fill(const struct fixture *f)
{
    const struct cx_id id = fixture_id(T0, 1);
    const struct cx_id running = fixture_id(T0, 2);
    char id_chars[CX_ID_TEXT_BYTES];
    char aad[64];
    struct buf sealed;
    sqlite3_stmt *stmt;
    sqlite3 *db;

    buf_init(&sealed, 256);
    (void)snprintf(aad, sizeof(aad), "result:%s", id_text(&id, id_chars));
    assert_int_equal(seal(&f->key, slice_of_str(aad), SLICE_LIT("token"), &sealed), CX_OK);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, schema_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "INSERT INTO results VALUES (1, ?, 1000050, ?)", -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(stmt, 1, id.bytes, 16, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(stmt, 2, sealed.ptr, (int)sealed.len, SQLITE_STATIC),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "INSERT INTO exchanges VALUES (?1, 'hr', 'west', 'portal', '',"
                           " 'authorize', x'a1000000000000000000000000000000', 1000000, ?2, ?2,"
                           " ?3, '', 200, 1000050, ?4)",
                           -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(stmt, 1, id.bytes, 16, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(stmt, 2, "issued", -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(stmt, 3, "answered", -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_int(stmt, 4, 1), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    assert_int_equal(sqlite3_reset(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(stmt, 1, running.bytes, 16, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(stmt, 2, "", -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(stmt, 3, "", -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_null(stmt, 4), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(f->path, 0600), 0);
    buf_done(&sealed);
}

static void a_store_of_schema_1_goes_on_with_all_that_it_holds(void **state)
{
    struct fixture *f = *state;
    struct answers answers = {0};
    const struct cx_id id = fixture_id(T0, 1);
    struct store_found found;

    fill(f);
    fixture_open(f);
    assert_string_equal(fixture_get(f, "PRAGMA user_version"), "3");
    expect_claim(f, 1, T0 + 60, "token");
    assert_int_equal(store_find_exchange(f->store, &id, &found, &f->fail), CX_OK);
    assert_true(found.has_result && !found.is_keyed);
    put_result(f, &answers, 2, &agent_1, "two"); /* of the one that ran */
    flush_and_expect(f, &answers, "n");
    expect_claim(f, 2, T0 + 60, "two");
    store_drop_result(f->store, &id);
    store_flush(f->store);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM results"), "1");
}

static void a_migrated_store_has_the_schema_of_a_new_one(void **state)
{
    static const char schema[] =
        "SELECT substr(group_concat(sql, ';'), -500) FROM (SELECT sql FROM sqlite_schema"
        " WHERE sql IS NOT NULL AND name IN ('exchanges', 'results', 'exchanges_by_repeat')"
        " ORDER BY name)";
    struct fixture *f = *state;
    char migrated[512];

    fill(f);
    fixture_open(f);
    (void)snprintf(migrated, sizeof(migrated), "%s", fixture_get(f, schema));
    fixture_close(f);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(store_create(f->path, &f->fail), CX_OK);
    assert_string_equal(fixture_get(f, schema), migrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST_BARE(a_store_of_schema_1_goes_on_with_all_that_it_holds),
        STORE_TEST_BARE(a_migrated_store_has_the_schema_of_a_new_one),
    };

    return cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL);
}
