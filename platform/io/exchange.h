#ifndef CONNECTOR_PLATFORM_IO_EXCHANGE_H
#define CONNECTOR_PLATFORM_IO_EXCHANGE_H

#include "common/core/profile.h"
#include "common/core/trace.h"
#include "platform/core/dispatch.h"

/* Exchanges under way: from the caller's request to its one answer. Between the API (which begins
 * them), the dispatch (which moves them), the store (which records them) and the tunnels (which
 * carry them). */

struct platform;
struct exchanges;
struct exchange;        /* one that somebody waits for */
struct platform_tunnel; /* platform/io/tunnel.h */

/* Its end. Everything borrowed for the call. Either a result came, or `failure` says why not. */
struct exchange_end {
    struct cx_id id;
    enum job_purpose purpose;               /* set when it is told */
    const struct msg_result *result;        /* NULL: none came */
    const struct dispatch_failure *failure; /* NULL: a result came */
    const char *connector;                  /* NULL or "": the platform asked by itself */
    const struct trace *way; /* the platform's own hops, if it was traced; before the result's */
    struct cx_id agent;      /* that had it; none if it was never given to one */
    /* To be called once, with `sent_ctx`, about the answer: did its caller get it? As
     * http_call_on_sent does. NULL: nobody asks. */
    void (*sent)(void *ctx, bool is_sent);
    void *sent_ctx;
};

/* What an Idempotency-Key was given for: the hash of scope and key (core/idempotency.h), and that
 * of the request's body. */
struct exchange_repeat {
    uint8_t sha256[32];
    uint8_t body_sha256[32];
};

struct exchange_request {
    const struct profile *profile;        /* of a discovery: name, connector and token_url (where
                                             the metadata is asked for) are all that count */
    const struct profile_call *call;      /* its id and budget_ms are set here */
    uint32_t budget_ms;                   /* the caller's, from now */
    const char *key;                      /* name of the API key; "" on the control socket */
    const char *trace_id;                 /* of the call, for the logs of both ends */
    const struct exchange_repeat *repeat; /* copied; NULL: no Idempotency-Key was given */
    bool hears_sent; /* `done` looks at end->sent: so a result may be told before it is stored */
    /* Once, never from within a call. True: somebody who waited was answered; a result that nobody
     * was given can be claimed later. */
    bool (*done)(void *ctx, const struct exchange_end *end);
    void *ctx;
};

enum exchange_begun {
    EXCHANGE_BEGUN,        /* `done` follows */
    EXCHANGE_INPUT,        /* faults were added, by field; nothing was begun. 400 */
    EXCHANGE_OFFLINE,      /* 503 connector_offline */
    EXCHANGE_UNABLE,       /* 503 agent_unavailable: none of its agents can do it */
    EXCHANGE_FULL,         /* 429 connector_full; without a connector: limits.own_exchanges */
    EXCHANGE_NO_CONNECTOR, /* the profile names one that is gone */
    EXCHANGE_DRAINING,     /* the platform is stopping: 503 */
    EXCHANGE_NO_MEMORY
};

/* NULL if out of memory. It makes p->dispatch with its own ports. */
struct exchanges *exchanges_new(struct platform *p);
void exchanges_free(struct exchanges *x);
size_t exchanges_under_way(const struct exchanges *x);

/* At the start, when the connectors are there: the refresh tokens that agents may be using since
 * before. Errors: CX_E_STORE, CX_E_NOMEM. */
enum cx_err exchanges_load_holds(struct exchanges *x, struct cx_fail *fail) CX_MUST_CHECK;

/* Likewise what the store has no end of, since we were killed. Those that no agent was given end
 * now; the others when their agent's hello does not name them, or (to be called each minute or so)
 * their results could not be claimed any more. */
enum cx_err exchanges_load_open(struct exchanges *x, struct cx_fail *fail) CX_MUST_CHECK;
void exchanges_hear(struct exchanges *x, const struct cx_id *agent, const struct msg_hello *hello);
void exchanges_tidy(struct exchanges *x);

/* `id` gets the exchange's id whatever is returned, for the problem and the audit trail (which this
 * writes, for exchanges that could not begin too, except bad input). */
enum exchange_begun exchange_begin(struct platform *p, const struct exchange_request *request,
                                   struct cx_id *id, struct exchange **out, struct faults *faults);

/* The one under way that was begun with this Idempotency-Key; NULL if there is none. */
struct exchange *exchange_of_repeat(const struct platform *p, const uint8_t sha256[32]);
const struct exchange_repeat *exchange_repeat(const struct exchange *x);
const struct cx_id *exchange_id(const struct exchange *x);
void *exchange_ctx(const struct exchange *x);

/* Why it was not begun; of EXCHANGE_BEGUN and EXCHANGE_INPUT nothing that is true. */
const struct dispatch_failure *exchange_refusal(enum exchange_begun begun, bool is_own);

/* Likewise as rows of a trace. */
void exchange_trace_refused(struct trace *t, const char *profile, bool is_own,
                            const struct dispatch_failure *why);

/* The caller has gone: `done` is not called any more. */
void exchange_abandon(struct exchange *x);

/* --- for the tunnels --- */

/* A result came. It is delivered, stored, and acknowledged on the tunnel (tunnel_send_ack). Takes
 * the message, and the bytes that it was read from and points into. */
void exchange_result(struct platform *p, struct platform_tunnel *t, struct msg *m,
                     struct buf *bytes);

/* A job's message was handed to TLS, or never was (the tag given to tunnel_send_job). */
void exchange_written(struct platform *p, uint64_t tag);
void exchange_unwritten(struct platform *p, uint64_t tag);

#endif
