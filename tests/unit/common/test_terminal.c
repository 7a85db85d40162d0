#include "common/io/terminal.h"

#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define PROMPT "Password: "

/* A child on a terminal of its own that asks once: status 0 if it got "s3cret". */
struct asker {
    int master;
    int slave; /* kept open, so that the terminal's settings outlive the child */
    pid_t pid;
};

static void ask_and_exit(int slave)
{
    struct secret got = {0};
    bool is_right;

    (void)setsid();
    (void)ioctl(slave, TIOCSCTTY, 0);
    (void)dup2(slave, STDIN_FILENO);
    (void)dup2(slave, STDERR_FILENO);
    (void)signal(SIGINT, SIG_DFL);
    is_right = terminal_ask_secret(PROMPT, &got, NULL) == CX_OK &&
               slice_eq_str(secret_view(&got), "s3cret");
    secret_done(&got);
    _exit(is_right ? 0 : 1);
}

/* Start one, and read its prompt: by then the echo is off. */
static void asker_start(struct asker *a)
{
    char prompt[sizeof(PROMPT)] = "";
    size_t got = 0;

    assert_int_equal(openpty(&a->master, &a->slave, NULL, NULL, NULL), 0);
    a->pid = fork();
    assert_true(a->pid >= 0);
    if (a->pid == 0) {
        (void)close(a->master);
        ask_and_exit(a->slave);
    }
    while (got < sizeof(PROMPT) - 1) {
        ssize_t n = read(a->master, prompt + got, sizeof(PROMPT) - 1 - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_string_equal(prompt, PROMPT);
}

static int asker_end(struct asker *a)
{
    struct termios now;
    int status;

    assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
    assert_int_equal(tcgetattr(a->slave, &now), 0);
    assert_true((now.c_lflag & ECHO) != 0); /* the terminal is as it was */
    return status;
}

static void terminal_ask_secret_shows_nothing(void **state)
{
    struct asker a;
    char shown[64] = "";
    int status;
    ssize_t n;

    (void)state;
    asker_start(&a);
    assert_int_equal(write(a.master, "s3cret\n", 7), 7);
    status = asker_end(&a);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    n = read(a.master, shown, sizeof(shown) - 1);
    assert_true(n >= 0);
    assert_string_equal(shown, "\r\n"); /* the line's end alone */
    (void)close(a.master);
    (void)close(a.slave);
}

static void terminal_ask_secret_leaves_a_sane_terminal_when_interrupted(void **state)
{
    struct asker a;
    int status;

    (void)state;
    asker_start(&a);
    assert_int_equal(write(a.master, "s3\x03", 3), 3);
    status = asker_end(&a);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    (void)close(a.master);
    (void)close(a.slave);
}

static void terminal_ask_secret_reads_lines_from_a_pipe(void **state)
{
    static const char text[] = "one\ntwo\r\n\nlast";
    static const char *const want[] = {"one", "two", "", "last"};
    struct secret got = {0};
    struct cx_fail fail;
    int saved = dup(STDIN_FILENO);
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    (void)close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    (void)close(ends[0]);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(terminal_ask_secret("", &got, &fail), CX_OK);
        assert_true(slice_eq_str(secret_view(&got), want[i]));
    }
    assert_int_equal(terminal_ask_secret("", &got, &fail), CX_E_CLOSED);
    secret_done(&got);
    if (saved >= 0) {
        (void)dup2(saved, STDIN_FILENO);
        (void)close(saved);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminal_ask_secret_shows_nothing),
        cmocka_unit_test(terminal_ask_secret_leaves_a_sane_terminal_when_interrupted),
        cmocka_unit_test(terminal_ask_secret_reads_lines_from_a_pipe),
    };

    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
