#ifndef CONNECTOR_PLATFORM_IO_EXCHANGE_INTERNAL_H
#define CONNECTOR_PLATFORM_IO_EXCHANGE_INTERNAL_H

#include "common/io/crypto.h"
#include "platform/core/trace_id.h"
#include "platform/io/exchange.h"
#include "platform/io/platform.h"

/* What exchange*.c share; nobody else includes it. */

struct exchange {
    struct platform *platform;
    struct cx_id id;
    enum job_purpose purpose;
    char profile[REGISTRY_NAME_MAX_BYTES];
    char connector[REGISTRY_NAME_MAX_BYTES];
    char key[REGISTRY_NAME_MAX_BYTES];
    char trace_id[TRACE_ID_TEXT_BYTES];
    uint64_t began_ms; /* Unix */
    uint64_t began_us; /* monotonic */
    struct cx_id agent;
    struct trace *way;   /* NULL: not traced */
    uint64_t made_us;    /* how long it took to check the call; of what is traced, as the next */
    uint64_t sent_us;    /* monotonic: given to a tunnel, or to our own executor; 0: not yet */
    struct own_job *own; /* NULL: it goes to a connector */
    struct loop_timer deadline;
    bool (*done)(void *ctx, const struct exchange_end *end);
    void *ctx;
    bool hears_sent;
    bool has_begun;                       /* exchange_begin has returned */
    const struct dispatch_failure *early; /* it failed before that; told in a later turn */
    struct buf moved; /* the agents that could not do it, as the store has them */
    bool is_keyed;
    struct exchange_repeat repeat; /* if so */
    struct exchange *bucket_next;  /* likewise */
};

enum { EXCHANGE_BUCKETS = 256 };

struct exchanges {
    struct platform *platform;
    struct id_sequence ids; /* the audit trail is in the order of ids */
    size_t under_way;
    struct exchange *keyed[EXCHANGE_BUCKETS]; /* by repeat.sha256: those with an Idempotency-Key */
    struct exchange_open *open;               /* without an end since before our start */
    uint8_t hold_key[CRYPTO_SHA256_BYTES];    /* for the digests of refresh tokens in use */
    struct loop_timer hold_timer;             /* while refreshes wait for another of their token */
    bool is_looking;
};

/* The ports that dispatch calls. */
struct dispatch_ports exchange_ports(struct platform *p);

/* What the agent is given of a budget: what remains, less 250 ms for the way back, or less half of
 * it where that is smaller; at least 1. */
uint32_t exchange_agent_budget_ms(uint64_t remaining_ms);

/* Its row in the audit trail; `failure` NULL: it runs. */
void exchange_put_row(struct exchange *x, const struct cx_id *agent,
                      const struct dispatch_failure *failure, store_done *done, void *done_ctx);

/* It failed at a connector: its row, and a line of the log. */
void exchange_note_failure(struct exchange *x, const struct cx_id *agent,
                           const struct dispatch_failure *failure);

/* exchange_count.c: for /metrics, once for each, just before its end is told. */
void exchange_count_failure(const struct exchange *x, const struct dispatch_failure *failure);
void exchange_count_end(const struct exchange *x, const struct exchange_end *end);

/* exchange_trace.c: put the rows into x->way. */
void exchange_trace(const struct exchange *x, const struct exchange_end *end);
void exchange_trace_shared(const struct exchange *x, const struct cx_id *with);
void exchange_trace_moved(const struct exchange *x, const struct cx_id *agent,
                          const struct msg_failure *why);

/* --- exchange_move.c --- */

/* A result of which nothing is to be kept: the job moves to another agent, ends with what another
 * agent has said of it before, or has moved already. True: that was done (`bytes` may be moved
 * from), and the result acknowledged. */
bool exchange_move(struct platform *p, struct platform_tunnel *t, const struct msg_result *r,
                   struct buf *bytes);

/* Tell who waits for it what the most telling of its refusals says. False: it has none. */
bool exchange_tell_refusal(struct exchange *x, const struct dispatch_job *job);

/* --- exchange_open.c --- */
void exchanges_forget_open(struct exchanges *x);

/* --- exchange_hold.c --- */

/* What a refresh must not run beside, and what it asks for: digests under a key of our own, so that
 * they can be kept. */
struct exchange_keys {
    uint8_t exclusive[CRYPTO_SHA256_BYTES]; /* of profile and refresh token */
    uint8_t same[CRYPTO_SHA256_BYTES];      /* of the whole job but its id, budget and traces */
};
enum cx_err exchange_make_keys(const struct exchanges *x, const struct exchange_request *request,
                               const struct msg_job *job, struct exchange_keys *out) CX_MUST_CHECK;

/* From the store's own key; before the first of those. */
void exchange_make_hold_key(struct exchanges *x);

/* A result came on this tunnel: if it says that a token was issued, those who wait for it with the
 * same refresh, word for word, are given it too. `part` is its message. */
void exchange_share(struct platform_tunnel *t, const struct msg_result *r, struct slice part);

/* A refresh waits: look from time to time whether it still has to. */
void exchange_watch_holds(struct exchanges *x);

/* Call `done` and free. True: somebody was answered. */
bool exchange_end_with(struct exchange *x, const struct exchange_end *end);

/* --- exchange_job.c --- */

/* What an agent is to get. */
struct exchange_job {
    struct buf message;
    uint32_t needs;            /* of an agent (platform/core/features.h) */
    bool is_exclusive;         /* a refresh */
    struct exchange_keys keys; /* if so */
};

/* From the profile and the call. `out->message` is set up by the caller. CX_E_SYNTAX: `faults` has
 * something. */
enum cx_err exchange_make_job(const struct exchanges *x, const struct exchange_request *request,
                              const struct cx_id *id, struct exchange_job *out,
                              struct faults *faults) CX_MUST_CHECK;

#endif
