#ifndef CONNECTOR_COMMON_CORE_REPORT_SENT_H
#define CONNECTOR_COMMON_CORE_REPORT_SENT_H

#include "common/core/report_hide.h"

/* The secrets which came with the job, and which the endpoint has been told: the client's secret
 * and key, and the values of the secret variables. Who called for the exchange need not know them.
 */
struct report_sent {     /* zeroed: none */
    struct buf bytes;    /* each value behind its length; wiped */
    size_t client_bytes; /* of them the client's, which stand first */
};

/* Copy the job's. One that is a placeholder is none itself. Errors: CX_E_NOMEM. Pure. */
enum cx_err report_sent_keep(const struct msg_job *job, struct report_sent *out) CX_MUST_CHECK;
void report_sent_done(struct report_sent *sent);

/* Mask them in a failure's error and description, which are the endpoint's words, and the client's
 * in its message and in an issued token's extra too. A variable's value is left alone there: it may
 * be a word that our own sentence has, and in a token the caller's own. Out of memory: what can't
 * be masked is left out.
 *
 * result: its slices point into `hidden` where they were changed, which must outlive them. Pure. */
void report_sent_hide(struct msg_result *result, const struct report_sent *sent,
                      struct report_hidden *hidden);

#endif
