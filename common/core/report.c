#include "common/core/report.h"

#include "common/core/wire.h"

static enum cx_err put(const struct msg_result *result, size_t max, struct buf *out)
{
    struct msg m = {.type = MSG_RESULT, .body.result = *result};
    struct cx_fail fail;

    return wire_put(&m, max, out, &fail);
}

enum cx_err report_encode(const struct msg_result *result, size_t max, struct buf *out)
{
    struct msg_result cut = *result;
    enum cx_err err = put(&cut, max, out);

    if (err == CX_E_TOO_BIG && cut.ntrace > 0) {
        cut.ntrace = 0;
        err = put(&cut, max, out);
    }
    if (err == CX_E_TOO_BIG && cut.token.extra.ptr != NULL) {
        cut.token.extra = (struct slice){0};
        cut.token.extra_omitted = true;
        err = put(&cut, max, out);
    }
    if (err == CX_E_TOO_BIG) {
        cut.token.scope = (struct slice){0};
        cut.token.id_token = (struct slice){0};
        cut.error.oauth_description = (struct slice){0};
        cut.error.message = slice_first(cut.error.message, 0);
        err = put(&cut, max, out);
    }
    return err;
}

struct msg_result report_failure(const struct cx_id *id, enum verdict code, enum stage stage,
                                 const char *message)
{
    return (struct msg_result){
        .id = *id,
        .outcome = code == VERDICT_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED,
        .code = code,
        .execution = EXECUTION_NOT_SENT,
        .has_error = true,
        .error = {.stage = stage, .message = slice_of_str(message)},
    };
}

enum cx_err report_repeat(struct slice result, const struct report_again *how, struct buf *out)
{
    struct cx_fail fail;
    struct msg m = {0};
    enum cx_err err = wire_get(result, &m, &fail);
    struct msg_result *r = &m.body.result;

    if (err != CX_OK) {
        return err;
    }
    r->has_age = how->has_age;
    r->age_ms = how->age_ms;
    if (how->is_short) {
        r->has_error = false;
        r->has_timing = false;
        r->has_age = false;
        r->ntrace = 0;
    }
    err = report_encode(r, how->max, out);
    wire_done(&m);
    return err;
}
