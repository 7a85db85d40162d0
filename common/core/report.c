#include "common/core/report.h"

#include "common/core/request_mask.h"
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

void report_mask_token(struct msg_result *result)
{
    static const struct slice mask = SLICE_LIT(REQUEST_MASK);
    struct msg_token *t = &result->token;

    if (!result->has_token) {
        return;
    }
    t->access_token = mask;
    t->refresh_token = slice_is_absent(t->refresh_token) ? t->refresh_token : mask;
    t->id_token = slice_is_absent(t->id_token) ? t->id_token : mask;
    t->extra = (struct slice){0};
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

enum cx_err report_encode_some(struct msg_result *result, size_t max, struct buf *out)
{
    enum cx_err err = report_encode(result, max, out);
    struct msg_result small;

    if (err == CX_E_TOO_BIG) {
        small = report_failure(&result->id, VERDICT_ANSWER_UNREADABLE, STAGE_PARSE,
                               "the tokens are too long to be passed on");
        small.execution = result->execution;
        small.status = result->status;
        small.has_timing = result->has_timing;
        small.timing = result->timing;
        *result = small;
        err = report_encode(result, max, out);
    }
    return err;
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
