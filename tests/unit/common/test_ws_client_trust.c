#include "common/io/ws_client.h"

#include "tests/support/check.h"
#include "tests/support/http_peer.h"
#include "tests/support/tunnel_pair.h"

#include <arpa/inet.h>
#include <stdlib.h>

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    pair_init(pair);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    pair_done(*state);
    free(*state);
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

/* ---- the server's certificate ---- */

static void a_server_of_another_name_is_refused(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    attempt(pair, "other.example", ws_server_port(pair->server));
    wait_failed(pair);
    check_failed(pair, WS_STAGE_TLS, CX_E_TRUST, "hostname mismatch");
    assert_null(pair->at_server.link);
}

static void a_server_of_a_foreign_ca_is_refused(void **state)
{
    struct pair *pair = *state;
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    start_server(pair);
    start_client(pair, tls); /* trusts nobody */
    attempt(pair, "localhost", ws_server_port(pair->server));
    wait_failed(pair);
    check_failed(pair, WS_STAGE_TLS, CX_E_TRUST, "not by the platform's CA: something on the way");
}

static void a_server_out_of_its_dates_is_refused(void **state)
{
    struct pair *pair = *state;
    const struct {
        X509 *leaf;
        const char *detail;
    } rows[] = {
        {pair->net.pki.expired, "certificate has expired"},
        {pair->net.pki.early, "certificate is not yet valid"}, /* libwebsockets would take it */
    };

    start_client_with(pair, NULL, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct shown shown = {rows[i].leaf, pair->net.pki.key, {pair->net.pki.ca.cert, NULL}};
        SSL_CTX *tls = pki_server_new(&shown);
        struct peer peer;

        peer_start(&peer, tls, peer_serve_nothing, NULL);
        attempt(pair, "localhost", peer.port);
        wait_failed(pair);
        check_failed(pair, WS_STAGE_TLS, CX_E_TRUST, rows[i].detail);
        peer_stop(&peer);
        SSL_CTX_free(tls);
    }
}

static void hosts_that_would_not_be_verified_are_refused(void **state)
{
    char too_long[128];
    const char *const rows[] = {"::1",      "[::1]",     "2001:db8::1", "",      "a b",
                                "host:443", "host/path", "host\r\nX",   too_long};
    struct pair *pair = *state;
    struct ws_attempt_opts opts;
    struct ws_attempt *attempted = NULL;
    struct loop_address address = {.text = "127.0.0.1"};

    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    start_client_with(pair, NULL, NULL);
    opts = pair_attempt(pair);
    opts.address = &address;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        opts.host = rows[i];
        CHECK_ERR(rows[i], ws_client_connect(pair->client, &opts, &attempted, NULL), CX_E_SYNTAX);
    }
    opts.host = "localhost";
    opts.path = "no/slash";
    assert_int_equal(ws_client_connect(pair->client, &opts, &attempted, NULL), CX_E_SYNTAX);
    opts.path = "/a b";
    assert_int_equal(ws_client_connect(pair->client, &opts, &attempted, NULL), CX_E_SYNTAX);
}

static void an_address_as_host_is_verified_as_an_address(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    attempt(pair, "127.0.0.1", ws_server_port(pair->server)); /* it is in the certificate */
    assert_true(net_wait(&pair->net, pair_is_settled, pair));
    assert_non_null(pair->at_client.link);
}

/* As address, an IPv6 one is fine: it is the name that is verified. */
static void an_ipv6_address_is_verified_by_the_name(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_server_opts server = pair_server_opts(pair, &limits);
    struct loop_address address = {.sa_len = sizeof(struct sockaddr_in6), .text = "::1"};
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&address.sa;
    struct ws_attempt_opts opts;

    server.http.host = "::1";
    if (ws_server_new(pair->net.web, &server, &pair->server, NULL) != CX_OK) {
        skip(); /* no IPv6 here */
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_addr = in6addr_loopback;
    in6->sin6_port = htons(ws_server_port(pair->server));
    start_client_with(pair, pair->net.pki.client, pair->net.pki.key);
    opts = pair_attempt(pair);
    opts.address = &address;
    opts.host = "other.example";
    pair_connect(pair, &opts);
    wait_failed(pair);
    check_failed(pair, WS_STAGE_TLS, CX_E_TRUST, "hostname mismatch");
    pair->failures = 0;
    opts.host = "localhost";
    pair_connect(pair, &opts);
    assert_true(net_wait(&pair->net, pair_is_settled, pair));
    assert_non_null(pair->at_client.link);
    assert_int_equal(strncmp(link_peer(pair->at_client.link), "[::1]:", 6), 0);
}

/* ---- our own certificate ---- */

static void a_refused_own_certificate_is_told_apart(void **state)
{
    struct pair *pair = *state;
    struct cert_order order = {
        .ca = &pair->net.pki.ca, .key = pair->net.pki.key, .now_s = 1600000000, .days = 1};
    struct cert_agent_name name = {"agent", "connector"};
    SSL_CTX *tls = net_client_tls(&pair->net, NULL, NULL);
    X509 *expired = NULL;
    struct pki foreign;

    pki_init(&foreign);
    assert_int_equal(cert_issue_agent(&order, &name, &expired, NULL), CX_OK);
    start_server(pair);
    start_client(pair, tls);
    {
        const struct {
            X509 *leaf;
            EVP_PKEY *key;
            int version;
            const char *detail;
        } rows[] = {
            {foreign.client, foreign.key, TLS1_2_VERSION, "unknown CA"},
            {foreign.client, foreign.key, TLS1_3_VERSION, "unknown CA"},
            {expired, pair->net.pki.key, TLS1_2_VERSION, "certificate expired"},
            {expired, pair->net.pki.key, TLS1_3_VERSION, "certificate expired"},
        };

        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            assert_int_equal(SSL_CTX_set_max_proto_version(tls, rows[i].version), 1);
            assert_int_equal(SSL_CTX_use_certificate(tls, rows[i].leaf), 1);
            assert_int_equal(SSL_CTX_use_PrivateKey(tls, rows[i].key), 1);
            attempt(pair, "localhost", ws_server_port(pair->server));
            wait_failed(pair);
            check_failed(pair, WS_STAGE_TLS, CX_E_CERT, rows[i].detail);
        }
    }
    X509_free(expired);
    pki_done(&foreign);
}

static void a_certificate_replaced_in_place_counts_from_the_next_attempt(void **state)
{
    struct pair *pair = *state;

    start_server(pair);
    start_client_with(pair, NULL, NULL);
    attempt(pair, "localhost", ws_server_port(pair->server));
    wait_failed(pair);
    check_failed(pair, WS_STAGE_UPGRADE, CX_E_STATE, "HTTP status 403");
    assert_int_equal(pair->failed.http_status, 403);
    assert_int_equal(SSL_CTX_use_certificate(pair->client_tls, pair->net.pki.client), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(pair->client_tls, pair->net.pki.key), 1);
    pair->failures = 0;
    pair_open(pair);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_server_of_another_name_is_refused),
        TEST(a_server_of_a_foreign_ca_is_refused),
        TEST(a_server_out_of_its_dates_is_refused),
        TEST(hosts_that_would_not_be_verified_are_refused),
        TEST(an_address_as_host_is_verified_as_an_address),
        TEST(an_ipv6_address_is_verified_by_the_name),
        TEST(a_refused_own_certificate_is_told_apart),
        TEST(a_certificate_replaced_in_place_counts_from_the_next_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
