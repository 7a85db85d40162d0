#include "tests/support/temp.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATHS_IN_TURN = 8 };

void temp_init(struct temp *t)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(t->folder, sizeof(t->folder), "%s/connector-test-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(t->folder));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

void temp_done(struct temp *t)
{
    (void)nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *temp_path(const struct temp *t, const char *name)
{
    static char paths[PATHS_IN_TURN][512];
    static unsigned turn;
    char *path = paths[turn++ % PATHS_IN_TURN];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", t->folder, name);
    return path;
}

const char *temp_write(const struct temp *t, const char *name, const char *text, unsigned mode)
{
    const char *path = temp_path(t, name);
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}
