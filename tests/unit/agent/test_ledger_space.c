/* A disk that is full or fails, and a ledger that has to stay small. */
#include "agent/core/ledger_live.h"
#include "agent/io/ledger.h"
#include "agent/io/ledger_file.h"
#include "tests/support/check.h"
#include "tests/support/ledger_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct ledger_fixture f;
static struct rlimit was;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    ledger_fixture_init(&f);
    return 0;
}

/* No file of this process may grow beyond that: what a full disk is to it. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = was.rlim_max};

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int tear_down(void **state)
{
    (void)state;
    limit_files(was.rlim_cur);
    ledger_fixture_done(&f);
    return 0;
}

static void wait_until(enum ledger_state state)
{
    while (ledger_status(f.ledger).state != state) {
        ledger_fixture_turn(&f);
    }
}

static void a_job_is_refused_before_it_runs_when_its_result_would_have_no_space(void **state)
{
    struct cx_id id = ledger_fixture_id(30);
    struct cx_fail fail = {0};
    unsigned begun = 0;
    struct buf result;
    uint8_t *at;

    (void)state;
    limit_files(LEDGER_STEP_BYTES / 32); /* 128 KiB: for some results of 16 KiB */
    ledger_fixture_open(&f);
    while (ledger_begin(f.ledger, &f.slots[begun], &id, false, &fail) == CX_OK) {
        begun++;
        id = ledger_fixture_id(begun);
        assert_in_range(begun, 0, 20);
    }
    assert_in_range(begun, 3, 8);
    assert_int_equal(fail.code, CX_E_FULL);
    assert_false(f.slots[begun].is_in);
    assert_int_equal(ledger_status(f.ledger).state, LEDGER_FULL);
    assert_true(ledger_status(f.ledger).why[0] != '\0');
    ledger_fixture_wait(&f, 1); /* the owner hears of it */

    buf_init(&result, LEDGER_FIXTURE_RESULT_BYTES); /* those that were begun have their space */
    assert_int_equal(buf_reserve(&result, LEDGER_FIXTURE_RESULT_BYTES, &at), CX_OK);
    memset(at, 'x', LEDGER_FIXTURE_RESULT_BYTES);
    buf_grew(&result, LEDGER_FIXTURE_RESULT_BYTES);
    for (unsigned n = 0; n < begun; n++) {
        ledger_finish(f.ledger, &f.slots[n], buf_view(&result));
        ledger_flush(f.ledger);
        assert_int_equal(ledger_look(f.ledger, &f.slots[n]), LEDGER_SAFE);
    }
    limit_files(was.rlim_cur);
    wait_until(LEDGER_OK); /* by itself */
    assert_string_equal(ledger_status(f.ledger).why, "");
    ledger_fixture_begin(&f, begun, false);
    ledger_fixture_close(&f);
    buf_done(&result);
}

static void a_failed_write_stops_new_jobs_and_keeps_what_is_held(void **state)
{
    struct cx_id id = ledger_fixture_id(9);
    struct cx_fail fail = {0};

    (void)state;
    ledger_fixture_open(&f);
    ledger_fixture_begin(&f, 1, false);
    ledger_fixture_begin(&f, 2, false);
    ledger_flush(f.ledger);
    limit_files(1);
    ledger_fixture_finish(&f, 1, "token");
    ledger_fixture_begin(&f, 3, false);
    ledger_flush(f.ledger);
    assert_int_equal(ledger_status(f.ledger).state, LEDGER_FAILING);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_FAILED);
    assert_int_equal(ledger_look(f.ledger, &f.slots[2]), LEDGER_SAFE);
    assert_int_equal(ledger_look(f.ledger, &f.slots[3]), LEDGER_FAILED);
    ledger_forget(f.ledger, &f.slots[3]); /* refused by its owner */
    assert_int_equal(ledger_begin(f.ledger, &f.slots[9], &id, false, &fail), CX_E_IO);
    ledger_fixture_finish(&f, 2, "second");
    assert_int_equal(ledger_look(f.ledger, &f.slots[2]), LEDGER_FAILED);

    limit_files(was.rlim_cur);
    wait_until(LEDGER_OK);
    assert_int_equal(ledger_look(f.ledger, &f.slots[1]), LEDGER_SAFE);
    assert_int_equal(ledger_look(f.ledger, &f.slots[2]), LEDGER_SAFE);
    ledger_fixture_begin(&f, 4, false);
    ledger_fixture_close(&f);
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).past, LEDGER_KEPT);
    assert_string_equal(ledger_fixture_found(&f), "1=token, 2=second, 4 begun");
}

static void two_jobs(struct ledger_fixture *own)
{
    ledger_fixture_begin(own, 1, false);
    ledger_fixture_begin(own, 2, false);
    ledger_fixture_finish(own, 2, "two");
    ledger_flush(own->ledger);
}

static void a_full_disk_at_the_start_leaves_the_old_ledger_and_what_is_in_it(void **state)
{
    struct cx_id id = ledger_fixture_id(9);

    (void)state;
    ledger_fixture_killed(&f, two_jobs);
    limit_files(1);
    ledger_fixture_open(&f);
    assert_int_equal(ledger_status(f.ledger).state, LEDGER_FAILING);
    assert_int_equal(ledger_begin(f.ledger, &f.slots[9], &id, false, NULL), CX_E_IO);
    assert_string_equal(ledger_fixture_found(&f), "1 begun, 2=two");
    ledger_fixture_close(&f);
    ledger_fixture_open(&f);
    assert_string_equal(ledger_fixture_found(&f), "1 begun, 2=two");
    ledger_forget(f.ledger, &f.slots[1]);
    limit_files(was.rlim_cur);
    wait_until(LEDGER_OK);
    ledger_fixture_close(&f);
    ledger_fixture_open(&f);
    assert_string_equal(ledger_fixture_found(&f), "2=two");
}

/* Jobs come and go until the ledger was written anew `times`; `kept` stay in it. */
static void wear(unsigned times, bool is_refresh)
{
    static const char text[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct buf result;

    buf_init(&result, LEDGER_FIXTURE_RESULT_BYTES);
    while (result.len < LEDGER_FIXTURE_RESULT_BYTES / 2) {
        assert_int_equal(buf_put_str(&result, text), CX_OK);
    }
    while (ledger_status(f.ledger).rotations < times) {
        for (unsigned n = 8; n < 24; n++) {
            ledger_fixture_begin(&f, n, is_refresh);
            ledger_finish(f.ledger, &f.slots[n], buf_view(&result));
        }
        ledger_flush(f.ledger);
        do {
            loop_turn(f.loop);
        } while (ledger_look(f.ledger, &f.slots[23]) == LEDGER_WAITING);
        for (unsigned n = 8; n < 24; n++) {
            assert_int_equal(ledger_look(f.ledger, &f.slots[n]), LEDGER_SAFE);
            ledger_forget(f.ledger, &f.slots[n]);
        }
        assert_in_range(ledger_status(f.ledger).disk_bytes, 0, 2 * LEDGER_GARBAGE_BYTES);
    }
    buf_done(&result);
}

static void a_ledger_stays_small_and_keeps_what_lives(void **state)
{
    static const struct {
        const char *why;
        bool is_always, is_refresh;
    } rows[] = {
        {"process", false, false}, {"process, refreshes", false, true}, {"always", true, false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t seq;

        f.is_always = rows[i].is_always;
        ledger_fixture_open(&f);
        ledger_fixture_begin(&f, 1, false);
        ledger_fixture_begin(&f, 2, true);
        ledger_fixture_finish(&f, 2, "two");
        wear(2, rows[i].is_refresh);
        seq = ledger_seq(f.ledger);
        ledger_fixture_close(&f);
        ledger_fixture_open(&f);
        CHECK(rows[i].why, ledger_status(f.ledger).past == LEDGER_KEPT);
        CHECK(rows[i].why, ledger_seq(f.ledger) > seq);
        CHECK_TEXT(rows[i].why, slice_of_str(ledger_fixture_found(&f)), "1 begun, 2=two");
        ledger_forget(f.ledger, &f.slots[1]);
        ledger_forget(f.ledger, &f.slots[2]);
        ledger_fixture_close(&f);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_job_is_refused_before_it_runs_when_its_result_would_have_no_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_write_stops_new_jobs_and_keeps_what_is_held,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_full_disk_at_the_start_leaves_the_old_ledger_and_what_is_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_ledger_stays_small_and_keeps_what_lives, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
