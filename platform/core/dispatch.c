#include "platform/core/dispatch.h"

#include "platform/core/dispatch_internal.h"

#include <stdlib.h>

static const struct dispatch_failure fail_record = {
    VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the platform's store could not record the exchange; nothing was sent"};
static const struct dispatch_failure fail_queue_budget = {
    VERDICT_BUDGET_EXCEEDED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the budget was spent in the queue: the connector's agents were busy; nothing was sent"};
static const struct dispatch_failure fail_queue_unable = {
    VERDICT_AGENT_UNAVAILABLE, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "none of the connector's agents that are left can do this: update them; nothing was sent"};
static const struct dispatch_failure fail_hold_budget = {
    VERDICT_BUDGET_EXCEEDED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "another refresh with this refresh token is under way, or its agent was lost with it, and the "
    "budget was spent waiting for its outcome; nothing was sent"};
static const struct dispatch_failure fail_queue_offline = {
    VERDICT_CONNECTOR_OFFLINE, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the connector lost its agents while the exchange waited; nothing was sent"};
static const struct dispatch_failure fail_sent_budget = {
    VERDICT_BUDGET_EXCEEDED, EXECUTION_SENT, STAGE_AGENT,
    "the agent has the exchange and did not answer within the budget"};
static const struct dispatch_failure fail_lost = {
    VERDICT_AGENT_LOST, EXECUTION_SENT, STAGE_AGENT,
    "the agent was lost with the exchange: the token endpoint may have been asked"};

struct dispatch *dispatch_new(const struct dispatch_ports *ports, uint32_t queue_per_connector)
{
    struct dispatch *d = calloc(1, sizeof(*d));

    if (d != NULL) {
        d->ports = *ports;
        d->queue_per_connector = queue_per_connector;
    }
    return d;
}

void dispatch_free(struct dispatch *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < DISPATCH_BUCKETS; i++) {
        while (d->buckets[i] != NULL) {
            dispatch_job_free(d, d->buckets[i]);
        }
    }
    free(d);
}

struct dispatch_connector *dispatch_connector_new(struct dispatch *d)
{
    struct dispatch_connector *c = calloc(1, sizeof(*c));

    if (c != NULL) {
        c->dispatch = d;
    }
    return c;
}

static void fail_owner(struct dispatch *d, struct dispatch_job *job,
                       const struct dispatch_failure *failure)
{
    void *owner = job->owner;

    if (owner != NULL) {
        job->owner = NULL;
        d->ports.fail(d->ports.ctx, owner, job, failure);
    }
}

/* Tell the owner and forget the job. */
static void end_job(struct dispatch *d, struct dispatch_job *job,
                    const struct dispatch_failure *failure)
{
    fail_owner(d, job, failure);
    dispatch_job_free(d, job);
}

void job_end_lost(struct dispatch *d, struct dispatch_job *job)
{
    end_job(d, job, &fail_lost);
}

void dispatch_connector_give_up(struct dispatch_connector *c)
{
    for (struct dispatch_hold *hold = c->holds; hold != NULL; hold = hold->next) {
        while (hold->waiting.first != NULL) {
            end_job(c->dispatch, hold->waiting.first, &fail_queue_offline);
        }
    }
    while (c->queue.first != NULL) {
        end_job(c->dispatch, c->queue.first, &fail_queue_offline);
    }
    while (c->recording.first != NULL) {
        end_job(c->dispatch, c->recording.first, &fail_queue_offline);
    }
    while (c->lost.first != NULL) {
        end_job(c->dispatch, c->lost.first, &fail_lost);
    }
}

void dispatch_connector_free(struct dispatch_connector *c)
{
    if (c != NULL) {
        dispatch_connector_give_up(c);
        hold_forget_all(c);
        free(c);
    }
}

struct dispatch_counts dispatch_connector_counts(const struct dispatch_connector *c)
{
    struct dispatch_counts counts = {.queued = c->queue.count + c->nwaiting};

    for (const struct dispatch_tunnel *t = c->tunnels; t != NULL; t = t->next) {
        counts.outstanding += t->outstanding;
        if (t->is_ready && !t->is_draining) {
            counts.tunnels++;
            counts.capacity += t->capacity;
        }
    }
    return counts;
}

size_t dispatch_waiting(const struct dispatch *d)
{
    size_t n = 0;

    for (size_t i = 0; i < DISPATCH_BUCKETS; i++) {
        for (const struct dispatch_job *job = d->buckets[i]; job != NULL; job = job->bucket_next) {
            n += job->state == DISPATCH_WAITING || job->state == DISPATCH_QUEUED ||
                 job->state == DISPATCH_RECORDING;
        }
    }
    return n;
}

/* Take it, with the tunnel that has room for it (NULL: none), or the key that it has to wait for.
 */
static enum dispatch_answer take(struct dispatch_connector *c, const struct dispatch_order *order,
                                 struct dispatch_tunnel *t, struct dispatch_hold *busy)
{
    struct dispatch_hold *hold =
        order->exclusive != NULL && busy == NULL ? hold_new(c, order->exclusive) : NULL;
    struct dispatch_job *job = NULL;

    if (order->exclusive == NULL || busy != NULL || hold != NULL) {
        job = dispatch_job_new(c, order);
    }
    if (job == NULL) {
        if (hold != NULL) {
            hold_free(hold);
        }
        return DISPATCH_NO_MEMORY;
    }
    if (busy != NULL) {
        hold_wait(busy, job);
        return DISPATCH_TAKEN;
    }
    if (hold != NULL) {
        hold_begin(hold, job);
    }
    job->state = DISPATCH_QUEUED;
    list_move(&c->queue, job);
    if (t != NULL) {
        queue_assign(job, t);
    }
    return DISPATCH_TAKEN;
}

void dispatch_connector_expect(struct dispatch_connector *c, uint64_t until_ms)
{
    c->expected_until_ms = until_ms;
}

uint64_t dispatch_connector_expected(const struct dispatch_connector *c)
{
    return c->expected_until_ms;
}

static size_t queue_limit(const struct dispatch_connector *c, const struct dispatch_counts *counts)
{
    uint32_t limit = c->dispatch->queue_per_connector;

    if (limit != 0) {
        return limit;
    }
    return counts->tunnels != 0 ? counts->capacity : DISPATCH_EXPECTED_QUEUE;
}

enum dispatch_answer dispatch_submit(struct dispatch_connector *c,
                                     const struct dispatch_order *order)
{
    struct dispatch_counts counts = dispatch_connector_counts(c);
    struct dispatch_hold *busy = order->exclusive != NULL ? hold_find(c, order->exclusive) : NULL;
    struct dispatch_tunnel *t = busy == NULL ? queue_pick_new(c, order->needs) : NULL;
    enum dispatch_answer answer;

    if (counts.tunnels == 0 && order->now_ms >= c->expected_until_ms) {
        return DISPATCH_OFFLINE;
    }
    if (counts.tunnels > 0 && !queue_has_way(c, order->needs)) {
        return DISPATCH_UNABLE;
    }
    if (t == NULL && counts.queued >= queue_limit(c, &counts)) {
        return DISPATCH_FULL;
    }
    answer = take(c, order, t, busy);
    return answer == DISPATCH_TAKEN && counts.tunnels == 0 ? DISPATCH_AWAITED : answer;
}

/* Forget it, and give its room to the next. */
static void drop(struct dispatch *d, struct dispatch_job *job)
{
    struct dispatch_connector *c = job->connector;

    if (job->tunnel != NULL) {
        job->tunnel->outstanding--;
    }
    dispatch_job_free(d, job);
    queue_pump(c);
}

void dispatch_end(struct dispatch *d, struct dispatch_job *job)
{
    job->state = DISPATCH_REPORTED; /* so that nobody takes its key for lost */
    drop(d, job);
}

/* Put it on the tunnel that it was recorded for, or look for another. */
static void send(struct dispatch *d, struct dispatch_job *job)
{
    struct dispatch_connector *c = job->connector;
    struct dispatch_tunnel *t = job->tunnel;

    if (t != NULL && !t->is_draining) { /* else it went while the store was writing */
        job->state = DISPATCH_SENDING;
        if (d->ports.send(d->ports.ctx, t->owner, job)) {
            return;
        }
        t->is_choked = true;
    }
    queue_again(job);
    queue_pump(c);
}

void dispatch_recorded(struct dispatch *d, const struct cx_id *id, bool is_ok)
{
    struct dispatch_job *job = dispatch_find(d, id);

    if (job == NULL || job->state != DISPATCH_RECORDING) {
        return;
    }
    if (!is_ok) {
        fail_owner(d, job, &fail_record);
    }
    if (job->owner == NULL) {
        drop(d, job);
    } else {
        send(d, job);
    }
}

void dispatch_written(struct dispatch *d, const struct cx_id *id)
{
    struct dispatch_job *job = dispatch_find(d, id);

    if (job != NULL && job->state == DISPATCH_SENDING) {
        job->state = DISPATCH_SENT;
    }
}

void dispatch_unwritten(struct dispatch *d, const struct cx_id *id)
{
    struct dispatch_job *job = dispatch_find(d, id);

    if (job == NULL || job->state != DISPATCH_SENDING) {
        return;
    }
    if (job->owner == NULL) {
        drop(d, job);
    } else {
        queue_again(job); /* pumped when the tunnel is down */
    }
}

bool dispatch_is_stranded(const struct dispatch_job *job)
{
    return job->state == DISPATCH_QUEUED && dispatch_connector_counts(job->connector).tunnels == 0;
}

/* Why it was never given to an agent. */
static const struct dispatch_failure *why_queued(const struct dispatch_job *job)
{
    if (dispatch_is_stranded(job)) {
        return &fail_queue_offline;
    }
    return queue_has_way(job->connector, job->needs) ? &fail_queue_budget : &fail_queue_unable;
}

static void give_up(struct dispatch *d, const struct cx_id *id, bool is_told)
{
    struct dispatch_job *job = dispatch_find(d, id);

    if (job == NULL || job->owner == NULL) {
        return;
    }
    if (!is_told) {
        job->owner = NULL;
    }
    switch (job->state) {
    case DISPATCH_WAITING:
        end_job(d, job, &fail_hold_budget);
        break;
    case DISPATCH_QUEUED:
        end_job(d, job, why_queued(job));
        break;
    case DISPATCH_RECORDING: /* dropped when it is recorded */
        fail_owner(d, job, &fail_queue_budget);
        break;
    case DISPATCH_SENDING:
    case DISPATCH_SENT:
        d->ports.cancel(d->ports.ctx, job->tunnel->owner, id);
        fail_owner(d, job, &fail_sent_budget);
        break;
    case DISPATCH_LOST:
        end_job(d, job, &fail_lost);
        break;
    case DISPATCH_REPORTED:
        break;
    }
}

void dispatch_expire(struct dispatch *d, const struct cx_id *id)
{
    give_up(d, id, true);
}

void dispatch_abandon(struct dispatch *d, const struct cx_id *id)
{
    give_up(d, id, false);
}

struct dispatch_job *dispatch_reported(struct dispatch_tunnel *t, const struct cx_id *id)
{
    struct dispatch_job *job = dispatch_find(t->connector->dispatch, id);

    if (job == NULL || !id_eq(&job->agent, &t->agent) || job->state == DISPATCH_WAITING ||
        job->state == DISPATCH_RECORDING) {
        return NULL;
    }
    if (job->state == DISPATCH_QUEUED) { /* it had it, whatever its hello said */
        list_move(&job->connector->lost, job);
    }
    job->state = DISPATCH_REPORTED;
    return job;
}

/* The agent has forgotten a job that nobody here waited for, on whichever tunnel it was counted. */
static void settle_foreign(const struct dispatch_tunnel *t, const struct cx_id *id)
{
    for (struct dispatch_tunnel *o = t->connector->tunnels; o != NULL; o = o->next) {
        if (id_eq(&o->agent, &t->agent) && tunnel_forget_foreign(o, id)) {
            o->outstanding--;
            queue_pump(t->connector);
            return;
        }
    }
}

void dispatch_settled(struct dispatch *d, struct dispatch_tunnel *t, const struct cx_id *id)
{
    struct dispatch_job *job = dispatch_find(d, id);

    if (job != NULL && job->state == DISPATCH_REPORTED &&
        (t == NULL || id_eq(&job->agent, &t->agent))) {
        drop(d, job);
    } else if (t != NULL) {
        settle_foreign(t, id);
        if (job == NULL) {
            hold_settled(t->connector, &t->agent, id);
        }
    }
}
