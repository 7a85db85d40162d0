#include "platform/io/api_exchange.h"

#include "common/io/log.h"

#include <stdlib.h>
#include <string.h>

/* Who waits for an exchange. */

static struct api_caller *caller_add(struct api_group *group, const struct api_request *r)
{
    struct api_caller *caller = calloc(1, sizeof(*caller));

    if (caller != NULL) {
        caller->call = r->call;
        caller->group = group;
        caller->next = group->callers;
        memcpy(caller->trace_id, r->trace_id, sizeof(caller->trace_id));
        group->callers = caller;
    }
    return caller;
}

struct api_group *api_group_new(const struct api_request *r, bool is_keyed)
{
    struct api_group *group = calloc(1, sizeof(*group));

    if (group == NULL) {
        return NULL;
    }
    group->is_keyed = is_keyed;
    if (caller_add(group, r) == NULL) {
        free(group);
        return NULL;
    }
    return group;
}

void api_group_free(struct api_group *group)
{
    struct api_caller *next;

    if (group == NULL) {
        return;
    }
    for (struct api_caller *caller = group->callers; caller != NULL; caller = next) {
        next = caller->next;
        free(caller);
    }
    free(group);
}

static void caller_remove(struct api_caller *caller)
{
    struct api_caller **link = &caller->group->callers;

    while (*link != caller) {
        link = &(*link)->next;
    }
    *link = caller->next;
    free(caller);
}

static void on_gone(void *arg)
{
    struct http_reply nobody_reads = {.status = 499};
    struct api_caller *caller = arg;
    struct api_group *group = caller->group;

    http_call_reply(caller->call, &nobody_reads);
    if (group->is_keyed) {
        log_event(CX_LOG_INFO, "exchange.caller_gone", kv_id("id", exchange_id(group->exchange)),
                  kv_str("trace_id", caller->trace_id),
                  kv_str("why", "it gave an Idempotency-Key: the exchange goes on"));
        caller_remove(caller);
    } else {
        exchange_abandon(group->exchange);
        api_group_free(group);
    }
}

void api_group_watch(struct api_group *group)
{
    http_call_on_gone(group->callers->call, on_gone, group->callers);
}

bool api_group_join(struct api_group *group, const struct api_request *r)
{
    struct api_caller *caller = caller_add(group, r);

    if (caller != NULL) {
        http_call_on_gone(caller->call, on_gone, caller);
    }
    return caller != NULL;
}

bool api_group_answer(void *ctx, const struct exchange_end *end)
{
    struct api_group *group = ctx;
    bool is_answered = false;

    for (struct api_caller *caller = group->callers; caller != NULL; caller = caller->next) {
        is_answered = is_answered || !http_call_is_gone(caller->call);
        if (end->sent != NULL) { /* without a key: this is the only caller */
            http_call_on_sent(caller->call, end->sent, end->sent_ctx);
        }
        api_reply_end(caller->call, caller->trace_id, end);
    }
    api_group_free(group);
    return is_answered;
}
