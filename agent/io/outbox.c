#include "agent/io/outbox.h"

#include "agent/core/policy_summary.h"
#include "agent/io/agent.h"
#include "agent/io/recorder.h"
#include "common/core/report.h"
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/link.h"
#include "common/io/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DRAIN_GRACE_MS = 120000,
    HOST_BYTES = 256,
    HELLO_REST_BYTES = 64 * 1024, /* for what is in it besides the policy: 2,048 ids, some texts */
};

/* False if it could not be queued; the reason was logged unless the outbox is merely full. */
static bool send_message(struct agent_tunnel *t, const struct msg *m)
{
    struct cx_fail fail = {0};
    struct buf bytes;
    enum cx_err err;

    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    err = wire_put(m, t->message_bytes_max, &bytes, &fail);
    if (err == CX_OK) {
        err = link_send(t->link, buf_view(&bytes), 0);
        fail.code = err;
    }
    if (err != CX_OK && err != CX_E_FULL && err != CX_E_CLOSED) {
        log_event(CX_LOG_ERROR, "tunnel.send_failed", kv_u64("tunnel", t->number),
                  kv_u64("type", m->type), kv_fail(&fail));
    }
    buf_done(&bytes);
    return err == CX_OK;
}

/* ---- hello ---- */

static const struct slice features[] = {
    SLICE_INIT("encoding:json"),
    SLICE_INIT("encoding:form"),
    SLICE_INIT("encoding:form_rfc3986"),
    SLICE_INIT("encoding:xml"),
    SLICE_INIT("encoding:rss"),
    SLICE_INIT("encoding:csv"),
    SLICE_INIT("encoding:text"),
    SLICE_INIT("encoding:multipart_form"),
    SLICE_INIT("encoding:multipart_related"),
    SLICE_INIT("encoding:oracle_adf"),
    SLICE_INIT("method:POST"),
    SLICE_INIT("method:PUT"),
    SLICE_INIT("method:PATCH"),
    SLICE_INIT("method:DELETE"),
    SLICE_INIT("method:GET"),
    SLICE_INIT("discover"),
    SLICE_INIT("revoke"),
};

static struct cx_id *known_ids(const struct jobs *jobs, size_t *n)
{
    struct cx_id *ids = calloc(jobs_held(jobs) + 1, sizeof(*ids));

    *n = 0;
    for (const struct job *job = jobs_oldest(jobs); ids != NULL && job != NULL;
         job = jobs_after(job)) {
        ids[(*n)++] = job->id;
    }
    return ids;
}

static void send_hello_with(struct agent *a, struct agent_tunnel *t,
                            const struct msg_policy *policy)
{
    char host[HOST_BYTES] = "";
    struct msg m = {.type = MSG_HELLO};
    struct msg_hello *hello = &m.body.hello;
    struct cx_id *known = known_ids(a->jobs, &hello->nknown);

    (void)gethostname(host, sizeof(host) - 1);
    hello->agent_version = slice_of_str(CONNECTOR_VERSION);
    hello->instance = a->instance;
    hello->tunnel = t->number;
    hello->ledger = ledger_id(recorder_ledger(a->recorder));
    hello->ledger_seq = ledger_seq(recorder_ledger(a->recorder));
    hello->host = slice_of_str(host);
    hello->capacity = jobs_capacity(a->jobs);
    hello->known = known;
    hello->policy = *policy;
    hello->features = features;
    hello->nfeatures = sizeof(features) / sizeof(features[0]);
    if (known == NULL || !send_message(t, &m)) {
        link_abort(t->link); /* the platform would wait for it in vain */
    }
    free(known);
}

static void send_policy_with(struct agent *a, struct agent_tunnel *t,
                             const struct msg_policy *policy)
{
    struct msg m = {.type = MSG_POLICY, .body.policy = *policy};

    (void)a;
    if (!send_message(t, &m)) {
        log_event(CX_LOG_WARN, "tunnel.policy_not_sent", kv_u64("tunnel", t->number),
                  kv_str("why", "the platform shows the old one until the next connection"));
    }
}

/* What of the policy is shared, in the message that `send` makes; at most `room` bytes of it. */
static void tell_policy(struct agent *a, struct agent_tunnel *t, size_t room,
                        void (*send)(struct agent *, struct agent_tunnel *,
                                     const struct msg_policy *))
{
    static const char *const left_out[] = {
        [POLICY_SUMMARY_NAMES] = "its URLs and methods", [POLICY_SUMMARY_NONE] = "all of it"};
    struct policy_summary summary;
    enum cx_err err = policy_summary_make(executor_policy(a->executor), room, &summary);

    if (err != CX_OK) {
        log_event(CX_LOG_WARN, "tunnel.policy_not_shown", kv_u64("tunnel", t->number), kv_err(err));
        summary.policy.nrules = 0;
    } else if (summary.extent != POLICY_SUMMARY_WHOLE) {
        log_event(CX_LOG_WARN, "tunnel.policy_not_shown", kv_u64("tunnel", t->number),
                  kv_str("left_out", left_out[summary.extent]),
                  kv_str("why", "it is too long for a message; it counts all the same"));
    }
    send(a, t, &summary.policy);
    t->policy_told = a->policy_version;
    policy_summary_done(&summary);
}

void agent_send_hello(struct agent *a, struct agent_tunnel *t)
{
    tell_policy(a, t, MSG_MESSAGE_BYTES_MAX - HELLO_REST_BYTES, send_hello_with);
}

void agent_send_policy(struct agent *a, struct agent_tunnel *t)
{
    tell_policy(a, t, t->message_bytes_max, send_policy_with);
}

/* ---- the small ones ---- */

void agent_send_drain(struct agent *a, struct agent_tunnel *t, const char *reason)
{
    struct msg m = {.type = MSG_DRAIN,
                    .body.drain = {.reason = slice_of_str(reason), .grace_ms = DRAIN_GRACE_MS}};

    (void)a;
    (void)send_message(t, &m);
}

void agent_send_error(struct agent_tunnel *t, const char *code, const char *message)
{
    struct msg m = {.type = MSG_ERROR,
                    .body.error = {.code = slice_of_str(code), .message = slice_of_str(message)}};

    (void)send_message(t, &m);
}

void agent_send_renew(struct agent_tunnel *t, struct slice csr)
{
    struct msg m = {.type = MSG_RENEW, .body.renew = {.csr = csr}};

    (void)send_message(t, &m);
}

void agent_send_protocol_error(struct agent *a, struct agent_tunnel *t, const struct cx_fail *fail)
{
    (void)a;
    log_event(CX_LOG_WARN, "tunnel.protocol_error", kv_u64("tunnel", t->number), kv_fail(fail));
    if (t->link != NULL) {
        agent_send_error(t, "protocol", cx_fail_text(fail));
        link_close(t->link, MSG_CLOSE_PROTOCOL, cx_fail_text(fail));
    }
}

void agent_refuse_job(struct agent_tunnel *t, const struct cx_id *id, const char *why)
{
    struct msg m = {.type = MSG_RESULT,
                    .body.result = report_failure(id, VERDICT_AGENT_UNAVAILABLE, STAGE_AGENT, why)};

    exchange_counts_result(&t->agent->ended, &m.body.result);
    (void)send_message(t, &m);
}

/* ---- results ---- */

/* Queue the result on this tunnel, as it is or, when it had to wait, with its age. */
static void report_on(struct agent *a, struct agent_tunnel *t, struct job *job, bool is_short)
{
    uint64_t now_ms = clock_mono_ms();
    bool is_late = job->is_reported || now_ms - job->finished_ms > 1000;
    struct report_again how = {.has_age = is_late && !job->is_restored,
                               .age_ms = now_ms - job->finished_ms,
                               .is_short = is_short,
                               .max = t->message_bytes_max};
    struct slice as_it_is = buf_view(&job->result);
    struct buf bytes;
    enum cx_err err = CX_OK;

    (void)a;
    job->tunnel = t->number;
    buf_init(&bytes, MSG_MESSAGE_BYTES_MAX);
    if (how.has_age || how.is_short || as_it_is.len > how.max) {
        err = report_repeat(buf_view(&job->result), &how, &bytes);
        as_it_is = buf_view(&bytes);
    }
    if (err == CX_OK) {
        err = link_send(t->link, as_it_is, 0);
        job->is_reported = job->is_reported || err == CX_OK;
        t->has_backlog = t->has_backlog || err == CX_E_FULL;
    }
    if (err != CX_OK && err != CX_E_FULL && err != CX_E_CLOSED) {
        log_event(CX_LOG_ERROR, "job.not_reported", kv_id("job", &job->id), kv_err(err));
    }
    buf_done(&bytes);
}

static struct agent_tunnel *tunnel_for(struct agent *a, const struct job *job)
{
    if (job->tunnel < MSG_TUNNELS_MAX && tunnel_is_up(&a->tunnels[job->tunnel])) {
        return &a->tunnels[job->tunnel];
    }
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (tunnel_is_up(&a->tunnels[i])) {
            return &a->tunnels[i];
        }
    }
    return NULL;
}

void agent_report(struct agent *a, struct job *job)
{
    struct agent_tunnel *t = tunnel_for(a, job);

    if (t != NULL && job->result.len > 0) {
        report_on(a, t, job, false);
        link_hurry(t->link); /* what goes with it was recorded with it */
    }
}

void agent_report_all(struct agent *a, struct agent_tunnel *t)
{
    for (struct job *job = jobs_oldest(a->jobs); job != NULL; job = jobs_after(job)) {
        bool is_ours = job->tunnel == t->number || !tunnel_is_up(&a->tunnels[job->tunnel]);

        if (job->state == JOB_FINISHED && is_ours) {
            report_on(a, t, job, false);
        }
    }
}

void agent_report_backlog(struct agent *a, struct agent_tunnel *t)
{
    for (struct job *job = jobs_oldest(a->jobs); job != NULL && !t->has_backlog;
         job = jobs_after(job)) {
        if (job->state == JOB_FINISHED && !job->is_reported && job->tunnel == t->number) {
            report_on(a, t, job, false);
        }
    }
}

void agent_report_short(struct agent *a, struct agent_tunnel *t, struct job *job)
{
    if (!job->was_cut) {
        job->was_cut = true;
        report_on(a, t, job, true);
    }
}

void agent_check_settled(struct agent *a, struct agent_tunnel *t)
{
    if (t->session.state != SESSION_LEAVING) {
        return;
    }
    for (const struct job *job = jobs_oldest(a->jobs); job != NULL; job = jobs_after(job)) {
        if (job->tunnel == t->number) {
            return;
        }
    }
    tunnel_event(t, SESSION_EV_SETTLED);
}
