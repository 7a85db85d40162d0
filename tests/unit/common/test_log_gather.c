#include "common/io/log_gather.h"

#include "tests/support/check.h"

#include <fcntl.h>
#include <unistd.h>

static struct log_gather gather;
static struct loop *loop;
static int stderr_before;
static int pipe_ends[2];

/* Standard error becomes a pipe whose writes can be told apart: one read a write, if each is read
 * before the next. */
static int set_up(void **state)
{
    (void)state;
    assert_int_equal(loop_new(&loop, NULL), CX_OK);
    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK | O_DIRECT), 0); /* keeps writes apart */
    stderr_before = dup(STDERR_FILENO);
    assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
    log_set(CX_LOG_INFO, LOG_TEXT);
    log_gather_start(&gather, loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_gather_stop(&gather);
    (void)dup2(stderr_before, STDERR_FILENO);
    (void)close(stderr_before);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    assert_int_equal(loop_free(loop), CX_OK);
    return 0;
}

/* The lines of the next write, or 0 if there was none. */
static size_t lines_of_a_write(void)
{
    static char bytes[65536];
    ssize_t got = read(pipe_ends[0], bytes, sizeof(bytes));
    size_t lines = 0;

    for (ssize_t i = 0; i < got; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

static void lines_of_one_turn_are_one_write(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        log_event(CX_LOG_INFO, "test.line", kv_u64("n", i));
    }
    assert_int_equal(lines_of_a_write(), 0);
    loop_turn(loop);
    assert_int_equal(lines_of_a_write(), 10);
    assert_int_equal(lines_of_a_write(), 0);
    log_event(CX_LOG_INFO, "test.line", kv_u64("n", 10));
    loop_turn(loop);
    assert_int_equal(lines_of_a_write(), 1);
}

static void more_than_there_is_room_for_is_written_at_once(void **state)
{
    size_t lines = 0;
    size_t more;

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        log_event(CX_LOG_INFO, "test.line", kv_u64("n", i));
        while ((more = lines_of_a_write()) > 0) {
            lines += more;
        }
    }
    assert_true(lines > 0 && lines < 2000);
    loop_turn(loop);
    while ((more = lines_of_a_write()) > 0) {
        lines += more;
    }
    assert_int_equal(lines, 2000);
}

static void what_is_left_is_written_at_the_end(void **state)
{
    (void)state;
    log_event(CX_LOG_INFO, "test.line", kv_u64("n", 1));
    log_gather_stop(&gather);
    assert_int_equal(lines_of_a_write(), 1);
    log_event(CX_LOG_INFO, "test.line", kv_u64("n", 2)); /* straight again */
    assert_int_equal(lines_of_a_write(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_one_turn_are_one_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_is_written_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_left_is_written_at_the_end, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("log_gather", tests, NULL, NULL);
}
