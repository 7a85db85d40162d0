#include "platform/io/tunnel.h"

#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/exchange.h"
#include "platform/io/tunnel_internal.h"

#include <openssl/x509.h>
#include <stdlib.h>

/* ---- the table ---- */

static struct platform_tunnel **bucket_of(struct tunnel_table *table, uint64_t serial)
{
    return &table->buckets[serial % TUNNEL_BUCKETS];
}

static void table_add(struct tunnel_table *table, struct platform_tunnel *t)
{
    struct platform_tunnel **bucket;

    t->serial = ++table->last_serial;
    bucket = bucket_of(table, t->serial);
    t->bucket_next = *bucket;
    *bucket = t;
    table->count++;
}

static void table_remove(struct tunnel_table *table, struct platform_tunnel *t)
{
    struct platform_tunnel **at = bucket_of(table, t->serial);

    while (*at != t) {
        at = &(*at)->bucket_next;
    }
    *at = t->bucket_next;
    table->count--;
}

struct platform_tunnel *tunnel_by_serial(const struct platform *p, uint64_t serial)
{
    struct platform_tunnel *t = p->tunnel_table.buckets[serial % TUNNEL_BUCKETS];

    while (t != NULL && t->serial != serial) {
        t = t->bucket_next;
    }
    return t;
}

/* Call it for every tunnel. `each` may close tunnels: they stay in the table until their links have
 * ended. */
static void for_each(struct tunnel_table *table,
                     void (*each)(struct platform_tunnel *t, const void *arg), const void *arg)
{
    for (size_t i = 0; i < TUNNEL_BUCKETS; i++) {
        for (struct platform_tunnel *t = table->buckets[i]; t != NULL; t = t->bucket_next) {
            each(t, arg);
        }
    }
}

/* ---- closing ---- */

/* It is nobody's tunnel any more, as far as others look. */
static void leave_registry(struct platform_tunnel *t)
{
    if (t->agent != NULL && t->is_greeted && t->agent->tunnels[t->number] == t) {
        t->agent->tunnels[t->number] = NULL;
    }
}

static void begin_closing(struct platform_tunnel *t)
{
    t->is_closing = true;
    loop_timer_stop(&t->hello_timer);
    loop_timer_stop(&t->leave_timer);
    leave_registry(t);
    if (t->dispatch != NULL) {
        dispatch_tunnel_drain(t->dispatch);
    }
}

void tunnel_close(struct platform_tunnel *t, unsigned code, const char *reason)
{
    if (!t->is_closing) {
        tunnel_flush_acks(t);
    }
    if (!t->is_closing) { /* if that failed, it is being aborted */
        begin_closing(t);
        link_close(t->link, code, reason);
    }
}

static void give_up_dispatch(struct platform_tunnel *t, void (*how)(struct dispatch_tunnel *))
{
    struct dispatch_tunnel *d = t->dispatch;

    if (d != NULL) {
        t->dispatch = NULL; /* from now on nobody hears what becomes of the outbox */
        how(d);
    }
}

void tunnel_give_up(struct platform_tunnel *t, void (*how)(struct dispatch_tunnel *), unsigned code,
                    const char *reason)
{
    tunnel_close(t, code, reason);
    give_up_dispatch(t, how);
}

void tunnel_abort(struct platform_tunnel *t, enum cx_err why)
{
    if (!t->is_closing) {
        begin_closing(t);
        log_event(CX_LOG_ERROR, "tunnel.aborted", kv_id("agent", &t->agent_id), kv_err(why));
        link_abort(t->link);
    }
}

/* ---- the link ---- */

static void on_message(void *owner, struct link *link, struct slice message)
{
    (void)link;
    tunnel_receive(owner, message);
}

static void on_violation(void *owner, struct link *link, enum link_violation violation)
{
    (void)link;
    tunnel_violated(owner, violation);
}

static void on_written(void *owner, struct link *link, uint64_t tag)
{
    struct platform_tunnel *t = owner;

    (void)link;
    if (t->dispatch != NULL) {
        exchange_written(t->platform, tag);
    }
}

static void on_unwritten(void *owner, struct link *link, uint64_t tag)
{
    struct platform_tunnel *t = owner;

    (void)link;
    if (t->dispatch != NULL) {
        exchange_unwritten(t->platform, tag);
    }
}

static void on_flushed(void *owner, struct link *link)
{
    struct platform_tunnel *t = owner;

    (void)link;
    if (t->has_refused && t->dispatch != NULL) {
        t->has_refused = false;
        dispatch_tunnel_ready(t->dispatch);
    }
}

static void log_closed(const struct platform_tunnel *t, const struct link_closed *closed)
{
    static const char *const ends[] = {
        [LINK_END_PEER] = "agent", [LINK_END_US] = "platform", [LINK_END_LOST] = "lost"};
    struct link_stats stats;

    link_stats(t->link, &stats);
    log_event(closed->code == MSG_CLOSE_DONE ? CX_LOG_INFO : CX_LOG_WARN, "tunnel.closed",
              kv_id("agent", &t->agent_id), kv_u64("tunnel", t->number),
              kv_str("peer", link_peer(t->link)), kv_str("by", ends[closed->end]),
              kv_u64("code", closed->code), kv_str("reason", closed->reason),
              kv_str("why", closed->detail),
              kv_u64("up_ms", loop_now_ms(t->platform->loop) - stats.opened_ms));
}

static void note_last_seen(struct platform_tunnel *t)
{
    struct store_agent row;

    if (t->agent != NULL && t->is_greeted) {
        t->agent->last_seen_ms = clock_wall_ms();
        row = platform_agent_row(t->agent);
        store_put_agent_seen(t->platform->store, &row);
        platform_store_dirty(t->platform);
    }
}

static void on_closed(void *owner, struct link *link, const struct link_closed *closed)
{
    struct platform_tunnel *t = owner;

    (void)link;
    log_closed(t, closed);
    loop_timer_stop(&t->hello_timer);
    loop_timer_stop(&t->leave_timer);
    leave_registry(t);
    note_last_seen(t);
    if (t->agent != NULL && t->is_greeted && t->agent->revoked_ms == 0) {
        platform_expect_agents(t->platform, t->agent->connector);
    }
    give_up_dispatch(t, dispatch_tunnel_cut); /* what was neither written nor unwritten: perhaps */
    tunnel_outbox_done(t);
    table_remove(&t->platform->tunnel_table, t);
    free(t);
}

static const struct link_events link_events = {.on_message = on_message,
                                               .on_violation = on_violation,
                                               .on_written = on_written,
                                               .on_flushed = on_flushed,
                                               .on_unwritten = on_unwritten,
                                               .on_closed = on_closed};

/* ---- accepting ---- */

/* A link that is closed as soon as it is there: nobody listens to it. */
static void ignore_message(void *owner, struct link *link, struct slice message)
{
    (void)owner;
    (void)link;
    (void)message;
}

static void ignore_end(void *owner, struct link *link, const struct link_closed *closed)
{
    (void)owner;
    (void)link;
    (void)closed;
}

static const struct link_events refused_events = {.on_message = ignore_message,
                                                  .on_closed = ignore_end};

/* The agent whose certificate this is; NULL: `why` says what is wrong with it. */
static struct registry_agent *find_agent(const struct platform *p, const X509 *cert,
                                         struct cert_agent_name *name, const char **why)
{
    struct registry_agent *a = NULL;
    struct cx_fail fail;
    struct cx_id id;

    *why = "this agent is not known here: enrol it again";
    if (cert != NULL && cert_agent_name(cert, name, &fail) == CX_OK &&
        id_parse(slice_of_str(name->agent), &id) == CX_OK) {
        a = registry_find_agent(&p->registry, &id);
    }
    if (a != NULL && !slice_eq_str(slice_of_str(name->connector), a->connector->name)) {
        a = NULL;
    }
    if (a != NULL && a->revoked_ms != 0) {
        *why = "this agent has been revoked: enrol it again if it shall come back";
        a = NULL;
    }
    return a;
}

static void refuse(struct link *link, const struct cert_agent_name *name, const char *why)
{
    log_event(CX_LOG_WARN, "tunnel.refused", kv_str("peer", link_peer(link)),
              kv_str("agent", name->agent), kv_str("connector", name->connector),
              kv_str("why", why));
    link_bind(link, &refused_events, NULL);
    link_close(link, MSG_CLOSE_UNKNOWN_IDENTITY, why);
}

static void on_hello_late(void *arg)
{
    struct platform_tunnel *t = arg;

    tunnel_close(t, MSG_CLOSE_NO_HELLO, "no hello came in time");
}

void tunnel_accept(struct platform *p, struct link *link)
{
    struct cert_agent_name name = {0};
    const char *why;
    X509 *cert = link_certificate(link);
    struct registry_agent *a = find_agent(p, cert, &name, &why);
    struct platform_tunnel *t = a == NULL ? NULL : calloc(1, sizeof(*t));

    X509_free(cert);
    if (a == NULL) {
        refuse(link, &name, why);
        return;
    }
    if (t == NULL) {
        link_bind(link, &refused_events, NULL);
        link_abort(link);
        return;
    }
    t->platform = p;
    t->link = link;
    t->agent = a;
    t->agent_id = a->id;
    table_add(&p->tunnel_table, t);
    link_bind(link, &link_events, t);
    loop_timer_start(p->loop, &t->hello_timer, TUNNEL_HELLO_MS, on_hello_late, t);
}

/* ---- what others ask ---- */

struct dispatch_tunnel *tunnel_dispatch(const struct platform_tunnel *t)
{
    return t->dispatch;
}

struct registry_agent *tunnel_agent(const struct platform_tunnel *t)
{
    return t->agent;
}

uint64_t tunnel_serial(const struct platform_tunnel *t)
{
    return t->serial;
}

void tunnel_look(const struct platform_tunnel *t, struct tunnel_view *out)
{
    struct link_stats stats;

    link_stats(t->link, &stats);
    *out = (struct tunnel_view){.number = t->number,
                                .capacity = t->capacity,
                                .outstanding = dispatch_tunnel_outstanding(t->dispatch),
                                .opened_ms = stats.opened_ms,
                                .heard_ms = stats.heard_ms,
                                .rtt_us = stats.rtt_us,
                                .peer = link_peer(t->link)};
}

/* ---- closing many ---- */

struct revoked {
    const struct registry_agent *agent;
    const struct registry_connector *connector;
    const char *reason;
};

/* What is queued holds passwords: it does not go out to a revoked agent, not even before the close.
 */
static void close_at_once(struct platform_tunnel *t, const char *reason)
{
    if (t->is_closing) {
        return;
    }
    begin_closing(t);
    if (link_outbox_bytes(t->link) == 0) {
        link_close(t->link, MSG_CLOSE_UNKNOWN_IDENTITY, reason);
    } else {
        link_abort(t->link);
    }
}

static void close_revoked(struct platform_tunnel *t, const void *arg)
{
    const struct revoked *r = arg;

    if (t->agent == r->agent) {
        close_at_once(t, r->reason);
    }
}

void tunnel_close_agent(struct platform *p, const struct registry_agent *a, const char *reason)
{
    struct revoked r = {.agent = a, .reason = reason};

    for_each(&p->tunnel_table, close_revoked, &r);
}

static void close_forgotten(struct platform_tunnel *t, const void *arg)
{
    const struct revoked *r = arg;

    if (t->agent != NULL && t->agent->connector == r->connector) {
        close_at_once(t, r->reason);
        give_up_dispatch(t, dispatch_tunnel_cut);
        t->agent = NULL;
    }
}

void tunnel_forget_connector(struct platform *p, const struct registry_connector *c,
                             const char *reason)
{
    struct revoked r = {.connector = c, .reason = reason};

    for_each(&p->tunnel_table, close_forgotten, &r);
}

static void close_done(struct platform_tunnel *t, const void *arg)
{
    tunnel_give_up(t, dispatch_tunnel_cut, MSG_CLOSE_DONE, arg);
}

void tunnel_close_all(struct platform *p, const char *reason)
{
    for_each(&p->tunnel_table, close_done, reason);
}

/* ---- leaving ---- */

struct leave {
    const char *reason;
    uint32_t grace_ms;
};

static void ask_to_leave(struct platform_tunnel *t, const void *arg)
{
    const struct leave *leave = arg;

    if (t->is_closing) {
        return;
    }
    if (t->is_greeted) {
        dispatch_tunnel_drain(t->dispatch);
        tunnel_send_drain(t, leave->reason, leave->grace_ms);
    } else {
        tunnel_close(t, MSG_CLOSE_DONE, leave->reason);
    }
}

void tunnel_drain_all(struct platform *p, const char *reason, uint32_t grace_ms)
{
    struct leave leave = {.reason = reason, .grace_ms = grace_ms};

    for_each(&p->tunnel_table, ask_to_leave, &leave);
}

size_t tunnel_outstanding_all(const struct platform *p)
{
    size_t outstanding = 0;

    for (size_t i = 0; i < TUNNEL_BUCKETS; i++) {
        for (const struct platform_tunnel *t = p->tunnel_table.buckets[i]; t != NULL;
             t = t->bucket_next) {
            outstanding += t->dispatch == NULL ? 0 : dispatch_tunnel_outstanding(t->dispatch);
        }
    }
    return outstanding;
}
