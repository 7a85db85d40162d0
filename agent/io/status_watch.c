#include "agent/io/status_watch.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ECMA-48: CUP to the first place, ED of the whole screen. */
#define CLEAR "\033[H\033[2J"

void status_watch(void (*show)(void *ctx), void *ctx, bool clears)
{
    const struct timespec second = {.tv_sec = 1};
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    sigset_t ends;
    sigset_t before;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, &before);
    do {
        if (clears && is_terminal) {
            (void)fputs(CLEAR, stdout);
        }
        show(ctx);
    } while (fflush(stdout) == 0 && ferror(stdout) == 0 && sigtimedwait(&ends, NULL, &second) < 0);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}
