#include "agent/io/try_trace.h"

#include "agent/core/advice.h"
#include "common/core/request_mask.h"
#include "common/core/url.h"
#include "common/io/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { BODY_SHOWN_BYTES = 4096, TOKEN_SHOWN = 4 };

#define TEXT_COLUMN "                        "

/* ---- rows ---- */

static void begin_row(const char *hop, uint64_t us)
{
    char time[24] = "";

    if (us > 0) {
        (void)snprintf(time, sizeof(time), "%.2f ms", (double)us / 1000.0);
    }
    printf("  %-9s %10s  ", hop, time);
}

static void row(const char *hop, uint64_t us, const char *text)
{
    begin_row(hop, us);
    printf("%s\n", text);
}

/* Without what a terminal would obey. */
static void print_clean(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        (void)putchar(text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? '?' : text.ptr[i]);
    }
}

/* ---- while it runs ---- */

static void print_rest_of_url(struct slice url)
{
    size_t scheme_end = slice_find(url, 0, ':') + 3;
    size_t query = slice_find(url, 0, '?');
    size_t path = slice_find(url, scheme_end, '/');

    print_clean(slice_from(url, path < query ? path : query));
}

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

static void on_built(void *ctx)
{
    struct try_trace *t = ctx;
    struct cx_fail fail = {0};
    enum stage stage = STAGE_NONE;

    t->built_us = clock_mono_us();
    begin_row("template", t->built_us - t->began_us);
    t->has_shown = request_build_masked(t->job, &t->shown, &stage, &fail) == CX_OK;
    if (t->has_shown) {
        struct slice url = buf_view(&t->shown.url);

        printf("%s ", terms_method(t->shown.method));
        print_clean(url);
        printf("\n");
    } else {
        printf("built; it can't be shown: %s\n", cx_fail_text(&fail));
    }
    (void)fflush(stdout);
}

static void on_ruled(void *ctx, const struct policy_rule *rule)
{
    struct try_trace *t = ctx;

    t->rule = rule;
    begin_row("policy", clock_mono_us() - t->built_us);
    printf("rule \"%s\" (%s)%s%s\n", rule->name, rule->where,
           rule->target != NULL ? ", which sends it to " : "",
           rule->target != NULL ? rule->target : "");
    t->has_shown =
        t->has_shown && policy_put_url(rule, buf_view(&t->shown.url), &t->goes_to) == CX_OK;
    (void)fflush(stdout);
}

static bool address_text(const struct sockaddr *address, char out[TRY_ADDRESS_BYTES])
{
    const void *bytes =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

    return inet_ntop(address->sa_family, bytes, out, TRY_ADDRESS_BYTES) != NULL;
}

static void on_addressed(void *ctx, const struct sockaddr *address, const struct cx_fail *why)
{
    struct try_trace *t = ctx;
    char text[TRY_ADDRESS_BYTES];

    if (!address_text(address, text) || t->naddresses == TRY_ADDRESSES_MAX) {
        return;
    }
    for (size_t i = 0; i < t->naddresses; i++) { /* each is asked about again before it is used */
        if (strcmp(t->addresses[i].text, text) == 0) {
            return;
        }
    }
    memcpy(t->addresses[t->naddresses].text, text, sizeof(text));
    t->addresses[t->naddresses++].is_allowed = why == NULL;
}

static void on_ended(void *ctx, const struct http_end *end)
{
    struct try_trace *t = ctx;

    t->is_retried = t->has_end;
    t->has_end = true;
    t->timing = end->timing;
    t->body_bytes = end->body.len;
    (void)snprintf(t->content_type, sizeof(t->content_type), "%.*s", SLICE_ARG(end->content_type));
    cx_text_clean(t->content_type);
}

struct executor_observer try_trace_observer(struct try_trace *t)
{
    return (struct executor_observer){.built = on_built,
                                      .ruled = on_ruled,
                                      .addressed = on_addressed,
                                      .ended = on_ended,
                                      .ctx = t};
}

/* ---- when it has ended ---- */

/* How far it came: the hop at which it ended, in their order. */
static int reached(enum stage stage)
{
    static const int order[STAGE_COUNT] = {
        [STAGE_TEMPLATE] = 1, [STAGE_SECRET] = 1,  [STAGE_POLICY] = 2, [STAGE_RESOLVE] = 3,
        [STAGE_PROXY] = 4,    [STAGE_CONNECT] = 4, [STAGE_TLS] = 5,    [STAGE_SEND] = 6,
        [STAGE_WAIT] = 7,     [STAGE_RECEIVE] = 7, [STAGE_PARSE] = 8,  [STAGE_NONE] = 9};

    return order[stage];
}

static void print_addresses(const struct try_trace *t)
{
    begin_row("resolve", t->timing.resolve);
    for (size_t i = 0; i < t->naddresses; i++) {
        printf("%s%s%s", i > 0 ? ", " : "", t->addresses[i].text,
               t->addresses[i].is_allowed ? "" : " (refused)");
    }
    printf("%s\n", proxy_is_set(&t->rule->proxy) ? " (the proxy's)" : "");
}

static void print_connect(const struct try_trace *t, const struct url *url)
{
    const char *address = url->host;
    char proxy[PROXY_URL_BYTES];

    for (size_t i = 0; i < t->naddresses; i++) {
        address = t->addresses[i].is_allowed ? t->addresses[i].text : address;
    }
    begin_row("connect", t->timing.connect);
    if (proxy_is_set(&t->rule->proxy)) {
        printf("%s port %u through %s\n", url->host, url->port, proxy_url(&t->rule->proxy, proxy));
    } else {
        printf("%s port %u\n", address, url->port);
    }
}

/* The hops before the request, as far as they went well. A refused address is a matter of the
 * policy that shows only when the name is resolved. */
static void print_way(const struct try_trace *t, enum stage stage)
{
    bool is_address_refused = stage == STAGE_POLICY && t->naddresses > 0;
    int at = is_address_refused ? reached(STAGE_CONNECT) : reached(stage);
    struct url url = {0};

    if (!t->has_end || !t->has_shown || url_read(buf_view(&t->goes_to), &url, NULL) != CX_OK) {
        return;
    }
    if (at > reached(STAGE_RESOLVE) && t->naddresses > 0) {
        print_addresses(t);
    }
    if (at > reached(STAGE_CONNECT)) {
        print_connect(t, &url);
    }
    if (at > reached(STAGE_TLS) && url.is_https) {
        begin_row("tls", t->timing.tls);
        printf("the certificate is good, by %s\n",
               t->rule->ca != NULL ? t->rule->ca : "the system's CAs");
    }
    url_done(&url);
}

static void print_request(const struct try_trace *t, enum execution execution)
{
    const struct request *r = &t->shown;
    struct slice body = buf_view(&r->body);

    if (!t->has_shown) {
        return;
    }
    row("request", 0, execution == EXECUTION_NOT_SENT ? "not sent; it would have been" : "as sent");
    printf(TEXT_COLUMN "| %s ", terms_method(r->method));
    print_rest_of_url(buf_view(&r->url));
    printf(" HTTP/1.1\n" TEXT_COLUMN "| Host: ");
    print_clean(authority_of(buf_view(t->goes_to.len > 0 ? &t->goes_to : &r->url)));
    printf("\n");
    for (size_t i = 0; i < r->nheaders; i++) {
        printf(TEXT_COLUMN "| ");
        print_clean(buf_view(&r->headers[i]));
        printf("\n");
    }
    if (r->has_body) {
        printf(TEXT_COLUMN "|\n" TEXT_COLUMN "| ");
        print_clean(slice_first(body, BODY_SHOWN_BYTES));
        printf("%s\n", body.len > BODY_SHOWN_BYTES ? " ... (the rest is not shown)" : "");
    }
}

static void print_answer(const struct try_trace *t, const struct msg_result *result)
{
    if (result->status == 0) {
        return;
    }
    begin_row("answer", t->timing.wait + t->timing.receive);
    printf("%u, %s, %zu bytes\n", result->status,
           t->content_type[0] != '\0' ? t->content_type : "no content type", t->body_bytes);
}

static void print_token(const struct msg_token *token)
{
    struct slice access = token->access_token;

    begin_row("token", 0);
    print_clean(slice_first(access, access.len > (size_t)4 * TOKEN_SHOWN ? TOKEN_SHOWN : 0));
    printf("... (");
    print_clean(token->token_type);
    printf(", %zu characters, the rest is not shown)\n", access.len);
    if (token->has_expires_in) {
        begin_row("expires", 0);
        printf("in %llu s\n", (unsigned long long)token->expires_in);
    }
    row("refresh", 0, slice_is_absent(token->refresh_token) ? "no" : "yes");
    if (token->scope.len > 0) {
        begin_row("scope", 0);
        print_clean(token->scope);
        printf("\n");
    }
}

/* Has the endpoint repeated a secret? */
static bool has_secret(const struct msg_job *job, struct slice text)
{
    for (size_t i = 0; i < job->nvariables; i++) {
        struct slice value = job->variables[i].value;

        for (size_t k = 0; k < job->nsecret_variables; k++) {
            if (slice_eq(job->secret_variables[k], job->variables[i].name) && value.len > 0 &&
                text.len > 0 && memmem(text.ptr, text.len, value.ptr, value.len) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* What came from the endpoint, or has words of its own in it. */
static void print_foreign(const struct try_trace *t, struct slice text)
{
    print_clean(has_secret(t->job, text)
                    ? SLICE_LIT("(not shown: it repeats a secret of the request)")
                    : text);
    printf("\n");
}

static void print_said(const struct try_trace *t, const struct msg_failure *error)
{
    struct slice said[] = {error->oauth_error, error->oauth_description};

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        if (said[i].len > 0) {
            begin_row(i == 0 ? "it says" : "", 0);
            print_foreign(t, said[i]);
        }
    }
}

static uint64_t time_of(const struct try_trace *t, enum stage stage)
{
    switch (stage) {
    case STAGE_RESOLVE:
        return t->timing.resolve;
    case STAGE_PROXY:
    case STAGE_CONNECT:
        return t->timing.connect;
    case STAGE_TLS:
        return t->timing.tls;
    case STAGE_WAIT:
        return t->timing.wait;
    case STAGE_RECEIVE:
        return t->timing.receive;
    default:
        return 0;
    }
}

/* The hop at which it ended without an answer. */
static void print_failed_hop(const struct try_trace *t, const struct msg_failure *error)
{
    begin_row(terms_stage(error->stage), time_of(t, error->stage));
    printf("FAILED: ");
    print_clean(error->message);
    printf("\n");
}

static void print_failure(const struct try_trace *t, const struct msg_result *result)
{
    const struct msg_failure *error = &result->error;
    const char *advice = advice_for(result->code, error->stage);

    if (result->execution == EXECUTION_ANSWERED) {
        begin_row("because", 0);
        print_foreign(t, error->message);
        print_said(t, error);
    }
    if (advice[0] != '\0') {
        row("to change", 0, advice);
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

void try_trace_finish(struct try_trace *t, const struct msg_result *result)
{
    enum stage stage = result->has_error ? result->error.stage : STAGE_NONE;

    print_way(t, stage);
    if (t->is_retried) {
        row("", 0, "(the second attempt; the first one failed before anything was sent)");
    }
    if (result->has_error && result->execution == EXECUTION_NOT_SENT) {
        print_failed_hop(t, &result->error);
    }
    print_request(t, result->execution);
    if (result->has_error && result->execution == EXECUTION_SENT) {
        print_failed_hop(t, &result->error);
    }
    print_answer(t, result);
    begin_row("verdict", t->timing.total);
    printf("%s%s\n", terms_verdict(result->code), in_words(result->execution));
    if (result->has_token) {
        print_token(&result->token);
    } else {
        print_failure(t, result);
    }
}

void try_trace_init(struct try_trace *t, const char *profile, const struct msg_job *job)
{
    *t = (struct try_trace){.job = job, .began_us = clock_mono_us()};
    buf_init(&t->goes_to, URL_BYTES_MAX);
    printf("%s, from this machine:\n", profile);
}

void try_trace_done(struct try_trace *t)
{
    request_done(&t->shown);
    buf_done(&t->goes_to);
}
