#ifndef CONNECTOR_COMMON_CORE_TRACE_H
#define CONNECTOR_COMMON_CORE_TRACE_H

#include "common/core/message.h"

/* A trace: what happened to a job, a row a hop, for a person. Pure. What doesn't fit is cut; a
 * trace never fails. */

enum {
    TRACE_HOPS_MAX = 20,
    TRACE_LINES_MAX = 160,        /* of detail, of all rows together */
    TRACE_TEXT_BYTES = 24 * 1024, /* of all texts together: a trace is far below what a message may
                                     have */
    TRACE_LINE_BYTES = 2048,      /* of one text or line */
};

/* The rows and all that they point at; zeroed is empty. Can't be copied or moved. */
struct trace {
    struct msg_hop hops[TRACE_HOPS_MAX];
    size_t nhops;
    struct slice lines[TRACE_LINES_MAX];
    size_t nlines;
    size_t used;
    char text[TRACE_TEXT_BYTES];
};

/* Begin a row. hop: a static word. us: how long it took; 0: not measured, or no time at all. The
 * text is cleaned by cx_text_clean, as all that follows. */
void trace_row(struct trace *t, const char *hop, uint64_t us, const char *fmt, ...) CX_PRINTF(4, 5);

/* Of the row begun last: one more line of detail; a text that has line ends of its own, up to
 * `max_bytes` of it; that it failed there, and what to change (static; "" or NULL: nothing). */
void trace_line(struct trace *t, const char *fmt, ...) CX_PRINTF(2, 3);
void trace_lines(struct trace *t, struct slice text, size_t max_bytes);
void trace_failed(struct trace *t, const char *advice);

/* Rows as the API and the command line have them are in trace_json.h. */

#endif
