#include "common/core/trace_run.h"

#include "common/core/url.h"

#include <stdio.h>
#include <string.h>

enum { BODY_SHOWN_BYTES = 4096, HOST_BYTES = 300 };

/* How far it came: the hop at which it ended, in their order. */
static int reached(enum stage stage)
{
    static const int order[STAGE_COUNT] = {
        [STAGE_TEMPLATE] = 1, [STAGE_POLICY] = 2, [STAGE_SECRET] = 2,  [STAGE_AGENT] = 2,
        [STAGE_RESOLVE] = 3,  [STAGE_PROXY] = 4,  [STAGE_CONNECT] = 4, [STAGE_TLS] = 5,
        [STAGE_SEND] = 6,     [STAGE_WAIT] = 7,   [STAGE_RECEIVE] = 7, [STAGE_PARSE] = 8,
        [STAGE_NONE] = 9};

    return order[stage];
}

/* A refused address is a matter of the policy that shows only when the name is resolved. */
static int reached_by(const struct trace_facts *f, const struct msg_result *r)
{
    enum stage stage = r->has_error ? r->error.stage : STAGE_NONE;

    if (r->execution == EXECUTION_ANSWERED) {
        return reached(STAGE_NONE);
    }
    return stage == STAGE_POLICY && f->naddresses > 0 ? reached(STAGE_CONNECT) : reached(stage);
}

static bool is_hidden(const struct trace_facts *f)
{
    return f->rule->target != NULL && !f->is_at_hand;
}

static bool has_proxy(const struct trace_facts *f)
{
    return proxy_is_set(&f->rule->proxy);
}

/* ---- before the network ---- */

static void add_template(struct trace *t, const struct trace_facts *f)
{
    trace_row(t, "template", f->template_us, "%s %.*s", terms_method(f->shown->method),
              SLICE_ARG(buf_view(&f->shown->url)));
}

static void add_policy(struct trace *t, const struct trace_facts *f, uint64_t us)
{
    const struct policy_rule *rule = f->rule;

    if (f->is_at_hand) {
        trace_row(t, "policy", us, "rule \"%s\" (%s)%s%s", rule->name, rule->where,
                  rule->target != NULL ? ", which sends it to " : "",
                  rule->target != NULL ? rule->target : "");
    } else if (rule->share == POLICY_SHARE_NONE) {
        trace_row(t, "policy", us, "a rule allows it");
    } else {
        trace_row(t, "policy", us, "rule \"%s\"", rule->name);
    }
}

/* ---- the way ---- */

static void add_resolve(struct trace *t, const struct trace_facts *f, uint64_t us)
{
    char text[TRACE_ADDRESSES_MAX * (TRACE_ADDRESS_BYTES + 16)] = "";
    size_t used = 0;

    if (is_hidden(f) || (has_proxy(f) && !f->is_at_hand)) {
        trace_row(t, "resolve", us, "the name of %s is known",
                  has_proxy(f) ? "the rule's proxy" : "the endpoint");
        return;
    }
    for (size_t i = 0; i < f->naddresses && used < sizeof(text); i++) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i > 0 ? ", " : "",
                             f->addresses[i].text, f->addresses[i].is_allowed ? "" : " (refused)");
    }
    trace_row(t, "resolve", us, "%s%s", text, has_proxy(f) ? " (the proxy's)" : "");
}

static const char *address_used(const struct trace_facts *f, const char *host)
{
    const char *used = host;

    for (size_t i = 0; i < f->naddresses; i++) {
        used = f->addresses[i].is_allowed ? f->addresses[i].text : used;
    }
    return used;
}

static void add_connect(struct trace *t, const struct trace_facts *f, const struct url *url,
                        uint64_t us)
{
    char proxy[PROXY_URL_BYTES];

    if (is_hidden(f)) {
        trace_row(t, "connect", us, "connected%s", has_proxy(f) ? " through the rule's proxy" : "");
    } else if (!has_proxy(f)) {
        trace_row(t, "connect", us, "%s port %u", address_used(f, url->host), url->port);
    } else {
        trace_row(t, "connect", us, "%s port %u through %s", url->host, url->port,
                  f->is_at_hand ? proxy_url(&f->rule->proxy, proxy) : "the rule's proxy");
    }
}

static void add_certificate(struct trace *t, const struct trace_facts *f)
{
    const struct trace_tls *tls = &f->tls;

    if (!tls->is_seen || is_hidden(f)) {
        return;
    }
    trace_line(t, "certificate for %s", tls->names[0] != '\0' ? tls->names : "no name");
    trace_line(t, "issued by %s", tls->issuer);
    if (tls->is_early) {
        trace_line(t, "not valid yet");
    } else if (tls->days_left < 0) {
        trace_line(t, "it has expired");
    } else {
        trace_line(t, "%lld days left", (long long)tls->days_left);
    }
}

static void add_tls(struct trace *t, const struct trace_facts *f, uint64_t us)
{
    const char *ca = f->rule->ca == NULL ? "the system's CAs" : "the CAs of the rule";

    trace_row(t, "tls", us, "%s%sthe certificate is good, by %s", f->tls.protocol,
              f->tls.protocol[0] != '\0' ? "; " : "",
              f->rule->ca != NULL && f->is_at_hand ? f->rule->ca : ca);
    add_certificate(t, f);
}

static void add_way(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    const struct msg_timing *us = &r->timing;
    int at = reached_by(f, r);
    struct url url = {0};

    if (at <= reached(STAGE_RESOLVE) || url_read(f->goes_to, &url, NULL) != CX_OK) {
        return;
    }
    if (f->naddresses > 0) {
        add_resolve(t, f, us->resolve);
    }
    if (at > reached(STAGE_CONNECT)) {
        add_connect(t, f, &url, us->connect);
    }
    if (at > reached(STAGE_TLS) && url.is_https) {
        add_tls(t, f, us->tls);
    }
    url_done(&url);
}

/* ---- the request ---- */

/* As it is sent: without the scheme's own port. */
static struct slice authority_of(struct slice url)
{
    struct slice port =
        slice_has_prefix(url, SLICE_LIT("https:")) ? SLICE_LIT(":443") : SLICE_LIT(":80");
    size_t from = slice_find(url, 0, ':') + 3;
    size_t to = slice_find(url, from, '/');
    size_t query = slice_find(url, from, '?');
    struct slice whole = slice_from(slice_first(url, to < query ? to : query), from);
    bool has_port = whole.len > port.len && slice_eq(slice_from(whole, whole.len - port.len), port);

    return has_port ? slice_first(whole, whole.len - port.len) : whole;
}

static struct slice rest_of(struct slice url)
{
    size_t path = slice_find(url, slice_find(url, 0, ':') + 3, '/');
    size_t query = slice_find(url, 0, '?');

    return slice_from(url, path < query ? path : query);
}

static void add_request(struct trace *t, const struct trace_facts *f, enum execution execution)
{
    const struct request *q = f->shown;
    struct slice url = buf_view(&q->url);
    struct slice host = f->is_at_hand && f->goes_to.len > 0 ? f->goes_to : url;
    struct slice lines = buf_view(&q->headers);

    trace_row(t, "request", 0, "%s",
              execution == EXECUTION_NOT_SENT ? "not sent; it would have been"
              : execution == EXECUTION_SENT   ? "as far as it was sent"
                                              : "as sent");
    trace_line(t, "%s %.*s HTTP/1.1", terms_method(q->method), SLICE_ARG(rest_of(url)));
    trace_line(t, "Host: %.*s", SLICE_ARG(authority_of(host)));
    while (lines.len > 0) {
        struct slice line = request_take_header(&lines);

        trace_line(t, "%.*s", SLICE_ARG(line));
    }
    if (q->has_body) {
        trace_line(t, "%s", "");
        trace_lines(t, buf_view(&q->body), BODY_SHOWN_BYTES);
    }
}

/* ---- how it ended ---- */

static uint64_t time_of(const struct msg_result *r)
{
    switch (r->error.stage) {
    case STAGE_POLICY:
        return r->timing.policy;
    case STAGE_RESOLVE:
        return r->timing.resolve;
    case STAGE_PROXY:
    case STAGE_CONNECT:
        return r->timing.connect;
    case STAGE_TLS:
        return r->timing.tls;
    case STAGE_SEND:
    case STAGE_WAIT:
        return r->timing.wait;
    case STAGE_RECEIVE:
        return r->timing.receive;
    default:
        return 0;
    }
}

/* The endpoint's own words may be in it. */
static struct slice message_of(const struct trace_facts *f, const struct msg_result *r)
{
    if (trace_repeats_secret(f, r->error.message)) {
        return SLICE_LIT("(not shown: it repeats a secret of the request)");
    }
    return r->error.message;
}

/* The hop at which it ended; how it stands in a row of its own. */
static void add_failed_hop(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    trace_row(t, terms_stage(r->error.stage), time_of(r), "%.*s", SLICE_ARG(message_of(f, r)));
    trace_failed(t, advice_for(f->side, r->code, r->error.stage));
    if (r->error.stage == STAGE_TLS && f->rule != NULL) {
        add_certificate(t, f);
    }
}

static void add_said(struct trace *t, const struct trace_facts *f, const char *what,
                     struct slice text)
{
    if (text.len > 0) {
        trace_line(t, "%s: %.*s", what,
                   SLICE_ARG(trace_repeats_secret(f, text)
                                 ? SLICE_LIT("(not shown: it repeats a secret of the request)")
                                 : text));
    }
}

static void add_token(struct trace *t, const struct trace_facts *f, const struct msg_token *token)
{
    trace_line(t, "access token: %.*s, %zu characters", SLICE_ARG(token->token_type),
               token->access_token.len);
    if (f->is_type_assumed) {
        trace_line(t, "warning: the answer has no token_type (RFC 6749, 5.1); taken as Bearer");
    }
    if (token->has_expires_in) {
        trace_line(t, "expires in %llu s", (unsigned long long)token->expires_in);
    }
    trace_line(t, "refresh token: %s", slice_is_absent(token->refresh_token) ? "no" : "yes");
    if (token->scope.len > 0) {
        trace_line(t, "scope: %.*s", SLICE_ARG(token->scope));
    }
}

static const char *in_words(enum execution execution)
{
    switch (execution) {
    case EXECUTION_NOT_SENT:
        return ": nothing of the request was sent";
    case EXECUTION_SENT:
        return ": the request may have been sent, no whole answer came";
    default:
        return "";
    }
}

/* It ended at a hop that has a row of its own, and not by what the answer means. */
static bool ended_at_hop(const struct msg_result *r)
{
    return r->has_error && r->error.stage != STAGE_NONE &&
           (r->execution != EXECUTION_ANSWERED || r->code == VERDICT_ANSWER_UNREADABLE);
}

static void add_verdict(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    struct slice message = r->has_error && !ended_at_hop(r) ? message_of(f, r) : (struct slice){0};

    trace_row(t, "verdict", r->timing.total, "%s%s%s%.*s", terms_verdict(r->code),
              in_words(r->execution), message.len > 0 ? ": " : "", SLICE_ARG(message));
    if (!terms_is_success(r->outcome) && !ended_at_hop(r)) {
        trace_failed(t, advice_for(f->side, r->code, r->error.stage));
    }
    if (r->has_token) {
        add_token(t, f, &r->token);
    }
    if (r->has_error) {
        add_said(t, f, "error", r->error.oauth_error);
        add_said(t, f, "error_description", r->error.oauth_description);
    }
    if (f->is_retried) {
        trace_line(t, "the second attempt: the first one failed before anything was sent");
    }
}

void trace_run(struct trace *t, const struct trace_facts *f, const struct msg_result *r)
{
    bool is_hop = ended_at_hop(r);

    if (f->shown != NULL) {
        add_template(t, f);
    }
    if (f->rule != NULL) {
        add_policy(t, f, r->timing.policy);
        add_way(t, f, r);
    }
    if (is_hop && r->execution == EXECUTION_NOT_SENT) {
        add_failed_hop(t, f, r);
    }
    if (f->shown != NULL) {
        add_request(t, f, r->execution);
    }
    if (is_hop && r->execution == EXECUTION_SENT) {
        add_failed_hop(t, f, r);
    }
    if (r->status != 0) {
        trace_answer(t, f, r);
    }
    if (is_hop && r->execution == EXECUTION_ANSWERED) {
        add_failed_hop(t, f, r);
    }
    add_verdict(t, f, r);
}
