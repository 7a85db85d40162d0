#ifndef CONNECTOR_PLATFORM_CORE_MOVED_TEXT_H
#define CONNECTOR_PLATFORM_CORE_MOVED_TEXT_H

#include "common/core/buf.h"
#include "common/core/id.h"
#include "common/core/terms.h"

/* The agents that could not do a job and sent nothing, as the audit trail keeps them: "AGENT:STAGE"
 * each, in order, a space between. Pure. */

/* Append one. Unchanged on error: CX_E_TOO_BIG (cap of the buffer), CX_E_NOMEM. */
enum cx_err moved_text_add(struct buf *text, const struct cx_id *agent,
                           enum stage stage) CX_MUST_CHECK;

/* Cut the first one off `rest` (views into it). False: there is none left. */
bool moved_text_cut(struct slice *rest, struct slice *agent, struct slice *stage);

#endif
