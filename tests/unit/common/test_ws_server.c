#include "common/io/ws_server.h"

#include "common/io/server_private.h"

#include "tests/support/check.h"
#include "tests/support/raw.h"
#include "tests/support/tunnel_pair.h"

#include <openssl/err.h>
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

static void start(struct pair *pair)
{
    struct link_limits limits = pair_limits();

    pair_start_server(pair, &limits);
}

static void open_tls(struct pair *pair, struct raw *raw, X509 *leaf, EVP_PKEY *key)
{
    raw_open(&pair->net, raw, ws_server_port(pair->server));
    raw_start_tls(raw, net_client_tls(&pair->net, leaf, key));
}

static void open_as_agent(struct pair *pair, struct raw *raw)
{
    open_tls(pair, raw, pair->net.pki.client, pair->net.pki.key);
    assert_true(raw_wait_up(raw));
}

/* ---- who may come in ---- */

static void post_is_answered_without_a_certificate_and_the_upgrade_is_not(void **state)
{
    struct pair *pair = *state;
    struct raw raw;

    start(pair);
    open_tls(pair, &raw, NULL, NULL);
    assert_true(raw_wait_up(&raw));
    raw_say(&raw, "POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    assert_true(raw_wait_for(&raw, "http"));
    assert_int_equal(pair->http_calls, 1);
    raw_forget(&raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, "HTTP/1.1 403 "));
    assert_true(raw_wait_closed(&raw));
    assert_null(pair->at_server.link);
    raw_close(&raw);
}

/* The certificates that must not come in: libwebsockets accepts all of them unless it is told not
 * to, even with the option that says "require valid". */
static void certificates_that_do_not_verify_end_the_handshake(void **state)
{
    struct pair *pair = *state;
    struct pki foreign;
    struct cert_order order;
    struct cert_agent_name name = {"agent", "connector"};
    X509 *expired = NULL;

    start(pair);
    pki_init(&foreign);
    order = (struct cert_order){
        .ca = &pair->net.pki.ca, .key = pair->net.pki.key, .now_s = 1600000000, .days = 1};
    assert_int_equal(cert_issue_agent(&order, &name, &expired, NULL), CX_OK);
    {
        const struct {
            const char *why;
            X509 *leaf;
            EVP_PKEY *key;
        } rows[] = {
            {"of a foreign CA", foreign.client, foreign.key},
            {"expired", expired, pair->net.pki.key},
            {"a server's certificate of our own CA", pair->net.pki.server, pair->net.pki.key},
        };

        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            struct raw raw;

            open_tls(pair, &raw, rows[i].leaf, rows[i].key);
            (void)raw_wait_up(&raw); /* under TLS 1.3 the client thinks that it is up */
            raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
            CHECK(rows[i].why, raw_wait_closed(&raw));
            CHECK(rows[i].why, raw.is_failed); /* by an alert, not by a close */
            CHECK(rows[i].why, raw.got_len == 0);
            CHECK(rows[i].why, pair->at_server.link == NULL);
            raw_close(&raw);
        }
    }
    X509_free(expired);
    pki_done(&foreign);
}

static void upgrades_are_refused_with_their_reason(void **state)
{
    static const struct {
        const char *path, *subprotocol, *status;
    } rows[] = {
        {"/other", NET_SUBPROTOCOL, "HTTP/1.1 404 "},
        {"/tunnel/", NET_SUBPROTOCOL, "HTTP/1.1 404 "},
        {"/tunnel", "other.v1", "HTTP/1.1 400 "},
        {"/tunnel", "test.v1x, x" NET_SUBPROTOCOL, "HTTP/1.1 400 "},
        {"/tunnel", NULL, "HTTP/1.1 400 "},
        {"/tunnel", "other.v1, " NET_SUBPROTOCOL, "HTTP/1.1 101 "},
    };
    struct pair *pair = *state;

    start(pair);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        open_as_agent(pair, &raw);
        raw_say_upgrade(&raw, rows[i].path, rows[i].subprotocol);
        CHECK(rows[i].status, raw_wait_for(&raw, rows[i].status));
        raw_close(&raw);
    }
}

static void the_answer_names_the_subprotocol_and_no_extension(void **state)
{
    struct pair *pair = *state;
    struct raw raw;

    start(pair);
    open_as_agent(pair, &raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL); /* it offers permessage-deflate */
    assert_true(raw_wait_for(&raw, "\r\n\r\n"));
    assert_non_null(strstr(raw.got, "Sec-WebSocket-Protocol: " NET_SUBPROTOCOL "\r\n"));
    assert_null(strcasestr(raw.got, "Sec-WebSocket-Extensions"));
    raw_close(&raw);
}

static void a_link_knows_its_peer(void **state)
{
    struct pair *pair = *state;
    X509 *cert;
    struct raw raw;

    start(pair);
    open_as_agent(pair, &raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, " 101 "));
    cert = link_certificate(pair->at_server.link);
    assert_non_null(cert);
    assert_int_equal(X509_cmp(cert, pair->net.pki.client), 0);
    X509_free(cert);
    assert_int_equal(strncmp(link_peer(pair->at_server.link), "127.0.0.1:", 10), 0);
    assert_int_equal(ws_server_links(pair->server), 1);
    raw_close(&raw);
    assert_true(pair_wait_closed(&pair->at_server));
    net_idle(&pair->net, 5);
    assert_int_equal(ws_server_links(pair->server), 0);
}

/* The name that the client asks for may not lead it to another port's certificate and rules. */
static void sni_and_host_lead_nowhere_else(void **state)
{
    struct pair *pair = *state;
    struct ws_server_opts opts;
    struct link_limits limits = pair_limits();
    struct http_server *other = NULL;
    struct raw raw;
    SSL_CTX *tls;

    opts = pair_server_opts(pair, &limits); /* as for the API: TLS, and no client certificate */
    assert_int_equal(http_server_new(pair->net.web, &opts.http, &other, NULL), CX_OK);
    start(pair);
    tls = net_client_tls(&pair->net, NULL, NULL);
    raw_open(&pair->net, &raw, ws_server_port(pair->server));
    raw_start_tls(&raw, tls);
    assert_int_equal(SSL_set_tlsext_host_name(raw.ssl, "-"), 1);
    assert_true(raw_wait_up(&raw));
    /* A certificate was asked for, so this is the tunnel's port still. */
    assert_true(SSL_get_client_CA_list(raw.ssl) != NULL || SSL_get0_peer_CA_list(raw.ssl) != NULL);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, "HTTP/1.1 403 "));
    raw_close(&raw);
    http_server_free(other);
}

static void sessions_are_not_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct pair *pair = *state;

    start(pair);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SSL_SESSION *session = NULL;

        for (int round = 0; round < 2; round++) {
            SSL_CTX *tls = net_client_tls(&pair->net, pair->net.pki.client, pair->net.pki.key);
            struct raw raw;

            assert_int_equal(SSL_CTX_set_max_proto_version(tls, versions[i]), 1);
            raw_open(&pair->net, &raw, ws_server_port(pair->server));
            raw_start_tls(&raw, tls);
            if (session != NULL) {
                (void)SSL_set_session(raw.ssl, session);
            }
            assert_true(raw_wait_up(&raw));
            raw_say(&raw, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_true(raw_wait_for(&raw, "http")); /* a ticket would have come by now */
            assert_int_equal(SSL_session_reused(raw.ssl), 0);
            SSL_SESSION_free(session);
            session = SSL_get1_session(raw.ssl);
            assert_int_equal(session != NULL && SSL_SESSION_has_ticket(session) != 0, 0);
            raw_close(&raw);
        }
        SSL_SESSION_free(session);
    }
}

static void tls_before_1_2_is_refused(void **state)
{
    struct pair *pair = *state;
    SSL_CTX *tls = net_client_tls(&pair->net, NULL, NULL);
    struct raw raw;

    start(pair);
    SSL_CTX_set_security_level(tls, 0);
    assert_int_equal(SSL_CTX_set_min_proto_version(tls, TLS1_VERSION), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION), 1);
    raw_open(&pair->net, &raw, ws_server_port(pair->server));
    raw_start_tls(&raw, tls);
    assert_false(raw_wait_up(&raw));
    raw_close(&raw);
}

static void the_whole_chain_is_sent(void **state)
{
    struct pair *pair = *state;
    STACK_OF(X509) * chain;
    struct raw raw;

    start(pair);
    open_tls(pair, &raw, NULL, NULL);
    assert_true(raw_wait_up(&raw));
    chain = SSL_get_peer_cert_chain(raw.ssl);
    assert_int_equal(sk_X509_num(chain), 2);
    assert_int_equal(X509_cmp(sk_X509_value(chain, 1), pair->net.pki.ca.cert), 0);
    raw_close(&raw);
}

/* ---- limits ---- */

static void links_beyond_the_limit_get_503(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_server_opts opts = pair_server_opts(pair, &limits);
    struct raw first, second;

    opts.links_max = 1;
    assert_int_equal(ws_server_new(pair->net.web, &opts, &pair->server, NULL), CX_OK);
    open_as_agent(pair, &first);
    raw_say_upgrade(&first, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&first, " 101 "));
    open_as_agent(pair, &second);
    raw_say_upgrade(&second, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&second, " 503 "));
    raw_close(&first);
    raw_close(&second);
}

static void a_slow_handshake_or_upgrade_is_cut_off(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_server_opts opts = pair_server_opts(pair, &limits);
    struct raw silent, halfway;

    opts.http.request_ms = 150;
    assert_int_equal(ws_server_new(pair->net.web, &opts, &pair->server, NULL), CX_OK);
    raw_open(&pair->net, &silent, ws_server_port(pair->server)); /* says nothing at all */
    open_as_agent(pair, &halfway);
    raw_say(&halfway, "GET /tunnel HTTP/1.1\r\nHost: x\r\n");
    assert_true(raw_wait_closed(&silent));
    assert_true(raw_wait_closed(&halfway));
    raw_close(&silent);
    raw_close(&halfway);
}

static void a_link_outlives_the_time_of_its_upgrade(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_server_opts opts = pair_server_opts(pair, &limits);
    struct raw raw;

    opts.http.request_ms = 100;
    opts.http.idle_ms = 100;
    assert_int_equal(ws_server_new(pair->net.web, &opts, &pair->server, NULL), CX_OK);
    open_as_agent(pair, &raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, " 101 "));
    net_idle(&pair->net, 250);
    assert_false(raw.is_closed);
    assert_int_equal(pair->at_server.closed, 0);
    raw_close(&raw);
}

/* libwebsockets counts connections of a vhost and would end the process at 2^31 of them. */
static void the_vhost_is_replaced_before_its_count_is_full(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_server_opts opts = pair_server_opts(pair, &limits);
    struct http_server *server = NULL;
    const struct lws_vhost *first;

    assert_int_equal(http_server_new(pair->net.web, &opts.http, &server, NULL), CX_OK);
    first = server->vhost;
    server->connections = WEB_VHOST_CONNECTIONS - 2;
    for (int i = 0; i < 3; i++) {
        struct raw raw;

        raw_open(&pair->net, &raw, http_server_port(server));
        raw_start_tls(&raw, net_client_tls(&pair->net, NULL, NULL));
        assert_true(raw_wait_up(&raw));
        assert_int_equal(server->vhost == first, i == 0);
        raw_say(&raw, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(raw_wait_for(&raw, "http"));
        raw_close(&raw);
    }
    assert_int_equal(server->connections, 1); /* of the second vhost: the last one */
    http_server_free(server);
}

/* ---- the end ---- */

static void refusing_and_draining_leave_links_alone(void **state)
{
    struct pair *pair = *state;
    struct raw raw, late;

    start(pair);
    open_as_agent(pair, &raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, " 101 "));
    ws_server_refuse(pair->server);
    open_as_agent(pair, &late);
    raw_say_upgrade(&late, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&late, " 503 "));
    raw_close(&late);
    ws_server_drain(pair->server, NULL, NULL);
    net_idle(&pair->net, 20);
    assert_int_equal(pair->at_server.closed, 0);
    pair_send(&pair->at_server, "still here", 0);
    assert_true(raw_wait_for(&raw, "still here"));
    raw_close(&raw);
}

static void the_end_of_the_server_aborts_its_links(void **state)
{
    struct pair *pair = *state;
    struct raw raw;

    start(pair);
    open_as_agent(pair, &raw);
    raw_say_upgrade(&raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(&raw, " 101 "));
    ws_server_free(pair->server);
    pair->server = NULL;
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.end.end, LINK_END_US);
    assert_true(raw_wait_closed(&raw));
    raw_close(&raw);
}

static void a_reload_shows_the_new_certificate(void **state)
{
    struct pair *pair = *state;
    struct cert_chain chain = {.items = {pair->net.pki.expired, pair->net.pki.ca.cert}, .count = 2};
    struct buf pem;
    struct raw raw;

    start(pair);
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_chain_to_pem(&chain, &pem, NULL), CX_OK);
    assert_int_equal(
        file_write(net_file(&pair->net, "server.pem"), buf_view(&pem), 0644, FILE_REPLACE, NULL),
        CX_OK);
    buf_done(&pem);
    assert_int_equal(ws_server_reload(pair->server, NULL), CX_OK);
    open_tls(pair, &raw, NULL, NULL);
    assert_false(raw_wait_up(&raw)); /* it is the expired one now */
    assert_int_equal(SSL_get_verify_result(raw.ssl), X509_V_ERR_CERT_HAS_EXPIRED);
    raw_close(&raw);
}

static void files_that_do_not_work_say_why(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    const struct ws_server_opts good = pair_server_opts(pair, &limits);
    const char *garbage = temp_write(&pair->net.dir, "garbage.pem", "no certificate", 0600);
    const char *absent = net_file(&pair->net, "absent.pem");
    const struct {
        const char *certificate, *key, *ca;
        enum cx_err err;
    } rows[] = {
        {absent, good.http.key_file, good.client_ca_file, CX_E_NOT_FOUND},
        {garbage, good.http.key_file, good.client_ca_file, CX_E_CERT},
        {good.http.certificate_file, absent, good.client_ca_file, CX_E_NOT_FOUND},
        {good.http.certificate_file, garbage, good.client_ca_file, CX_E_CERT},
        {good.http.certificate_file, good.http.key_file, absent, CX_E_NOT_FOUND},
        {good.http.certificate_file, good.http.key_file, garbage, CX_E_CERT},
        {good.client_ca_file, good.http.key_file, good.client_ca_file, CX_E_CERT},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ws_server_opts opts = good;
        struct ws_server *server = NULL;
        struct cx_fail fail = {0};
        char why[16];

        (void)snprintf(why, sizeof(why), "row %zu", i);
        opts.http.certificate_file = rows[i].certificate;
        opts.http.key_file = rows[i].key;
        opts.client_ca_file = rows[i].ca;
        CHECK_ERR(why, ws_server_new(pair->net.web, &opts, &server, &fail), rows[i].err);
        CHECK(why, fail.detail[0] != '\0');
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(post_is_answered_without_a_certificate_and_the_upgrade_is_not),
        TEST(certificates_that_do_not_verify_end_the_handshake),
        TEST(upgrades_are_refused_with_their_reason),
        TEST(the_answer_names_the_subprotocol_and_no_extension),
        TEST(a_link_knows_its_peer),
        TEST(sni_and_host_lead_nowhere_else),
        TEST(sessions_are_not_resumed),
        TEST(tls_before_1_2_is_refused),
        TEST(the_whole_chain_is_sent),
        TEST(links_beyond_the_limit_get_503),
        TEST(a_slow_handshake_or_upgrade_is_cut_off),
        TEST(a_link_outlives_the_time_of_its_upgrade),
        TEST(the_vhost_is_replaced_before_its_count_is_full),
        TEST(refusing_and_draining_leave_links_alone),
        TEST(the_end_of_the_server_aborts_its_links),
        TEST(a_reload_shows_the_new_certificate),
        TEST(files_that_do_not_work_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
