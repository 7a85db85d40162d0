#include "common/io/ws_client.h"

#include "tests/support/check.h"
#include "tests/support/http_peer.h"
#include "tests/support/tunnel_pair.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    pair_init(pair);
    *state = pair;
    return 0;
}

/* With a proxy in the environment, which nobody may take. */
static int set_up_with_proxy(void **state)
{
    int rc;

    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
    rc = set_up(state);
    return rc;
}

static int tear_down(void **state)
{
    pair_done(*state);
    free(*state);
    (void)unsetenv("http_proxy");
    (void)unsetenv("https_proxy");
    return 0;
}

static void start_server(struct pair *pair)
{
    struct link_limits limits = pair_limits();

    pair_start_server(pair, &limits);
}

static void start_client(struct pair *pair, SSL_CTX *tls)
{
    struct link_limits limits = pair_limits();

    pair->client_tls = tls;
    pair_start_client(pair, &limits);
}

static void start_client_with(struct pair *pair, X509 *leaf, EVP_PKEY *key)
{
    start_client(pair, net_client_tls(&pair->net, leaf, key));
}

/* A raw server with the PKI's certificate. */
static void start_peer(struct pair *pair, struct peer *peer, peer_serve *serve, const void *arg)
{
    struct shown shown = {pair->net.pki.server, pair->net.pki.key, {pair->net.pki.ca.cert, NULL}};

    peer_start(peer, pki_server_new(&shown), serve, arg);
}

static void stop_peer(struct peer *peer)
{
    peer_stop(peer);
    SSL_CTX_free(peer->tls);
}

static void attempt(struct pair *pair, const char *host, uint16_t port)
{
    struct ws_attempt_opts opts = pair_attempt(pair);

    opts.host = host;
    opts.port = port;
    pair->failures = 0;
    pair_connect(pair, &opts);
}

static void wait_failed(struct pair *pair)
{
    assert_true(net_wait_count(&pair->net, &pair->failures, 1));
    assert_null(pair->attempt);
    assert_null(pair->at_client.link);
}

static void check_failed(const struct pair *pair, enum ws_stage stage, enum cx_err code,
                         const char *detail)
{
    const struct ws_failed *f = &pair->failed;

    if (f->stage != stage || f->code != code || strstr(f->detail, detail) == NULL) {
        fail_msg("stage %d, %s, \"%s\"; want stage %d, %s, \"%s\"", f->stage, cx_err_text(f->code),
                 f->detail, stage, cx_err_text(code), detail);
    }
}

/* ---- the upgrade ---- */

/* Says what the test gives, or keeps silent, once the request is there. */
static void serve_answer(struct peer_connection *c)
{
    struct peer_request request = {0};

    if (peer_read(c, &request) && c->peer->arg != NULL) {
        (void)peer_say(c, c->peer->arg);
    }
    peer_wait_closed(c);
    peer_request_done(&request);
}

static void answers_that_are_no_upgrade_fail(void **state)
{
    /* The key is not known to the peer, so that even a 101 is wrong. */
    static const struct {
        const char *why, *answer;
        enum cx_err code;
        const char *detail;
    } rows[] = {
        {"a page", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", CX_E_STATE, "HTTP status 200"},
        {"draining", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", CX_E_STATE,
         "HTTP status 503"},
        {"unauthorized", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", CX_E_STATE,
         "HTTP status 401"},
        {"a wrong accept key",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
         "Sec-WebSocket-Protocol: " NET_SUBPROTOCOL "\r\n\r\n",
         CX_E_CONNECT, "the upgrade was broken off"},
        {"an extension that nobody offered",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
         "Sec-WebSocket-Extensions: permessage-deflate\r\n"
         "Sec-WebSocket-Protocol: " NET_SUBPROTOCOL "\r\n\r\n",
         CX_E_CONNECT, "the upgrade was broken off"},
    };
    struct pair *pair = *state;

    start_client_with(pair, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer;

        start_peer(pair, &peer, serve_answer, rows[i].answer);
        attempt(pair, "localhost", peer.port);
        wait_failed(pair);
        check_failed(pair, WS_STAGE_UPGRADE, rows[i].code, rows[i].detail);
        stop_peer(&peer);
    }
}

static void a_redirect_is_not_followed(void **state)
{
    struct pair *pair = *state;
    char answer[256];
    struct peer peer, other;

    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    start_peer(pair, &other, peer_serve_nothing, NULL);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 302 Found\r\nLocation: https://localhost:%u/tunnel\r\n"
                   "Content-Length: 0\r\n\r\n",
                   other.port);
    start_peer(pair, &peer, serve_answer, answer);
    attempt(pair, "localhost", peer.port);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_UPGRADE, CX_E_STATE, "HTTP status 302");
    net_idle(&pair->net, 50);
    assert_int_equal(other.connections, 0);
    stop_peer(&peer);
    stop_peer(&other);
}

/* Looks at the request, and answers with the right key. */
struct proper {
    const char *protocol_line;
    char head[PEER_HEAD_MAX];
};

static void accept_for(const char *head, char out[64])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strstr(head, "Sec-WebSocket-Key: ") + 19;
    char text[128];
    uint8_t sha1[20];

    (void)snprintf(text, sizeof(text), "%.24s%s", key, guid);
    assert_int_equal(EVP_Digest(text, strlen(text), sha1, NULL, EVP_sha1(), NULL), 1);
    (void)EVP_EncodeBlock((unsigned char *)out, sha1, sizeof(sha1));
}

static void serve_upgrade(struct peer_connection *c)
{
    struct proper *proper = (struct proper *)(uintptr_t)c->peer->arg;
    struct peer_request request = {0};
    char accept[64];
    char answer[512];

    if (peer_read(c, &request)) {
        (void)snprintf(proper->head, sizeof(proper->head), "%s", request.head);
        accept_for(request.head, accept);
        (void)snprintf(answer, sizeof(answer),
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                       accept, proper->protocol_line);
        (void)peer_say(c, answer);
    }
    peer_wait_closed(c);
    peer_request_done(&request);
}

static void the_server_must_choose_our_subprotocol(void **state)
{
    static const char *const rows[] = {"", "Sec-WebSocket-Protocol: other.v1\r\n"};
    struct pair *pair = *state;

    start_client_with(pair, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proper proper = {.protocol_line = rows[i]};
        struct peer peer;

        start_peer(pair, &peer, serve_upgrade, &proper);
        attempt(pair, "localhost", peer.port);
        wait_failed(pair);
        CHECK(rows[i], pair->failed.stage == WS_STAGE_UPGRADE);
        CHECK(rows[i], pair->failed.code == (i == 0 ? CX_E_UNSUPPORTED : CX_E_CONNECT));
        stop_peer(&peer);
    }
}

static void the_request_names_host_and_subprotocol_and_offers_no_extension(void **state)
{
    struct pair *pair = *state;
    struct proper proper = {.protocol_line = "Sec-WebSocket-Protocol: " NET_SUBPROTOCOL "\r\n"};
    struct peer peer;
    char host[64];

    start_client_with(pair, NULL, NULL);
    start_peer(pair, &peer, serve_upgrade, &proper);
    attempt(pair, "localhost", peer.port);
    assert_true(net_wait(&pair->net, pair_is_settled, pair));
    assert_non_null(pair->at_client.link);
    (void)snprintf(host, sizeof(host), "Host: localhost:%u\r\n", peer.port);
    assert_int_equal(strncmp(proper.head, "GET /tunnel HTTP/1.1\r\n", 22), 0);
    assert_non_null(strstr(proper.head, host));
    assert_non_null(strstr(proper.head, "Sec-WebSocket-Protocol: " NET_SUBPROTOCOL "\r\n"));
    assert_null(strcasestr(proper.head, "Sec-WebSocket-Extensions"));
    assert_null(strcasestr(proper.head, "Origin:"));
    stop_peer(&peer);
}

/* ---- the connection ---- */

static void count_handle(uv_handle_t *handle, void *arg)
{
    unsigned *n = arg;

    (void)handle;
    (*n)++;
}

static unsigned handles(struct pair *pair)
{
    unsigned n = 0;

    net_idle(&pair->net, 5);
    uv_walk(loop_uv(pair->net.loop), count_handle, &n);
    return n;
}

/* A port that nobody listens on. */
static uint16_t closed_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    (void)close(fd);
    return ntohs(in.sin_port);
}

static void a_refused_connection_says_so_and_leaves_nothing_behind(void **state)
{
    struct pair *pair = *state;
    uint16_t port = closed_port();
    unsigned before;

    start_client_with(pair, NULL, NULL);
    attempt(pair, "localhost", port);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_CONNECT, CX_E_CONNECT, "Connection refused");
    before = handles(pair);
    for (int i = 0; i < 10; i++) {
        attempt(pair, "localhost", port);
        wait_failed(pair);
    }
    assert_int_equal(handles(pair), before);
}

static void an_address_without_a_route_fails_later_and_not_at_once(void **state)
{
    struct pair *pair = *state;
    struct loop_address address = {.sa_len = sizeof(struct sockaddr_in), .text = "255.255.255.255"};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address.sa;
    struct ws_attempt_opts opts;
    unsigned before;

    start_client_with(pair, NULL, NULL);
    before = handles(pair);
    in->sin_family = AF_INET;
    in->sin_port = htons(443);
    in->sin_addr.s_addr = INADDR_BROADCAST;
    opts = pair_attempt(pair);
    opts.address = &address;
    pair_connect(pair, &opts);
    assert_int_equal(pair->failures, 0);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_CONNECT, CX_E_CONNECT, "");
    assert_true(pair->failed.detail[0] != '\0');
    assert_int_equal(handles(pair), before);
}

static void serve_silence(struct peer_connection *c)
{
    peer_wait_closed(c);
}

static void a_server_that_keeps_silent_times_out(void **state)
{
    struct pair *pair = *state;
    struct ws_attempt_opts opts;
    struct peer plain, tls;

    start_client_with(pair, NULL, NULL);
    opts = pair_attempt(pair);
    opts.timeout_ms = 150;
    peer_start(&plain, NULL, serve_silence, NULL);
    opts.port = plain.port;
    pair_connect(pair, &opts);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_TLS, CX_E_TIMEOUT, "no TLS handshake within 150 ms");
    peer_stop(&plain);
    start_peer(pair, &tls, peer_serve_nothing, NULL);
    opts.port = tls.port;
    pair->failures = 0;
    pair_connect(pair, &opts);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_UPGRADE, CX_E_TIMEOUT, "no answer to the upgrade");
    stop_peer(&tls);
}

static void a_cancelled_attempt_calls_nobody(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    attempt(pair, "localhost", ws_server_port(pair->server));
    ws_attempt_cancel(pair->attempt); /* before TCP is up */
    attempt(pair, "localhost", ws_server_port(pair->server));
    loop_turn(pair->net.loop);
    loop_turn(pair->net.loop);
    ws_attempt_cancel(pair->attempt); /* in the handshake */
    attempt(pair, "localhost", closed_port());
    net_idle(&pair->net, 0);
    if (pair->failures == 0) {
        ws_attempt_cancel(pair->attempt);
    }
    pair->failures = 0;
    net_idle(&pair->net, 100);
    assert_int_equal(pair->failures, 0);
    assert_null(pair->at_client.link);
    assert_null(pair->at_server.link);
}

static void a_proxy_of_the_environment_is_not_taken(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    pair_open(pair);
}

static void the_end_of_the_client_ends_attempts_and_links(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    pair_open(pair);
    attempt(pair, "localhost", ws_server_port(pair->server));
    ws_client_free(pair->client);
    pair->client = NULL;
    assert_true(pair_wait_closed(&pair->at_client));
    assert_int_equal(pair->at_client.end.end, LINK_END_US);
    net_idle(&pair->net, 20);
    assert_int_equal(pair->failures, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(answers_that_are_no_upgrade_fail),
        TEST(a_redirect_is_not_followed),
        TEST(the_server_must_choose_our_subprotocol),
        TEST(the_request_names_host_and_subprotocol_and_offers_no_extension),
        TEST(a_refused_connection_says_so_and_leaves_nothing_behind),
        TEST(an_address_without_a_route_fails_later_and_not_at_once),
        TEST(a_server_that_keeps_silent_times_out),
        TEST(a_cancelled_attempt_calls_nobody),
        cmocka_unit_test_setup_teardown(a_proxy_of_the_environment_is_not_taken, set_up_with_proxy,
                                        tear_down),
        TEST(the_end_of_the_client_ends_attempts_and_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
