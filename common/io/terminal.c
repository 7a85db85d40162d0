#include "common/io/terminal.h"

#include "common/core/buf.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* A terminal whose echo is off. Signals that would end or stop the program are held back meanwhile,
 * so that it is never left without echo; `signals` becomes readable when one is waiting. */
struct quiet {
    struct termios before;
    sigset_t mask_before;
    int signals;
};

static bool quiet_begin(struct quiet *q)
{
    sigset_t held;
    struct termios silent;

    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    (void)sigaddset(&held, SIGQUIT);
    (void)sigaddset(&held, SIGTSTP);
    if (tcgetattr(STDIN_FILENO, &q->before) != 0 ||
        sigprocmask(SIG_BLOCK, &held, &q->mask_before) != 0) {
        return false;
    }
    q->signals = signalfd(-1, &held, SFD_CLOEXEC);
    silent = q->before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    silent.c_lflag |= ECHONL;
    if (q->signals < 0 || tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0) {
        if (q->signals >= 0) {
            (void)close(q->signals);
        }
        (void)sigprocmask(SIG_SETMASK, &q->mask_before, NULL);
        return false;
    }
    return true;
}

/* Put everything back; a signal that was held is delivered here, with the terminal as it was. */
static void quiet_end(struct quiet *q)
{
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &q->before);
    (void)close(q->signals);
    (void)sigprocmask(SIG_SETMASK, &q->mask_before, NULL);
}

/* Wait for input. False if a signal came first. */
static bool wait_for_input(const struct quiet *q)
{
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = q->signals, .events = POLLIN},
    };

    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    return (fds[1].revents & POLLIN) == 0;
}

/* Read one line into `line`, byte by byte: what follows it is left for the next reader. `q` is NULL
 * where standard input is no terminal. */
static enum cx_err read_line(const struct quiet *q, struct buf *line, struct cx_fail *fail)
{
    for (;;) {
        uint8_t byte;
        ssize_t got;
        enum cx_err err;

        if (q != NULL && !wait_for_input(q)) {
            return cx_fail_set(fail, CX_E_CLOSED, "terminal.ask", "interrupted");
        }
        got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cx_fail_set(fail, CX_E_IO, "terminal.ask", "standard input: %s",
                               strerror(errno));
        }
        if (got == 0 || byte == '\n') {
            return got == 0 && line->len == 0 ? cx_fail_set(fail, CX_E_CLOSED, "terminal.ask",
                                                            "nothing came on standard input")
                                              : CX_OK;
        }
        err = buf_put_byte(line, byte);
        if (err != CX_OK) {
            return cx_fail_set(fail, err, "terminal.ask", "standard input: the line is %s",
                               err == CX_E_TOO_BIG ? "too long" : "more than memory holds");
        }
    }
}

enum cx_err terminal_ask_secret(const char *prompt, struct secret *out, struct cx_fail *fail)
{
    bool is_terminal = isatty(STDIN_FILENO) == 1;
    struct quiet quiet;
    struct slice view;
    struct buf line;
    enum cx_err err;

    if (is_terminal && !quiet_begin(&quiet)) {
        return cx_fail_set(fail, CX_E_IO, "terminal.ask",
                           "the terminal's echo can't be switched "
                           "off");
    }
    if (is_terminal) {
        ssize_t put = write(STDERR_FILENO, prompt, strlen(prompt));

        (void)put; /* who can't be asked may still answer */
    }
    buf_init(&line, TERMINAL_LINE_MAX_BYTES);
    err = read_line(is_terminal ? &quiet : NULL, &line, fail);
    if (is_terminal) {
        quiet_end(&quiet);
    }
    if (err == CX_OK) {
        view = buf_view(&line);
        if (view.len > 0 && view.ptr[view.len - 1] == '\r') {
            view.len--;
        }
        err = secret_set(out, view);
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "terminal.ask", "%s", cx_err_text(err));
        }
    }
    buf_done(&line);
    return err;
}
