#include "common/core/request_user.h"
#include "common/io/clock.h"
#include "common/io/executor_private.h"

#include <string.h>

/* What is refused of jobs that the policy allows: at once, since a job that waited here would hold
 * one of the few that may run, which is what the limit is to prevent, and since another agent may
 * have room. */

enum { RETRY_AFTER_MS = 1000, USER_BYTES_MAX = 64 * 1024 };

static void try_again_after(struct executor_run *run, uint64_t ms)
{
    run->refused.has_retry_after = true;
    run->refused.retry_after_ms = ms;
}

static void refuse_for_now(struct executor_run *run, enum stage stage, const struct cx_fail *fail)
{
    executor_refuse(run, VERDICT_CONNECTOR_FULL, stage, fail);
    try_again_after(run, RETRY_AFTER_MS);
}

/* Something that is compared and not to be kept: its HMAC under a random key of this process stands
 * for it. The parts are joined by a byte that none but the last can hold. */
static enum cx_err make_key(const struct executor *e, const struct slice *parts, size_t n,
                            uint8_t key[CRYPTO_SHA256_BYTES])
{
    struct buf text;
    enum cx_err err = CX_OK;

    buf_init(&text, MSG_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < n && err == CX_OK; i++) {
        err = buf_put(&text, parts[i]);
        err = err == CX_OK ? buf_put_byte(&text, '\n') : err;
    }
    if (err == CX_OK) {
        crypto_hmac_sha256(slice_of(e->key, sizeof(e->key)), buf_view(&text), key);
    }
    buf_done(&text);
    return err;
}

static void refuse_without_memory(struct executor_run *run)
{
    struct cx_fail fail;

    (void)cx_fail_set(&fail, CX_E_NOMEM, "job", "out of memory");
    executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
}

/* ---- the rule's jobs ---- */

static bool enter_rule(struct executor_run *run)
{
    struct rules *rules = run->rules;
    struct rule_load *load = rules->loads[run->rule - rules->policy.rules];
    struct cx_fail fail;

    if (!rule_load_enter(load)) {
        rule_load_say_full(load, run->rule, &fail);
        refuse_for_now(run, STAGE_AGENT, &fail);
        return false;
    }
    run->load = load;
    return true;
}

/* ---- one refresh a token ---- */

static struct slice refresh_token_of(const struct msg_job *message)
{
    for (size_t i = 0; i < message->nvariables; i++) {
        if (slice_eq_str(message->variables[i].name, "refresh_token")) {
            return message->variables[i].value;
        }
    }
    return (struct slice){0};
}

static bool is_refreshed_now(const struct executor *e, const uint8_t key[CRYPTO_SHA256_BYTES])
{
    for (const struct executor_run *r = e->refreshes; r != NULL; r = r->next_refresh) {
        if (memcmp(r->refresh_key, key, CRYPTO_SHA256_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

/* A rotating refresh token that is sent twice costs its user the new one as well, so the second
 * refresh does not wait for the first: it would then send a token that has been used. It is refused
 * at the policy's stage, not the agent's, or the platform would give it to the next agent. */
static bool enter_refresh(struct executor_run *run, const struct msg_job *message)
{
    struct executor *e = run->executor;
    struct slice token = refresh_token_of(message);
    const struct slice parts[] = {SLICE_LIT("refresh"), slice_of_str(run->rule->name),
                                  buf_view(&run->request.url), token};
    struct cx_fail fail;

    if (message->purpose != PURPOSE_REFRESH || slice_is_absent(token)) {
        return true;
    }
    if (make_key(e, parts, sizeof(parts) / sizeof(parts[0]), run->refresh_key) != CX_OK) {
        refuse_without_memory(run);
        return false;
    }
    if (is_refreshed_now(e, run->refresh_key)) {
        (void)cx_fail_set(&fail, CX_E_STATE, "policy.refresh",
                          "another refresh with this refresh token is under way, whose answer may "
                          "bring a new one; nothing was sent");
        refuse_for_now(run, STAGE_POLICY, &fail);
        return false;
    }
    run->is_refresh = true;
    run->next_refresh = e->refreshes;
    if (e->refreshes != NULL) {
        e->refreshes->previous_refresh = run;
    }
    e->refreshes = run;
    return true;
}

static void leave_refresh(struct executor_run *run)
{
    struct executor *e = run->executor;

    *(run->previous_refresh != NULL ? &run->previous_refresh->next_refresh : &e->refreshes) =
        run->next_refresh;
    if (run->next_refresh != NULL) {
        run->next_refresh->previous_refresh = run->previous_refresh;
    }
    run->is_refresh = false;
}

/* ---- a user's refused attempts ---- */

static uint64_t now_s(void)
{
    return clock_mono_ms() / 1000;
}

enum cx_err executor_look_at_user(void *ctx, const struct request_parts *parts,
                                  struct cx_fail *fail)
{
    struct executor_run *run = ctx;
    struct buf user;
    enum cx_err err;

    buf_init(&user, USER_BYTES_MAX);
    err = request_user(parts, slice_of_str(run->rule->user_field), &user, &run->is_counted, fail);
    if (err == CX_OK && run->is_counted) {
        const struct slice key[] = {SLICE_LIT("user"), slice_of_str(run->rule->name),
                                    buf_view(&user)};

        err = make_key(run->executor, key, sizeof(key) / sizeof(key[0]), run->user_key);
        run->is_counted = err == CX_OK;
    }
    buf_done(&user);
    return err;
}

static void refuse_user(struct executor_run *run, uint64_t wait_s)
{
    struct cx_fail fail;

    (void)cx_fail_set(&fail, CX_E_DENIED, "policy.max_refused",
                      "%u attempts of this user were refused within the last hour, and the rule "
                      "allows no more (max_refused); the next one is let through in %u min",
                      run->rule->max_refused, (unsigned)(wait_s / 60) + 1);
    executor_refuse(run, VERDICT_POLICY_REFUSED, STAGE_POLICY, &fail);
    try_again_after(run, wait_s * 1000);
}

bool executor_admit_user(struct executor_run *run)
{
    struct executor *e = run->executor;
    enum refusals_answer answer;
    struct cx_fail fail;
    struct refusals_turn turn = {.user = REFUSALS_NOBODY};

    if (!run->is_counted) {
        return true;
    }
    if (e->refusals == NULL && (e->refusals = refusals_new()) == NULL) {
        refuse_without_memory(run);
        return false;
    }
    answer = refusals_begin(e->refusals, run->user_key, run->rule->max_refused, now_s(), &turn);
    run->user = turn.user;
    if (answer == REFUSALS_SPENT) {
        refuse_user(run, turn.wait_s);
    } else if (answer != REFUSALS_FREE) {
        (void)cx_fail_set(&fail, CX_E_FULL, "policy.max_refused", "%s; nothing was sent",
                          answer == REFUSALS_BUSY
                              ? "as many attempts of this user are under way as the rule allows to "
                                "be refused (max_refused)"
                              : "the rule counts refused attempts (max_refused), and no more users "
                                "can be counted now");
        refuse_for_now(run, STAGE_POLICY, &fail);
    }
    return answer == REFUSALS_FREE;
}

/* Whoever sends jobs chooses how their answers are read and how long they are waited for. So what
 * was sent and brought no token is a refusal, whatever it was taken for, but for an endpoint that
 * says that it is not itself: that it can't be made to say. */
static bool is_refusal(const struct msg_result *result)
{
    return result->execution != EXECUTION_NOT_SENT && !terms_is_success(result->outcome) &&
           result->status != 429 && result->status < 500;
}

/* ---- all of it ---- */

bool executor_admit(struct executor_run *run, const struct msg_job *message)
{
    return enter_rule(run) && enter_refresh(run, message);
}

void executor_leave(struct executor_run *run, const struct msg_result *result)
{
    if (run->user != REFUSALS_NOBODY) {
        refusals_end(run->executor->refusals, run->user, is_refusal(result), now_s());
        run->user = REFUSALS_NOBODY;
    }
    if (run->is_refresh) {
        leave_refresh(run);
    }
    if (run->load != NULL) {
        rule_load_leave(&run->executor->loads, run->load);
        run->load = NULL;
    }
}
