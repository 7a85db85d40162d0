#include "platform/core/dispatch_internal.h"

/* Which tunnel gets the next job: shares in proportion to the free room, so that equal ones take
 * turns and a large one gets more than a small one, at any load. */

/* What one job is worth in credit. */
enum { CREDIT = 1 << 20 };

static bool takes_jobs(const struct dispatch_tunnel *t)
{
    return t->is_ready && !t->is_choked && !t->is_draining;
}

static size_t room_of(const struct dispatch_tunnel *t)
{
    return takes_jobs(t) && t->capacity > t->outstanding ? t->capacity - t->outstanding : 0;
}

bool dispatch_has_refused(const struct dispatch_tunnel *t, const struct dispatch_job *job)
{
    const struct dispatch_refusal *r = job->refusals;

    while (r != NULL && !id_eq(&r->agent, &t->agent)) {
        r = r->next;
    }
    return r != NULL;
}

/* job NULL: one that nobody has refused. */
static bool suits(const struct dispatch_tunnel *t, uint32_t needs, const struct dispatch_job *job)
{
    return (t->features & needs) == needs &&
           (job == NULL || job->refusals == NULL || !dispatch_has_refused(t, job));
}

static bool is_open(const struct dispatch_tunnel *t)
{
    return t->is_ready && !t->is_draining;
}

bool queue_has_way(const struct dispatch_connector *c, uint32_t needs)
{
    const struct dispatch_tunnel *t = c->tunnels;

    while (t != NULL && !(is_open(t) && suits(t, needs, NULL))) {
        t = t->next;
    }
    return t != NULL;
}

bool queue_has_other_way(const struct dispatch_job *job)
{
    const struct dispatch_tunnel *t = job->connector->tunnels;

    while (t != NULL &&
           !(is_open(t) && suits(t, job->needs, job) && !id_eq(&t->agent, &job->agent))) {
        t = t->next;
    }
    return t != NULL;
}

static size_t room_for(const struct dispatch_tunnel *t, uint32_t needs,
                       const struct dispatch_job *job)
{
    return suits(t, needs, job) ? room_of(t) : 0;
}

/* The tunnel that is the furthest behind its share, or NULL if none has room. */
static struct dispatch_tunnel *pick(const struct dispatch_connector *c, uint32_t needs,
                                    const struct dispatch_job *job)
{
    struct dispatch_tunnel *best = NULL;
    int64_t best_credit = 0;
    size_t total = 0;

    for (const struct dispatch_tunnel *t = c->tunnels; t != NULL; t = t->next) {
        total += room_for(t, needs, job);
    }
    for (struct dispatch_tunnel *t = c->tunnels; t != NULL && total > 0; t = t->next) {
        size_t room = room_for(t, needs, job);
        int64_t credit = t->credit + (int64_t)(room * CREDIT / total);

        if (room > 0 && (best == NULL || credit > best_credit)) {
            best = t;
            best_credit = credit;
        }
    }
    return best;
}

/* `t` gets this job: all that could have had it are one share richer, and it has had its one. */
static void share_out(const struct dispatch_connector *c, struct dispatch_tunnel *got,
                      const struct dispatch_job *job)
{
    size_t total = 0;

    if (c->tunnels->next == NULL) {
        return;
    }
    for (const struct dispatch_tunnel *t = c->tunnels; t != NULL; t = t->next) {
        total += room_for(t, job->needs, job);
    }
    if (total == 0) {
        return;
    }
    for (struct dispatch_tunnel *t = c->tunnels; t != NULL; t = t->next) {
        t->credit += (int64_t)(room_for(t, job->needs, job) * CREDIT / total);
    }
    got->credit -= CREDIT;
}

void queue_assign(struct dispatch_job *job, struct dispatch_tunnel *t)
{
    struct dispatch *d = job->connector->dispatch;

    share_out(job->connector, t, job);
    list_move(&t->jobs, job);
    t->outstanding++;
    job->tunnel = t;
    job->agent = t->agent;
    job->ledger = t->ledger;
    job->number = t->number;
    job->state = DISPATCH_RECORDING;
    d->ports.record(d->ports.ctx, job);
}

/* Is one of those that wait as good for it? The usual queue's first is. */
static bool is_wanted(const struct dispatch_tunnel *t)
{
    const struct dispatch_job *job = t->connector->queue.first;

    while (job != NULL && !suits(t, job->needs, job)) {
        job = job->next;
    }
    return job != NULL;
}

struct dispatch_tunnel *queue_pick_new(const struct dispatch_connector *c, uint32_t needs)
{
    struct dispatch_tunnel *t = pick(c, needs, NULL);

    return t != NULL && is_wanted(t) ? NULL : t;
}

/* The first of the queue that a tunnel has room for, and which one; NULL: none. */
static struct dispatch_job *first_with_room(const struct dispatch_connector *c,
                                            struct dispatch_tunnel **out)
{
    struct dispatch_job *job = c->queue.first;

    if (job == NULL || pick(c, 0, NULL) == NULL) { /* no room at all: the usual end */
        return NULL;
    }
    while (job != NULL && (*out = pick(c, job->needs, job)) == NULL) {
        job = job->next;
    }
    return job;
}

void queue_pump(struct dispatch_connector *c)
{
    struct dispatch_tunnel *t;
    struct dispatch_job *job;

    if (c->is_pumping) {
        return;
    }
    c->is_pumping = true;
    while ((job = first_with_room(c, &t)) != NULL) {
        queue_assign(job, t);
    }
    c->is_pumping = false;
}

void queue_again(struct dispatch_job *job)
{
    if (job->tunnel != NULL) {
        job->tunnel->outstanding--;
        job->tunnel = NULL;
    }
    job->state = DISPATCH_QUEUED;
    list_move_by_order(&job->connector->queue, job);
}
