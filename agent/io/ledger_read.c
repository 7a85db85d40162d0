#include "agent/io/ledger_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_BYTES = 256 * 1024 };

struct reader {
    int fd;
    uint64_t size;
    struct buf window;  /* a part of the file; frames are opened in it */
    uint64_t window_at; /* where it begins */
    struct ledger_seal seal;
    uint64_t number; /* of the last good frame */
    uint64_t at;     /* behind it */
    bool is_broken;
    struct ledger_replay *replay;
};

/* Fill the window from `at` on; what the disk can't give is zero. */
static void fill(struct reader *r, uint64_t at, size_t bytes)
{
    size_t got = 0;

    while (got < bytes) {
        ssize_t n = pread(r->fd, r->window.ptr + got, bytes - got, (off_t)(at + got));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            memset(r->window.ptr + got, 0, bytes - got);
            r->is_broken = true;
            break;
        }
        got += (size_t)n;
    }
    r->window_at = at;
    r->window.len = bytes;
}

/* The bytes from `at` on, at least `bytes` of them if the file has as many; NULL: it hasn't, or
 * there is no memory. Valid until the next call. */
static uint8_t *look(struct reader *r, uint64_t at, size_t bytes)
{
    uint64_t left = at < r->size ? r->size - at : 0;
    size_t wanted = bytes > WINDOW_BYTES ? bytes : WINDOW_BYTES;
    uint8_t *unused;

    if (bytes > left) {
        return NULL;
    }
    if (at >= r->window_at && at + bytes <= r->window_at + r->window.len) {
        return r->window.ptr + (at - r->window_at);
    }
    buf_clear(&r->window);
    wanted = wanted > left ? (size_t)left : wanted;
    if (buf_reserve(&r->window, wanted, &unused) != CX_OK) {
        return NULL;
    }
    fill(r, at, wanted);
    return r->window.ptr;
}

/* Is what stands behind a frame's tag its end, or the part of it that was still written? */
static bool has_end(struct reader *r, uint64_t at, size_t bytes)
{
    for (uint64_t end = at + bytes; at < end; at++) {
        const uint8_t *byte = look(r, at, 1);

        if (byte != NULL && *byte != LEDGER_END_BYTE && *byte != 0) {
            return false;
        }
    }
    return true;
}

/* The head of a frame at `at` that may come after those that were read. */
static bool head_at(struct reader *r, uint64_t at, struct ledger_head *out)
{
    const uint8_t *bytes = look(r, at, LEDGER_HEAD_BYTES);

    return bytes != NULL && ledger_head_read(slice_of(bytes, LEDGER_HEAD_BYTES), out) == CX_OK &&
           out->number > r->number;
}

/* Read the frame at `at`, if there is one. */
static bool take_frame(struct reader *r, uint64_t at, enum cx_err *err)
{
    uint8_t plain_head[LEDGER_HEAD_BYTES];
    struct ledger_head head;
    size_t sealed, end;
    uint8_t *frame;

    if (!head_at(r, at, &head)) {
        return false;
    }
    end = ledger_frame_end_bytes(head.records_bytes);
    sealed = ledger_frame_bytes(head.records_bytes) - end;
    frame = look(r, at, sealed);
    if (frame == NULL) {
        return false;
    }
    memcpy(plain_head, frame, sizeof(plain_head));
    if (!ledger_seal_open(&r->seal, plain_head, frame + LEDGER_HEAD_BYTES, head.records_bytes)) {
        buf_clear(&r->window); /* it was opened in there */
        return false;
    }
    *err = ledger_replay_frame(r->replay, slice_of(frame + LEDGER_HEAD_BYTES, head.records_bytes));
    if (*err == CX_E_SYNTAX) {
        r->is_broken = true;
        *err = CX_OK;
    }
    r->is_broken = r->is_broken || head.number != r->number + 1 || !has_end(r, at + sealed, end);
    r->number = head.number;
    r->at = at + sealed + end;
    return true;
}

/* Look for a frame behind r->at, which is none; true if one was found and read. */
static bool find_frame(struct reader *r, enum cx_err *err)
{
    static const uint8_t none[LEDGER_ALIGN_BYTES];

    for (uint64_t at = r->at + LEDGER_ALIGN_BYTES; *err == CX_OK; at += LEDGER_ALIGN_BYTES) {
        const uint8_t *bytes = look(r, at, LEDGER_HEAD_BYTES);

        if (bytes == NULL) {
            return false;
        }
        if (memcmp(bytes, none, sizeof(none)) != 0 && take_frame(r, at, err)) {
            return true;
        }
    }
    return false;
}

/* How many bytes of `s` there are until only zeros follow. */
static size_t until_zeros(struct slice s)
{
    static const uint8_t zeros[4096];

    while (s.len >= sizeof(zeros) &&
           memcmp(s.ptr + s.len - sizeof(zeros), zeros, sizeof(zeros)) == 0) {
        s.len -= sizeof(zeros);
    }
    while (s.len > 0 && s.ptr[s.len - 1] == 0) {
        s.len--;
    }
    return s.len;
}

/* How many bytes there are behind r->at until only zeros follow. */
static uint64_t rest_bytes(struct reader *r)
{
    uint64_t rest = 0;
    size_t piece;

    for (uint64_t at = r->at; at < r->size; at += piece) {
        const uint8_t *bytes;
        size_t used;

        piece = r->size - at < WINDOW_BYTES ? (size_t)(r->size - at) : WINDOW_BYTES;
        bytes = look(r, at, piece);
        used = bytes != NULL ? until_zeros(slice_of(bytes, piece)) : piece;
        rest = used > 0 ? at - r->at + used : rest;
    }
    return rest;
}

/* Nothing that can be read follows: was a frame there begun and not finished, or is it broken? */
static void judge_rest(struct reader *r, struct ledger_reading *out)
{
    uint64_t rest = rest_bytes(r);
    struct ledger_head head;
    bool is_torn = rest < LEDGER_HEAD_BYTES;

    if (!is_torn && head_at(r, r->at, &head) && head.number == r->number + 1) {
        is_torn = rest < ledger_frame_bytes(head.records_bytes);
    }
    if (is_torn) {
        out->torn_bytes = rest;
    } else {
        r->is_broken = true;
    }
}

static enum cx_err read_frames(struct reader *r, struct ledger_reading *out)
{
    enum cx_err err = CX_OK;

    while (err == CX_OK) {
        if (take_frame(r, r->at, &err)) {
            continue;
        }
        if (!find_frame(r, &err)) {
            break;
        }
        r->is_broken = true; /* something stood before it */
    }
    if (err == CX_OK) {
        judge_rest(r, out);
    }
    return err;
}

static enum cx_err read_header(struct reader *r, const struct ledger_folder *folder,
                               struct slice key, struct cx_fail *fail)
{
    uint8_t check[LEDGER_KEY_CHECK_BYTES];
    struct ledger_header header = {0};
    const uint8_t *bytes = look(r, 0, LEDGER_HEADER_BYTES);
    enum cx_err err = bytes == NULL
                          ? CX_E_SYNTAX
                          : ledger_header_read(slice_of(bytes, LEDGER_HEADER_BYTES), &header);

    if (err == CX_E_UNSUPPORTED) {
        return cx_fail_set(fail, err, "ledger.open",
                           "ledger.path: %s/%s: its form %u is of another version of the agent; "
                           "this one writes %d",
                           folder->path, LEDGER_CURRENT, (unsigned)header.version, LEDGER_VERSION);
    }
    if (err == CX_OK) {
        err = ledger_seal_check(key, check);
    }
    if (err == CX_OK && memcmp(check, header.key_check, sizeof(check)) != 0) {
        return cx_fail_set(fail, CX_E_CONFIG, "ledger.open",
                           "ledger.key: it is not the key that sealed %s/%s; put that key back, or "
                           "move the folder away: the results in it are then given up",
                           folder->path, LEDGER_CURRENT);
    }
    return err == CX_OK ? ledger_seal_init(&r->seal, key, header.salt) : err;
}

static enum cx_err read_all(struct reader *r, const struct ledger_folder *folder, struct slice key,
                            struct ledger_reading *out, struct cx_fail *fail)
{
    enum cx_err err = read_header(r, folder, key, fail);

    if (err == CX_E_SYNTAX) { /* without its salt nothing behind it can be opened */
        out->is_broken = true;
        return CX_OK;
    }
    if (err == CX_OK) {
        r->at = LEDGER_HEADER_BYTES;
        err = read_frames(r, out);
        out->is_broken = r->is_broken;
    }
    return err;
}

enum cx_err ledger_read(const struct ledger_folder *folder, struct slice key,
                        struct ledger_replay *replay, struct ledger_reading *out,
                        struct cx_fail *fail)
{
    struct reader r = {.replay = replay};
    struct stat st;
    enum cx_err err;

    *out = (struct ledger_reading){0};
    r.fd = openat(folder->fd, LEDGER_CURRENT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (r.fd < 0 && errno == ENOENT) {
        return CX_OK;
    }
    if (r.fd < 0 || fstat(r.fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        err = cx_fail_set(fail, CX_E_IO, "ledger.open", "ledger.path: %s/%s: %s", folder->path,
                          LEDGER_CURRENT, r.fd < 0 ? strerror(errno) : "is not a file");
    } else {
        out->is_there = true;
        r.size = (uint64_t)st.st_size;
        buf_init(&r.window, 2 * (size_t)LEDGER_FRAME_RECORDS_MAX);
        err = read_all(&r, folder, key, out, fail);
        buf_done(&r.window);
        ledger_seal_done(&r.seal);
    }
    if (r.fd >= 0) {
        (void)close(r.fd);
    }
    return err;
}
