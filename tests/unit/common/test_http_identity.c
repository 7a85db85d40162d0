/* What a request asks of TLS beyond the defaults: the client certificate that is shown, pins, TLS
 * 1.3; and that a connection made under one of these serves no request with others. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"
#include "tests/support/pki.h"

#include "common/core/tls_terms.h"
#include "common/io/tls_identity.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct pki ours, theirs;
static char ca_file[64];
static char pin_of_server[64], pin_of_another[64];

static void pin_make(X509 *cert, char out[64])
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    unsigned char text[48];

    cert_spki_sha256(cert, hash);
    assert_int_equal(EVP_EncodeBlock(text, hash, sizeof(hash)), 44);
    (void)snprintf(out, 64, "sha256//%s", (const char *)text);
}

static int set_up(void **state)
{
    struct buf pem;

    (void)state;
    pki_init(&ours);
    pki_init(&theirs);
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    (void)snprintf(ca_file, sizeof(ca_file), "/tmp/http-identity-%ld.pem", (long)getpid());
    assert_int_equal(cert_to_pem(ours.ca.cert, &pem, NULL), CX_OK);
    assert_int_equal(file_write(ca_file, buf_view(&pem), 0644, FILE_REPLACE, NULL), CX_OK);
    buf_done(&pem);
    pin_make(ours.server, pin_of_server);
    pin_make(theirs.server, pin_of_another);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(ca_file);
    pki_done(&ours);
    pki_done(&theirs);
    return 0;
}

/* A client of that name, by that CA. */
static void identity_make(const struct pki *by, const char *name, struct tls_identity *out)
{
    struct cert_agent_name who = {.connector = "c"};
    struct cert_order order = {&by->ca, NULL, (uint64_t)time(NULL), 1};
    struct buf chain;
    struct buf key;
    X509 *cert;

    (void)snprintf(who.agent, sizeof(who.agent), "%s", name);
    buf_init(&chain, CERT_PEM_MAX_BYTES);
    buf_init(&key, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_key_make(&order.key, NULL), CX_OK);
    assert_int_equal(cert_issue_agent(&order, &who, &cert, NULL), CX_OK);
    assert_int_equal(cert_to_pem(cert, &chain, NULL), CX_OK);
    assert_int_equal(cert_key_to_pem(order.key, &key, NULL), CX_OK);
    assert_int_equal(tls_identity_make(buf_view(&chain), buf_view(&key), out, NULL), CX_OK);
    buf_done(&chain);
    buf_done(&key);
    X509_free(cert);
    EVP_PKEY_free(order.key);
}

/* Each request is answered with the name in the client's certificate, or "nobody". */
static void serve_name(struct peer_connection *c)
{
    X509 *cert = SSL_get1_peer_certificate(c->tls);
    struct peer_request r = {0};
    char name[64] = "nobody";
    char answer[128];

    if (cert != NULL) {
        (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                                        sizeof(name));
    }
    (void)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(name), name);
    while (peer_read(c, &r) && peer_say(c, answer)) {
    }
    peer_request_done(&r);
    X509_free(cert);
}

/* A server of localhost that asks for certificates of our CA, and demands one if `how` says so. */
static SSL_CTX *server_new(int how, int version_max)
{
    const struct shown shown = {ours.server, ours.key, {NULL}};
    SSL_CTX *ctx = pki_server_new(&shown);

    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ours.ca.cert), 1);
    SSL_CTX_set_verify(ctx, how, NULL);
    assert_int_equal(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version_max), 1);
    return ctx;
}

static void ask(struct asker *by, struct asked *a, uint16_t port, const struct tls_terms *terms)
{
    struct http_plan plan = asked_plan(a, "https", "127.0.0.1", port);

    plan.ca_file = ca_file;
    plan.tls = terms;
    asked_run(by, a, &plan);
}

static void a_connection_serves_requests_of_one_identity_alone(void **state)
{
    SSL_CTX *ctx = server_new(SSL_VERIFY_PEER, 0);
    struct tls_terms none = {0};
    struct tls_terms alice = {0};
    struct tls_terms bob = {0};
    const struct {
        const struct tls_terms *terms;
        const char *seen;
        bool is_reused;
    } rows[] = {
        {&alice, "alice", false}, {NULL, "nobody", false}, {&bob, "bob", false},
        {&alice, "alice", true},  {&none, "nobody", true}, {&bob, "bob", true},
        {NULL, "nobody", true},
    };
    struct peer peer;
    struct asker by;

    (void)state;
    identity_make(&ours, "alice", &alice.identity);
    identity_make(&ours, "bob", &bob.identity);
    peer_start(&peer, ctx, serve_name, NULL);
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;

        ask(&by, &a, peer.port, rows[i].terms);
        assert_int_equal(a.execution, EXECUTION_ANSWERED);
        assert_string_equal(a.body, rows[i].seen);
        assert_int_equal(a.is_reused, rows[i].is_reused);
    }
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
    tls_terms_done(&alice);
    tls_terms_done(&bob);
    assert_int_equal(peer.connections, 3);
}

/* The key isn't compared by libcurl: a certificate without its key must not get as far as that. */
static void a_certificate_without_its_own_key_is_no_identity(void **state)
{
    struct tls_identity alice = {0};
    struct tls_identity bob = {0};
    struct tls_identity thief = {0};
    struct cx_fail fail = {0};

    (void)state;
    identity_make(&ours, "alice", &alice);
    identity_make(&ours, "bob", &bob);
    assert_int_equal(
        tls_identity_make(secret_view(&alice.chain), secret_view(&bob.key), &thief, &fail),
        CX_E_CERT);
    assert_non_null(strstr(fail.detail, "is not the key of"));
    assert_false(tls_identity_is_set(&thief));
    tls_identity_done(&alice);
    tls_identity_done(&bob);
}

static void a_refused_client_certificate_is_told_and_honest_about_what_was_sent(void **state)
{
    static const struct {
        const char *why;
        int version;
        bool has_certificate;
        enum execution execution;
        const char *says;
    } rows[] = {
        {"none, TLS 1.2", TLS1_2_VERSION, false, EXECUTION_NOT_SENT,
         "demands a client certificate"},
        {"none, TLS 1.3", TLS1_3_VERSION, false, EXECUTION_SENT, "demands a client certificate"},
        {"foreign, TLS 1.2", TLS1_2_VERSION, true, EXECUTION_NOT_SENT,
         "does not accept the client certificate"},
        {"foreign, TLS 1.3", TLS1_3_VERSION, true, EXECUTION_SENT,
         "does not accept the client certificate"},
    };
    struct tls_terms foreign = {0};

    (void)state;
    identity_make(&theirs, "mallory", &foreign.identity);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        SSL_CTX *ctx =
            server_new(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, rows[i].version);
        struct peer peer;
        struct asker by;
        struct asked a;

        peer_start(&peer, ctx, serve_name, NULL);
        asker_start(&by);
        ask(&by, &a, peer.port, rows[i].has_certificate ? &foreign : NULL);
        asker_stop(&by);
        peer_stop(&peer);
        SSL_CTX_free(ctx);
        CHECK(rows[i].why, a.stage == STAGE_TLS && a.code == VERDICT_ENDPOINT_UNREACHABLE);
        CHECK(rows[i].why, a.execution == rows[i].execution);
        CHECK(a.fail.detail, strstr(a.fail.detail, rows[i].says) != NULL);
        CHECK(rows[i].why, peer.requests == 0);
    }
    tls_terms_done(&foreign);
}

static void a_pin_is_looked_at_besides_the_certificate_and_for_each_request(void **state)
{
    char both[2 * sizeof(pin_of_server)];
    struct tls_terms right = {.pins = pin_of_server};
    struct tls_terms wrong = {.pins = pin_of_another};
    struct tls_terms either = {.pins = both};
    const struct {
        const struct tls_terms *terms;
        const char *says; /* NULL: answered */
        bool is_reused;
    } rows[] = {
        {NULL, NULL, false},     {&wrong, "pins", false}, {&right, NULL, false},
        {&wrong, "pins", false}, {&either, NULL, false},  {&right, NULL, true},
        {NULL, NULL, true},
    };
    SSL_CTX *ctx = server_new(SSL_VERIFY_NONE, 0);
    struct peer peer;
    struct asker by;

    (void)state;
    (void)snprintf(both, sizeof(both), "%s;%s", pin_of_another, pin_of_server);
    peer_start(&peer, ctx, serve_name, NULL);
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;

        ask(&by, &a, peer.port, rows[i].terms);
        assert_int_equal(a.stage, rows[i].says == NULL ? STAGE_NONE : STAGE_TLS);
        assert_int_equal(a.execution,
                         rows[i].says == NULL ? EXECUTION_ANSWERED : EXECUTION_NOT_SENT);
        assert_non_null(strstr(a.fail.detail, rows[i].says == NULL ? "" : rows[i].says));
        assert_int_equal(a.is_reused, rows[i].is_reused);
    }
    asker_stop(&by);
    peer_stop(&peer);
    SSL_CTX_free(ctx);
}

/* Pinned, and still not believed: the name, the dates and the issuer count all the same. */
static void a_pin_does_not_take_the_place_of_verification(void **state)
{
    const struct {
        const char *why;
        X509 *leaf;
        const struct pki *by;
        const char *says;
    } rows[] = {
        {"an unknown issuer", theirs.server, &theirs, "unknown issuer"},
        {"another name", ours.other_host, &ours, "name mismatch"},
        {"over", ours.expired, &ours, "expired"},
        {"not begun", ours.early, &ours, "not yet valid"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct shown shown = {rows[i].leaf, rows[i].by->key, {NULL}};
        SSL_CTX *ctx = pki_server_new(&shown);
        char pin[64];
        struct tls_terms terms = {.pins = pin};
        struct peer peer;
        struct asker by;
        struct asked a;

        pin_make(rows[i].leaf, pin);
        peer_start(&peer, ctx, serve_name, NULL);
        asker_start(&by);
        ask(&by, &a, peer.port, &terms);
        asker_stop(&by);
        peer_stop(&peer);
        SSL_CTX_free(ctx);
        CHECK(rows[i].why, a.execution == EXECUTION_NOT_SENT && a.stage == STAGE_TLS);
        CHECK(a.fail.detail, strstr(a.fail.detail, rows[i].says) != NULL);
        CHECK(rows[i].why, peer.requests == 0);
    }
}

static void tls_1_3_is_asked_of_a_connection_that_is_there_too(void **state)
{
    static const struct tls_terms terms = {.is_1_3_asked = true};
    SSL_CTX *old = server_new(SSL_VERIFY_NONE, TLS1_2_VERSION);
    SSL_CTX *both = server_new(SSL_VERIFY_NONE, 0);
    struct peer of_old;
    struct peer of_both;
    struct asker by;
    struct asked a;

    (void)state;
    peer_start(&of_old, old, serve_name, NULL);
    peer_start(&of_both, both, serve_name, NULL);
    asker_start(&by);
    ask(&by, &a, of_old.port, NULL);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    ask(&by, &a, of_old.port, &terms);
    assert_int_equal(a.execution, EXECUTION_NOT_SENT);
    assert_int_equal(a.stage, STAGE_TLS);
    assert_non_null(strstr(a.fail.detail, "speaks no version of TLS that is taken here, 1.3"));
    ask(&by, &a, of_both.port, &terms);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    asker_stop(&by);
    peer_stop(&of_old);
    peer_stop(&of_both);
    SSL_CTX_free(old);
    SSL_CTX_free(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_requests_of_one_identity_alone),
        cmocka_unit_test(a_certificate_without_its_own_key_is_no_identity),
        cmocka_unit_test(a_refused_client_certificate_is_told_and_honest_about_what_was_sent),
        cmocka_unit_test(a_pin_is_looked_at_besides_the_certificate_and_for_each_request),
        cmocka_unit_test(a_pin_does_not_take_the_place_of_verification),
        cmocka_unit_test(tls_1_3_is_asked_of_a_connection_that_is_there_too),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
