#include "agent/io/agent.h"
#include "agent/io/outbox.h"

#include "agent/io/recorder.h"
#include "agent/io/renewal.h"
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "common/io/executor.h"
#include "common/io/link.h"
#include "common/io/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { CLOCK_SKEW_MS = 60 * 1000 };

/* One message, as it was decoded and as it came. */
struct received {
    const struct msg *msg;
    struct slice bytes;
};

/* Every handler gets the decoded message; false ends the tunnel: `fail` says what was wrong. */
typedef bool handler(struct agent *a, struct agent_tunnel *t, const struct received *in,
                     struct cx_fail *fail);

static void warn_clock_skew(uint64_t platform_ms)
{
    uint64_t ours_ms = clock_wall_ms();
    uint64_t skew_ms = ours_ms > platform_ms ? ours_ms - platform_ms : platform_ms - ours_ms;

    if (skew_ms > CLOCK_SKEW_MS) {
        log_event(CX_LOG_WARN, "clock.skew", kv_u64("ms", skew_ms),
                  kv_str("why", "this machine's clock and the platform's differ: set both by NTP"));
    }
}

static bool on_welcome(struct agent *a, struct agent_tunnel *t, const struct received *in,
                       struct cx_fail *fail)
{
    const struct msg_welcome *w = &in->msg->body.welcome;

    if (t->session.state != SESSION_GREETING) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a second welcome");
        return false;
    }
    t->session_id = w->session;
    t->message_bytes_max = w->message_bytes;
    t->websocket_bytes_max = w->websocket_bytes;
    t->ready_ms = loop_now_ms(a->loop);
    t->trouble[0] = '\0';
    a->counts.connected++;
    link_set_heartbeat(t->link, w->heartbeat_ms);
    warn_clock_skew(w->now_ms);
    log_event(CX_LOG_INFO, "tunnel.ready", kv_u64("tunnel", t->number),
              kv_id("session", &w->session), kv_slice("platform_version", w->platform_version),
              kv_u64("heartbeat_ms", w->heartbeat_ms));
    tunnel_event(t, SESSION_EV_WELCOME);
    if (t->policy_told != a->policy_version) { /* it changed since the hello */
        agent_send_policy(a, t);
    }
    renewal_look(a->renewal);
    return true;
}

static void take_job(struct agent *a, struct agent_tunnel *t, struct job *job,
                     const struct received *in)
{
    job->tunnel = t->number;
    job->arrived_us = clock_mono_us();
    (void)snprintf(job->trace_id, sizeof(job->trace_id), "%.*s",
                   SLICE_ARG(in->msg->body.job.trace_id));
    recorder_take(a->recorder, job, in->msg, in->bytes);
}

static bool on_job(struct agent *a, struct agent_tunnel *t, const struct received *in,
                   struct cx_fail *fail)
{
    const struct msg_job *message = &in->msg->body.job;
    struct job *job = NULL;

    (void)fail;
    if (t->session.state == SESSION_LEAVING && !jobs_know(a->jobs, &message->id)) {
        if (!t->session.is_stopping) {
            agent_refuse_job(t, &message->id, "the agent is draining");
            return true;
        }
        tunnel_event(t, SESSION_EV_BUSY); /* it crossed our drain: no reason to fail it */
    }
    switch (jobs_admit(a->jobs, &message->id, &job)) {
    case JOBS_NEW:
        take_job(a, t, job, in);
        break;
    case JOBS_RUNNING:
        job->tunnel = t->number; /* its result follows, here */
        break;
    case JOBS_FINISHED:
        job->tunnel = t->number;
        agent_report(a, job);
        break;
    case JOBS_ACKNOWLEDGED:
        break;
    case JOBS_FULL:
        agent_refuse_job(t, &message->id, "the agent holds as many jobs as limits.jobs allows");
        break;
    }
    return true;
}

static bool on_ack(struct agent *a, struct agent_tunnel *t, const struct received *in,
                   struct cx_fail *fail)
{
    const struct msg_ack *ack = &in->msg->body.ack;

    (void)fail;
    for (size_t i = 0; i < ack->nids; i++) {
        struct job *job = jobs_find_reported(a->jobs, &ack->ids[i]);

        if (job != NULL) {
            recorder_forget(a->recorder, job);
            jobs_acknowledge(a->jobs, job);
        }
    }
    agent_check_settled(a, t);
    return true;
}

static bool on_cancel(struct agent *a, struct agent_tunnel *t, const struct received *in,
                      struct cx_fail *fail)
{
    struct job *job = jobs_find(a->jobs, &in->msg->body.cancel.id);

    (void)t;
    (void)fail;
    if (job != NULL && job->state == JOB_RECORDING) {
        recorder_cancel(a->recorder, job);
    } else if (job != NULL && job->state == JOB_RUNNING) {
        executor_cancel(job->run);
    }
    return true;
}

static bool on_drain(struct agent *a, struct agent_tunnel *t, const struct received *in,
                     struct cx_fail *fail)
{
    (void)fail;
    log_event(CX_LOG_INFO, "tunnel.drain", kv_u64("tunnel", t->number),
              kv_slice("reason", in->msg->body.drain.reason),
              kv_u64("grace_ms", in->msg->body.drain.grace_ms));
    tunnel_event(t, SESSION_EV_DRAIN);
    agent_check_settled(a, t);
    return true;
}

static bool on_renewed(struct agent *a, struct agent_tunnel *t, const struct received *in,
                       struct cx_fail *fail)
{
    (void)t;
    (void)fail;
    renewal_answer(a->renewal, &in->msg->body.renewed);
    return true;
}

static bool on_error(struct agent *a, struct agent_tunnel *t, const struct received *in,
                     struct cx_fail *fail)
{
    const struct msg_error *error = &in->msg->body.error;
    struct job *job = error->has_id ? jobs_find(a->jobs, &error->id) : NULL;

    (void)fail;
    log_event(CX_LOG_WARN, "tunnel.platform_says", kv_u64("tunnel", t->number),
              kv_slice("code", error->code), kv_slice("message", error->message),
              kv_id("job", error->has_id ? &error->id : NULL));
    if (job != NULL && job->state == JOB_FINISHED) {
        agent_report_short(a, t, job);
    }
    return true;
}

static handler *const handlers[MSG_TYPE_COUNT] = {
    [MSG_WELCOME] = on_welcome, [MSG_JOB] = on_job,     [MSG_ACK] = on_ack,
    [MSG_CANCEL] = on_cancel,   [MSG_DRAIN] = on_drain, [MSG_RENEWED] = on_renewed,
    [MSG_ERROR] = on_error,
};

static bool handle(struct agent *a, struct agent_tunnel *t, const struct received *in,
                   struct cx_fail *fail)
{
    const struct msg *m = in->msg;

    if (t->session.state == SESSION_GREETING && m->type != MSG_WELCOME && m->type != MSG_ERROR) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a message before the welcome");
        return false;
    }
    if (m->type == MSG_NONE) {
        agent_send_error(t, "unsupported", "this type of message is not known here");
        return true;
    }
    if (handlers[m->type] == NULL) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a message that only agents send");
        return false;
    }
    return handlers[m->type](a, t, in, fail);
}

void agent_receive(struct agent *a, struct agent_tunnel *t, struct slice message)
{
    struct slice rest = message;
    struct cx_fail fail = {0};
    bool is_good = true;

    while (is_good && rest.len > 0) {
        struct slice one;
        struct msg m = {0};

        is_good = wire_cut(&rest, MSG_MESSAGE_BYTES_MAX, &one, &fail) == CX_OK &&
                  wire_get_in(a->arena, one, &m, &fail) == CX_OK &&
                  handle(a, t, &(struct received){.msg = &m, .bytes = one}, &fail);
    }
    recorder_start_jobs(a->recorder);
    wire_arena_clear(a->arena);
    if (!is_good) {
        agent_send_protocol_error(a, t, &fail);
    }
}
