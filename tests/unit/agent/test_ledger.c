#include "agent/io/ledger.h"

#include "tests/support/check.h"
#include "tests/support/ledger_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>

static struct ledger_fixture f;

static int set_up(void **state)
{
    (void)state;
    ledger_fixture_init(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ledger_fixture_done(&f);
    return 0;
}

static void ledger_is_written_when_flush_returns(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_WAITING);
    ledger_flush(f.ledger);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_SAFE);
    ledger_fixture_finish(&f, 1, "token");
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_WAITING);
    ledger_flush(f.ledger);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_SAFE);
    assert_int_equal(ledger_status(f.ledger).writes, 2);
    assert_int_equal(ledger_status(f.ledger).syncs, 0);
}

static void ledger_flushes_by_itself_at_the_end_of_the_turn(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    ledger_fixture_wait(&f, 1);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_SAFE);
}

static void ledger_writes_many_records_at_once(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    for (unsigned n = 0; n < LEDGER_FIXTURE_JOBS; n++) {
        ledger_fixture_begin(&f, n, false);
    }
    ledger_flush(f.ledger);
    assert_int_equal(ledger_status(f.ledger).writes, 1);
}

static void some_jobs(struct ledger_fixture *own)
{
    for (unsigned n = 1; n <= 4; n++) {
        ledger_fixture_begin(own, n, n == 4);
    }
    ledger_fixture_finish(own, 2, "result two");
    ledger_fixture_finish(own, 3, "result three");
    ledger_forget(own->ledger, &own->slots[3]);
    ledger_flush(own->ledger);
    ledger_fixture_finish(own, 1, "");
    ledger_flush(own->ledger);
}

static void ledger_of_a_killed_process_is_found_whole(void **state)
{
    struct cx_id id;
    uint64_t seq;

    (void)state;
    ledger_fixture_killed(&f, some_jobs);
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_KEPT);
    id = ledger_id(f.ledger);
    seq = ledger_seq(f.ledger);
    assert_string_equal(ledger_fixture_found(&f), "1=, 2=result two, 4 refresh");
    assert_int_equal(ledger_status(f.ledger).jobs, 3);
    ledger_fixture_close(&f);

    ledger_fixture_open(&f); /* nobody took them: they are still there */
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_KEPT);
    assert_memory_equal(ledger_id(f.ledger).bytes, id.bytes, CX_ID_BYTES);
    assert_true(ledger_seq(f.ledger) > seq);
    assert_string_equal(ledger_fixture_found(&f), "1=, 2=result two, 4 refresh");
    ledger_forget(f.ledger, &f.slots[1]);
    ledger_fixture_finish(&f, 4, "late");
    ledger_fixture_close(&f);

    ledger_fixture_open(&f);
    assert_string_equal(ledger_fixture_found(&f), "2=result two, 4=late");
}

static void ledger_keeps_what_nobody_adopts(void **state)
{
    (void)state;
    ledger_fixture_killed(&f, some_jobs);
    ledger_fixture_open(&f);
    ledger_adopt(f.ledger, &f.slots[1], &f.results[1]);
    ledger_forget(f.ledger, &f.slots[1]);
    ledger_fixture_close(&f);
    ledger_fixture_open(&f);
    assert_string_equal(ledger_fixture_found(&f), "2=result two, 4 refresh");
}

static void ledger_shows_nothing_in_plain(void **state)
{
    static const char secret[] = "eyJ-the-secret-token-that-nobody-may-read";
    struct cx_id id = ledger_fixture_id(1);
    struct buf bytes = {0};

    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    ledger_fixture_finish(&f, 1, secret);
    ledger_flush(f.ledger);
    ledger_fixture_load(f.current, &bytes);
    assert_true(bytes.len > sizeof(secret));
    assert_null(memmem(bytes.ptr, bytes.len, secret, 8));
    assert_null(memmem(bytes.ptr, bytes.len, id.bytes, sizeof(id.bytes)));
    buf_done(&bytes);
}

static void ledger_is_its_owners_alone(void **state)
{
    struct stat st;

    (void)state;
    ledger_fixture_open(&f);
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(f.current, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(f.key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void ledger_syncs_before_it_is_safe_if_asked_to(void **state)
{
    static const struct {
        const char *why;
        bool is_always, is_refresh;
    } rows[] = {
        {"always", true, false},
        {"always, a refresh", true, true},
        {"process, a refresh", false, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        f.is_always = rows[i].is_always;
        ledger_fixture_open(&f);
        ledger_fixture_begin(&f, 1, rows[i].is_refresh);
        ledger_flush(f.ledger);
        CHECK(rows[i].why, ledger_look(f.ledger, &f.slots[1]) == LEDGER_WAITING);
        ledger_fixture_wait(&f, 1);
        CHECK(rows[i].why, ledger_look(f.ledger, &f.slots[1]) == LEDGER_SAFE);
        CHECK(rows[i].why, ledger_status(f.ledger).syncs == 1);
        ledger_forget(f.ledger, &f.slots[1]);
        ledger_fixture_close(&f);
    }
}

static void ledger_lets_others_go_on_while_a_refresh_is_synced(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, true);
    ledger_fixture_begin(&f, 2, false);
    ledger_flush(f.ledger);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_WAITING);
    assert_int_equal(ledger_look(f.ledger, &f.slots[2]), LEDGER_SAFE);
    ledger_fixture_begin(&f, 3, false);
    ledger_flush(f.ledger);
    assert_int_equal(ledger_look(f.ledger, &f.slots[3]), LEDGER_SAFE);
    ledger_fixture_wait(&f, 1);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_SAFE);
}

static void ledger_writes_what_is_forgotten_within_a_second(void **state)
{
    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    ledger_fixture_finish(&f, 1, "x");
    ledger_flush(f.ledger);
    ledger_forget(f.ledger, &f.slots[1]);
    while (ledger_status(f.ledger).writes < 2) {
        ledger_fixture_turn(&f);
    }
    assert_int_equal(ledger_status(f.ledger).jobs, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ledger_is_written_when_flush_returns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledger_flushes_by_itself_at_the_end_of_the_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ledger_writes_many_records_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledger_of_a_killed_process_is_found_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ledger_keeps_what_nobody_adopts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledger_shows_nothing_in_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledger_is_its_owners_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ledger_syncs_before_it_is_safe_if_asked_to, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ledger_lets_others_go_on_while_a_refresh_is_synced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ledger_writes_what_is_forgotten_within_a_second, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
