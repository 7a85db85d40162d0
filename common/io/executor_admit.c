#include "common/io/clock.h"
#include "common/io/executor_private.h"

#include <string.h>

/* What is refused of jobs that the policy allows: at once, since a job that waited here would hold
 * one of the few that may run, which is what the limit is to prevent, and since another agent may
 * have room. */

enum { RETRY_AFTER_MS = 1000 };

static void refuse_for_now(struct executor_run *run, enum stage stage, const struct cx_fail *fail)
{
    executor_refuse(run, VERDICT_CONNECTOR_FULL, stage, fail);
    run->early.error.has_retry_after = true;
    run->early.error.retry_after_ms = RETRY_AFTER_MS;
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

static bool make_key(struct executor_run *run, struct slice token, uint8_t key[CRYPTO_SHA256_BYTES])
{
    const struct slice parts[] = {slice_of(run->executor->key, sizeof(run->executor->key)),
                                  slice_of_str(run->rule->name),
                                  SLICE_LIT("\n"),
                                  buf_view(&run->request.url),
                                  SLICE_LIT("\n"),
                                  token};
    struct buf text;
    enum cx_err err = CX_OK;

    buf_init(&text, MSG_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && err == CX_OK; i++) {
        err = buf_put(&text, parts[i]);
    }
    if (err == CX_OK) {
        crypto_hasher_sha256(&run->executor->hasher, buf_view(&text), key);
    }
    buf_done(&text);
    return err == CX_OK;
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
    struct cx_fail fail;

    if (message->purpose != PURPOSE_REFRESH || slice_is_absent(token)) {
        return true;
    }
    if (!make_key(run, token, run->refresh_key)) {
        (void)cx_fail_set(&fail, CX_E_NOMEM, "job", "out of memory");
        executor_refuse(run, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, &fail);
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

/* ---- both ---- */

bool executor_admit(struct executor_run *run, const struct msg_job *message)
{
    return enter_rule(run) && enter_refresh(run, message);
}

void executor_leave(struct executor_run *run)
{
    if (run->is_refresh) {
        leave_refresh(run);
    }
    if (run->load != NULL) {
        rule_load_leave(&run->executor->loads, run->load);
        run->load = NULL;
    }
}
