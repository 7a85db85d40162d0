#include "agent/io/commands.h"
#include "agent/io/settings.h"
#include "common/core/policy_explain.h"
#include "common/core/rule_load.h"
#include "common/io/clock.h"
#include "common/io/tls_identity.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

enum { ADDRESSES_MAX = 16 };

/* One address that the name has now, and what the rule says to it. */
struct judged {
    char text[INET6_ADDRSTRLEN];
    bool is_allowed;
    struct cx_fail why; /* if not */
};

struct question {
    const struct cli_args *args;
    enum http_method method;
    struct url url;
    struct policy_explanation answer;
    uint32_t jobs_max;  /* at once under the rule that decides */
    struct url goes_to; /* where the rule that decides sends it: `url`, or its target's */
    struct judged addresses[ADDRESSES_MAX];
    size_t naddresses;
    const char *no_addresses; /* why there are none; NULL: not asked for, or there are some */
    struct cx_fail proxied;   /* why no proxy may be asked for this host; CX_OK: one may */
};

static bool read_question(const struct cli_args *args, struct question *q)
{
    struct cx_fail fail = {0};

    q->args = args;
    q->method = terms_method_of(slice_of_str(args->words[0]));
    if (q->method == METHOD_UNKNOWN) {
        (void)cx_fail_set(&fail, CX_E_UNKNOWN, "explain",
                          "must be POST, PUT, PATCH, DELETE or GET (upper case), found \"%.40s\"",
                          args->words[0]);
        cli_print_fail(args, "METHOD", &fail);
        return false;
    }
    if (url_read(slice_of_str(args->words[1]), &q->url, &fail) != CX_OK) {
        cli_print_fail(args, "URL", &fail);
        return false;
    }
    return true;
}

/* ---- addresses ---- */

static void judge(struct question *q, const struct addrinfo *found)
{
    struct judged *one = &q->addresses[q->naddresses++];
    const void *bytes = found->ai_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)found->ai_addr)->sin_addr
                            : &((const struct sockaddr_in6 *)found->ai_addr)->sin6_addr;

    (void)inet_ntop(found->ai_family, bytes, one->text, sizeof(one->text));
    one->is_allowed = policy_allows_address(q->answer.decides, found->ai_addr, &one->why);
}

static void look_up(struct question *q)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(q->goes_to.host, NULL, &hints, &found);

    if (rc != 0) {
        q->no_addresses = gai_strerror(rc);
        return;
    }
    for (const struct addrinfo *a = found; a != NULL && q->naddresses < ADDRESSES_MAX;
         a = a->ai_next) {
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6) {
            judge(q, a);
        }
    }
    freeaddrinfo(found);
}

/* What the rule says of where the request would go. */
static enum cx_err look(struct question *q, struct cx_fail *fail)
{
    const struct policy_rule *rule = q->answer.decides;
    struct buf text;
    enum cx_err err;

    buf_init(&text, URL_BYTES_MAX);
    err = policy_put_url(rule, slice_of_str(q->args->words[1]), &text);
    if (err == CX_OK) {
        err = url_read(buf_view(&text), &q->goes_to, fail);
    }
    buf_done(&text);
    if (err != CX_OK) {
        return cx_fail_set(fail, err, "explain", "the rule's target: %s", cx_err_text(err));
    }
    if (!proxy_is_set(&rule->proxy)) {
        look_up(q);
    } else { /* the proxy resolves the name */
        (void)policy_allows_host(rule, &q->goes_to, &q->proxied);
    }
    return CX_OK;
}

static bool is_any_address_allowed(const struct question *q)
{
    if (proxy_is_set(&q->answer.decides->proxy)) {
        return q->proxied.code == CX_OK;
    }
    for (size_t i = 0; i < q->naddresses; i++) {
        if (q->addresses[i].is_allowed) {
            return true;
        }
    }
    return q->no_addresses != NULL;
}

/* ---- what is said ---- */

static void print_comparison(const struct question *q, const struct policy_rule *rule)
{
    struct policy_comparison c;

    policy_compare(rule, &q->url, q->method, &c);
    for (size_t i = 0; i < POLICY_PARTS; i++) {
        const struct policy_part *part = &c.parts[i];

        printf("  %-9s %s %s %s\n", part->name, part->found, part->is_met ? "fits" : "does not fit",
               part->wanted);
    }
}

static void print_proxy(const struct question *q)
{
    char url[PROXY_URL_BYTES];

    printf(
        "  proxy     %s: it resolves the name and connects, so that addresses aren't seen here\n",
        proxy_url(&q->answer.decides->proxy, url));
    if (q->proxied.code != CX_OK) {
        printf("  address   %s is refused: %s\n", q->goes_to.host, cx_fail_text(&q->proxied));
    }
}

static void print_networks(const struct policy_rule *rule)
{
    char text[POLICY_NETWORK_TEXT];

    printf("  networks  ");
    if (rule->nnetworks == 0) {
        printf("none is listed: any address that is not special (loopback, link-local, ...)");
    }
    for (size_t i = 0; i < rule->nnetworks; i++) {
        printf("%s%s", i > 0 ? ", " : "", policy_network_text(&rule->networks[i], text));
    }
    printf("\n");
}

static void print_addresses(const struct question *q)
{
    if (q->no_addresses != NULL) {
        printf("  address   %s has none now: %s\n", q->goes_to.host, q->no_addresses);
    }
    for (size_t i = 0; i < q->naddresses; i++) {
        const struct judged *one = &q->addresses[i];

        printf("  address   %s is %s%s%s\n", one->text, one->is_allowed ? "allowed" : "refused",
               one->is_allowed ? "" : ": ", one->is_allowed ? "" : cx_fail_text(&one->why));
    }
}

static void print_tls(const struct policy_rule *rule)
{
    char text[TLS_IDENTITY_TEXT_BYTES];

    printf("  tls       %s at least, verified against %s\n", rule->tls.is_1_3_asked ? "1.3" : "1.2",
           rule->ca != NULL ? rule->ca : "the system's CAs");
    if (rule->tls.pins != NULL) {
        printf("  pins      the server's key must be one of %s\n", rule->tls.pins);
    }
    if (tls_identity_is_set(&rule->tls.identity)) {
        printf("  shows     the client certificate %s\n",
               tls_identity_text(&rule->tls.identity, clock_wall_s(), text));
    }
}

static void print_way(const struct question *q)
{
    if (q->answer.decides->target != NULL) {
        printf("  target    %s is where it goes; the platform is not told\n",
               q->answer.decides->target);
    }
    if (proxy_is_set(&q->answer.decides->proxy)) {
        print_proxy(q);
    } else {
        print_networks(q->answer.decides);
        print_addresses(q);
    }
    if (q->goes_to.is_https) {
        print_tls(q->answer.decides);
    }
}

static void print_limits(const struct question *q)
{
    printf("  jobs      at most %u at once%s\n", q->jobs_max,
           q->answer.decides->jobs == 0 ? " (`jobs` is not set)" : "");
    if (q->answer.decides->max_refused > 0) {
        printf("  refused   at most %u attempts of one user within an hour; the user is the field "
               "\"%s\"\n",
               q->answer.decides->max_refused, q->answer.decides->user_field);
    }
}

/* By name alone: what they are nobody is told. */
static void print_secrets(const struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->nsecrets; i++) {
        const struct policy_secret *s = &rule->secrets[i];

        if (s->iss != NULL) {
            printf(
                "  secret    {{secret:%s}} signs for the client \"%s\" (sub \"%s\"), aud \"%s\"\n",
                s->name, s->iss, s->sub, s->aud);
            continue;
        }
        printf("  secret    {{secret:%s}} may stand in %s \"%s\"\n", s->name,
               terms_secret_place(s->place), s->key);
    }
}

static void print_others(const struct question *q)
{
    const struct policy_rule *shadowed = q->answer.shadowed;
    const struct policy_rule *nearest = q->answer.nearest;

    if (shadowed != NULL) {
        printf("never asked: rule \"%s\" (%s) would match too, and comes later\n", shadowed->name,
               shadowed->where);
    }
    if (nearest != NULL) {
        printf("nearly: rule \"%s\" (%s)\n", nearest->name, nearest->where);
        print_comparison(q, nearest);
    } else if (q->answer.decides == NULL) {
        printf("nearly: none; no rule is for the host %s\n", q->url.host);
    }
}

static void print_request(const struct question *q)
{
    const struct url *u = &q->url; /* without its query, which may hold a secret */

    printf("%s %s://%s%s%s:%u%s\n", terms_method(q->method), u->is_https ? "https" : "http",
           u->is_ipv6 ? "[" : "", u->host, u->is_ipv6 ? "]" : "", u->port, u->path);
}

static enum cli_status print_answer(const struct question *q)
{
    const struct policy_rule *rule = q->answer.decides;
    bool is_allowed = rule != NULL && is_any_address_allowed(q);

    print_request(q);
    if (rule == NULL) {
        printf("refused: no rule allows it\n");
    } else {
        printf("%s by rule \"%s\" (%s)\n", is_allowed ? "allowed" : "refused", rule->name,
               rule->where);
        print_comparison(q, rule);
        print_way(q);
        print_limits(q);
        print_secrets(rule);
    }
    print_others(q);
    return is_allowed ? CLI_DONE : CLI_FAILED;
}

enum cli_status command_explain(const struct cli_args *args)
{
    struct question q = {0};
    struct agent_config config;
    struct cx_fail fail = {0};
    struct faults faults;
    enum cli_status status = CLI_CONFIG;

    if (!read_question(args, &q)) {
        return CLI_USAGE;
    }
    faults_init(&faults);
    if (agent_config_read(args->conf_path, &config, &faults)) {
        policy_explain(&config.policy, &q.url, q.method, &q.answer);
        if (q.answer.decides != NULL) {
            q.jobs_max = rule_load_max(&config.policy, q.answer.decides, config.settings.jobs);
        }
        if (q.answer.decides == NULL || look(&q, &fail) == CX_OK) {
            status = print_answer(&q);
        } else {
            cli_print_fail(args, "explain", &fail);
            status = CLI_FAILED;
        }
    } else {
        cli_print_faults(&faults);
    }
    agent_config_done(&config);
    faults_done(&faults);
    url_done(&q.url);
    url_done(&q.goes_to);
    return status;
}
