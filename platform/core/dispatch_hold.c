#include "platform/core/dispatch_internal.h"

#include <stdlib.h>
#include <string.h>

/* Exclusive keys: who has one, who waits for it, and when the next may have it. */

enum { HOLD_MS = 15 * 60 * 1000 }; /* after its caller's budget: as long as a result is kept */

/* ---- the table ---- */

static struct dispatch_hold **bucket_of(const struct dispatch_connector *c, const uint8_t *key)
{
    uint32_t hash;

    memcpy(&hash, key, sizeof(hash)); /* a digest: any part of it will do */
    return &c->dispatch->holds[hash % DISPATCH_HOLD_BUCKETS];
}

struct dispatch_hold *hold_find(const struct dispatch_connector *c, const uint8_t *key)
{
    struct dispatch_hold *hold = *bucket_of(c, key);

    while (hold != NULL &&
           (hold->connector != c || memcmp(hold->key, key, sizeof(hold->key)) != 0)) {
        hold = hold->bucket_next;
    }
    return hold;
}

struct dispatch_hold *hold_new(struct dispatch_connector *c, const uint8_t *key)
{
    struct dispatch_hold **bucket = bucket_of(c, key);
    struct dispatch_hold *hold = calloc(1, sizeof(*hold));

    if (hold == NULL) {
        return NULL;
    }
    memcpy(hold->key, key, sizeof(hold->key));
    hold->connector = c;
    hold->bucket_next = *bucket;
    *bucket = hold;
    hold->next = c->holds;
    c->holds = hold;
    return hold;
}

void hold_free(struct dispatch_hold *hold)
{
    struct dispatch_hold **in_bucket = bucket_of(hold->connector, hold->key);
    struct dispatch_hold **in_list = &hold->connector->holds;

    while (*in_bucket != hold) {
        in_bucket = &(*in_bucket)->bucket_next;
    }
    *in_bucket = hold->bucket_next;
    while (*in_list != hold) {
        in_list = &(*in_list)->next;
    }
    *in_list = hold->next;
    free(hold);
}

bool dispatch_look_hold(const struct dispatch_job *job, struct dispatch_held *out)
{
    if (job->hold == NULL) {
        return false;
    }
    *out = (struct dispatch_held){.id = job->id,
                                  .agent = job->agent,
                                  .ledger = job->ledger,
                                  .number = job->number,
                                  .deadline_ms = job->deadline_ms};
    memcpy(out->key, job->hold->key, sizeof(out->key));
    memcpy(out->same, job->same, sizeof(out->same));
    return true;
}

/* ---- having and waiting ---- */

void hold_begin(struct dispatch_hold *hold, struct dispatch_job *job)
{
    hold->job = job;
    hold->id = job->id;
    memcpy(hold->same, job->same, sizeof(hold->same));
    job->hold = hold;
}

void hold_wait(struct dispatch_hold *hold, struct dispatch_job *job)
{
    job->hold = hold;
    job->state = DISPATCH_WAITING;
    list_move(&hold->waiting, job);
    hold->connector->nwaiting++;
}

/* The next may have it: true, and it is to be pumped; or nobody wants it any more, and the hold is
 * freed. Nobody is told anything yet, so that holds can be gone through. */
static bool pass_on(struct dispatch_hold *hold)
{
    struct dispatch_connector *c = hold->connector;
    struct dispatch_job *next = hold->waiting.first;

    if (next == NULL) {
        hold_free(hold);
        return false;
    }
    c->nwaiting--;
    hold_begin(hold, next);
    next->state = DISPATCH_QUEUED;
    list_move_by_order(&c->queue, next);
    return true;
}

static void outlive(struct dispatch_hold *hold, const struct dispatch_job *job)
{
    hold->job = NULL;
    hold->agent = job->agent;
    hold->ledger = job->ledger;
    hold->number = job->number;
    hold->deadline_ms = job->deadline_ms;
    hold->lapse_ms = job->deadline_ms + (job->is_dead ? 0 : HOLD_MS);
}

void hold_leave(struct dispatch_job *job)
{
    struct dispatch_hold *hold = job->hold;
    struct dispatch_connector *c = hold->connector;

    job->hold = NULL;
    if (hold->job != job) { /* it has waited, and is on no list any more */
        c->nwaiting--;
    } else if (job->state == DISPATCH_SENT || job->state == DISPATCH_LOST) {
        outlive(hold, job);
    } else if (pass_on(hold)) {
        queue_pump(c);
    }
}

/* ---- what becomes known later ---- */

/* Call `each` for those of the agent whose holder is known no more; it may pass its hold on. */
static void for_lost(struct dispatch_connector *c, const struct cx_id *agent,
                     void (*each)(struct dispatch_hold *hold, const void *arg), const void *arg)
{
    struct dispatch_hold *next;

    for (struct dispatch_hold *hold = c->holds; hold != NULL; hold = next) {
        next = hold->next;
        if (hold->job == NULL && id_eq(&hold->agent, agent)) {
            each(hold, arg);
        }
    }
    queue_pump(c);
}

static bool is_named(const struct dispatch_hello *hello, const struct cx_id *id)
{
    size_t i = 0;

    while (i < hello->nknown && !id_eq(&hello->known[i], id)) {
        i++;
    }
    return i < hello->nknown;
}

static void hear(struct dispatch_hold *hold, const void *arg)
{
    const struct dispatch_hello *hello = arg;

    if (is_named(hello, &hold->id)) {
        return; /* its result will come */
    }
    if (!id_eq(&hold->ledger, &hello->ledger)) {
        hold->lapse_ms = hold->deadline_ms; /* and no result will come */
    } else if (hold->number == hello->number) {
        (void)pass_on(hold); /* it never arrived */
    }
}

void hold_hear(struct dispatch_connector *c, const struct dispatch_hello *hello)
{
    for_lost(c, &hello->agent, hear, hello);
}

static void settle(struct dispatch_hold *hold, const void *arg)
{
    if (id_eq(&hold->id, arg)) {
        (void)pass_on(hold);
    }
}

void hold_settled(struct dispatch_connector *c, const struct cx_id *agent, const struct cx_id *id)
{
    for_lost(c, agent, settle, id);
}

static void let_lapse(struct dispatch_hold *hold, const void *arg)
{
    (void)arg;
    hold->lapse_ms = hold->deadline_ms;
}

void dispatch_agent_gone(struct dispatch_connector *c, const struct cx_id *agent)
{
    for (struct dispatch_hold *hold = c->holds; hold != NULL; hold = hold->next) {
        if (hold->job != NULL && id_eq(&hold->job->agent, agent)) {
            hold->job->is_dead = true;
        }
    }
    for_lost(c, agent, let_lapse, NULL);
}

static struct dispatch_hold *find_lapsed(struct dispatch_hold *hold, uint64_t now_ms)
{
    while (hold != NULL && (hold->job != NULL || now_ms < hold->lapse_ms)) {
        hold = hold->bucket_next;
    }
    return hold;
}

bool dispatch_tick(struct dispatch *d, uint64_t now_ms)
{
    struct dispatch_hold *hold;
    bool is_waited = false;

    for (size_t i = 0; i < DISPATCH_HOLD_BUCKETS; i++) {
        for (hold = d->holds[i]; hold != NULL; hold = hold->bucket_next) {
            is_waited = is_waited || hold->waiting.first != NULL;
        }
        while ((hold = find_lapsed(d->holds[i], now_ms)) != NULL) {
            struct dispatch_connector *c = hold->connector;

            if (pass_on(hold)) {
                queue_pump(c); /* which may end others, so the bucket is looked through anew */
            }
        }
    }
    return is_waited;
}

bool dispatch_hold_again(struct dispatch_connector *c, const struct dispatch_held *held)
{
    struct dispatch_hold *hold;

    if (hold_find(c, held->key) != NULL) {
        return true; /* by another of the same */
    }
    hold = hold_new(c, held->key);
    if (hold == NULL) {
        return false;
    }
    memcpy(hold->same, held->same, sizeof(hold->same));
    hold->id = held->id;
    hold->agent = held->agent;
    hold->ledger = held->ledger;
    hold->number = held->number;
    hold->deadline_ms = held->deadline_ms;
    hold->lapse_ms = held->deadline_ms + HOLD_MS;
    return true;
}

void hold_forget_all(struct dispatch_connector *c)
{
    while (c->holds != NULL) {
        if (c->holds->job != NULL) {
            c->holds->job->hold = NULL;
        }
        hold_free(c->holds);
    }
}

/* ---- sharing ---- */

static struct dispatch_hold *hold_of(const struct dispatch *d, const struct dispatch_tunnel *t,
                                     const struct cx_id *id)
{
    const struct dispatch_job *job = dispatch_find(d, id);
    struct dispatch_hold *hold;

    if (job != NULL) {
        return job->hold != NULL && job->hold->job == job && id_eq(&job->agent, &t->agent)
                   ? job->hold
                   : NULL;
    }
    hold = t->connector->holds;
    while (hold != NULL &&
           !(hold->job == NULL && id_eq(&hold->id, id) && id_eq(&hold->agent, &t->agent))) {
        hold = hold->next;
    }
    return hold;
}

bool dispatch_share(struct dispatch_tunnel *t, const struct cx_id *id, struct dispatch_shared *out)
{
    struct dispatch *d = t->connector->dispatch;
    const struct dispatch_hold *hold = hold_of(d, t, id);
    struct dispatch_job *job = hold != NULL ? hold->waiting.first : NULL;

    while (job != NULL && memcmp(job->same, hold->same, sizeof(job->same)) != 0) {
        job = job->next;
    }
    if (job == NULL) {
        return false;
    }
    *out = (struct dispatch_shared){.id = job->id, .owner = job->owner};
    dispatch_job_free(d, job);
    return true;
}
