#ifndef CONNECTOR_PLATFORM_IO_OWN_H
#define CONNECTOR_PLATFORM_IO_OWN_H

#include "common/core/policy.h"
#include "platform/io/exchange.h"

/* Exchanges of profiles without a connector: the platform asks the token URL by itself, with the
 * same executor as an agent, under the `policy` of platform.conf. */

struct own;
struct own_job;   /* one that runs */
struct rule_load; /* common/core/rule_load.h */

/* Takes the policy (moved from). Errors: CX_E_NOMEM, CX_E_IO. */
enum cx_err own_new(struct platform *p, struct policy *policy, struct own **out,
                    struct cx_fail *fail) CX_MUST_CHECK;

/* End what still runs; nobody is told. What was noted in the store must be written before own_free.
 * NULL is fine for both. */
void own_close(struct own *own);
void own_free(struct own *own);

/* The policy for exchanges that begin from now on (moved from), and CA files anew. False: out of
 * memory, nothing changed. */
bool own_set_policy(struct own *own, struct policy *policy);

/* Stopping: those who still wait are told what is certain. */
void own_give_up(struct own *own);

/* Borrowed until the next own_set_policy. */
const struct policy *own_policy(const struct own *own);

/* As executor_loads. */
const struct rule_load *own_loads(const struct own *own);

size_t own_running(const struct own *own);

/* --- for exchange.c --- */

/* Record the exchange, then run its message (moved from when it is taken). NULL: `*begun` says why,
 * EXCHANGE_FULL or EXCHANGE_NO_MEMORY. */
struct own_job *own_begin(struct own *own, struct exchange *x, struct buf *message,
                          uint64_t deadline_ms, enum exchange_begun *begun);

/* Nobody waits for it any more. True: bytes of the request may have left. */
bool own_abandon(struct own_job *job);

#endif
