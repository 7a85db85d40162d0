#ifndef CONNECTOR_COMMON_CORE_REPORT_H
#define CONNECTOR_COMMON_CORE_REPORT_H

#include "common/core/buf.h"
#include "common/core/message.h"

/* The `result` messages that whoever runs a job makes. Pure. */

/* Encode a result so that it fits into `max` bytes: what may be missing is left out, in this order:
 * the trace, extra, scope and id_token, the descriptions. Errors: CX_E_TOO_BIG (the tokens alone
 * are too long), CX_E_NOMEM. */
enum cx_err report_encode(const struct msg_result *result, size_t max,
                          struct buf *out) CX_MUST_CHECK;

/* Likewise, but for a result whose tokens alone are too long: that one becomes, in `result` too, a
 * failure that says so. Error: CX_E_NOMEM. */
enum cx_err report_encode_some(struct msg_result *result, size_t max,
                               struct buf *out) CX_MUST_CHECK;

/* A test's token is nobody's: that there is one stays, what it is goes. */
void report_mask_token(struct msg_result *result);

/* A result that says why a job was not begun or has no answer. `message` is a sentence. */
struct msg_result report_failure(const struct cx_id *id, enum verdict code, enum stage stage,
                                 const char *message);

struct report_again {
    bool has_age;
    uint64_t age_ms;
    bool is_short; /* id, outcome, code, execution, status and token alone: the platform could not
                      store it as it was */
    size_t max;
};

/* An encoded result once more. Errors: as report_encode. */
enum cx_err report_repeat(struct slice result, const struct report_again *how,
                          struct buf *out) CX_MUST_CHECK;

#endif
