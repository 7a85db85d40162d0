#include "common/core/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A copy that lives as long as the trace; absent if there is no room left. */
static struct slice keep(struct trace *t, char *text)
{
    size_t room = sizeof(t->text) - t->used;
    size_t len;
    char *at = t->text + t->used;

    cx_text_clean(text);
    len = strlen(text);
    if (room <= len) {
        return (struct slice){0};
    }
    memcpy(at, text, len + 1);
    t->used += len + 1;
    return slice_of(at, len);
}

static struct msg_hop *last_of(struct trace *t)
{
    return t->nhops == 0 ? NULL : &t->hops[t->nhops - 1];
}

void trace_row(struct trace *t, const char *hop, uint64_t us, const char *fmt, ...)
{
    char text[TRACE_LINE_BYTES];
    struct msg_hop *row;
    va_list args;

    if (t->nhops == TRACE_HOPS_MAX) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    row = &t->hops[t->nhops++];
    *row = (struct msg_hop){.hop = slice_of_str(hop), .us = us, .text = keep(t, text)};
}

static void add_line(struct trace *t, char *text)
{
    struct msg_hop *row = last_of(t);
    struct slice kept;

    if (row == NULL || t->nlines == TRACE_LINES_MAX) {
        return;
    }
    kept = keep(t, text);
    if (slice_is_absent(kept)) {
        return;
    }
    t->lines[t->nlines] = kept;
    row->detail = row->ndetail == 0 ? &t->lines[t->nlines] : row->detail;
    row->ndetail++;
    t->nlines++;
}

void trace_line(struct trace *t, const char *fmt, ...)
{
    char text[TRACE_LINE_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add_line(t, text);
}

void trace_lines(struct trace *t, struct slice text, size_t max_bytes)
{
    struct slice shown = slice_first(text, max_bytes);
    char line[TRACE_LINE_BYTES];

    while (shown.len > 0) {
        size_t end = slice_find(shown, 0, '\n');
        size_t len = end > 0 && shown.ptr[end - 1] == '\r' ? end - 1 : end;

        (void)snprintf(line, sizeof(line), "%.*s", SLICE_ARG(slice_first(shown, len)));
        add_line(t, line);
        shown = slice_from(shown, end + 1);
    }
    if (text.len > max_bytes) {
        trace_line(t, "... (%zu bytes more are not shown)", text.len - max_bytes);
    }
}

void trace_failed(struct trace *t, const char *advice)
{
    struct msg_hop *row = last_of(t);

    if (row != NULL) {
        row->is_failed = true;
        row->advice = slice_of_str(advice == NULL || advice[0] == '\0' ? NULL : advice);
    }
}
