#include "tests/support/tunnel_pair.h"

#include "tests/support/check.h"

#include <arpa/inet.h>

/* ---- one end ---- */

static void on_message(void *owner, struct link *link, struct slice message)
{
    struct pair_end *end = owner;
    size_t at = strlen(end->text);

    assert_ptr_equal(end->link, link);
    end->messages++;
    end->bytes += message.len;
    if (message.len < 200) {
        (void)snprintf(end->text + at, sizeof(end->text) - at, "[%.*s]", SLICE_ARG(message));
    }
}

static void on_violation(void *owner, struct link *link, enum link_violation violation)
{
    struct pair_end *end = owner;

    (void)link;
    end->violations++;
    end->violation = violation;
    if (end->on_violation != NULL) {
        end->on_violation(end);
    }
}

static void on_written(void *owner, struct link *link, uint64_t tag)
{
    struct pair_end *end = owner;

    (void)link;
    assert_true(end->nwritten < PAIR_TAGS_MAX);
    end->written[end->nwritten++] = tag;
}

static void on_flushed(void *owner, struct link *link)
{
    struct pair_end *end = owner;

    (void)link;
    end->flushed++;
}

static void on_unwritten(void *owner, struct link *link, uint64_t tag)
{
    struct pair_end *end = owner;

    (void)link;
    assert_int_equal(end->closed, 0);
    assert_true(end->nunwritten < PAIR_TAGS_MAX);
    end->unwritten[end->nunwritten++] = tag;
}

static void on_closed(void *owner, struct link *link, const struct link_closed *closed)
{
    struct pair_end *end = owner;

    assert_ptr_equal(end->link, link);
    end->link = NULL;
    end->closed++;
    end->end = *closed;
}

static const struct link_events pair_events = {
    .on_message = on_message,
    .on_violation = on_violation,
    .on_written = on_written,
    .on_flushed = on_flushed,
    .on_unwritten = on_unwritten,
    .on_closed = on_closed,
};

static void end_bind(struct pair_end *end, struct link *link)
{
    end->link = link;
    link_bind(link, &pair_events, end);
    if (end->on_open != NULL) {
        end->on_open(end);
    }
}

void pair_send(struct pair_end *end, const char *text, uint64_t tag)
{
    assert_int_equal(link_send(end->link, slice_of_str(text), tag), CX_OK);
}

bool pair_wait_closed(struct pair_end *end)
{
    return net_wait_count(end->net, &end->closed, 1);
}

/* ---- both ---- */

struct link_limits pair_limits(void)
{
    return (struct link_limits){
        .message_bytes_max = PAIR_LIMIT,
        .outbox_bytes_max = 1024 * 1024,
        .pack_bytes = 64 * 1024,
    };
}

void pair_init(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    net_start(&pair->net);
    pair->at_server.net = pair->at_client.net = &pair->net;
}

static void on_server_link(void *arg, struct link *link)
{
    struct pair *pair = arg;

    end_bind(&pair->at_server, link);
}

static void on_http(void *arg, struct http_call *call, const struct http_request *request)
{
    static const struct http_reply reply = {.status = 200, .body = {(const uint8_t *)"http", 4}};
    struct pair *pair = arg;

    (void)request;
    pair->http_calls++;
    http_call_reply(call, &reply);
}

struct ws_server_opts pair_server_opts(struct pair *pair, const struct link_limits *limits)
{
    return (struct ws_server_opts){
        .http =
            {
                .host = "127.0.0.1",
                .certificate_file = net_file(&pair->net, "server.pem"),
                .key_file = net_file(&pair->net, "server.key"),
                .body_bytes_max = 1000,
                .request_ms = 5000,
                .idle_ms = 5000,
                .handler = on_http,
                .arg = pair,
            },
        .client_ca_file = net_file(&pair->net, "ca.pem"),
        .path = "/tunnel",
        .links_max = 4,
        .limits = *limits,
        .on_link = on_server_link,
        .arg = pair,
    };
}

void pair_start_server(struct pair *pair, const struct link_limits *limits)
{
    struct ws_server_opts opts = pair_server_opts(pair, limits);
    struct cx_fail fail = {0};

    if (ws_server_new(pair->net.web, &opts, &pair->server, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

void pair_start_client(struct pair *pair, const struct link_limits *limits)
{
    struct cx_fail fail = {0};

    if (pair->client_tls == NULL) {
        pair->client_tls = net_client_tls(&pair->net, pair->net.pki.client, pair->net.pki.key);
    }
    if (ws_client_new(pair->net.web, pair->client_tls, limits, &pair->client, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

void pair_done(struct pair *pair)
{
    ws_client_free(pair->client);
    ws_server_free(pair->server);
    net_stop(&pair->net);
    SSL_CTX_free(pair->client_tls);
}

static void on_client_link(void *arg, struct link *link)
{
    struct pair *pair = arg;

    pair->attempt = NULL;
    end_bind(&pair->at_client, link);
}

static void on_client_failed(void *arg, const struct ws_failed *failed)
{
    struct pair *pair = arg;

    pair->attempt = NULL;
    pair->failed = *failed;
    pair->failures++;
}

struct ws_attempt_opts pair_attempt(struct pair *pair)
{
    return (struct ws_attempt_opts){
        .host = "localhost",
        .port = pair->server != NULL ? ws_server_port(pair->server) : 0,
        .path = "/tunnel",
        .subprotocol = NET_SUBPROTOCOL,
        .timeout_ms = 5000,
        .on_link = on_client_link,
        .on_failed = on_client_failed,
        .arg = pair,
    };
}

void pair_connect(struct pair *pair, const struct ws_attempt_opts *opts)
{
    struct loop_address address = {.sa_len = sizeof(struct sockaddr_in), .text = "127.0.0.1"};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address.sa;
    struct ws_attempt_opts with = *opts;
    struct cx_fail fail = {0};

    in->sin_family = AF_INET;
    in->sin_port = htons(opts->port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (with.address == NULL) {
        with.address = &address;
    }
    if (ws_client_connect(pair->client, &with, &pair->attempt, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

bool pair_is_settled(void *arg)
{
    const struct pair *pair = arg;

    return pair->at_client.link != NULL || pair->failures != 0;
}

static bool pair_is_open(void *arg)
{
    const struct pair *pair = arg;

    return (pair->at_client.link != NULL && pair->at_server.link != NULL) || pair->failures != 0;
}

void pair_open(struct pair *pair)
{
    struct ws_attempt_opts opts = pair_attempt(pair);

    pair_connect(pair, &opts);
    if (!net_wait(&pair->net, pair_is_open, pair) || pair->failures != 0) {
        fail_msg("not connected: %s; %s", pair->failed.detail, pair->net.web_log);
    }
}
