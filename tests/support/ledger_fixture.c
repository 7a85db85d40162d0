#include "tests/support/ledger_fixture.h"

#include "common/io/loop.h"
#include "tests/support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define MEMORY_FOLDER "/dev/shm"

enum { TICK_MS = 5, FILE_BYTES_MAX = 1024 * 1024, RESULT_MAX = 1024 * 1024 };

static void on_tick(void *arg)
{
    (void)arg;
}

/* With a tick: what is deferred runs before a turn waits, and nothing else might end its waiting.
 */
static void make_loop(struct ledger_fixture *f)
{
    assert_int_equal(loop_new(&f->loop, NULL), CX_OK);
    f->tick = (struct loop_timer){0};
    loop_timer_every(f->loop, &f->tick, TICK_MS, on_tick, NULL);
}

void ledger_fixture_init(struct ledger_fixture *f)
{
    *f = (struct ledger_fixture){0};
    if (access(MEMORY_FOLDER, W_OK) == 0) { /* each open and close syncs: there it costs nothing */
        (void)setenv("TMPDIR", MEMORY_FOLDER, 0);
    }
    temp_init(&f->temp);
    (void)snprintf(f->path, sizeof(f->path), "%s/ledger", f->temp.folder);
    (void)snprintf(f->key, sizeof(f->key), "%s/ledger.key", f->temp.folder);
    (void)snprintf(f->current, sizeof(f->current), "%s/ledger/current", f->temp.folder);
    for (size_t i = 0; i < LEDGER_FIXTURE_JOBS; i++) {
        buf_init(&f->results[i], RESULT_MAX);
    }
    make_loop(f);
}

void ledger_fixture_done(struct ledger_fixture *f)
{
    ledger_fixture_close(f);
    loop_timer_stop(&f->tick);
    assert_int_equal(loop_free(f->loop), CX_OK);
    temp_done(&f->temp);
}

static void on_settled(void *ctx)
{
    struct ledger_fixture *f = ctx;

    f->settled++;
}

enum cx_err ledger_fixture_try(struct ledger_fixture *f)
{
    struct ledger_options options = {.loop = f->loop,
                                     .path = f->path,
                                     .key_path = f->key,
                                     .owner = f->owner != NULL ? f->owner : "agent-a",
                                     .is_always_synced = f->is_always,
                                     .result_bytes_max = LEDGER_FIXTURE_RESULT_BYTES,
                                     .settled = on_settled,
                                     .ctx = f};

    f->fail = (struct cx_fail){0};
    return ledger_open(&options, &f->ledger, &f->fail);
}

void ledger_fixture_open(struct ledger_fixture *f)
{
    enum cx_err err = ledger_fixture_try(f);

    if (err != CX_OK) {
        fail_msg("ledger_open: %s: %s", cx_err_text(err), cx_fail_text(&f->fail));
    }
}

void ledger_fixture_close(struct ledger_fixture *f)
{
    ledger_close(f->ledger);
    f->ledger = NULL;
    f->settled = 0;
    for (size_t i = 0; i < LEDGER_FIXTURE_JOBS; i++) {
        f->slots[i] = (struct ledger_slot){0};
        buf_done(&f->results[i]);
    }
}

struct cx_id ledger_fixture_id(unsigned n)
{
    struct cx_id id = {.bytes = {0x01, 0x9a}};

    id.bytes[CX_ID_BYTES - 1] = (uint8_t)n;
    return id;
}

void ledger_fixture_begin(struct ledger_fixture *f, unsigned n, bool is_refresh)
{
    struct cx_id id = ledger_fixture_id(n);

    assert_int_equal(ledger_begin(f->ledger, &f->slots[n], &id, is_refresh, NULL), CX_OK);
}

void ledger_fixture_finish(struct ledger_fixture *f, unsigned n, const char *result)
{
    ledger_finish(f->ledger, &f->slots[n], slice_of_str(result));
}

static void say_found(const struct ledger_found *found, const struct buf *result, char *at,
                      size_t room)
{
    unsigned n = found->id.bytes[CX_ID_BYTES - 1];

    assert_int_equal(found->bytes, result->len);
    if (found->is_finished) {
        (void)snprintf(at, room, "%u=%.*s", n, SLICE_ARG(buf_view(result)));
    } else {
        (void)snprintf(at, room, "%u %s", n, found->is_refresh ? "refresh" : "begun");
    }
}

const char *ledger_fixture_found(struct ledger_fixture *f)
{
    static char text[1024];
    const struct ledger_found *found;

    text[0] = '\0';
    while ((found = ledger_next_found(f->ledger)) != NULL) {
        struct ledger_found what = *found;
        unsigned n = what.id.bytes[CX_ID_BYTES - 1];
        size_t len = strlen(text);

        assert_in_range(n, 0, LEDGER_FIXTURE_JOBS - 1);
        ledger_adopt(f->ledger, &f->slots[n], &f->results[n]);
        (void)snprintf(text + len, sizeof(text) - len, "%s", len > 0 ? ", " : "");
        len = strlen(text);
        say_found(&what, &f->results[n], text + len, sizeof(text) - len);
    }
    return text;
}

void ledger_fixture_turn(struct ledger_fixture *f)
{
    (void)uv_run(loop_uv(f->loop), UV_RUN_ONCE);
}

void ledger_fixture_wait(struct ledger_fixture *f, unsigned n)
{
    while (f->settled < n) {
        ledger_fixture_turn(f);
    }
}

void ledger_fixture_killed(struct ledger_fixture *f, void (*story)(struct ledger_fixture *f))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct ledger_fixture own = *f;

        make_loop(&own);
        if (ledger_fixture_try(&own) == CX_OK) {
            story(&own);
            (void)kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void ledger_fixture_load(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t piece[4096];
    ssize_t got;

    assert_true(fd >= 0);
    buf_done(out);
    buf_init(out, FILE_BYTES_MAX);
    while ((got = read(fd, piece, sizeof(piece))) > 0 &&
           out->len < FILE_BYTES_MAX - sizeof(piece)) {
        assert_int_equal(buf_put(out, slice_of(piece, (size_t)got)), CX_OK);
        if (piece[got - 1] == 0 && piece[0] == 0) {
            break; /* what is reserved begins here */
        }
    }
    assert_true(got >= 0);
    (void)close(fd);
    while (out->len > 0 && out->ptr[out->len - 1] == 0) {
        buf_truncate(out, out->len - 1);
    }
}

void ledger_fixture_store(const char *path, struct slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    (void)close(fd);
}

unsigned ledger_fixture_count(const struct ledger_fixture *f, const char *prefix)
{
    DIR *folder = opendir(f->path);
    const struct dirent *entry;
    unsigned n = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 ? 1 : 0;
    }
    (void)closedir(folder);
    return n;
}
