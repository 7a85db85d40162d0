#include "agent/io/ledger_file.h"

#include "common/io/clock.h"
#include "common/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 4096 };

static enum cx_err fail_folder(struct cx_fail *fail, const char *path, const char *what)
{
    return cx_fail_set(fail, CX_E_CONFIG, "ledger.open", "ledger.path: %s: %s", path, what);
}

static enum cx_err lock_it(struct ledger_folder *folder, struct cx_fail *fail)
{
    folder->lock = openat(folder->fd, LEDGER_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (folder->lock < 0) {
        return fail_folder(fail, folder->path, strerror(errno));
    }
    if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0) {
        return CX_OK;
    }
    if (errno != EWOULDBLOCK) {
        return fail_folder(fail, folder->path, strerror(errno));
    }
    return cx_fail_set(fail, CX_E_EXISTS, "ledger.open",
                       "ledger.path: %s: another connector-agent has this ledger open; each agent "
                       "needs one of its own",
                       folder->path);
}

enum cx_err ledger_folder_open(struct ledger_folder *folder, const char *path, struct cx_fail *fail)
{
    struct cx_fail why = {0};
    struct stat st;

    *folder = (struct ledger_folder){.path = strdup(path), .fd = -1, .lock = -1};
    if (folder->path == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "ledger.open", "out of memory");
    }
    if (file_make_folder(path, &why) != CX_OK) {
        return cx_fail_set(fail, CX_E_CONFIG, "ledger.open", "ledger.path: %s", cx_fail_text(&why));
    }
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0 || fstat(folder->fd, &st) != 0) {
        return fail_folder(fail, path, strerror(errno));
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return fail_folder(fail, path, "others have access to it: chmod 700");
    }
    return lock_it(folder, fail);
}

void ledger_folder_done(struct ledger_folder *folder)
{
    if (folder->path == NULL) {
        return;
    }
    if (folder->lock >= 0) {
        (void)close(folder->lock); /* which unlocks it */
    }
    if (folder->fd >= 0) {
        (void)close(folder->fd);
    }
    free(folder->path);
    *folder = (struct ledger_folder){0};
}

int ledger_folder_name(const struct ledger_folder *folder, const char *aside, bool is_synced)
{
    /* A second name first, then the old one is taken from it in one step: there is always a
     * `current`. Where there are no second names, there is none for a moment. */
    if (aside != NULL && linkat(folder->fd, LEDGER_CURRENT, folder->fd, aside, 0) != 0 &&
        renameat(folder->fd, LEDGER_CURRENT, folder->fd, aside) != 0) {
        return errno;
    }
    if (renameat(folder->fd, LEDGER_NEXT, folder->fd, LEDGER_CURRENT) != 0) {
        return errno;
    }
    /* A file system that can't sync a folder says EINVAL. */
    return is_synced && fsync(folder->fd) != 0 && errno != EINVAL ? errno : 0;
}

void ledger_folder_free_name(const struct ledger_folder *folder, const char *prefix,
                             char out[LEDGER_NAME_BYTES])
{
    time_t now = (time_t)clock_wall_s();
    struct tm utc;
    struct stat st;
    char date[32] = "";

    if (gmtime_r(&now, &utc) != NULL) {
        (void)strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &utc);
    }
    (void)snprintf(out, LEDGER_NAME_BYTES, "%s-%s", prefix, date);
    for (unsigned i = 2; fstatat(folder->fd, out, &st, AT_SYMLINK_NOFOLLOW) == 0; i++) {
        (void)snprintf(out, LEDGER_NAME_BYTES, "%s-%s-%u", prefix, date, i);
    }
}

/* ---- a file ---- */

static int write_at(int fd, uint64_t at, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t put = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : EIO;
        }
        bytes = slice_from(bytes, (size_t)put);
        at += (uint64_t)put;
    }
    return 0;
}

static int begin_file(struct ledger_file *file, struct slice key)
{
    struct ledger_header header = {.version = LEDGER_VERSION};
    uint8_t bytes[LEDGER_HEADER_BYTES];
    int number;

    random_fill(header.salt, sizeof(header.salt));
    if (ledger_seal_check(key, header.key_check) != CX_OK ||
        ledger_seal_init(&file->seal, key, header.salt) != CX_OK) {
        return ENOMEM; /* all that can be wrong with a key of 32 bytes */
    }
    ledger_header_write(&header, bytes);
    number = write_at(file->fd, 0, slice_of(bytes, sizeof(bytes)));
    file->at = file->reserved = sizeof(bytes);
    return number;
}

int ledger_file_make(struct ledger_file *file, const struct ledger_folder *folder, struct slice key)
{
    int number;

    *file = (struct ledger_file){.fd = -1};
    if (unlinkat(folder->fd, LEDGER_NEXT, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    file->fd =
        openat(folder->fd, LEDGER_NEXT, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        return errno;
    }
    number = begin_file(file, key);
    if (number != 0) {
        ledger_file_close(file);
    }
    return number;
}

static int reserve(struct ledger_file *file, uint64_t to)
{
    int number;

    to = (to + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    do {
        number = fallocate(file->fd, 0, 0, (off_t)to) == 0 ? 0 : errno;
    } while (number == EINTR);
    if (number == EOPNOTSUPP || number == ENOSYS) {
        file->has_no_reserve = true;
        return 0;
    }
    if (number == 0) {
        file->reserved = to;
    }
    return number;
}

int ledger_file_reserve(struct ledger_file *file, uint64_t to)
{
    if (to <= file->reserved || file->has_no_reserve) {
        return 0;
    }
    return reserve(file, to + LEDGER_STEP_BYTES) == 0 ? 0 : reserve(file, to);
}

int ledger_file_put(struct ledger_file *file, struct buf *frame)
{
    enum cx_err err = ledger_seal_frame(&file->seal, frame);
    int number;

    if (err != CX_OK) {
        return err == CX_E_NOMEM ? ENOMEM : EIO;
    }
    number = write_at(file->fd, file->at, buf_view(frame));
    file->at += frame->len;
    file->reserved = file->at > file->reserved ? file->at : file->reserved;
    frame->len = 0; /* nothing plain is in it */
    return number;
}

void ledger_file_close(struct ledger_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd); /* whoever needs to know that it was written has synced it */
    }
    ledger_seal_done(&file->seal);
    *file = (struct ledger_file){.fd = -1};
}
