#include "platform/core/dispatch.h"

#include "platform/core/dispatch_internal.h"

#include <stdlib.h>

static const struct dispatch_failure fail_record = {
    VERDICT_PLATFORM_FAILED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the platform's store could not record the exchange; nothing was sent"};
static const struct dispatch_failure fail_queue_budget = {
    VERDICT_BUDGET_EXCEEDED, EXECUTION_NOT_SENT, STAGE_PLATFORM,
    "the budget was spent in the queue: the connector's agents were busy; nothing was sent"};
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

void dispatch_connector_give_up(struct dispatch_connector *c)
{
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
        free(c);
    }
}

struct dispatch_counts dispatch_connector_counts(const struct dispatch_connector *c)
{
    struct dispatch_counts counts = {.queued = c->queue.count};

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
            n += job->state == DISPATCH_QUEUED || job->state == DISPATCH_RECORDING;
        }
    }
    return n;
}

static bool takes_jobs(const struct dispatch_tunnel *t)
{
    return t->is_ready && !t->is_choked && !t->is_draining;
}

/* The tunnel with the most room, or NULL. */
static struct dispatch_tunnel *pick_tunnel(const struct dispatch_connector *c)
{
    struct dispatch_tunnel *best = NULL;
    size_t best_room = 0;

    for (struct dispatch_tunnel *t = c->tunnels; t != NULL; t = t->next) {
        size_t room = t->capacity > t->outstanding ? t->capacity - t->outstanding : 0;

        if (takes_jobs(t) && room > best_room) {
            best = t;
            best_room = room;
        }
    }
    return best;
}

static void assign(struct dispatch_job *job, struct dispatch_tunnel *t)
{
    struct dispatch *d = job->connector->dispatch;

    list_move(&t->jobs, job);
    t->outstanding++;
    job->tunnel = t;
    job->agent = t->agent;
    job->ledger = t->ledger;
    job->number = t->number;
    job->state = DISPATCH_RECORDING;
    d->ports.record(d->ports.ctx, job);
}

/* A port may answer from within a call, and so come here again: the outer loop goes on then. */
static void pump(struct dispatch_connector *c)
{
    struct dispatch_tunnel *t;

    if (c->is_pumping) {
        return;
    }
    c->is_pumping = true;
    while (c->queue.first != NULL && (t = pick_tunnel(c)) != NULL) {
        assign(c->queue.first, t);
    }
    c->is_pumping = false;
}

/* Off its tunnel, back to its place in the queue: it was never written, any agent may have it. */
static void requeue(struct dispatch_job *job)
{
    if (job->tunnel != NULL) {
        job->tunnel->outstanding--;
        job->tunnel = NULL;
    }
    job->state = DISPATCH_QUEUED;
    list_move_by_order(&job->connector->queue, job);
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
    struct dispatch_tunnel *t = c->queue.first == NULL ? pick_tunnel(c) : NULL;
    struct dispatch_job *job;

    if (counts.tunnels == 0 && order->now_ms >= c->expected_until_ms) {
        return DISPATCH_OFFLINE;
    }
    if (t == NULL && counts.queued >= queue_limit(c, &counts)) {
        return DISPATCH_FULL;
    }
    job = dispatch_job_new(c, order);
    if (job == NULL) {
        return DISPATCH_NO_MEMORY;
    }
    list_move(&c->queue, job);
    if (t != NULL) {
        assign(job, t);
    }
    return counts.tunnels != 0 ? DISPATCH_TAKEN : DISPATCH_AWAITED;
}

/* Forget it, and give its room to the next. */
static void drop(struct dispatch *d, struct dispatch_job *job)
{
    struct dispatch_connector *c = job->connector;

    if (job->tunnel != NULL) {
        job->tunnel->outstanding--;
    }
    dispatch_job_free(d, job);
    pump(c);
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
    requeue(job);
    pump(c);
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
        requeue(job); /* pumped when the tunnel is down */
    }
}

bool dispatch_is_stranded(const struct dispatch_job *job)
{
    return job->state == DISPATCH_QUEUED && dispatch_connector_counts(job->connector).tunnels == 0;
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
    case DISPATCH_QUEUED:
        end_job(d, job, dispatch_is_stranded(job) ? &fail_queue_offline : &fail_queue_budget);
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

    if (job == NULL || !id_eq(&job->agent, &t->agent) || job->state == DISPATCH_QUEUED ||
        job->state == DISPATCH_RECORDING) {
        return NULL;
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
            pump(t->connector);
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
    }
}

/* What a hello proves about the jobs that were lost with this agent's tunnels. */
static void settle_lost(struct dispatch_tunnel *t, const struct dispatch_hello *hello)
{
    struct dispatch_connector *c = t->connector;
    struct dispatch_job *next;

    for (struct dispatch_job *job = c->lost.first; job != NULL; job = next) {
        next = job->next;
        if (!id_eq(&job->agent, &hello->agent)) {
            continue;
        }
        if (tunnel_forget_foreign(t, &job->id)) { /* it has the job: wait for its result */
            job->tunnel = t;
            job->state = job->state == DISPATCH_LOST ? DISPATCH_SENT : job->state;
            list_move(&t->jobs, job);
        } else if (job->state != DISPATCH_LOST) {
            continue; /* its result is being stored */
        } else if (!id_eq(&job->ledger, &hello->ledger)) {
            end_job(c->dispatch, job, &fail_lost);
        } else if (job->number == hello->number) { /* it never arrived */
            requeue(job);
        }
    }
}

struct dispatch_tunnel *dispatch_tunnel_up(struct dispatch_connector *c,
                                           const struct dispatch_hello *hello, void *owner)
{
    struct dispatch_tunnel *t = tunnel_new(hello, owner);

    if (t == NULL) {
        return NULL;
    }
    t->connector = c;
    t->next = c->tunnels;
    c->tunnels = t;
    tunnel_forget_counted(t);
    settle_lost(t, hello);
    return t;
}

void dispatch_tunnel_ready(struct dispatch_tunnel *t)
{
    t->is_ready = true;
    t->is_choked = false;
    pump(t->connector);
}

void dispatch_tunnel_drain(struct dispatch_tunnel *t)
{
    t->is_draining = true;
}

/* Where a job goes whose tunnel is gone. */
static void move_off(struct dispatch_connector *c, struct dispatch_job *job)
{
    bool is_unread = job->state == DISPATCH_SENDING;

    if (job->state == DISPATCH_RECORDING) { /* dispatch_recorded will see that it is gone */
        job->tunnel = NULL;
        list_move(&c->recording, job);
    } else if (job->owner == NULL && (is_unread || job->state == DISPATCH_SENT)) {
        dispatch_job_free(c->dispatch, job); /* the store knows whose a late result is */
    } else if (is_unread) {
        requeue(job);
    } else {
        job->tunnel = NULL;
        job->state = job->state == DISPATCH_SENT ? DISPATCH_LOST : job->state;
        list_move(&c->lost, job);
    }
}

void dispatch_tunnel_down(struct dispatch_tunnel *t)
{
    struct dispatch_connector *c = t->connector;
    struct dispatch_tunnel **link = &c->tunnels;

    while (*link != t) {
        link = &(*link)->next;
    }
    *link = t->next;
    while (t->jobs.last != NULL) { /* the youngest first: it goes to the front of the queue */
        move_off(c, t->jobs.last);
    }
    tunnel_free(t);
    pump(c);
}

void dispatch_tunnel_cut(struct dispatch_tunnel *t)
{
    for (struct dispatch_job *job = t->jobs.first; job != NULL; job = job->next) {
        job->state = job->state == DISPATCH_SENDING ? DISPATCH_SENT : job->state;
    }
    dispatch_tunnel_down(t);
}

size_t dispatch_tunnel_outstanding(const struct dispatch_tunnel *t)
{
    return t->outstanding;
}
