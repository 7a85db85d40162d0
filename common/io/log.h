#ifndef CONNECTOR_COMMON_IO_LOG_H
#define CONNECTOR_COMMON_IO_LOG_H

#include "common/core/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The log: events with typed fields, one line each.
 *
 *     log_event(CX_LOG_WARN, "job.refused", kv_id("job", &job->id), kv_fail(&fail),
 *               kv_len("body", body.len));
 *
 * text: 2026-03-01T12:00:00.123Z WARN job.refused job=0190… error="…" body_bytes=480
 * json: {"time":"2026-03-01T12:00:00.123Z","level":"warn","event":"job.refused","job":"0190…",…}
 *
 * Whatever a peer can choose is escaped: control characters, line and text-direction marks, and
 * bytes that are not UTF-8. There is no form that takes a secret; never log a URL's query, a header
 * value or a body. Fields borrow; they are read before log_event returns. The sink is one of the
 * program's two globals. One thread. */

enum log_level { CX_LOG_ERROR, CX_LOG_WARN, CX_LOG_INFO, CX_LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* The words of both enumerations, NULL-terminated, for configuration tables. */
extern const char *const log_level_words[];
extern const char *const log_format_words[];

enum {
    LOG_FIELDS_MAX = 16,
    LOG_VALUE_MAX_BYTES = 1024, /* of a text field; more is cut, with "..." behind it */
    LOG_LINE_MAX_BYTES = 16 * 1024,
};

enum log_kind {
    LOG_KIND_NONE,
    LOG_KIND_TEXT,
    LOG_KIND_U64,
    LOG_KIND_I64,
    LOG_KIND_BOOL,
    LOG_KIND_ID,
    LOG_KIND_FAIL,
    LOG_KIND_BYTES
};

struct log_kv {
    const char *key; /* static; letters, digits and '_' */
    enum log_kind kind;
    union {
        struct slice text;
        uint64_t u64;
        int64_t i64;
        const struct cx_id *id;
        const struct cx_fail *fail;
    } as;
};

struct log_kv kv_str(const char *key, const char *text);    /* NULL: the field is left out */
struct log_kv kv_slice(const char *key, struct slice text); /* absent: left out */
struct log_kv kv_u64(const char *key, uint64_t value);
struct log_kv kv_i64(const char *key, int64_t value);
struct log_kv kv_bool(const char *key, bool value);
struct log_kv kv_id(const char *key, const struct cx_id *id);
struct log_kv kv_len(const char *key, size_t bytes); /* the field is named KEY_bytes */
struct log_kv kv_err(enum cx_err code);              /* error="its sentence" */
struct log_kv kv_fail(const struct cx_fail *fail);   /* error="its text" op=its step */

/* Log one event; `event` is a dotted name. Up to LOG_FIELDS_MAX fields, which are evaluated only
 * when the level is on. */
#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            log_emit((level), (event),                                                             \
                     (const struct log_kv[LOG_FIELDS_MAX + 2]){{0}, __VA_ARGS__});                 \
        }                                                                                          \
    } while (0)

bool log_is_on(enum log_level level);

/* What log_event expands to: the first entry is unused; the first with kind NONE behind it ends. */
void log_emit(enum log_level level, const char *event, const struct log_kv *fields);

/* At start: level info, text, to standard error. May be changed at any time. */
void log_set(enum log_level level, enum log_format format);

/* Send lines (with their newline) elsewhere; NULL goes back to standard error. */
typedef void log_sink(void *ctx, const char *line, size_t bytes);
void log_set_sink(log_sink *sink, void *ctx);

/* Write to standard error, where lines go without a sink. */
void log_write(struct slice lines);

#endif
