#include "common/core/answer.h"
#include "common/core/discovery.h"
#include "common/core/pool.h"
#include "common/core/report.h"
#include "common/core/report_hide.h"
#include "common/io/clock.h"
#include "common/io/executor_private.h"
#include "common/io/http.h"

#include <stdlib.h>
#include <string.h>

enum {
    REFRESH_REUSE_IDLE_MS = 3000, /* so that a refresh rarely meets a connection that has died */
};

struct executor *executor_new(const struct executor_options *options)
{
    struct executor *e = calloc(1, sizeof(*e));

    if (e != NULL) {
        e->options = *options;
        e->loads.capacity = options->jobs_max;
        random_fill(e->key, sizeof(e->key));
    }
    return e;
}

static void rules_release(struct executor *e, struct rules *rules)
{
    if (rules != NULL && --rules->holders == 0) {
        rule_loads_drop(&e->loads, rules->loads, rules->policy.nrules);
        policy_done(&rules->policy);
        free(rules);
    }
}

void executor_free(struct executor *e)
{
    if (e != NULL) {
        rules_release(e, e->rules);
        refusals_free(e->refusals);
        explicit_bzero(e->key, sizeof(e->key));
        free(e);
    }
}

bool executor_set_policy(struct executor *e, struct policy *policy)
{
    struct rules *rules = calloc(1, sizeof(*rules));

    if (rules == NULL) {
        return false;
    }
    *rules = (struct rules){
        .policy = *policy, .loads = rule_loads_take(&e->loads, policy), .holders = 1};
    if (rules->loads == NULL) {
        free(rules);
        return false;
    }
    policy_init(policy);
    rules_release(e, e->rules);
    e->rules = rules;
    return true;
}

const struct policy *executor_policy(const struct executor *e)
{
    return &e->rules->policy;
}

const struct rule_load *executor_loads(const struct executor *e)
{
    return e->loads.first;
}

static void run_free(struct executor_run *run)
{
    request_done(&run->request);
    executor_client_done(&run->client);
    buf_done(&run->again);
    url_done(&run->url);
    buf_done(&run->real_url);
    rules_release(run->executor, run->rules);
    expect_done(&run->expect);
    report_sent_done(&run->sent);
    executor_trace_free(run->trace);
    pool_give(run);
}

/* What the agent keeps must not come back in what an endpoint wrote. */
static void hide_secrets(struct executor_run *run, struct msg_result *result,
                         struct report_hidden *hidden)
{
    const struct policy_secret *secrets = run->rule->secrets;
    struct echo echo = {0};
    bool is_whole = true;

    for (size_t i = 0; i < run->rule->nsecrets && is_whole; i++) {
        if ((run->used_secrets >> i & 1) != 0) {
            is_whole = echo_add(&echo, secret_view(&secrets[i].value)) == CX_OK;
        }
    }
    report_hide(result, is_whole ? &echo : NULL, hidden);
    echo_done(&echo);
}

/* What would be the agent's is the platform's own where it asks by itself. */
static void name_platform(struct msg_result *result)
{
    if (result->code == VERDICT_AGENT_UNAVAILABLE) {
        result->code = VERDICT_PLATFORM_FAILED;
    }
    if (result->has_error && result->error.stage == STAGE_AGENT) {
        result->error.stage = STAGE_PLATFORM;
    }
}

/* Give the result away, forget the run. */
static void run_end(struct executor_run *run, struct msg_result *result)
{
    struct executor *e = run->executor;
    struct report_hidden hidden = {0};

    executor_leave(run, result);
    if (e->options.side == ADVICE_PLATFORM) {
        name_platform(result);
    }
    result->has_timing = true;
    result->timing.queued = run->started_us - run->arrived_us;
    result->timing.policy = run->policy_us;
    if (run->used_secrets != 0) {
        hide_secrets(run, result, &hidden);
    }
    report_sent_hide(result, &run->sent, &hidden);
    if (run->trace != NULL) {
        executor_trace_finish(run->trace, run->end, result);
    }
    if (run->purpose == PURPOSE_TEST) {
        report_mask_token(result);
    }
    e->options.finished(e->options.ctx, run->owner, result);
    report_hidden_done(&hidden);
    run_free(run);
}

static void end_early(void *arg)
{
    struct executor_run *run = arg;
    const struct refused *why = &run->refused;
    struct msg_result result =
        report_failure(&run->id, why->code, why->stage, cx_fail_text(&why->fail));

    result.error.has_retry_after = why->has_retry_after;
    result.error.retry_after_ms = why->retry_after_ms;
    run_end(run, &result);
}

void executor_refuse(struct executor_run *run, enum verdict code, enum stage stage,
                     const struct cx_fail *fail)
{
    run->refused = (struct refused){.code = code, .stage = stage, .fail = *fail};
    run->hook.run = end_early;
    run->hook.arg = run;
    loop_defer(run->executor->options.loop, &run->hook);
}

static bool allows_address(void *ctx, const struct sockaddr *address, struct cx_fail *fail)
{
    const struct executor_run *run = ctx;
    bool is_allowed = policy_allows_address(run->rule, address, fail);

    if (run->trace != NULL) {
        executor_trace_address(run->trace, address, is_allowed);
    }
    return is_allowed;
}

static void on_sending(void *ctx)
{
    struct executor_run *run = ctx;

    run->has_left = true;
}

static struct msg_timing timing_of(const struct http_end *end)
{
    return (struct msg_timing){
        .resolve = end->timing.resolve,
        .connect = end->timing.connect,
        .tls = end->timing.tls,
        .wait = end->timing.wait,
        .receive = end->timing.receive,
        .total = end->timing.total,
    };
}

static void end_unanswered(struct executor_run *run, const struct http_end *end)
{
    struct msg_result result =
        report_failure(&run->id, end->code, end->stage, cx_fail_text(&end->fail));

    result.execution = end->execution;
    result.status = end->status;
    result.timing = timing_of(end);
    run_end(run, &result);
}

static enum cx_err read_answer(const struct answer_input *input, struct answer *out)
{
    return input->purpose == PURPOSE_DISCOVER ? discovery_read(input, out)
                                              : answer_read(input, out);
}

static void end_answered(struct executor_run *run, const struct http_end *end)
{
    struct answer_input input = {
        .status = end->status,
        .content_type = end->content_type,
        .retry_after = end->retry_after,
        .location = end->location,
        .is_location_hidden = run->rule->target != NULL,
        .body = end->body,
        .is_body_whole = end->is_body_whole,
        .sent = run->encoding,
        .purpose = run->purpose,
        .expect = &run->expect.view,
        .now_unix_s = clock_wall_s(),
    };
    struct answer answer = {0};
    struct msg_result result = {.id = run->id,
                                .execution = end->execution,
                                .status = end->status,
                                .timing = timing_of(end)};

    if (read_answer(&input, &answer) != CX_OK) {
        result.outcome = OUTCOME_FAILED;
        result.code = VERDICT_AGENT_UNAVAILABLE;
        result.has_error = true;
        result.error.stage = STAGE_AGENT;
        result.error.message = slice_of_str("out of memory");
    } else {
        result.outcome = answer.outcome;
        result.code = answer.code;
        result.has_token = answer.outcome == OUTCOME_ISSUED && slice_is_absent(answer.document);
        result.token = answer.token;
        result.document = answer.document;
        result.has_error = !terms_is_success(answer.outcome);
        result.error = answer.error;
        result.error.stage = answer.stage;
    }
    if (run->trace != NULL && answer.is_type_assumed) {
        executor_trace_assumed_type(run->trace);
    }
    run_end(run, &result);
    answer_done(&answer);
}

static enum cx_err begin(struct executor_run *run, uint32_t budget_ms, struct cx_fail *fail);

static uint32_t spent_ms(const struct executor_run *run)
{
    return (uint32_t)((clock_mono_us() - run->arrived_us) / 1000);
}

/* The budget counts from the job's arrival: whatever it had to wait for is spent. */
static uint32_t left_ms(const struct executor_run *run)
{
    uint32_t spent = spent_ms(run);

    return spent < run->budget_ms ? run->budget_ms - spent : 0;
}

/* Once more by ourselves: nothing has left, the fault may be a passing one, and less than half of
 * the budget is spent. */
static bool may_retry(const struct executor_run *run, const struct http_end *end)
{
    return !run->was_retried && !run->is_cancelled && end->execution == EXECUTION_NOT_SENT &&
           end->code == VERDICT_ENDPOINT_UNREACHABLE && spent_ms(run) < run->budget_ms / 2;
}

static void on_done(void *ctx, const struct http_end *end)
{
    struct executor_run *run = ctx;
    struct cx_fail fail;

    run->call = NULL;
    run->end = end;
    if (end->code == VERDICT_UNKNOWN) {
        end_answered(run, end);
    } else if (may_retry(run, end)) {
        run->was_retried = true;
        run->end = NULL;
        if (run->trace != NULL) {
            executor_trace_retried(run->trace);
        }
        if (executor_prepare_again(run, &fail) != CX_OK ||
            begin(run, left_ms(run), &fail) != CX_OK) {
            end_unanswered(run, end);
        }
    } else {
        end_unanswered(run, end);
    }
}

static enum cx_err begin(struct executor_run *run, uint32_t budget_ms, struct cx_fail *fail)
{
    struct http_plan plan = {
        .method = run->request.method,
        .url = buf_cstr(run->rule->target != NULL ? &run->real_url : &run->request.url),
        .headers = buf_view(&run->request.headers),
        .nheaders = run->request.nheaders,
        .has_body = run->request.has_body,
        .body = buf_view(&run->request.body),
        .ca_file = run->rule->ca,
        .tls = &run->client.terms,
        .proxy = proxy_is_set(&run->rule->proxy) ? &run->rule->proxy : NULL,
        .budget_ms = budget_ms,
        .is_name_asked_anew = run->was_retried, /* it may have moved */
        .reuse_idle_ms = run->purpose == PURPOSE_REFRESH ? REFRESH_REUSE_IDLE_MS : 0,
        .answer_bytes_max = run->executor->options.answer_bytes_max,
        .is_traced = run->trace != NULL,
        .allows_address = allows_address,
        .on_sending = on_sending,
        .done = on_done,
        .ctx = run,
    };

    if (plan.url == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "http.start", "out of memory");
    }
    return http_start(run->executor->options.http, &plan, &run->call, fail);
}

/* What precedes the network is done. */
static void begin_first(struct executor_run *run)
{
    uint32_t budget_ms = left_ms(run);
    struct cx_fail fail;

    if (budget_ms == 0) {
        (void)cx_fail_set(
            &fail, CX_E_TIMEOUT, "job",
            "the budget of %u ms had ended before the request could begin; nothing was "
            "sent",
            run->budget_ms);
        executor_refuse(run, VERDICT_BUDGET_EXCEEDED, STAGE_BUDGET, &fail);
    } else if (begin(run, budget_ms, &fail) != CX_OK) {
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
    }
}

/* What is kept of the message while the job runs. */
static bool keep(struct executor_run *run, const struct msg_job *message)
{
    run->budget_ms = message->budget_ms;
    run->purpose = message->purpose;
    run->encoding = message->request.encoding;
    return expect_dup(&message->expect, &run->expect) == CX_OK &&
           report_sent_keep(message, &run->sent) == CX_OK;
}

struct executor_run *executor_start(struct executor *e, void *owner, const struct msg_job *message,
                                    uint64_t arrived_us)
{
    struct executor_run *run = pool_take_zeroed(1, sizeof(*run));
    struct cx_fail fail;

    if (run == NULL) {
        return NULL;
    }
    run->executor = e;
    run->owner = owner;
    run->id = message->id;
    run->rules = e->rules;
    run->rules->holders++;
    buf_init(&run->real_url, URL_BYTES_MAX);
    buf_init(&run->again, MSG_MESSAGE_BYTES_MAX);
    run->arrived_us = arrived_us;
    run->started_us = clock_mono_us();
    if (message->trace) {
        run->trace = executor_trace_new(message, e->options.side, e->options.is_at_hand);
    }
    if (!keep(run, message)) {
        (void)cx_fail_set(&fail, CX_E_NOMEM, "job", "out of memory");
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
    } else if (executor_prepare(run, message)) {
        begin_first(run);
    }
    return run;
}

bool executor_has_left(const struct executor_run *run)
{
    return run->has_left;
}

void executor_cancel(struct executor_run *run)
{
    run->is_cancelled = true;
    if (run->call != NULL && !run->has_left) {
        http_cancel(run->call);
    }
}
