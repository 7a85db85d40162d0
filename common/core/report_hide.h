#ifndef CONNECTOR_COMMON_CORE_REPORT_HIDE_H
#define CONNECTOR_COMMON_CORE_REPORT_HIDE_H

#include "common/core/buf.h"
#include "common/core/echo.h"
#include "common/core/message.h"

/* What an endpoint wrote must not carry a secret of the agent back to who sent the job. */

enum { REPORT_HIDDEN_TEXTS = 9 }; /* report_hide: 5, report_sent_hide: 4 */

/* The texts that take the place of what was there. Zeroed before use. */
struct report_hidden {
    struct buf texts[REPORT_HIDDEN_TEXTS];
    size_t ntexts;
};

/* Mask every repeated value in the result's message, error, description, extra and document; JSON
 * stays JSON, and what can't be masked in it (a number) is left out. A token can't be masked: if
 * one of its members repeats a value of at least ECHO_SURE_BYTES, the result becomes `failed`,
 * `answer_unreadable`. Out of memory, or `secrets` NULL since they took more than there was: the
 * result tells nothing but that. Times, trace and status are left alone.
 *
 * result: its slices point into `hidden` where they were changed, which must outlive them. Pure. */
void report_hide(struct msg_result *result, const struct echo *secrets,
                 struct report_hidden *hidden);
void report_hidden_done(struct report_hidden *hidden);

/* For report_sent_hide. Mask one text; errors: echo_mask's, `text` is unchanged then. */
enum cx_err report_hide_text(struct slice *text, const struct echo *secrets,
                             struct report_hidden *hidden) CX_MUST_CHECK;
/* Likewise JSON; false: it can't be masked, and is absent now. */
bool report_hide_json(struct slice *text, const struct echo *secrets, struct report_hidden *hidden);

#endif
