#ifndef CONNECTOR_PLATFORM_CORE_DISPATCH_INTERNAL_H
#define CONNECTOR_PLATFORM_CORE_DISPATCH_INTERNAL_H

#include "platform/core/dispatch.h"

/* What dispatch*.c share; nobody else includes it. */

enum {
    DISPATCH_BUCKETS = 16384,
    DISPATCH_HOLD_BUCKETS = 1024,
    DISPATCH_EXPECTED_QUEUE = 1024, /* while no tunnel says what the capacity is */
};

/* A list of jobs; a job is on exactly one. Zeroed is empty. */
struct dispatch_list {
    struct dispatch_job *first, *last;
    size_t count;
};

struct dispatch {
    struct dispatch_ports ports;
    uint32_t queue_per_connector;
    uint64_t submitted; /* jobs so far */
    struct dispatch_job *buckets[DISPATCH_BUCKETS];
    struct dispatch_hold *holds[DISPATCH_HOLD_BUCKETS]; /* by key */
};

/* An exclusive key in use. */
struct dispatch_hold {
    uint8_t key[DISPATCH_KEY_BYTES];
    uint8_t same[DISPATCH_KEY_BYTES]; /* what the job that holds it asks for */
    struct dispatch_connector *connector;
    struct dispatch_job *job; /* that holds it; NULL: it is known no more, but not what it did */
    struct dispatch_list waiting;
    struct cx_id id; /* of the job that holds it; the rest counts when `job` is NULL */
    struct cx_id agent, ledger;
    unsigned number;
    uint64_t deadline_ms; /* of its caller */
    uint64_t lapse_ms;    /* when the key is free whatever is known */
    struct dispatch_hold *bucket_next;
    struct dispatch_hold *next; /* of the connector's */
};

struct dispatch_connector {
    struct dispatch *dispatch;
    struct dispatch_tunnel *tunnels;
    struct dispatch_list queue;
    struct dispatch_list recording; /* whose tunnel went while the store was writing */
    struct dispatch_list lost;
    uint64_t expected_until_ms; /* an agent is on its way */
    struct dispatch_hold *holds;
    size_t nwaiting; /* for exclusive keys */
    bool is_pumping;
};

struct dispatch_tunnel {
    struct dispatch_connector *connector;
    struct dispatch_tunnel *next;
    void *owner;
    struct cx_id agent, ledger;
    unsigned number;
    uint32_t features;
    size_t capacity;
    size_t outstanding; /* jobs and foreign */
    int64_t credit;     /* how far it is behind its share of the jobs (dispatch_queue.c) */
    struct dispatch_list jobs;
    struct cx_id *foreign; /* that the agent holds and nobody here waits for; sorted */
    size_t nforeign;
    bool is_ready;
    bool is_choked; /* it refused a job: no room in its outbox */
    bool is_draining;
};

/* Take the job off the list it is on, and put it at the end of this one, or in front of all that
 * were submitted after it. */
void list_move(struct dispatch_list *list, struct dispatch_job *job);
void list_move_by_order(struct dispatch_list *list, struct dispatch_job *job);

/* A job in the table and on no list; NULL if out of memory. Takes order->message. */
struct dispatch_job *dispatch_job_new(struct dispatch_connector *c,
                                      const struct dispatch_order *order);

/* Off its list and out of the table, wiped and freed. An exclusive key that it has goes on, as the
 * job's state says (hold_leave). */
void dispatch_job_free(struct dispatch *d, struct dispatch_job *job);

/* Tell its owner that its agent was lost with it, and forget it. */
void job_end_lost(struct dispatch *d, struct dispatch_job *job);

/* --- dispatch_queue.c --- */

/* Is there a tunnel that takes jobs, now or when it has room, and whose agent can do what needs
 * this? */
bool queue_has_way(const struct dispatch_connector *c, uint32_t needs);

/* Likewise for this job, of another agent than its own and those that have refused it. */
bool queue_has_other_way(const struct dispatch_job *job);

/* The tunnel for a new job, if one has room for it that nobody who waits may have; else NULL. */
struct dispatch_tunnel *queue_pick_new(const struct dispatch_connector *c, uint32_t needs);

/* The job gets this tunnel's room, and is recorded for its agent. */
void queue_assign(struct dispatch_job *job, struct dispatch_tunnel *t);

/* Give out what waits. A port may answer from within a call, and so come here again: the outer loop
 * goes on then. */
void queue_pump(struct dispatch_connector *c);

/* Off its tunnel, back to its place in the queue: it was never sent, another may have it. */
void queue_again(struct dispatch_job *job);

/* --- dispatch_hold.c --- */

/* NULL if there is none. */
struct dispatch_hold *hold_find(const struct dispatch_connector *c, const uint8_t *key);

/* A key that nobody has yet; NULL if out of memory. */
struct dispatch_hold *hold_new(struct dispatch_connector *c, const uint8_t *key);
void hold_free(struct dispatch_hold *hold); /* nobody waits for it */

void hold_begin(struct dispatch_hold *hold, struct dispatch_job *job); /* it has the key */
void hold_wait(struct dispatch_hold *hold, struct dispatch_job *job);  /* when it comes to it */

/* A job with a key ends: the next may have it, unless an agent may still have this one. */
void hold_leave(struct dispatch_job *job);

/* What a hello proves about the holders that are known no more. */
void hold_hear(struct dispatch_connector *c, const struct dispatch_hello *hello);

/* The result of such a one was settled. */
void hold_settled(struct dispatch_connector *c, const struct cx_id *agent, const struct cx_id *id);

/* All of the connector's, at its end: their jobs have none any more. */
void hold_forget_all(struct dispatch_connector *c);

/* Every id that it knows is foreign at first, and outstanding. NULL if out of memory. */
struct dispatch_tunnel *tunnel_new(const struct dispatch_hello *hello, void *owner);
void tunnel_free(struct dispatch_tunnel *t);

/* Take the id off the foreign ones; false if it isn't there. `outstanding` is left alone. */
bool tunnel_forget_foreign(struct dispatch_tunnel *t, const struct cx_id *id);

/* Take off, and out of `outstanding`, the foreign ones that another tunnel of the same agent counts
 * already: an agent names all that it holds on each of its tunnels. */
void tunnel_forget_counted(struct dispatch_tunnel *t);

#endif
