#include "platform/core/dispatch_internal.h"

#include <stdlib.h>
#include <string.h>

static void list_take_off(struct dispatch_job *job)
{
    struct dispatch_list *list = job->list;

    if (list == NULL) {
        return;
    }
    *(job->previous != NULL ? &job->previous->next : &list->first) = job->next;
    *(job->next != NULL ? &job->next->previous : &list->last) = job->previous;
    list->count--;
    job->list = NULL;
    job->next = NULL;
    job->previous = NULL;
}

void list_move(struct dispatch_list *list, struct dispatch_job *job)
{
    list_take_off(job);
    job->list = list;
    job->previous = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = job;
    list->last = job;
    list->count++;
}

void list_move_by_order(struct dispatch_list *list, struct dispatch_job *job)
{
    struct dispatch_job *after = list->first; /* the one that will stand behind it */
    struct dispatch_job *before;

    list_take_off(job);
    while (after != NULL && after->order < job->order) {
        after = after->next;
    }
    before = after != NULL ? after->previous : list->last;
    job->list = list;
    job->next = after;
    job->previous = before;
    *(before != NULL ? &before->next : &list->first) = job;
    *(after != NULL ? &after->previous : &list->last) = job;
    list->count++;
}

/* The last eight bytes of a UUIDv7 are random but for two bits. */
uint64_t dispatch_tag(const struct cx_id *id)
{
    uint64_t tag;

    memcpy(&tag, id->bytes + CX_ID_BYTES - sizeof(tag), sizeof(tag));
    return tag;
}

static size_t bucket_of(uint64_t tag)
{
    return (size_t)((tag * 0x9e3779b97f4a7c15u) >> 50); /* log2(DISPATCH_BUCKETS) bits */
}

struct dispatch_job *dispatch_find_tag(const struct dispatch *d, uint64_t tag)
{
    struct dispatch_job *job = d->buckets[bucket_of(tag)];

    while (job != NULL && dispatch_tag(&job->id) != tag) {
        job = job->bucket_next;
    }
    return job;
}

struct dispatch_job *dispatch_find(const struct dispatch *d, const struct cx_id *id)
{
    struct dispatch_job *job = d->buckets[bucket_of(dispatch_tag(id))];

    while (job != NULL && !id_eq(&job->id, id)) {
        job = job->bucket_next;
    }
    return job;
}

struct dispatch_job *dispatch_job_new(struct dispatch_connector *c,
                                      const struct dispatch_order *order)
{
    struct dispatch_job **bucket = &c->dispatch->buckets[bucket_of(dispatch_tag(&order->id))];
    struct dispatch_job *job = calloc(1, sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    job->id = order->id;
    job->owner = order->owner;
    job->submitted_ms = order->now_ms;
    job->deadline_ms = order->deadline_ms;
    job->order = c->dispatch->submitted++;
    job->needs = order->needs;
    job->connector = c;
    buf_init(&job->refusal, MSG_MESSAGE_BYTES_MAX);
    if (order->same != NULL) {
        memcpy(job->same, order->same, sizeof(job->same));
    }
    buf_take(&job->message, order->message);
    job->bucket_next = *bucket;
    *bucket = job;
    return job;
}

static void free_refusals(struct dispatch_job *job)
{
    while (job->refusals != NULL) {
        struct dispatch_refusal *gone = job->refusals;

        job->refusals = gone->next;
        free(gone);
    }
    buf_done(&job->refusal);
}

void dispatch_job_free(struct dispatch *d, struct dispatch_job *job)
{
    struct dispatch_job **link = &d->buckets[bucket_of(dispatch_tag(&job->id))];

    while (*link != job) {
        link = &(*link)->bucket_next;
    }
    *link = job->bucket_next;
    list_take_off(job);
    if (job->hold != NULL) {
        hold_leave(job);
    }
    free_refusals(job);
    buf_done(&job->message);
    free(job);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct cx_id));
}

struct dispatch_tunnel *tunnel_new(const struct dispatch_hello *hello, void *owner)
{
    struct dispatch_tunnel *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    if (hello->nknown > 0) {
        t->foreign = calloc(hello->nknown, sizeof(*t->foreign));
        if (t->foreign == NULL) {
            free(t);
            return NULL;
        }
        memcpy(t->foreign, hello->known, hello->nknown * sizeof(*t->foreign));
        qsort(t->foreign, hello->nknown, sizeof(*t->foreign), compare_ids);
    }
    t->nforeign = hello->nknown;
    t->outstanding = hello->nknown;
    t->owner = owner;
    t->agent = hello->agent;
    t->ledger = hello->ledger;
    t->number = hello->number;
    t->features = hello->features;
    t->capacity = hello->capacity;
    return t;
}

void tunnel_free(struct dispatch_tunnel *t)
{
    free(t->foreign);
    free(t);
}

static struct cx_id *find_foreign(const struct dispatch_tunnel *t, const struct cx_id *id)
{
    return t->nforeign == 0
               ? NULL
               : bsearch(id, t->foreign, t->nforeign, sizeof(*t->foreign), compare_ids);
}

bool tunnel_forget_foreign(struct dispatch_tunnel *t, const struct cx_id *id)
{
    struct cx_id *at = find_foreign(t, id);

    if (at == NULL) {
        return false;
    }
    t->nforeign--;
    memmove(at, at + 1, (size_t)(t->foreign + t->nforeign - at) * sizeof(*at));
    return true;
}

static bool is_counted_elsewhere(const struct dispatch_tunnel *t, const struct cx_id *id)
{
    const struct dispatch_job *job = dispatch_find(t->connector->dispatch, id);

    if (job != NULL) {
        return job->tunnel != NULL && id_eq(&job->agent, &t->agent);
    }
    for (const struct dispatch_tunnel *o = t->connector->tunnels; o != NULL; o = o->next) {
        if (o != t && id_eq(&o->agent, &t->agent) && find_foreign(o, id) != NULL) {
            return true;
        }
    }
    return false;
}

void tunnel_forget_counted(struct dispatch_tunnel *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->nforeign; i++) {
        if (!is_counted_elsewhere(t, &t->foreign[i])) {
            t->foreign[kept++] = t->foreign[i];
        }
    }
    t->outstanding -= t->nforeign - kept;
    t->nforeign = kept;
}
