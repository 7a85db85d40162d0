#ifndef CONNECTOR_PLATFORM_CORE_DISPATCH_H
#define CONNECTOR_PLATFORM_CORE_DISPATCH_H

#include "common/core/buf.h"
#include "common/core/message.h"

/* Which tunnel gets a job, and what is known of a job whose tunnel is gone. It does not know how a
 * job is recorded or how it reaches its tunnel: the ports do that. One struct for the whole
 * platform. Pure: time is the caller's, and so are timers.
 *
 * A job's way: submitted -> (queued) -> recorded for an agent -> queued on its tunnel -> written ->
 * reported -> settled. Until it is written it may be given to any agent. After that only the
 * agent's own word (a result, or a hello that does not name it) says what became of it: a result
 * that proves that nothing was sent lets it move on to another agent (dispatch_move).
 *
 * Jobs with the same exclusive key never run at once on one connector. The first holds the key
 * until it is known what became of it, also when its agent was lost with it and nobody waits for it
 * any more; the others wait, in the order of their coming. */

struct dispatch;
struct dispatch_connector;
struct dispatch_tunnel;
struct dispatch_list;
struct dispatch_hold;

enum dispatch_state {
    DISPATCH_WAITING,   /* another job holds its exclusive key */
    DISPATCH_QUEUED,    /* waits for room on a tunnel */
    DISPATCH_RECORDING, /* has room on a tunnel; the store is writing down whose it is */
    DISPATCH_SENDING,   /* in the tunnel's outbox */
    DISPATCH_SENT,      /* written: the agent may have it */
    DISPATCH_LOST,      /* written to a tunnel that is gone; its agent may come back and tell */
    DISPATCH_REPORTED   /* its result is here and is being stored */
};

/* An agent that could not take a job, or not do it, and sent nothing. */
struct dispatch_refusal {
    struct dispatch_refusal *next; /* the one before it */
    struct cx_id agent;
    enum stage stage;
};

enum { DISPATCH_KEY_BYTES = 32 };

struct dispatch_job {
    struct cx_id id;
    enum dispatch_state state;
    void *owner;        /* who waits for it; NULL: nobody any more */
    struct buf message; /* the encoded job */
    struct cx_id agent; /* that it was given to, with the next two */
    struct cx_id ledger;
    unsigned number;
    uint64_t submitted_ms;
    uint64_t deadline_ms;              /* of the caller */
    struct dispatch_refusal *refusals; /* the last first; NULL: it was never moved */
    struct buf refusal;                /* the most telling of their results, as it came */
    struct cx_id refusal_agent;        /* whose it is, and where it stopped */
    enum stage refusal_stage;
    struct dispatch_hold *hold; /* of its exclusive key; NULL: it has none */
    /* private */
    uint32_t needs;
    bool is_dead;                     /* its agent can't report it any more */
    uint8_t same[DISPATCH_KEY_BYTES]; /* all that it asks for */
    uint64_t order;                   /* of submission */
    struct dispatch_connector *connector;
    struct dispatch_tunnel *tunnel;
    struct dispatch_job *bucket_next;
    struct dispatch_list *list; /* the one it is on: a queue, a tunnel's, the lost */
    struct dispatch_job *next, *previous;
};

/* Why a job ended without a result. */
struct dispatch_failure {
    enum verdict code;
    enum execution execution;
    enum stage stage;
    const char *message; /* static sentence */
};

struct dispatch_ports {
    void *ctx;
    /* Write down for good that the job is with job->agent, then call dispatch_recorded (later, or
     * from here). */
    void (*record)(void *ctx, struct dispatch_job *job);
    /* Queue the job on the tunnel, to be followed by dispatch_written or dispatch_unwritten. False:
     * it has no room, or is closing. It gets no more jobs then until dispatch_tunnel_ready. */
    bool (*send)(void *ctx, void *tunnel_owner, struct dispatch_job *job);
    /* Tell the agent that nobody waits for this job. */
    void (*cancel)(void *ctx, void *tunnel_owner, const struct cx_id *id);
    /* Tell the owner; the job is not the owner's to touch any more. If nothing was sent and the job
     * has a refusal, that tells more than `failure`. */
    void (*fail)(void *ctx, void *owner, const struct dispatch_job *job,
                 const struct dispatch_failure *failure);
};

/* queue_per_connector: 0 means as many as the connector's capacity. NULL if out of memory. */
struct dispatch *dispatch_new(const struct dispatch_ports *ports, uint32_t queue_per_connector);
void dispatch_free(struct dispatch *d); /* after its connectors; jobs that are left are wiped */

struct dispatch_connector *dispatch_connector_new(struct dispatch *d); /* NULL: out of memory */

/* End every job that is on no tunnel (connector_offline, or agent_lost if it was sent). */
void dispatch_connector_give_up(struct dispatch_connector *c);

/* Its tunnels must be down. Gives up what is left. NULL is fine. */
void dispatch_connector_free(struct dispatch_connector *c);

/* Until then an agent is thought to be on its way (it restarts, or we did): what is submitted waits
 * in the queue for it, as what is there already does, rather than being refused. */
void dispatch_connector_expect(struct dispatch_connector *c, uint64_t until_ms);
uint64_t dispatch_connector_expected(const struct dispatch_connector *c); /* until when */

struct dispatch_counts {
    size_t tunnels; /* that take jobs */
    size_t capacity;
    size_t outstanding;
    size_t queued; /* for room, or for an exclusive key */
};
struct dispatch_counts dispatch_connector_counts(const struct dispatch_connector *c);

/* Jobs that no tunnel's outbox has had yet, of all connectors. */
size_t dispatch_waiting(const struct dispatch *d);

/* --- jobs --- */
struct dispatch_order {
    struct cx_id id;
    void *owner;
    struct buf *message; /* moved from when the job is taken */
    uint64_t now_ms;
    uint64_t deadline_ms;
    uint32_t needs;           /* of a tunnel's features, all of these */
    const uint8_t *exclusive; /* DISPATCH_KEY_BYTES; NULL: it may run beside any other */
    const uint8_t *same;      /* of an exclusive one: a digest of all that it asks for */
};
enum dispatch_answer {
    DISPATCH_TAKEN,   /* the owner hears by `fail`, or by a result */
    DISPATCH_AWAITED, /* likewise, but it waits for an agent that is expected: look whether it is
                         stranded when that time is over */
    DISPATCH_OFFLINE, /* no agent, and none is expected */
    DISPATCH_UNABLE,  /* no agent that can do it */
    DISPATCH_FULL,    /* capacity and queue are used up */
    DISPATCH_NO_MEMORY
};
enum dispatch_answer dispatch_submit(struct dispatch_connector *c,
                                     const struct dispatch_order *order);

/* The answer to `record`; `is_ok` false ends the job (platform_failed, not_sent). */
void dispatch_recorded(struct dispatch *d, const struct cx_id *id, bool is_ok);

/* What became of a job that `send` has taken. */
void dispatch_written(struct dispatch *d, const struct cx_id *id);
void dispatch_unwritten(struct dispatch *d, const struct cx_id *id);

/* The caller's budget is over: `fail` is called, with what is known. A job that was reported is
 * left to its result. */
void dispatch_expire(struct dispatch *d, const struct cx_id *id);

/* It waits, and its connector has no tunnel that takes jobs. */
bool dispatch_is_stranded(const struct dispatch_job *job);

/* The caller has gone: as expire, but nobody is told. */
void dispatch_abandon(struct dispatch *d, const struct cx_id *id);

/* NULL if it is not known here (any more). */
struct dispatch_job *dispatch_find(const struct dispatch *d, const struct cx_id *id);

/* A job's tag: what a tunnel's outbox is given in its id's place. Never 0 (of a UUID made here). */
uint64_t dispatch_tag(const struct cx_id *id);
struct dispatch_job *dispatch_find_tag(const struct dispatch *d, uint64_t tag);

/* A result of this job came on this tunnel. The job (state DISPATCH_REPORTED from now on) if it was
 * given to that tunnel's agent, and to no other since, else NULL. */
struct dispatch_job *dispatch_reported(struct dispatch_tunnel *t, const struct cx_id *id);

/* A result came on this tunnel that proves that nothing of the job was sent; it failed at `stage`.
 * True: it is given to another agent, one that has not refused it, and the result is done with (its
 * room on `t` is free again; acknowledge it). `answer`, the result as it came, is moved from if it
 * is the most telling one so far.
 *
 * False: it ends with this result, or with the job's refusal if dispatch_is_outdone says so. For:
 * nobody waits for it; the stage is one where any other agent would stop too (policy, template,
 * secret) or none that proves anything; there is no other agent that could do it; or too little of
 * the budget is left. That is, less than a quarter of it or less than 100 ms (the least budget that
 * a call may have): an attempt that is begun too late turns a certain `not_sent` into an unknown
 * `sent`. */
bool dispatch_move(struct dispatch_tunnel *t, struct dispatch_job *job, enum stage stage,
                   struct buf *answer, uint64_t now_ms);

/* Would it? (Unless memory runs out.) */
bool dispatch_may_move(const struct dispatch_tunnel *t, const struct dispatch_job *job,
                       enum stage stage, uint64_t now_ms);

/* Does the job's refusal tell more than a result that stopped at `stage`? The later one does. */
bool dispatch_is_outdone(const struct dispatch_job *job, enum stage stage);

/* Has this tunnel's agent refused the job before, so that its result is an old one? */
bool dispatch_has_refused(const struct dispatch_tunnel *t, const struct dispatch_job *job);

/* The job has ended as its owner was told (failure, refusal): its room on its tunnel is free. */
void dispatch_end(struct dispatch *d, struct dispatch_job *job);

/* The result is stored and acknowledged on tunnel `t` (NULL: that one is gone): its room is free
 * again. Known or not. */
void dispatch_settled(struct dispatch *d, struct dispatch_tunnel *t, const struct cx_id *id);

/* --- exclusive keys --- */

/* A result of job `id` came on `t` and says that its token was issued: the next of those that wait
 * for it and ask for just the same. It is not known here any more; its owner hears of that result.
 * False: there is none. */
struct dispatch_shared {
    struct cx_id id;
    void *owner;
};
bool dispatch_share(struct dispatch_tunnel *t, const struct cx_id *id, struct dispatch_shared *out);

/* A key in use, as it outlives our restart. */
struct dispatch_held {
    uint8_t key[DISPATCH_KEY_BYTES], same[DISPATCH_KEY_BYTES];
    struct cx_id id, agent, ledger; /* of the job that has it */
    unsigned number;
    uint64_t deadline_ms; /* of its caller */
};
/* False: the job has none. */
bool dispatch_look_hold(const struct dispatch_job *job, struct dispatch_held *out);
/* False: out of memory. */
bool dispatch_hold_again(struct dispatch_connector *c, const struct dispatch_held *held);

/* The agent never comes back: the keys of its jobs are free when their budgets are over. */
void dispatch_agent_gone(struct dispatch_connector *c, const struct cx_id *agent);

/* Free the keys whose time is over: those of jobs that no agent can report any more when their
 * budgets are over, of the others 15 minutes later. True: there are jobs that wait for a key; come
 * again in a moment. */
bool dispatch_tick(struct dispatch *d, uint64_t now_ms);

/* --- tunnels --- */
struct dispatch_hello {
    struct cx_id agent;
    struct cx_id ledger; /* the same only if it holds all that it held when this was said before */
    unsigned number;
    uint32_t capacity;
    uint32_t features; /* as a bit mask; see `needs` */
    const struct cx_id *known;
    size_t nknown;
};

/* A tunnel is greeted. Those that it replaces must be down. Jobs of this agent that were lost are
 * settled by what `hello` proves. A job that `hello` knows and nobody here waits for takes up room
 * until it is settled. NULL if out of memory. */
struct dispatch_tunnel *dispatch_tunnel_up(struct dispatch_connector *c,
                                           const struct dispatch_hello *hello, void *owner);

/* After the welcome is queued, and whenever a tunnel that had refused a job has room again: give it
 * what waits. */
void dispatch_tunnel_ready(struct dispatch_tunnel *t);

/* It takes no new jobs. Those that are being recorded for it go elsewhere. */
void dispatch_tunnel_drain(struct dispatch_tunnel *t);

/* It is gone, and nobody will read what is still in its outbox: that may go to another tunnel.
 * Frees it. */
void dispatch_tunnel_down(struct dispatch_tunnel *t);

/* It is given up while its outbox may still be written and read: what is in there counts as sent.
 * Nothing of it is reported here any more (written, unwritten). Frees it. */
void dispatch_tunnel_cut(struct dispatch_tunnel *t);

/* Jobs that the agent holds as far as we know. */
size_t dispatch_tunnel_outstanding(const struct dispatch_tunnel *t);

#endif
