#include "common/io/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

/* The certificate that was sent whose key has the pinned hash, or NULL. */
static X509 *find_pinned(STACK_OF(X509) * sent, const struct tls_pin *pin)
{
    for (int i = 0; i < sk_X509_num(sent); i++) {
        uint8_t hash[CRYPTO_SHA256_BYTES];

        cert_spki_sha256(sk_X509_value(sent, i), hash);
        if (memcmp(hash, pin->spki_sha256, sizeof(hash)) == 0) {
            return sk_X509_value(sent, i);
        }
    }
    return NULL;
}

/* What is verified besides the chain: a TLS server's certificate, now, of this host. */
static bool set_what_must_hold(X509_STORE_CTX *ctx, const struct tls_pin *pin)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    if (X509_STORE_CTX_set_default(ctx, "ssl_server") != 1 ||
        X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1) {
        return false;
    }
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_ip_asc(param, pin->host) == 1 ||
           X509_VERIFY_PARAM_set1_host(param, pin->host, 0) == 1;
}

/* Verify as if `anchor` were all that is trusted. Gives an X509_V_ code. */
static int verify_against(X509_STORE_CTX *outer, X509 *anchor, const struct tls_pin *pin)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int verdict = X509_V_ERR_UNSPECIFIED;

    if (store != NULL && ctx != NULL && X509_STORE_add_cert(store, anchor) == 1 &&
        X509_STORE_CTX_init(ctx, store, X509_STORE_CTX_get0_cert(outer),
                            X509_STORE_CTX_get0_untrusted(outer)) == 1 &&
        set_what_must_hold(ctx, pin)) {
        int held = X509_verify_cert(ctx);

        verdict = X509_STORE_CTX_get_error(ctx);
        if (held == 1 && verdict == X509_V_OK) {
            X509_STORE_CTX_set0_verified_chain(outer, X509_STORE_CTX_get1_chain(ctx));
        } else if (verdict == X509_V_OK) {
            verdict = X509_V_ERR_UNSPECIFIED; /* it failed without saying why */
        }
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return verdict;
}

/* In place of OpenSSL's own verification: 1 if the peer is who it must be, else 0. */
static int verify_by_pin(X509_STORE_CTX *outer, void *arg)
{
    struct tls_pin *pin = arg;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(outer);
    X509 *anchor = find_pinned(sent, pin);
    const X509 *leaf = X509_STORE_CTX_get0_cert(outer);
    char issuer[CERT_NAME_TEXT_BYTES];
    int verdict = X509_V_ERR_APPLICATION_VERIFICATION;

    if (anchor == NULL) {
        (void)cx_fail_set(&pin->fail, CX_E_TRUST, "tls.pin",
                          "the certificate of %s was issued by %s, not by the platform's CA: "
                          "something on the way replaces certificates, or this is another platform",
                          pin->host, leaf != NULL ? cert_issuer_text(leaf, issuer) : "nobody");
    } else {
        verdict = verify_against(outer, anchor, pin);
        (void)cx_fail_set(&pin->fail, verdict == X509_V_OK ? CX_OK : CX_E_TRUST, "tls.pin",
                          "the certificate of %s: %s", pin->host,
                          X509_verify_cert_error_string(verdict));
    }
    X509_STORE_CTX_set_error(outer, verdict);
    return verdict == X509_V_OK ? 1 : 0;
}

enum cx_err tls_pin_install(SSL_CTX *ctx, struct tls_pin *pin, struct cx_fail *fail)
{
    enum cx_err err;

    if (pin->host == NULL || pin->host[0] == '\0' || pin->host[0] == '.') {
        return cx_fail_set(fail, CX_E_SYNTAX, "tls.pin", "no host name to verify");
    }
    err = tls_apply_profile(ctx, fail);
    if (err != CX_OK) {
        return err;
    }
    pin->fail = (struct cx_fail){.code = CX_E_TRUST, .op = "tls.pin"}; /* until one has held */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_by_pin, pin);
    return CX_OK;
}
