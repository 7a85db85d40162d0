#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/executor_private.h"

static enum verdict verdict_of(enum stage stage)
{
    if (stage == STAGE_POLICY) {
        return VERDICT_POLICY_REFUSED;
    }
    return stage == STAGE_AGENT ? VERDICT_AGENT_UNAVAILABLE : VERDICT_PROFILE_INCOMPLETE;
}

static bool begin_request(struct executor_run *run, const struct msg_job *message,
                          struct request_parts *parts)
{
    struct cx_fail fail = {0};
    enum stage stage = STAGE_AGENT;

    if (message->unknown != NULL) {
        (void)cx_fail_set(&fail, CX_E_UNSUPPORTED, "job", "this agent does not know this %s",
                          message->unknown);
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
        return false;
    }
    if (request_begin(parts, message, &run->request, &stage, &fail) != CX_OK) {
        executor_refuse(run, verdict_of(stage), stage, &fail);
        return false;
    }
    return true;
}

static enum cx_err refuse_secret(struct cx_fail *fail)
{
    return cx_fail_set(fail, CX_E_SECRET, "policy.secret",
                       "the platform keeps no secrets: {{secret:...}} is an agent's, and this "
                       "profile has no connector");
}

/* A find_secret: what the rule binds; ctx is the run. */
static enum cx_err find_secret(void *ctx, const struct keeper_use *use, struct slice *value,
                               struct cx_fail *fail)
{
    struct executor_run *run = ctx;
    const struct policy_secret *secret;

    if (run->executor->options.side == ADVICE_PLATFORM) {
        return refuse_secret(fail);
    }
    secret = policy_find_secret(run->rule, use, fail);
    if (secret == NULL) {
        return CX_E_SECRET;
    }
    run->used_secrets |= UINT64_C(1) << (secret - run->rule->secrets);
    if (run->trace != NULL) {
        executor_trace_secret(run->trace, secret_view(&secret->value));
    }
    *value = secret_view(&secret->value);
    return CX_OK;
}

/* A sign. */
static enum cx_err sign(void *ctx, const struct keeper_assertion *ask, struct buf *out,
                        struct cx_fail *fail)
{
    const struct executor_run *run = ctx;

    if (run->executor->options.side == ADVICE_PLATFORM && !slice_is_absent(ask->secret)) {
        return refuse_secret(fail);
    }
    return executor_client_sign(run->rule, ask, out, fail);
}

static bool finish_request(struct executor_run *run, struct request_parts *parts)
{
    const struct request_keeper keeper = {
        .find_secret = find_secret,
        .sign = sign,
        .look = run->rule->max_refused > 0 ? executor_look_at_user : NULL,
        .ctx = run,
    };
    struct cx_fail fail = {0};
    enum stage stage = STAGE_AGENT;

    if (request_finish(parts, &keeper, &stage, &fail) != CX_OK) {
        executor_refuse(run, verdict_of(stage), stage, &fail);
        return false;
    }
    return true;
}

/* What is shown in TLS. */
static bool take_client(struct executor_run *run, enum client_method method)
{
    struct cx_fail fail = {0};

    switch (executor_client_terms(run->rule, &run->request, method, &run->client, &fail)) {
    case CX_OK:
        return true;
    case CX_E_DENIED:
        executor_refuse(run, VERDICT_POLICY_REFUSED, STAGE_POLICY, &fail);
        return false;
    case CX_E_NOMEM:
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
        return false;
    default:
        executor_refuse(run, VERDICT_PROFILE_INCOMPLETE, STAGE_SECRET, &fail);
        return false;
    }
}

/* A second attempt signs anew, and the message is not ours to keep. */
static bool keep_message(struct executor_run *run, const struct msg_job *message)
{
    const struct msg m = {.type = MSG_JOB, .body.job = *message};
    struct cx_fail fail = {0};

    if (message->request.client.method == CLIENT_PRIVATE_KEY_JWT &&
        wire_put(&m, MSG_MESSAGE_BYTES_MAX, &run->again, &fail) != CX_OK) {
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
        return false;
    }
    return true;
}

/* The name in the URL was a virtual one: from here on the real one counts. */
static enum cx_err go_to_target(struct executor_run *run, struct cx_fail *fail)
{
    struct url real;
    enum cx_err err = policy_put_url(run->rule, buf_view(&run->request.url), &run->real_url);

    if (err == CX_OK) {
        err = url_read(buf_view(&run->real_url), &real, NULL);
    }
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "job", "the URL can't be sent to the target of its rule: %s",
                           cx_err_text(err));
    }
    url_done(&run->url);
    run->url = real;
    return CX_OK;
}

/* The same was allowed before. */
static bool is_known(struct executor_run *run)
{
    struct slice url = buf_view(&run->request.url);

    run->rule = policy_memo_find(&run->rules->memo, url, run->request.method);
    return run->rule != NULL &&
           (run->rule->target == NULL || policy_put_url(run->rule, url, &run->real_url) == CX_OK);
}

/* A URL that is not the profile's alone has something of a user in it: that is kept nowhere. */
static void remember(struct executor_run *run, const struct msg_job *message)
{
    struct slice url = buf_view(&run->request.url);

    if (slice_eq(url, message->request.url)) {
        policy_memo_add(&run->rules->memo, url, run->request.method, run->rule);
    }
}

static void refuse_by_policy(struct executor_run *run, const struct cx_fail *why)
{
    struct cx_fail fail = *why;

    if (run->executor->options.side == ADVICE_PLATFORM) {
        (void)cx_fail_set(&fail, why->code, why->op, "the policy of platform.conf refuses it: %s",
                          cx_fail_text(why));
    }
    executor_refuse(run, VERDICT_POLICY_REFUSED, STAGE_POLICY, &fail);
}

static bool is_allowed(struct executor_run *run, const struct msg_job *message)
{
    struct cx_fail fail = {0};
    uint64_t began_us;
    enum cx_err err;

    if (is_known(run)) {
        return true; /* found in less than a microsecond */
    }
    began_us = clock_mono_us();
    err = url_read(buf_view(&run->request.url), &run->url, &fail);
    if (err == CX_OK) {
        run->rule = policy_find(&run->rules->policy, &run->url, run->request.method, &fail);
        run->policy_us = clock_mono_us() - began_us;
        err = run->rule == NULL ? CX_E_DENIED : CX_OK;
    }
    if (err == CX_OK && run->rule->target != NULL) {
        err = go_to_target(run, &fail);
    }
    if (err != CX_OK || !policy_allows_host(run->rule, &run->url, &fail)) {
        refuse_by_policy(run, &fail);
        return false;
    }
    remember(run, message);
    return true;
}

/* What precedes the network; false: the job was refused. */
bool executor_prepare(struct executor_run *run, const struct msg_job *message)
{
    struct request_parts parts;

    if (!begin_request(run, message, &parts)) {
        return false;
    }
    if (run->trace != NULL) {
        executor_trace_built(run->trace, message);
    }
    if (!is_allowed(run, message)) {
        request_drop(&parts);
        return false;
    }
    if (run->trace != NULL) {
        executor_trace_ruled(run->trace, run->rule);
    }
    if (!executor_admit(run, message)) {
        request_drop(&parts);
        return false;
    }
    return finish_request(run, &parts) && executor_admit_user(run) &&
           take_client(run, message->request.client.method) && keep_message(run, message);
}

enum cx_err executor_prepare_again(struct executor_run *run, struct cx_fail *fail)
{
    const struct request_keeper keeper = {.find_secret = find_secret, .sign = sign, .ctx = run};
    enum stage stage = STAGE_AGENT;
    struct msg m = {0};
    enum cx_err err;

    if (run->again.len == 0) {
        return CX_OK;
    }
    request_done(&run->request);
    err = wire_get(buf_view(&run->again), &m, fail);
    if (err == CX_OK) {
        err = request_build(&m.body.job, &keeper, &run->request, &stage, fail);
    }
    wire_done(&m);
    return err;
}
