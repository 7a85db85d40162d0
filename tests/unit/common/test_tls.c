#include "common/io/tls.h"

#include "common/io/clock.h"
#include "tests/support/pki.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct pki good;
static struct pki evil;

static int make_pkis(void **state)
{
    (void)state;
    pki_init(&good);
    pki_init(&evil);
    return 0;
}

static int free_pkis(void **state)
{
    (void)state;
    pki_done(&good);
    pki_done(&evil);
    return 0;
}

static void put_pem(X509 *cert, struct buf *out)
{
    assert_int_equal(cert_to_pem(cert, out, NULL), CX_OK);
}

/* Texts that tests of the client context need. */
struct texts {
    struct buf ca;
    struct buf chain;
    struct buf key;
};

static void texts_init(struct texts *t, const struct pki *pki)
{
    buf_init(&t->ca, CERT_PEM_MAX_BYTES);
    buf_init(&t->chain, CERT_PEM_MAX_BYTES);
    buf_init(&t->key, CERT_PEM_MAX_BYTES);
    put_pem(pki->ca.cert, &t->ca);
    put_pem(pki->client, &t->chain);
    put_pem(pki->ca.cert, &t->chain);
    assert_int_equal(cert_key_to_pem(pki->key, &t->key, NULL), CX_OK);
}

static void texts_done(struct texts *t)
{
    buf_done(&t->ca);
    buf_done(&t->chain);
    buf_done(&t->key);
}

static SSL_CTX *client_new(const struct texts *t)
{
    struct tls_client client = {buf_view(&t->ca), buf_view(&t->chain), buf_view(&t->key)};
    struct cx_fail fail = {0};
    SSL_CTX *ctx = NULL;

    if (tls_client_new(&client, &ctx, &fail) != CX_OK) {
        fail_msg("%s", cx_fail_text(&fail));
    }
    return ctx;
}

static void tls_client_verifies_chain_dates_and_name(void **state)
{
    const struct {
        const char *why;
        struct shown shown;
        long verdict;
    } rows[] = {
        {"right", {good.server, good.key, {NULL}}, X509_V_OK},
        {"right, with its CA", {good.server, good.key, {good.ca.cert}}, X509_V_OK},
        {"expired", {good.expired, good.key, {NULL}}, X509_V_ERR_CERT_HAS_EXPIRED},
        {"not yet valid", {good.early, good.key, {NULL}}, X509_V_ERR_CERT_NOT_YET_VALID},
        {"another host", {good.other_host, good.key, {NULL}}, X509_V_ERR_HOSTNAME_MISMATCH},
        {"a client's certificate", {good.client, good.key, {NULL}}, X509_V_ERR_INVALID_PURPOSE},
        {"another CA",
         {evil.server, evil.key, {NULL}},
         X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
        {"another CA, which is sent",
         {evil.server, evil.key, {evil.ca.cert}},
         X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
    };
    struct texts t;
    SSL_CTX *client;

    (void)state;
    texts_init(&t, &good);
    client = client_new(&t);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL_CTX *server = pki_server_new(&rows[i].shown);
        struct tls_pair p;

        tls_pair_init(&p, client, server);
        assert_int_equal(SSL_set1_host(p.client, "localhost"), 1);
        if (tls_pair_shake(&p) != (rows[i].verdict == X509_V_OK)) {
            fail_msg("%s", rows[i].why);
        }
        assert_int_equal(SSL_get_verify_result(p.client), rows[i].verdict);
        tls_pair_done(&p);
        SSL_CTX_free(server);
    }
    SSL_CTX_free(client);
    texts_done(&t);
}

static void tls_profile_refuses_old_versions_and_ciphers(void **state)
{
    static const struct {
        int max_version;
        const char *ciphers;
        bool works;
    } rows[] = {
        {TLS1_3_VERSION, NULL, true},
        {TLS1_2_VERSION, NULL, true},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA384", false}, /* CBC */
        {TLS1_1_VERSION, "DEFAULT@SECLEVEL=0", false},
    };
    const struct shown shown = {good.server, good.key, {NULL}};
    struct texts t;
    SSL_CTX *client;

    (void)state;
    texts_init(&t, &good);
    client = client_new(&t);
    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL_CTX *server = pki_server_new(&shown);
        struct tls_pair p;

        assert_int_equal(SSL_CTX_set_min_proto_version(server, TLS1_VERSION), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(server, rows[i].max_version), 1);
        if (rows[i].ciphers != NULL) {
            assert_int_equal(SSL_CTX_set_cipher_list(server, rows[i].ciphers), 1);
        }
        tls_pair_init(&p, client, server);
        assert_int_equal(tls_pair_shake(&p), rows[i].works);
        tls_pair_done(&p);
        SSL_CTX_free(server);
    }
    SSL_CTX_free(client);
    texts_done(&t);
}

static void tls_apply_profile_raises_the_version_of_any_context(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    (void)state;
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION), 1);
    assert_int_equal(tls_apply_profile(ctx, NULL), CX_OK);
    assert_int_equal(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
    SSL_CTX_free(ctx);
}

static void tls_client_shows_its_certificate_and_takes_a_new_one_live(void **state)
{
    static const struct cert_agent_name next_name = {"agent-2", "connector"};
    const struct shown shown = {good.server, good.key, {NULL}};
    struct cert_order order = {&good.ca, NULL, clock_wall_s(), 10};
    SSL_CTX *server = pki_server_new(&shown);
    struct buf pem, key_pem;
    EVP_PKEY *key = NULL;
    X509 *next = NULL;
    struct tls_pair before, after;
    struct texts t;
    SSL_CTX *client;
    X509 *seen;

    (void)state;
    texts_init(&t, &good);
    client = client_new(&t);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), good.ca.cert), 1);
    tls_pair_init(&before, client, server);
    assert_true(tls_pair_shake(&before));

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    buf_init(&key_pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_key_make(&key, NULL), CX_OK);
    order.key = key;
    assert_int_equal(cert_issue_agent(&order, &next_name, &next, NULL), CX_OK);
    put_pem(next, &pem);
    assert_int_equal(cert_key_to_pem(key, &key_pem, NULL), CX_OK);
    assert_int_equal(tls_set_identity(client, buf_view(&pem), buf_view(&key_pem), NULL), CX_OK);
    tls_pair_init(&after, client, server);
    assert_true(tls_pair_shake(&after));

    seen = SSL_get1_peer_certificate(before.server);
    assert_int_equal(X509_cmp(seen, good.client), 0);
    X509_free(seen);
    seen = SSL_get1_peer_certificate(after.server);
    assert_int_equal(X509_cmp(seen, next), 0);
    X509_free(seen);
    /* The old chain's CA must not be sent with the new certificate. (A server's list is without the
     * leaf.) */
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(before.server)), 1);
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(after.server)), 0);

    tls_pair_done(&before);
    tls_pair_done(&after);
    X509_free(next);
    EVP_PKEY_free(key);
    buf_done(&pem);
    buf_done(&key_pem);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    texts_done(&t);
}

static bool accepts(SSL_CTX *client, const struct pki *pki)
{
    const struct shown shown = {pki->server, pki->key, {NULL}};
    SSL_CTX *server = pki_server_new(&shown);
    struct tls_pair p;
    bool is_accepted;

    tls_pair_init(&p, client, server);
    is_accepted = tls_pair_shake(&p);
    tls_pair_done(&p);
    SSL_CTX_free(server);
    return is_accepted;
}

static void tls_client_renew_changes_whom_it_trusts_or_nothing(void **state)
{
    struct cx_fail fail = {0};
    struct texts t, other;
    struct tls_client renewed;
    SSL_CTX *client;
    X509 *kept;

    (void)state;
    texts_init(&t, &good);
    texts_init(&other, &evil);
    client = client_new(&t);
    kept = SSL_CTX_get0_certificate(client);
    renewed = (struct tls_client){buf_view(&other.ca), buf_view(&other.chain), buf_view(&t.key)};
    assert_int_equal(tls_client_renew(client, &renewed, &fail), CX_E_CERT);
    assert_true(accepts(client, &good));
    assert_false(accepts(client, &evil));
    renewed = (struct tls_client){SLICE_LIT("x"), buf_view(&other.chain), buf_view(&other.key)};
    assert_int_equal(tls_client_renew(client, &renewed, &fail), CX_E_CERT);
    assert_ptr_equal(SSL_CTX_get0_certificate(client), kept);

    renewed.ca = buf_view(&other.ca);
    assert_int_equal(tls_client_renew(client, &renewed, &fail), CX_OK);
    assert_true(accepts(client, &evil));
    assert_false(accepts(client, &good));
    assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(client), evil.client), 0);
    SSL_CTX_free(client);
    texts_done(&other);
    texts_done(&t);
}

static void tls_set_identity_refuses_what_doesnt_fit(void **state)
{
    struct cx_fail fail = {0};
    struct texts t, other;
    struct buf rsa_pem;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    struct cert_order order = {&good.ca, rsa, clock_wall_s(), 10};
    static const struct cert_agent_name who = {"agent", "connector"};
    struct buf rsa_chain;
    X509 *rsa_cert = NULL;
    SSL_CTX *client;
    X509 *kept;

    (void)state;
    texts_init(&t, &good);
    texts_init(&other, &evil);
    client = client_new(&t);
    kept = SSL_CTX_get0_certificate(client);
    assert_int_equal(tls_set_identity(client, buf_view(&t.chain), buf_view(&other.key), &fail),
                     CX_E_CERT);
    assert_int_equal(tls_set_identity(client, SLICE_LIT("x"), buf_view(&t.key), &fail), CX_E_CERT);
    assert_int_equal(tls_set_identity(client, buf_view(&t.chain), SLICE_LIT("x"), &fail),
                     CX_E_CERT);
    buf_init(&rsa_pem, CERT_PEM_MAX_BYTES);
    buf_init(&rsa_chain, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_issue_agent(&order, &who, &rsa_cert, &fail), CX_OK);
    put_pem(rsa_cert, &rsa_chain);
    assert_int_equal(cert_key_to_pem(rsa, &rsa_pem, &fail), CX_OK);
    assert_int_equal(tls_set_identity(client, buf_view(&rsa_chain), buf_view(&rsa_pem), &fail),
                     CX_E_UNSUPPORTED);
    assert_ptr_equal(SSL_CTX_get0_certificate(client), kept);
    X509_free(rsa_cert);
    EVP_PKEY_free(rsa);
    buf_done(&rsa_pem);
    buf_done(&rsa_chain);
    SSL_CTX_free(client);
    texts_done(&t);
    texts_done(&other);
}

static void tls_client_new_refuses_half_an_identity_and_no_trust(void **state)
{
    struct cx_fail fail = {0};
    SSL_CTX *ctx = NULL;
    struct texts t;

    (void)state;
    texts_init(&t, &good);
    {
        const struct tls_client rows[] = {
            {.ca = buf_view(&t.ca), .chain = buf_view(&t.chain)},
            {.ca = buf_view(&t.ca), .key = buf_view(&t.key)},
            {.ca = SLICE_LIT("")},
            {.ca = SLICE_LIT("x")},
            {.chain = buf_view(&t.chain), .key = buf_view(&t.key)},
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
            assert_int_equal(tls_client_new(&rows[i], &ctx, &fail), CX_E_CERT);
            assert_null(ctx);
        }
    }
    texts_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_client_verifies_chain_dates_and_name),
        cmocka_unit_test(tls_profile_refuses_old_versions_and_ciphers),
        cmocka_unit_test(tls_apply_profile_raises_the_version_of_any_context),
        cmocka_unit_test(tls_client_shows_its_certificate_and_takes_a_new_one_live),
        cmocka_unit_test(tls_set_identity_refuses_what_doesnt_fit),
        cmocka_unit_test(tls_client_renew_changes_whom_it_trusts_or_nothing),
        cmocka_unit_test(tls_client_new_refuses_half_an_identity_and_no_trust),
    };

    return cmocka_run_group_tests_name("tls", tests, make_pkis, free_pkis);
}
