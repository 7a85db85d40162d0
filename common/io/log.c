#include "common/io/log.h"

#include "common/core/buf.h"
#include "common/core/escape.h"
#include "common/io/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_words[] = {"error", "warn", "info", "debug", NULL};
const char *const log_format_words[] = {"text", "json", NULL};
static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What a line consists of, besides what is logged. */
static const struct format {
    const char *const *levels;
    enum cx_err (*escape)(struct slice in, size_t max_bytes, struct buf *out);
    struct slice time, level, event; /* before each of them */
    struct slice key, value;         /* before a field's name and its value */
    struct slice quote;              /* around a text that needs no escapes */
    struct slice cut;                /* instead of the fields that didn't fit */
    struct slice end;
} formats[] = {
    [LOG_TEXT] = {.levels = level_names,
                  .escape = escape_text,
                  .time = SLICE_INIT(""),
                  .level = SLICE_INIT(" "),
                  .event = SLICE_INIT(" "),
                  .key = SLICE_INIT(" "),
                  .value = SLICE_INIT("="),
                  .quote = SLICE_INIT(""),
                  .cut = SLICE_INIT(" cut=true"),
                  .end = SLICE_INIT("\n")},
    [LOG_JSON] = {.levels = log_level_words,
                  .escape = escape_json,
                  .time = SLICE_INIT("{\"time\":\""),
                  .level = SLICE_INIT("\",\"level\":\""),
                  .event = SLICE_INIT("\",\"event\":\""),
                  .key = SLICE_INIT(",\""),
                  .value = SLICE_INIT("\":"),
                  .quote = SLICE_INIT("\""),
                  .cut = SLICE_INIT(",\"cut\":true"),
                  .end = SLICE_INIT("}\n")},
};

/* Room that fields may not take, for what ends a line. */
enum { LOG_TAIL_BYTES = 32, LOG_LINE_USUAL_BYTES = 480, MS_BYTES = sizeof(".123Z") - 1 };

static struct {
    enum log_level level;
    enum log_format format;
    log_sink *sink;
    void *ctx;
    time_t second; /* that `date` is of */
    size_t date_bytes;
    char date[24];
} out = {.level = CX_LOG_INFO};

struct log_kv kv_str(const char *key, const char *text)
{
    return kv_slice(key, slice_of_str(text));
}

struct log_kv kv_slice(const char *key, struct slice text)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_TEXT, .as.text = text};
}

struct log_kv kv_u64(const char *key, uint64_t value)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_U64, .as.u64 = value};
}

struct log_kv kv_i64(const char *key, int64_t value)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_I64, .as.i64 = value};
}

struct log_kv kv_bool(const char *key, bool value)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_BOOL, .as.u64 = value ? 1 : 0};
}

struct log_kv kv_id(const char *key, const struct cx_id *id)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_ID, .as.id = id};
}

struct log_kv kv_len(const char *key, size_t bytes)
{
    return (struct log_kv){.key = key, .kind = LOG_KIND_BYTES, .as.u64 = bytes};
}

struct log_kv kv_err(enum cx_err code)
{
    return kv_str("error", cx_err_text(code));
}

struct log_kv kv_fail(const struct cx_fail *fail)
{
    return (struct log_kv){.key = "error", .kind = LOG_KIND_FAIL, .as.fail = fail};
}

bool log_is_on(enum log_level level)
{
    return level <= out.level;
}

void log_set(enum log_level level, enum log_format format)
{
    out.level = level;
    out.format = format;
}

void log_set_sink(log_sink *sink, void *ctx)
{
    out.sink = sink;
    out.ctx = ctx;
}

/* Append `parts` one behind the other: all, or on an error none. */
static enum cx_err put_parts(struct buf *line, const struct slice *parts, size_t n)
{
    size_t bytes = 0;
    uint8_t *at;
    enum cx_err err;

    for (size_t i = 0; i < n; i++) {
        bytes += parts[i].len;
    }
    err = buf_reserve(line, bytes, &at);
    if (err != CX_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0) {
            memcpy(at, parts[i].ptr, parts[i].len);
            at += parts[i].len;
        }
    }
    buf_grew(line, bytes);
    return CX_OK;
}

/* RFC 3339, UTC, in milliseconds: the date and the time, which are kept, and the rest. */
static struct slice time_text(char ms[MS_BYTES])
{
    uint64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm = {0};

    if (seconds != out.second) {
        (void)gmtime_r(&seconds, &tm);
        out.date_bytes = strftime(out.date, sizeof(out.date), "%Y-%m-%dT%H:%M:%S", &tm);
        out.second = seconds;
    }
    ms[0] = '.';
    ms[1] = (char)('0' + now_ms / 100 % 10);
    ms[2] = (char)('0' + now_ms / 10 % 10);
    ms[3] = (char)('0' + now_ms % 10);
    ms[4] = 'Z';
    return slice_of(out.date, out.date_bytes);
}

static enum cx_err put_head(struct buf *line, enum log_level level, const char *event)
{
    const struct format *f = &formats[out.format];
    char ms[MS_BYTES];
    struct slice date = time_text(ms);
    const struct slice parts[] = {f->time,
                                  date,
                                  slice_of(ms, sizeof(ms)),
                                  f->level,
                                  slice_of_str(f->levels[level]),
                                  f->event,
                                  slice_of_str(event),
                                  f->quote};

    return put_parts(line, parts, COUNT_OF(parts));
}

/* "key=" or ,"key": */
static enum cx_err put_key(struct buf *line, const char *key, struct slice suffix)
{
    const struct format *f = &formats[out.format];
    const struct slice parts[] = {f->key, slice_of_str(key), suffix, f->value};

    return put_parts(line, parts, COUNT_OF(parts));
}

static enum cx_err put_text(struct buf *line, const char *key, struct slice text)
{
    enum cx_err err;

    if (slice_is_absent(text)) {
        return CX_OK;
    }
    err = put_key(line, key, SLICE_LIT(""));
    return err == CX_OK ? formats[out.format].escape(text, LOG_VALUE_MAX_BYTES, line) : err;
}

/* A number or truth, printed the same in both formats. */
static enum cx_err put_plain(struct buf *line, const struct log_kv *kv)
{
    enum cx_err err =
        put_key(line, kv->key, kv->kind == LOG_KIND_BYTES ? SLICE_LIT("_bytes") : SLICE_LIT(""));
    char text[32];

    if (err != CX_OK) {
        return err;
    }
    if (kv->kind == LOG_KIND_BOOL) {
        return buf_put_str(line, kv->as.u64 != 0 ? "true" : "false");
    }
    if (kv->kind == LOG_KIND_I64) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)kv->as.i64);
        return buf_put_str(line, text);
    }
    return buf_put_u64(line, kv->as.u64);
}

static enum cx_err put_id(struct buf *line, const struct log_kv *kv)
{
    const struct format *f = &formats[out.format];
    char id[CX_ID_TEXT_BYTES];
    const struct slice parts[] = {f->key,
                                  slice_of_str(kv->key),
                                  f->value,
                                  f->quote,
                                  slice_of(id_text(kv->as.id, id), sizeof(id) - 1),
                                  f->quote};

    return put_parts(line, parts, COUNT_OF(parts));
}

static enum cx_err put_fail(struct buf *line, const struct log_kv *kv)
{
    enum cx_err err = put_text(line, kv->key, slice_of_str(cx_fail_text(kv->as.fail)));

    return err == CX_OK ? put_text(line, "op", slice_of_str(kv->as.fail->op)) : err;
}

static enum cx_err put_field(struct buf *line, const struct log_kv *kv)
{
    switch (kv->kind) {
    case LOG_KIND_TEXT:
        return put_text(line, kv->key, kv->as.text);
    case LOG_KIND_U64:
    case LOG_KIND_I64:
    case LOG_KIND_BOOL:
    case LOG_KIND_BYTES:
        return put_plain(line, kv);
    case LOG_KIND_ID:
        return put_id(line, kv);
    case LOG_KIND_FAIL:
        return put_fail(line, kv);
    case LOG_KIND_NONE:
        break;
    }
    return CX_OK;
}

void log_write(struct slice line)
{
    while (line.len > 0) {
        ssize_t put = write(STDERR_FILENO, line.ptr, line.len);

        if (put < 0 && errno != EINTR) {
            return; /* nobody can be told */
        }
        line = slice_from(line, put > 0 ? (size_t)put : 0);
    }
}

static void write_line(struct slice line)
{
    if (out.sink != NULL) {
        out.sink(out.ctx, (const char *)line.ptr, line.len);
    } else {
        log_write(line);
    }
}

/* A line whose fields don't fit loses the later ones, and says so. */
void log_emit(enum log_level level, const char *event, const struct log_kv *fields)
{
    const struct format *f = &formats[out.format];
    enum cx_err err;
    struct buf line;
    uint8_t *at;

    buf_init(&line, LOG_LINE_MAX_BYTES - LOG_TAIL_BYTES);
    err = buf_reserve(&line, LOG_LINE_USUAL_BYTES, &at); /* rather than grow several times */
    if (err == CX_OK) {
        err = put_head(&line, level, event);
    }
    for (size_t i = 1; err == CX_OK && fields[i].kind != LOG_KIND_NONE; i++) {
        size_t before = line.len;

        err = put_field(&line, &fields[i]);
        if (err != CX_OK) {
            buf_truncate(&line, before);
        }
    }
    line.cap = LOG_LINE_MAX_BYTES;
    if (err == CX_E_TOO_BIG) {
        err = buf_put(&line, f->cut);
    }
    if (err == CX_OK && buf_put(&line, f->end) == CX_OK) {
        write_line(buf_view(&line));
    }
    buf_done(&line);
}
