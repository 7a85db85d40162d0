#include "common/core/wire.h"
#include "platform/core/features.h"
#include "platform/io/exchange_internal.h"

/* What an agent is to get, from the profile and the call. */

/* A GET of the profile's token URL, and nothing else with it. */
static struct msg_job discovery_job(const struct exchange_request *request,
                                    const struct profile_call *call)
{
    return (struct msg_job){.id = call->id,
                            .budget_ms = call->budget_ms,
                            .purpose = PURPOSE_DISCOVER,
                            .request = {.method = METHOD_GET,
                                        .url = slice_of_str(request->profile->token_url),
                                        .encoding = ENCODING_FORM,
                                        .client.method = CLIENT_NONE}};
}

enum cx_err exchange_make_job(const struct exchanges *x, const struct exchange_request *request,
                              const struct cx_id *id, struct exchange_job *out,
                              struct faults *faults)
{
    struct profile_call call = *request->call;
    struct profile_job made = {0};
    struct msg m = {.type = MSG_JOB};
    struct cx_fail fail = {0};
    enum cx_err err;

    call.id = *id;
    call.budget_ms = exchange_agent_budget_ms(request->budget_ms);
    if (call.purpose == PURPOSE_DISCOVER) {
        made.job = discovery_job(request, &call);
    } else if (!profile_make_job(request->profile, &call, &made, faults)) {
        return CX_E_SYNTAX;
    }
    m.body.job = made.job;
    m.body.job.trace_id = slice_of_str(request->trace_id);
    err = wire_put(&m, MSG_MESSAGE_BYTES_MAX, &out->message, &fail);
    if (err == CX_E_TOO_BIG) {
        faults_add(faults, NULL, "variables", "are too long together: a job has at most %d bytes",
                   MSG_MESSAGE_BYTES_MAX);
        err = CX_E_SYNTAX;
    }
    out->needs = features_of_job(&m.body.job);
    out->is_exclusive = call.purpose == PURPOSE_REFRESH && request->profile->connector != NULL;
    if (err == CX_OK && out->is_exclusive) {
        err = exchange_make_keys(x, request, &m.body.job, &out->keys);
    }
    profile_job_done(&made);
    return err;
}
