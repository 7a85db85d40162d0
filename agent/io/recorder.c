#include "agent/io/recorder.h"

#include "agent/io/agent.h"
#include "agent/io/outbox.h"
#include "common/core/report.h"
#include "common/core/wire.h"
#include "common/io/executor.h"
#include "common/io/log.h"

#include <stdlib.h>

enum { GROUP_MAX = 64 }; /* jobs of one message that are recorded in one write */

/* A job whose message has just come; what that points to is borrowed. */
struct arrival {
    struct job *job;
    struct msg message;
    struct slice bytes;
};

/* Jobs that wait for the ledger, in the order in which they came to it. */
struct queue {
    struct job *first;
    struct job **end;
};

struct recorder {
    struct agent *agent;
    struct ledger *ledger;
    struct arrival arrivals[GROUP_MAX];
    size_t narrivals;
    struct queue recording; /* JOB_RECORDING, and must be on the disk first */
    struct queue saving;    /* JOB_SAVING */
    struct loop_hook save_hook;
    enum ledger_state told;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct job *job)
{
    job->waiting = NULL;
    *q->end = job;
    q->end = &job->waiting;
}

static struct job *queue_take(struct queue *q)
{
    struct job *job = q->first;

    if (job != NULL) {
        q->first = job->waiting;
        q->end = q->first == NULL ? &q->first : q->end;
    }
    return job;
}

/* ---- jobs ---- */

/* It ends before it has begun, and is held until the platform has acknowledged that. */
static void end_unbegun(struct recorder *r, struct job *job, enum verdict code, const char *why)
{
    struct msg_result result = report_failure(&job->id, code, STAGE_AGENT, why);

    buf_done(&job->message);
    agent_job_done(r->agent, job, &result);
}

/* The ledger doesn't have it: its request must not be sent. */
static void refuse(struct recorder *r, struct job *job, const char *why)
{
    recorder_forget(r, job);
    end_unbegun(r, job, VERDICT_AGENT_UNAVAILABLE, why);
}

static void start(struct recorder *r, struct job *job, const struct msg_job *message)
{
    jobs_begin(job);
    job->run = executor_start(r->agent->executor, job, message, job->arrived_us);
    if (job->run == NULL) {
        end_unbegun(r, job, VERDICT_AGENT_UNAVAILABLE, "the agent is out of memory");
    }
}

static void start_kept(struct recorder *r, struct job *job)
{
    struct msg m = {0};
    struct cx_fail fail = {0};

    if (wire_get(buf_view(&job->message), &m, &fail) == CX_OK) {
        start(r, job, &m.body.job);
    } else { /* it could be read before */
        end_unbegun(r, job, VERDICT_AGENT_UNAVAILABLE, "the agent is out of memory");
    }
    wire_done(&m);
    buf_done(&job->message);
}

static void keep(struct recorder *r, const struct arrival *arrival)
{
    if (buf_put(&arrival->job->message, arrival->bytes) != CX_OK) {
        end_unbegun(r, arrival->job, VERDICT_AGENT_UNAVAILABLE, "the agent is out of memory");
        return;
    }
    queue_put(&r->recording, arrival->job);
}

/* For the platform, which isn't told any path; `status` and log say why. */
static const char not_recorded[] = "the agent can't write the job to its ledger";

void recorder_start_jobs(struct recorder *r)
{
    if (r->narrivals == 0) {
        return;
    }
    ledger_flush(r->ledger);
    for (size_t i = 0; i < r->narrivals; i++) {
        struct arrival *arrival = &r->arrivals[i];

        switch (ledger_look(r->ledger, &arrival->job->slot)) {
        case LEDGER_SAFE:
            start(r, arrival->job, &arrival->message.body.job);
            break;
        case LEDGER_WAITING:
            keep(r, arrival);
            break;
        case LEDGER_FAILED:
            refuse(r, arrival->job, not_recorded);
            break;
        }
    }
    r->narrivals = 0;
}

void recorder_take(struct recorder *r, struct job *job, const struct msg *m, struct slice bytes)
{
    bool is_refresh = m->body.job.purpose == PURPOSE_REFRESH;
    struct cx_fail fail = {0};

    if (ledger_begin(r->ledger, &job->slot, &job->id, is_refresh, &fail) != CX_OK) {
        refuse(r, job, cx_fail_text(&fail));
        return;
    }
    r->arrivals[r->narrivals++] = (struct arrival){.job = job, .message = *m, .bytes = bytes};
    if (r->narrivals == GROUP_MAX) {
        recorder_start_jobs(r);
    }
}

/* It is in one of both. */
static void take_out(struct recorder *r, const struct job *job)
{
    struct queue all = r->recording;
    struct job *other;
    size_t n = 0;

    queue_init(&r->recording);
    while ((other = queue_take(&all)) != NULL) {
        if (other != job) {
            queue_put(&r->recording, other);
        }
    }
    for (size_t i = 0; i < r->narrivals; i++) {
        if (r->arrivals[i].job != job) {
            r->arrivals[n++] = r->arrivals[i];
        }
    }
    r->narrivals = n;
}

void recorder_cancel(struct recorder *r, struct job *job)
{
    take_out(r, job);
    end_unbegun(r, job, VERDICT_CANCELLED, "cancelled before it was begun");
}

/* ---- results ---- */

static void report(struct recorder *r, struct job *job)
{
    jobs_saved(job);
    agent_report(r->agent, job);
}

static void report_unsaved(struct recorder *r, struct job *job)
{
    log_event(CX_LOG_ERROR, "job.result_not_recorded", kv_id("job", &job->id),
              kv_str("why", ledger_status(r->ledger).why),
              kv_str("then", "it is reported all the same; a restart before the platform has it "
                             "would lose it"));
    report(r, job);
}

static void report_saved(struct recorder *r)
{
    struct queue all = r->saving;
    struct job *job;

    if (all.first == NULL) {
        return;
    }
    queue_init(&r->saving);
    while ((job = queue_take(&all)) != NULL) {
        switch (ledger_look(r->ledger, &job->slot)) {
        case LEDGER_SAFE:
            report(r, job);
            break;
        case LEDGER_WAITING:
            queue_put(&r->saving, job);
            break;
        case LEDGER_FAILED:
            report_unsaved(r, job);
            break;
        }
    }
}

static void save_now(void *arg)
{
    struct recorder *r = arg;

    ledger_flush(r->ledger);
    report_saved(r);
}

void recorder_save(struct recorder *r, struct job *job)
{
    if (!job->slot.is_in || job->result.len == 0) {
        report(r, job);
        return;
    }
    ledger_finish(r->ledger, &job->slot, buf_view(&job->result));
    queue_put(&r->saving, job);
    if (jobs_running(r->agent->jobs) == 0) { /* no other result comes soon */
        loop_defer_cancel(&r->save_hook);
        save_now(r);
    } else {
        loop_defer_late(r->agent->loop, &r->save_hook);
    }
}

void recorder_forget(struct recorder *r, struct job *job)
{
    ledger_forget(r->ledger, &job->slot);
}

/* ---- what the ledger says later ---- */

static void start_recorded(struct recorder *r)
{
    struct queue all = r->recording;
    struct job *job;

    if (all.first == NULL) {
        return;
    }
    queue_init(&r->recording);
    while ((job = queue_take(&all)) != NULL) {
        switch (ledger_look(r->ledger, &job->slot)) {
        case LEDGER_SAFE:
            start_kept(r, job);
            break;
        case LEDGER_WAITING:
            queue_put(&r->recording, job);
            break;
        case LEDGER_FAILED:
            refuse(r, job, not_recorded);
            break;
        }
    }
}

static void tell_state(struct recorder *r)
{
    struct ledger_status status = ledger_status(r->ledger);

    if (status.state == r->told) {
        return;
    }
    r->told = status.state;
    switch (status.state) {
    case LEDGER_OK:
        log_event(CX_LOG_INFO, "ledger.good", kv_str("then", "jobs are taken again"));
        break;
    case LEDGER_FULL:
        log_event(CX_LOG_ERROR, "ledger.full", kv_str("why", status.why),
                  kv_str("then", "new jobs are refused"));
        break;
    case LEDGER_FAILING:
        log_event(CX_LOG_ERROR, "ledger.failing", kv_str("why", status.why),
                  kv_str("then", "new jobs are refused"));
        break;
    }
}

static void on_settled(void *ctx)
{
    struct recorder *r = ctx;

    tell_state(r);
    report_saved(r);
    start_recorded(r);
}

/* ---- birth and death ---- */

/* It was begun, and the process that ran it is gone: what came of it nobody knows. */
static enum cx_err put_lost(struct job *job)
{
    struct msg_result result =
        report_failure(&job->id, VERDICT_AGENT_LOST, STAGE_AGENT,
                       "the agent was stopped while this job ran, and does not know what came of "
                       "it: the endpoint may have acted");

    result.execution = EXECUTION_SENT;
    return report_encode(&result, MSG_MESSAGE_BYTES_MAX, &job->result);
}

/* The first that the ledger has found becomes a job that is to be reported. */
static enum cx_err restore(struct recorder *r, const struct ledger_found *found)
{
    bool is_finished = found->is_finished;
    struct job *job = jobs_restore(r->agent->jobs, &found->id);

    if (job == NULL) {
        return CX_E_NOMEM;
    }
    ledger_adopt(r->ledger, &job->slot, &job->result);
    if (is_finished) {
        jobs_saved(job);
        return CX_OK;
    }
    if (put_lost(job) != CX_OK) {
        return CX_E_NOMEM;
    }
    ledger_finish(r->ledger, &job->slot, buf_view(&job->result));
    queue_put(&r->saving, job);
    return CX_OK;
}

static enum cx_err restore_all(struct recorder *r, struct cx_fail *fail)
{
    const struct ledger_found *found;
    enum cx_err err = CX_OK;
    size_t unfinished = 0;
    size_t finished = 0;

    while (err == CX_OK && (found = ledger_next_found(r->ledger)) != NULL) {
        finished += found->is_finished;
        unfinished += !found->is_finished;
        err = restore(r, found);
    }
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "ledger", "out of memory");
    }
    if (finished + unfinished > 0) {
        log_event(CX_LOG_INFO, "ledger.found", kv_u64("results", finished),
                  kv_u64("unfinished", unfinished));
    }
    ledger_flush(r->ledger);
    report_saved(r); /* to no tunnel yet: after the welcome */
    return CX_OK;
}

static void tell_past(const struct recorder *r)
{
    static const char *const what[] = {
        [LEDGER_KEPT] = NULL,
        [LEDGER_FIRST] = "it is new",
        [LEDGER_REBOOT] = "the machine was started anew before it was synced: its last records may "
                          "be missing",
        [LEDGER_BROKEN] = "a part of it could not be read: the old file is kept beside it",
        [LEDGER_OTHERS] = "it held jobs of another identity, which only that one can report: they "
                          "are kept beside it",
    };
    struct ledger_status status = ledger_status(r->ledger);
    char id[CX_ID_TEXT_BYTES];
    struct cx_id ledger = ledger_id(r->ledger);

    log_event(status.past == LEDGER_KEPT || status.past == LEDGER_FIRST ? CX_LOG_INFO : CX_LOG_WARN,
              "ledger.open", kv_str("path", r->agent->config.settings.ledger_path),
              kv_str("id", id_text(&ledger, id)), kv_u64("seq", ledger_seq(r->ledger)),
              kv_u64("jobs", status.jobs), kv_str("note", what[status.past]),
              kv_str("set_aside", status.aside[0] != '\0' ? status.aside : NULL),
              kv_u64("jobs_set_aside", status.aside_jobs));
    if (status.torn_bytes > 0) {
        log_event(CX_LOG_INFO, "ledger.torn", kv_u64("bytes", status.torn_bytes),
                  kv_str("why", "the last process ended while it wrote; what was begun is kept"));
    }
}

enum cx_err recorder_new(struct agent *a, struct recorder **out, struct cx_fail *fail)
{
    const struct agent_settings *s = &a->config.settings;
    struct recorder *r = calloc(1, sizeof(*r));
    struct ledger_options options = {.loop = a->loop,
                                     .path = s->ledger_path,
                                     .key_path = s->ledger_key,
                                     .owner = a->agent_name,
                                     .is_always_synced = s->ledger_sync == LEDGER_SYNC_ALWAYS,
                                     .result_bytes_max = MSG_MESSAGE_BYTES_MAX,
                                     .settled = on_settled,
                                     .ctx = r};
    enum cx_err err;

    if (r == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "ledger", "out of memory");
    }
    r->agent = a;
    r->save_hook = (struct loop_hook){.run = save_now, .arg = r};
    queue_init(&r->recording);
    queue_init(&r->saving);
    err = ledger_open(&options, &r->ledger, fail);
    if (err == CX_OK) {
        tell_past(r);
        err = restore_all(r, fail);
    }
    if (err != CX_OK) {
        recorder_free(r);
        return err;
    }
    tell_state(r);
    *out = r;
    return CX_OK;
}

void recorder_free(struct recorder *r)
{
    struct job *job;

    if (r == NULL) {
        return;
    }
    while ((job = queue_take(&r->recording)) != NULL) {
        end_unbegun(r, job, VERDICT_AGENT_UNAVAILABLE, "the agent was stopped");
    }
    loop_defer_cancel(&r->save_hook);
    ledger_close(r->ledger);
    free(r);
}

enum cx_err recorder_set_owner(struct recorder *r, const char *owner)
{
    return ledger_set_owner(r->ledger, owner);
}

const struct ledger *recorder_ledger(const struct recorder *r)
{
    return r->ledger;
}
