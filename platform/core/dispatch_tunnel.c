#include "platform/core/dispatch_internal.h"

/* Tunnels that come and go, and what that proves about the jobs on them. */

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
            job->is_dead = true;
            job_end_lost(c->dispatch, job);
        } else if (job->number == hello->number) { /* it never arrived */
            queue_again(job);
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
    hold_hear(c, hello);
    return t;
}

void dispatch_tunnel_ready(struct dispatch_tunnel *t)
{
    t->is_ready = true;
    t->is_choked = false;
    queue_pump(t->connector);
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
        queue_again(job);
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
    queue_pump(c);
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
