#include "tests/support/pki.h"

#include "common/io/clock.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DAY_S = 86400 };

static X509 *issue(const struct pki *pki, int64_t from_days, const char *host)
{
    const char *const names[] = {host, "127.0.0.1"};
    struct cert_order order = {&pki->ca, pki->key,
                               (uint64_t)((int64_t)clock_wall_s() + from_days * DAY_S), 10};
    X509 *cert = NULL;
    size_t count = strcmp(host, "localhost") == 0 ? 2 : 1;

    assert_int_equal(
        cert_issue_server(&order, (struct cert_server_names){names, count}, &cert, NULL), CX_OK);
    return cert;
}

void pki_init(struct pki *pki)
{
    static const struct cert_agent_name who = {"agent", "connector"};
    uint64_t long_ago_s = clock_wall_s() - 100 * (uint64_t)DAY_S;
    struct cert_order order = {&pki->ca, NULL, clock_wall_s(), 10};

    assert_int_equal(cert_ca_make("Test CA", long_ago_s, &pki->ca, NULL), CX_OK);
    assert_int_equal(cert_key_make(&pki->key, NULL), CX_OK);
    pki->server = issue(pki, 0, "localhost");
    pki->expired = issue(pki, -50, "localhost");
    pki->early = issue(pki, 50, "localhost");
    pki->other_host = issue(pki, 0, "other.example");
    order.key = pki->key;
    assert_int_equal(cert_issue_agent(&order, &who, &pki->client, NULL), CX_OK);
}

void pki_done(struct pki *pki)
{
    X509_free(pki->server);
    X509_free(pki->expired);
    X509_free(pki->early);
    X509_free(pki->other_host);
    X509_free(pki->client);
    EVP_PKEY_free(pki->key);
    cert_ca_done(&pki->ca);
}

SSL_CTX *pki_server_new(const struct shown *shown)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_use_certificate(ctx, shown->leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, shown->key), 1);
    for (size_t i = 0;
         i < sizeof(shown->above) / sizeof(shown->above[0]) && shown->above[i] != NULL; i++) {
        assert_int_equal(SSL_CTX_add1_chain_cert(ctx, shown->above[i]), 1);
    }
    return ctx;
}

void tls_pair_init(struct tls_pair *p, SSL_CTX *client, SSL_CTX *server)
{
    BIO *a = NULL;
    BIO *b = NULL;

    *p = (struct tls_pair){SSL_new(client), SSL_new(server)};
    assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(p->client, a, a);
    SSL_set_bio(p->server, b, b);
    SSL_set_connect_state(p->client);
    SSL_set_accept_state(p->server);
}

void tls_pair_done(struct tls_pair *p)
{
    SSL_free(p->client);
    SSL_free(p->server);
    ERR_clear_error();
}

bool tls_pair_shake(struct tls_pair *p)
{
    bool is_client_done = false;
    bool is_server_done = false;

    for (int i = 0; i < 20; i++) {
        ERR_clear_error();
        is_client_done = SSL_do_handshake(p->client) == 1;
        ERR_clear_error();
        is_server_done = SSL_do_handshake(p->server) == 1;
    }
    return is_client_done && is_server_done;
}
