#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/exchange_internal.h"

#include <stdlib.h>

/* Exchanges that had no end in the store when we started: we were killed with them. Nobody waits
 * for them, and their agents may still report them. The audit trail says so until an agent's hello
 * does not name them, or a result could not be claimed any more. */

enum { SPAN_MS = PROFILE_BUDGET_MS_MAX + 60 * 1000 /* no exchange runs for so long */ };

struct exchange_open {
    struct exchange_open *next;
    struct cx_id id;
    struct cx_id agent;
};

static const struct dispatch_failure fail_not_named = {
    VERDICT_AGENT_LOST, EXECUTION_SENT, STAGE_AGENT,
    "the platform was killed while it ran, and its agent does not know of it"};
static const struct dispatch_failure fail_own = {VERDICT_PLATFORM_FAILED, EXECUTION_SENT,
                                                 STAGE_PLATFORM,
                                                 "the platform was killed while it ran"};

/* A result that comes all the same replaces this end; one that has come stays. */
static void end_row(struct exchanges *x, const struct cx_id *id,
                    const struct dispatch_failure *failure)
{
    struct store_exchange row = {.id = *id,
                                 .profile = "",
                                 .connector = "",
                                 .key = "",
                                 .subject = "",
                                 .outcome = OUTCOME_FAILED,
                                 .code = failure->code,
                                 .execution = failure->execution,
                                 .stage = failure->stage,
                                 .ended_ms = clock_wall_ms()};

    store_put_exchange(x->platform->store, &row, NULL, NULL);
    platform_store_dirty(x->platform);
    log_event(CX_LOG_WARN, "exchange.left_open", kv_id("id", id),
              kv_str("code", terms_verdict(failure->code)), kv_str("why", failure->message));
}

struct loading {
    struct exchanges *exchanges;
    struct exchange_open *own; /* whom no agent will report */
    bool is_out_of_memory;
};

static void load(void *ctx, const struct store_exchange *e)
{
    struct loading *l = ctx;
    struct exchange_open **list = id_is_none(&e->agent) ? &l->own : &l->exchanges->open;
    struct exchange_open *open = malloc(sizeof(*open));

    if (open == NULL) {
        l->is_out_of_memory = true;
        return;
    }
    *open = (struct exchange_open){.next = *list, .id = e->id, .agent = e->agent};
    *list = open;
}

/* End those that `is_over` says, and forget them. */
static void end_some(struct exchanges *x,
                     bool (*is_over)(const struct exchange_open *open, const void *arg),
                     const void *arg)
{
    struct exchange_open **link = &x->open;

    while (*link != NULL) {
        struct exchange_open *open = *link;

        if (!is_over(open, arg)) {
            link = &open->next;
            continue;
        }
        end_row(x, &open->id, &fail_not_named);
        *link = open->next;
        free(open);
    }
}

enum cx_err exchanges_load_open(struct exchanges *x, struct cx_fail *fail)
{
    struct loading l = {.exchanges = x};
    enum cx_err err = store_each_open(x->platform->store, SPAN_MS, load, &l, fail);

    while (l.own != NULL) {
        struct exchange_open *own = l.own;

        end_row(x, &own->id, &fail_own);
        l.own = own->next;
        free(own);
    }
    return err == CX_OK && l.is_out_of_memory
               ? cx_fail_set(fail, CX_E_NOMEM, "exchanges.load_open", "out of memory")
               : err;
}

struct heard {
    const struct cx_id *agent;
    const struct msg_hello *hello;
};

static bool is_unknown(const struct exchange_open *open, const void *arg)
{
    const struct heard *heard = arg;
    bool is_known = !id_eq(&open->agent, heard->agent);

    for (size_t i = 0; i < heard->hello->nknown && !is_known; i++) {
        is_known = id_eq(&open->id, &heard->hello->known[i]);
    }
    return !is_known;
}

void exchanges_hear(struct exchanges *x, const struct cx_id *agent, const struct msg_hello *hello)
{
    end_some(x, is_unknown, &(struct heard){.agent = agent, .hello = hello});
}

static bool is_past(const struct exchange_open *open, const void *arg)
{
    return id_unix_ms(&open->id) + SPAN_MS + STORE_RESULT_MS < *(const uint64_t *)arg;
}

void exchanges_tidy(struct exchanges *x)
{
    uint64_t now_ms = clock_wall_ms();

    end_some(x, is_past, &now_ms);
}

void exchanges_forget_open(struct exchanges *x)
{
    while (x->open != NULL) {
        struct exchange_open *open = x->open;

        x->open = open->next;
        free(open);
    }
}
