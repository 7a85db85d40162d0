#ifndef CONNECTOR_PLATFORM_IO_API_EXCHANGE_H
#define CONNECTOR_PLATFORM_IO_API_EXCHANGE_H

#include "platform/io/api_internal.h"
#include "platform/io/exchange.h"

/* What the API's files about exchanges share; nobody else includes it. */

struct profile;

/* --- the answer (api_outcome.c) --- */

/* Answer with how it ended: the token, or a problem. */
void api_reply_end(struct http_call *call, const char *trace_id, const struct exchange_end *end);

/* The rows of its trace, an array; NULL if it has none. A new reference. */
json_t *api_trace_json(const struct exchange_end *end);

/* Likewise from what the store kept: the encoded result. False: it can't be read; not answered. */
bool api_reply_stored(const struct api_request *r, const struct store_found *found,
                      struct slice part);

/* --- what is asked (api_ask.c) --- */

/* What the body says, read and owned. */
struct api_ask {
    struct profile_call call; /* its variables and context are the body's */
    char *tenant;
    char *token; /* the refresh token, or the one to be revoked */
    char *hint;
    uint32_t budget_ms; /* the profile's, or less */
};

/* Every fault is added to `faults`, those of the values too. api_ask_done in any case. */
void api_ask_read(const struct api_request *r, const struct profile *profile,
                  enum job_purpose purpose, struct api_ask *out, struct faults *faults);
void api_ask_done(struct api_ask *ask);

/* --- what could not begin (api_exchange.c) --- */

struct api_refusal {
    enum exchange_begun begun;
    const char *profile;
    const char *connector; /* NULL: none */
    struct cx_id id;
    bool is_traced; /* the rows of exchange_trace_refused with it */
};

/* Answer with why. */
void api_refuse_begin(struct http_call *call, const char *trace_id,
                      const struct api_refusal *refusal);

/* --- who waits (api_callers.c) --- */

/* A caller that waits, one of a group. */
struct api_caller {
    struct http_call *call;
    struct api_group *group;
    struct api_caller *next;
    char trace_id[TRACE_ID_TEXT_BYTES];
};

/* All that wait for one exchange: one caller, or everybody who gave the same Idempotency-Key. An
 * exchange without a key is given up when its caller hangs up. With one it goes on, since who gives
 * a key means to come back: its outcome is kept for the repeat. */
struct api_group {
    struct exchange *exchange;
    struct api_caller *callers;
    bool is_keyed;
};

/* With the request's caller as its first, who is not watched yet. NULL if out of memory. */
struct api_group *api_group_new(const struct api_request *r, bool is_keyed);
void api_group_watch(struct api_group *group); /* the exchange has begun: notice a hang-up */
void api_group_free(struct api_group *group);  /* answers nobody; NULL is fine */

/* The request's caller waits too. False if out of memory. */
bool api_group_join(struct api_group *group, const struct api_request *r);

/* struct exchange_request's `done`; frees the group. */
bool api_group_answer(void *ctx, const struct exchange_end *end);

/* --- the same once more (api_repeat.c) --- */

/* A request with an Idempotency-Key: is it the first with that key? Then `out` is filled. Else it
 * was answered, or waits with the first. */
bool api_repeat_may_run(struct api_request *r, enum job_purpose purpose,
                        const struct profile *profile, struct exchange_repeat *out);

#endif
