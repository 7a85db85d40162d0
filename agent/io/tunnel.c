#include "agent/io/tunnel.h"

#include "agent/io/agent.h"
#include "agent/io/outbox.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/proxy_tunnel.h"
#include "common/io/ws_client.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOKUP_MS = 10000,
    PROXY_MS = 10000,
    UPGRADE_MS = 10000,
    ADDRESS_MS = 2000, /* for TCP, with another address to try: a second SYN has had its answer */
};

static void step(struct agent_tunnel *t, const struct session_event *ev);

static void say_trouble(struct agent_tunnel *t, const char *event, const char *what)
{
    (void)snprintf(t->trouble, sizeof(t->trouble), "%s", what);
    cx_text_clean(t->trouble);
    log_event(CX_LOG_WARN, event, kv_u64("tunnel", t->number), kv_str("error", what));
}

static void connect_failed(struct agent_tunnel *t, const char *what, bool is_identity_refused)
{
    struct session_event ev = {.kind = SESSION_EV_CONNECT_FAILED,
                               .is_identity_refused = is_identity_refused,
                               .random = (uint32_t)random_u64()};

    say_trouble(t, is_identity_refused ? "tunnel.refused" : "tunnel.connect_failed", what);
    step(t, &ev);
}

/* ---- the link ---- */

static void on_message(void *owner, struct link *link, struct slice message)
{
    struct agent_tunnel *t = owner;

    (void)link;
    agent_receive(t->agent, t, message);
}

static void on_flushed(void *owner, struct link *link)
{
    struct agent_tunnel *t = owner;

    (void)link;
    if (t->has_backlog) {
        t->has_backlog = false;
        agent_report_backlog(t->agent, t);
    }
}

/* What a close code means for a person. */
static const char *close_text(unsigned code)
{
    switch (code) {
    case MSG_CLOSE_UNKNOWN_IDENTITY:
        return "the platform does not know this agent or has revoked it: enrol it again "
               "(connector-agent enroll --force)";
    case MSG_CLOSE_REPLACED:
        return "another agent with the same key has taken over; two machines must not share an "
               "identity. Enrol one of them again, then reload this agent";
    case MSG_CLOSE_VERSION:
        return "the platform does not speak this version of the protocol";
    case MSG_CLOSE_PROTOCOL:
        return "protocol error";
    case MSG_CLOSE_TOO_BIG:
        return "a message was too big";
    case MSG_CLOSE_NO_HELLO:
        return "no greeting came in time";
    default:
        return NULL;
    }
}

static void on_closed(void *owner, struct link *link, const struct link_closed *closed)
{
    struct agent_tunnel *t = owner;
    const char *text = close_text(closed->code);
    struct session_event ev = {
        .kind = SESSION_EV_CLOSED, .close_code = closed->code, .random = (uint32_t)random_u64()};

    (void)link;
    t->link = NULL;
    t->has_backlog = false;
    (void)snprintf(t->trouble, sizeof(t->trouble), "%s%s%s", text != NULL ? text : closed->detail,
                   closed->reason[0] != '\0' ? ": " : "", closed->reason);
    cx_text_clean(t->trouble);
    log_event(closed->code == MSG_CLOSE_DONE ? CX_LOG_INFO : CX_LOG_WARN, "tunnel.closed",
              kv_u64("tunnel", t->number), kv_u64("code", closed->code),
              kv_str("why", text != NULL ? text : closed->detail),
              kv_str("reason", closed->reason));
    step(t, &ev);
}

/* A rule of the WebSocket itself was broken; the library closes what is too long by itself. */
static void on_violation(void *owner, struct link *link, enum link_violation violation)
{
    struct agent_tunnel *t = owner;
    struct cx_fail fail;

    (void)link;
    if (violation == LINK_TEXT_FRAME) {
        (void)cx_fail_set(&fail, CX_E_TYPE, "tunnel", "a text frame; only binary ones are allowed");
        agent_send_protocol_error(t->agent, t, &fail);
    }
}

static const struct link_events link_events = {.on_message = on_message,
                                               .on_violation = on_violation,
                                               .on_flushed = on_flushed,
                                               .on_closed = on_closed};

/* ---- connecting ---- */

static void try_next_address(struct agent_tunnel *t);

static void on_link(void *arg, struct link *link)
{
    struct agent_tunnel *t = arg;
    struct session_event ev = {.kind = SESSION_EV_CONNECTED};

    t->attempt = NULL;
    t->link = link;
    t->last_good = t->addresses[t->next_address - 1];
    t->message_bytes_max = MSG_MESSAGE_BYTES_MAX;
    t->websocket_bytes_max = MSG_WEBSOCKET_BYTES_MAX;
    link_bind(link, &link_events, t);
    step(t, &ev);
}

static void on_failed(void *arg, const struct ws_failed *failed)
{
    static const char *const stages[] = {[WS_STAGE_CONNECT] = "TCP connection",
                                         [WS_STAGE_TLS] = "TLS",
                                         [WS_STAGE_UPGRADE] = "WebSocket upgrade"};
    struct agent_tunnel *t = arg;
    const char *address = t->addresses[t->next_address - 1].text;
    char proxy[PROXY_URL_BYTES];
    char what[1024];

    t->attempt = NULL;
    if (t->next_address < t->naddresses && failed->code != CX_E_CERT) {
        log_event(CX_LOG_DEBUG, "tunnel.address_failed", kv_u64("tunnel", t->number),
                  kv_str("address", address), kv_str("error", failed->detail));
        try_next_address(t);
        return;
    }
    if (proxy_is_set(&t->agent->config.proxy)) {
        address = proxy_url(&t->agent->config.proxy, proxy);
    }
    (void)snprintf(what, sizeof(what), "%s to %s port %u (%s%s) failed: %s", stages[failed->stage],
                   t->agent->config.endpoint.host, t->agent->config.endpoint.port,
                   address == proxy ? "through " : "", address, failed->detail);
    connect_failed(t, what, failed->code == CX_E_CERT);
}

/* The WebSocket: to the next address, or on `socket`, which a proxy has connected; -1: none. */
static void start_upgrade(struct agent_tunnel *t, int socket)
{
    const struct agent_endpoint *endpoint = &t->agent->config.endpoint;
    bool is_last = t->next_address + 1 >= t->naddresses;
    struct ws_attempt_opts opts = {
        .address = &t->addresses[t->next_address++],
        .host = endpoint->host,
        .port = endpoint->port,
        .path = MSG_TUNNEL_PATH,
        .subprotocol = MSG_SUBPROTOCOL,
        .timeout_ms = UPGRADE_MS,
        .connect_ms = is_last ? 0 : ADDRESS_MS,
        .has_socket = socket >= 0,
        .socket = socket,
        .on_link = on_link,
        .on_failed = on_failed,
        .arg = t,
    };
    struct cx_fail fail = {0};

    if (ws_client_connect(t->agent->ws_client, &opts, &t->attempt, &fail) != CX_OK) {
        connect_failed(t, cx_fail_text(&fail), false);
    }
}

static void try_next_address(struct agent_tunnel *t)
{
    start_upgrade(t, -1);
}

/* Where a tunnel was before comes first, if the name still has it: a family of addresses that leads
 * nowhere then costs its time once, and not at each reconnect. */
static void prefer_last_good(struct agent_tunnel *t)
{
    for (size_t i = 1; i < t->naddresses; i++) {
        struct loop_address good = t->addresses[i];

        if (good.sa_len == t->last_good.sa_len &&
            memcmp(&good.sa, &t->last_good.sa, good.sa_len) == 0) {
            memmove(&t->addresses[1], &t->addresses[0], i * sizeof(good));
            t->addresses[0] = good;
            return;
        }
    }
}

static void on_lookup(void *arg, const struct loop_address *addresses, size_t n,
                      const struct cx_fail *fail)
{
    struct agent_tunnel *t = arg;

    t->lookup = NULL;
    loop_timer_stop(&t->lookup_timer);
    if (n == 0) {
        connect_failed(t, cx_fail_text(fail), false);
        return;
    }
    t->naddresses = n;
    t->next_address = 0;
    memcpy(t->addresses, addresses, n * sizeof(*addresses));
    prefer_last_good(t);
    try_next_address(t);
}

static void on_lookup_late(void *arg)
{
    struct agent_tunnel *t = arg;
    char what[400];

    loop_lookup_cancel(t->lookup);
    t->lookup = NULL;
    (void)snprintf(what, sizeof(what), "the name %s could not be resolved within %d s",
                   t->agent->config.endpoint.host, LOOKUP_MS / 1000);
    connect_failed(t, what, false);
}

static void start_lookup(struct agent_tunnel *t)
{
    struct loop_lookup_ask ask = {.host = t->agent->config.endpoint.host,
                                  .port = t->agent->config.endpoint.port,
                                  .done = on_lookup,
                                  .arg = t};

    if (loop_lookup(t->agent->loop, &ask, &t->lookup) != CX_OK) {
        connect_failed(t, "out of memory", false);
        return;
    }
    loop_timer_start(t->agent->loop, &t->lookup_timer, LOOKUP_MS, on_lookup_late, t);
}

static void on_proxy(void *arg, const struct proxy_tunnel_end *end)
{
    struct agent_tunnel *t = arg;
    char url[PROXY_URL_BYTES];
    char what[1024];

    t->proxy = NULL;
    if (end->socket < 0) {
        (void)snprintf(what, sizeof(what), "no connection to %s port %u through %s: %s",
                       t->agent->config.endpoint.host, t->agent->config.endpoint.port,
                       proxy_url(&t->agent->config.proxy, url), cx_fail_text(&end->fail));
        connect_failed(t, what, false);
        return;
    }
    t->naddresses = 1;
    t->next_address = 0;
    t->addresses[0] = *end->address;
    start_upgrade(t, end->socket);
}

static void start_proxy(struct agent_tunnel *t)
{
    struct proxy_tunnel_opts opts = {.proxy = &t->agent->config.proxy,
                                     .host = t->agent->config.endpoint.host,
                                     .port = t->agent->config.endpoint.port,
                                     .timeout_ms = PROXY_MS,
                                     .done = on_proxy,
                                     .arg = t};

    if (proxy_tunnel_start(t->agent->loop, &opts, &t->proxy) != CX_OK) {
        connect_failed(t, "out of memory", false);
    }
}

/* ---- the session ---- */

static void on_timer(void *arg)
{
    tunnel_event(arg, SESSION_EV_TIMER);
}

static void on_sibling(void *arg)
{
    struct agent *a = arg;

    agent_open_tunnel(a);
}

static void perform(struct agent_tunnel *t, const struct session_actions *act)
{
    struct agent *a = t->agent;

    if (act->has_timer) {
        loop_timer_start(a->loop, &t->timer, act->timer_ms, on_timer, t);
    }
    if (act->send_hello) {
        agent_send_hello(a, t);
    }
    if (act->resend_results) {
        agent_report_all(a, t);
    }
    if (act->send_drain) {
        agent_send_drain(a, t, "the agent is stopping");
    }
    if (act->close_code != 0 && t->link != NULL) {
        link_close(t->link, act->close_code, "");
    }
    if (act->open_sibling) {
        loop_timer_start(a->loop, &a->sibling_timer, act->sibling_after_ms, on_sibling, a);
    }
    if (act->is_over) {
        tunnel_drop(t);
        t->is_used = false;
        agent_tunnel_over(a);
        return;
    }
    if (act->connect && proxy_is_set(&a->config.proxy)) {
        start_proxy(t);
    } else if (act->connect) {
        start_lookup(t);
    }
}

static void step(struct agent_tunnel *t, const struct session_event *ev)
{
    struct session_actions act = session_step(&t->session, ev, loop_now_ms(t->agent->loop));

    perform(t, &act);
}

void tunnel_event(struct agent_tunnel *t, enum session_event_kind kind)
{
    struct session_event ev = {.kind = kind, .random = (uint32_t)random_u64()};

    step(t, &ev);
}

void tunnel_proxy_changed(struct agent_tunnel *t)
{
    if (t->proxy != NULL) {
        proxy_tunnel_cancel(t->proxy);
        t->proxy = NULL;
        connect_failed(t, "the configuration was reloaded while the proxy was asked", false);
    }
}

void tunnel_open(struct agent_tunnel *t)
{
    struct agent *agent = t->agent;
    unsigned number = t->number;

    *t = (struct agent_tunnel){.agent = agent, .number = number, .is_used = true};
    (void)snprintf(t->trouble, sizeof(t->trouble), "connecting for the first time");
    tunnel_event(t, SESSION_EV_START);
}

bool tunnel_is_up(const struct agent_tunnel *t)
{
    return t->is_used && t->link != NULL &&
           (t->session.state == SESSION_READY || t->session.state == SESSION_LEAVING);
}

void tunnel_drop(struct agent_tunnel *t)
{
    loop_timer_stop(&t->timer);
    loop_timer_stop(&t->lookup_timer);
    if (t->lookup != NULL) {
        loop_lookup_cancel(t->lookup);
        t->lookup = NULL;
    }
    if (t->proxy != NULL) {
        proxy_tunnel_cancel(t->proxy);
        t->proxy = NULL;
    }
    if (t->attempt != NULL) {
        ws_attempt_cancel(t->attempt);
        t->attempt = NULL;
    }
}
