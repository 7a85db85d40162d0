#ifndef CONNECTOR_PLATFORM_CORE_DISPATCH_INTERNAL_H
#define CONNECTOR_PLATFORM_CORE_DISPATCH_INTERNAL_H

#include "platform/core/dispatch.h"

/* What dispatch.c and dispatch_table.c share; nobody else includes it. */

enum {
    DISPATCH_BUCKETS = 16384,
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
};

struct dispatch_connector {
    struct dispatch *dispatch;
    struct dispatch_tunnel *tunnels;
    struct dispatch_list queue;
    struct dispatch_list recording; /* whose tunnel went while the store was writing */
    struct dispatch_list lost;
    uint64_t expected_until_ms; /* an agent is on its way */
    bool is_pumping;
};

struct dispatch_tunnel {
    struct dispatch_connector *connector;
    struct dispatch_tunnel *next;
    void *owner;
    struct cx_id agent, ledger;
    unsigned number;
    size_t capacity;
    size_t outstanding; /* jobs and foreign */
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

/* Off its list and out of the table, wiped and freed. */
void dispatch_job_free(struct dispatch *d, struct dispatch_job *job);

/* Every id that it knows is foreign at first, and outstanding. NULL if out of memory. */
struct dispatch_tunnel *tunnel_new(const struct dispatch_hello *hello, void *owner);
void tunnel_free(struct dispatch_tunnel *t);

/* Take the id off the foreign ones; false if it isn't there. `outstanding` is left alone. */
bool tunnel_forget_foreign(struct dispatch_tunnel *t, const struct cx_id *id);

/* Take off, and out of `outstanding`, the foreign ones that another tunnel of the same agent counts
 * already: an agent names all that it holds on each of its tunnels. */
void tunnel_forget_counted(struct dispatch_tunnel *t);

#endif
