#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/core/agent_policy.h"
#include "platform/core/features.h"
#include "platform/io/exchange.h"
#include "platform/io/tunnel_internal.h"

#include <stdlib.h>

/* The greeting: who this agent is now, which tunnels it replaces, what became of its jobs. */

void tunnel_note_policy(struct platform_tunnel *t, const struct msg_policy *policy)
{
    char *json = agent_policy_json(policy);

    if (json != NULL) { /* else what was told before stays */
        free(t->agent->policy_json);
        t->agent->policy_json = json;
    }
}

/* A tunnel that this one replaces. On the same ledger the agent has closed it and reads no more
 * from it, or the process that read it is dead: what is in its outbox never arrives. On another one
 * it may be read by somebody who shares the key. */
static void replace(struct platform_tunnel *old, bool is_newer_instance,
                    const struct cx_id *ledger_life)
{
    bool is_unread = id_eq(&old->ledger_life, ledger_life);

    tunnel_give_up(old, is_unread ? dispatch_tunnel_down : dispatch_tunnel_cut,
                   is_newer_instance ? MSG_CLOSE_REPLACED : MSG_CLOSE_DONE,
                   is_newer_instance ? "a newer instance of this agent has connected"
                                     : "replaced by a newer tunnel");
}

static void replace_others(struct registry_agent *a, const struct msg_hello *hello)
{
    bool is_newer_instance = !id_eq(&a->instance, &hello->instance);
    bool has_taken_over = is_newer_instance && registry_agent_is_connected(a);

    for (unsigned i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i] != NULL && (is_newer_instance || i == hello->tunnel)) {
            replace(a->tunnels[i], is_newer_instance, &a->ledger_life);
        }
    }
    a->instance = hello->instance;
    if (has_taken_over) {
        a->replaced_ms = clock_wall_ms();
        log_event(CX_LOG_WARN, "agent.replaced", kv_id("agent", &a->id),
                  kv_str("connector", a->connector->name),
                  kv_str("why", "another instance with the same key has connected: after a restart "
                                "that is as it should be; if it goes on, two machines share the "
                                "key, and one of them must be enrolled again"));
    }
}

/* What is told about the agent is kept: shown to the admin, and its ledger over our restart. */
static void note_agent(struct platform_tunnel *t, const struct msg_hello *hello)
{
    struct registry_agent *a = t->agent;
    struct cx_id fresh = random_id();
    struct registry_ledger ledger = {
        .id = hello->ledger, .seq = hello->ledger_seq, .instance = hello->instance};
    struct store_agent row;

    if (registry_note_ledger(a, &ledger, &fresh)) {
        log_event(
            CX_LOG_WARN, "agent.ledger_set_back", kv_id("agent", &a->id),
            kv_id("ledger", &hello->ledger), kv_u64("seq", hello->ledger_seq),
            kv_str("why", "its ledger is an old copy: it proves nothing about the jobs of before"));
    }
    registry_set_text(a->version, hello->agent_version);
    registry_set_text(a->host, hello->host);
    a->last_seen_ms = clock_wall_ms();
    tunnel_note_policy(t, &hello->policy);
    row = platform_agent_row(a);
    store_put_agent_seen(t->platform->store, &row);
    platform_store_dirty(t->platform);
}

static bool join_dispatch(struct platform_tunnel *t, const struct msg_hello *hello)
{
    struct dispatch_hello h = {.agent = t->agent->id,
                               .ledger = t->ledger_life,
                               .number = hello->tunnel,
                               .capacity = hello->capacity,
                               .features = features_of_hello(hello),
                               .known = hello->known,
                               .nknown = hello->nknown};

    t->dispatch = dispatch_tunnel_up(t->agent->connector->dispatch, &h, t);
    return t->dispatch != NULL;
}

static void log_up(const struct platform_tunnel *t, const struct msg_hello *hello)
{
    const struct registry_agent *a = t->agent;

    log_event(CX_LOG_INFO, "tunnel.up", kv_id("agent", &a->id),
              kv_str("connector", a->connector->name), kv_u64("tunnel", t->number),
              kv_str("peer", link_peer(t->link)), kv_id("session", &t->session),
              kv_str("agent_version", a->version), kv_str("host", a->host),
              kv_u64("capacity", t->capacity), kv_u64("known", hello->nknown),
              kv_u64("rules", hello->policy.nrules));
}

bool tunnel_on_hello(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail)
{
    const struct msg_hello *hello = &m->body.hello;

    if (t->is_greeted) {
        (void)cx_fail_set(fail, CX_E_STATE, "tunnel", "a second hello");
        return false;
    }
    if (t->platform->is_draining) { /* it came in while the door was closing */
        tunnel_close(t, MSG_CLOSE_DONE, "the platform is stopping");
        return true;
    }
    loop_timer_stop(&t->hello_timer);
    t->is_greeted = true;
    t->number = hello->tunnel;
    t->capacity = hello->capacity;
    t->session = random_id();
    note_agent(t, hello);
    t->ledger_life = t->agent->ledger_life;
    exchanges_hear(t->platform->exchanges, &t->agent->id, hello);
    replace_others(t->agent, hello);
    if (!join_dispatch(t, hello)) {
        tunnel_abort(t, CX_E_NOMEM);
        return true;
    }
    t->agent->tunnels[t->number] = t;
    log_up(t, hello);
    tunnel_send_welcome(t);
    dispatch_tunnel_ready(t->dispatch);
    return true;
}
