#ifndef CONNECTOR_PLATFORM_IO_EXCHANGE_INTERNAL_H
#define CONNECTOR_PLATFORM_IO_EXCHANGE_INTERNAL_H

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
};

/* The ports that dispatch calls. */
struct dispatch_ports exchange_ports(struct platform *p);

/* What the agent is given of a budget: what remains, less 250 ms for the way back, or less half of
 * it where that is smaller; at least 1. */
uint32_t exchange_agent_budget_ms(uint64_t remaining_ms);

/* Its row in the audit trail; `failure` NULL: it runs. */
void exchange_put_row(struct exchange *x, const struct cx_id *agent,
                      const struct dispatch_failure *failure, store_done *done, void *done_ctx);

/* exchange_count.c: for /metrics, once for each, just before its end is told. */
void exchange_count_failure(const struct exchange *x, const struct dispatch_failure *failure);
void exchange_count_end(const struct exchange *x, const struct exchange_end *end);

/* exchange_trace.c: put the rows into x->way. */
void exchange_trace(const struct exchange *x, const struct exchange_end *end);

/* Call `done` and free. True: somebody was answered. */
bool exchange_end_with(struct exchange *x, const struct exchange_end *end);

#endif
