#ifndef CONNECTOR_COMMON_CORE_ECHO_VIEW_H
#define CONNECTOR_COMMON_CORE_ECHO_VIEW_H

#include "common/core/buf.h"

/* A text as it reads once its escapes are undone; for echo.c alone. What is no escape stays. */

enum echo_escape {
    ECHO_NO_ESCAPE,
    ECHO_PERCENT,
    ECHO_FORM, /* percent, and '+' is a space */
    ECHO_JSON,
    ECHO_XML,
    ECHO_CSV, /* in a quoted field, a quote is two (RFC 4180) */
    ECHO_ESCAPES
};

struct echo_view {
    struct buf bytes;
    uint32_t *from; /* where in the text each byte begins, and one more for the end; NULL: as the
                       text is */
};

/* Error: CX_E_NOMEM. echo_view_done in every case. */
enum cx_err echo_view_make(struct echo_view *v, struct slice text,
                           enum echo_escape escape) CX_MUST_CHECK;
void echo_view_done(struct echo_view *v);

/* True if the text has what begins such an escape: else the view is the text itself. */
bool echo_view_differs(struct slice text, enum echo_escape escape);

#endif
