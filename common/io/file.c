#include "common/io/file.h"

#include "common/core/path.h"
#include "common/io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The error that an errno stands for, with a sentence that names the file. */
static enum cx_err fail_errno(struct cx_fail *fail, const char *op, const char *path, int number)
{
    enum cx_err code = CX_E_IO;

    if (number == ENOENT || number == ENOTDIR) {
        code = CX_E_NOT_FOUND;
    } else if (number == EEXIST) {
        code = CX_E_EXISTS;
    } else if (number == ENOSPC || number == EDQUOT) {
        code = CX_E_FULL;
    } else if (number == ENOMEM) {
        code = CX_E_NOMEM;
    }
    return cx_fail_set(fail, code, op, "%s: %s", path, strerror(number));
}

/* Read to the end into `out`, whose cap is one more than what is allowed. */
static enum cx_err read_to_end(int fd, const char *path, struct buf *out, struct cx_fail *fail)
{
    for (;;) {
        size_t left = out->cap - out->len;
        size_t step = left < 4096 ? left : 4096;
        uint8_t *at;
        ssize_t got;

        if (left == 0) {
            return cx_fail_set(fail, CX_E_TOO_BIG, "file.read", "%s: larger than %zu bytes", path,
                               out->cap - 1);
        }
        if (buf_reserve(out, step, &at) != CX_OK) {
            return fail_errno(fail, "file.read", path, ENOMEM);
        }
        got = read(fd, at, step);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(fail, "file.read", path, errno);
        }
        if (got == 0) {
            return CX_OK;
        }
        buf_grew(out, (size_t)got);
    }
}

static const struct file_guard private_guard = {.forbidden = S_IRWXG | S_IRWXO};

static enum cx_err check_guard(const struct file_guard *guard, const struct stat *st,
                               const char *path, struct cx_fail *fail)
{
    if ((st->st_mode & guard->forbidden) != 0) {
        return cx_fail_set(fail, CX_E_MODE, "file.read",
                           "%s: mode %04o lets other users at a secret; run: chmod 600 %s", path,
                           (unsigned)st->st_mode & 07777u, path);
    }
    if (guard->is_owner_checked && st->st_uid != guard->owners[0] &&
        st->st_uid != guard->owners[1]) {
        return cx_fail_set(fail, CX_E_MODE, "file.read",
                           "%s: belongs to user %u, who may read and change it; run: chown %u %s",
                           path, (unsigned)st->st_uid, (unsigned)guard->owners[0], path);
    }
    return CX_OK;
}

/* Open for reading what is a regular file, and as the guard (NULL: none) wants it. */
static enum cx_err open_regular(const char *path, const struct file_guard *guard, int *out,
                                struct cx_fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not block */
    struct stat st;
    enum cx_err err = CX_OK;

    if (fd < 0) {
        return fail_errno(fail, "file.read", path, errno);
    }
    if (fstat(fd, &st) != 0) {
        err = fail_errno(fail, "file.read", path, errno);
    } else if (!S_ISREG(st.st_mode)) {
        err = cx_fail_set(fail, CX_E_IO, "file.read", "%s: is %s, not a file", path,
                          S_ISDIR(st.st_mode) ? "a folder" : "a device, pipe or socket");
    } else if (guard != NULL) {
        err = check_guard(guard, &st, path, fail);
    }
    if (err != CX_OK) {
        (void)close(fd);
        return err;
    }
    *out = fd;
    return CX_OK;
}

static enum cx_err read_whole(const char *path, const struct file_guard *guard, struct buf *out,
                              struct cx_fail *fail)
{
    int fd = -1;
    enum cx_err err = open_regular(path, guard, &fd, fail);

    if (err == CX_OK) {
        err = read_to_end(fd, path, out, fail);
        (void)close(fd);
    }
    return err;
}

enum cx_err file_read(const char *path, size_t max_bytes, struct buf *out, struct cx_fail *fail)
{
    struct buf content;
    enum cx_err err;

    buf_init(&content, max_bytes + 1);
    err = read_whole(path, NULL, &content, fail);
    if (err == CX_OK) {
        err = buf_put(out, buf_view(&content));
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "file.read", "%s: %s", path, cx_err_text(err));
        }
    }
    buf_done(&content);
    return err;
}

enum cx_err file_read_guarded(const char *path, size_t max_bytes, const struct file_guard *guard,
                              struct secret *out, struct cx_fail *fail)
{
    struct buf content;
    enum cx_err err;

    buf_init(&content, max_bytes + 1);
    err = read_whole(path, guard, &content, fail);
    if (err == CX_OK && secret_set(out, buf_view(&content)) != CX_OK) {
        err = fail_errno(fail, "file.read", path, ENOMEM);
    }
    buf_done(&content);
    return err;
}

enum cx_err file_read_secret(const char *path, size_t max_bytes, struct secret *out,
                             struct cx_fail *fail)
{
    return file_read_guarded(path, max_bytes, &private_guard, out, fail);
}

enum cx_err file_read_secret_line(const char *path, size_t max_bytes, struct secret *out,
                                  struct cx_fail *fail)
{
    struct secret whole = {0};
    struct slice line;
    enum cx_err err = file_read_secret(path, max_bytes, &whole, fail);

    if (err != CX_OK) {
        return err;
    }
    line = secret_view(&whole);
    if (line.len > 0 && line.ptr[line.len - 1] == '\n') {
        line.len -= line.len > 1 && line.ptr[line.len - 2] == '\r' ? 2 : 1;
    }
    if (line.len == 0 || slice_find(line, 0, '\n') < line.len ||
        slice_find(line, 0, '\0') < line.len) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "file.read",
                          "%s: must hold one line, which is not "
                          "empty",
                          path);
    } else if (secret_set(out, line) != CX_OK) {
        err = fail_errno(fail, "file.read", path, ENOMEM);
    }
    secret_done(&whole);
    return err;
}

/* Write all of it and bring it to the disk. Gives 0 or an errno. */
static int write_synced(int fd, struct slice content, mode_t mode)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.ptr, content.len);

        if (put < 0 && errno != EINTR) {
            return errno;
        }
        content = slice_from(content, put > 0 ? (size_t)put : 0);
    }
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        return errno;
    }
    return 0;
}

/* Bring a folder's entries to the disk. File systems that can't are not an error. */
static void sync_folder_of(const char *path)
{
    char *folder = NULL;
    int fd;

    if (path_folder(path, &folder) != CX_OK) {
        return;
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

/* Make `temporary` with the content and give it the name `path`. Gives 0 or an errno; the temporary
 * file may be left. */
static int write_and_name(const char *temporary, const char *path, struct slice content,
                          mode_t mode, enum file_how how)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int number;

    if (fd < 0) {
        return errno;
    }
    number = write_synced(fd, content, mode);
    if (close(fd) != 0 && number == 0) {
        number = errno;
    }
    if (number != 0) {
        return number;
    }
    if (how == FILE_NEW) {
        return link(temporary, path) == 0 ? 0 : errno; /* rename would replace */
    }
    return rename(temporary, path) == 0 ? 0 : errno;
}

enum cx_err file_write(const char *path, struct slice content, mode_t mode, enum file_how how,
                       struct cx_fail *fail)
{
    char *temporary = NULL;
    int number;

    if (asprintf(&temporary, "%s.%016llx.tmp", path, (unsigned long long)random_u64()) < 0) {
        return fail_errno(fail, "file.write", path, ENOMEM);
    }
    number = write_and_name(temporary, path, content, mode, how);
    if (number != 0 || how == FILE_NEW) {
        (void)unlink(temporary);
    }
    free(temporary);
    if (number == ENOENT || number == ENOTDIR) {
        return cx_fail_set(fail, CX_E_IO, "file.write", "%s: its folder does not exist", path);
    }
    if (number != 0) {
        return fail_errno(fail, "file.write", path, number);
    }
    sync_folder_of(path);
    return CX_OK;
}

enum cx_err file_make_folder(const char *path, struct cx_fail *fail)
{
    struct stat st;

    if (mkdir(path, 0700) == 0) {
        sync_folder_of(path);
        return CX_OK;
    }
    if (errno != EEXIST) {
        return cx_fail_set(fail, CX_E_IO, "file.make_folder", "%s: %s", path, strerror(errno));
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return cx_fail_set(fail, CX_E_IO, "file.make_folder", "%s: exists, and is not a folder",
                           path);
    }
    return CX_OK;
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

enum cx_err file_read_stdin(size_t max_bytes, struct buf *out, struct cx_fail *fail)
{
    struct buf content;
    enum cx_err err;

    buf_init(&content, max_bytes + 1);
    err = read_to_end(STDIN_FILENO, "standard input", &content, fail);
    if (err == CX_OK) {
        err = buf_put(out, buf_view(&content));
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "file.read", "standard input: %s", cx_err_text(err));
        }
    }
    buf_done(&content);
    return err;
}
