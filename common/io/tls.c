#include "common/io/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* Those of RFC 9325, 4.2; TLS 1.3 brings its own, which are all good. */
const char tls12_ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                             "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                             "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

enum { TLS_SECURITY_LEVEL = 2 }; /* 112 bits: RSA and DH of 2048 bits, no SHA-1 */

enum cx_err tls_apply_profile(SSL_CTX *ctx, struct cx_fail *fail)
{
    SSL_CTX_set_security_level(ctx, TLS_SECURITY_LEVEL);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, tls12_ciphers) != 1) {
        return crypto_fail(fail, CX_E_CRYPTO, "tls.profile", "the TLS profile can't be set");
    }
    return CX_OK;
}

/* The chain without its leaf, as OpenSSL wants it; its entries are borrowed. NULL: no memory. */
static STACK_OF(X509) * rest_of(const struct cert_chain *chain)
{
    STACK_OF(X509) *rest = sk_X509_new_null();

    for (size_t i = 1; rest != NULL && i < chain->count; i++) {
        if (sk_X509_push(rest, chain->items[i]) <= 0) {
            sk_X509_free(rest);
            rest = NULL;
        }
    }
    return rest;
}

/* OpenSSL keeps one certificate a kind of key; a second kind would not replace the first. */
static bool is_other_kind(SSL_CTX *ctx, const EVP_PKEY *key)
{
    const EVP_PKEY *present = SSL_CTX_get0_privatekey(ctx);

    return present != NULL && EVP_PKEY_get_base_id(present) != EVP_PKEY_get_base_id(key);
}

static enum cx_err use_identity(SSL_CTX *ctx, const struct cert_chain *chain, EVP_PKEY *key,
                                struct cx_fail *fail)
{
    STACK_OF(X509) * rest;
    enum cx_err err = CX_OK;

    if (!cert_has_key(chain->items[0], key)) {
        return cx_fail_set(fail, CX_E_CERT, "tls.identity",
                           "the key does not belong to the certificate");
    }
    if (is_other_kind(ctx, key)) {
        return cx_fail_set(fail, CX_E_UNSUPPORTED, "tls.identity",
                           "the new key is of another kind than the old one; a restart is needed");
    }
    rest = rest_of(chain);
    if (rest == NULL || SSL_CTX_use_cert_and_key(ctx, chain->items[0], key, rest, 1) != 1) {
        err = crypto_fail(fail, CX_E_CERT, "tls.identity", "the certificate can't be used");
    }
    sk_X509_free(rest);
    return err;
}

enum cx_err tls_set_identity(SSL_CTX *ctx, struct slice chain, struct slice key,
                             struct cx_fail *fail)
{
    struct cert_chain certs = {0};
    EVP_PKEY *pkey = NULL;
    enum cx_err err = cert_chain_from_pem(chain, &certs, fail);

    if (err == CX_OK) {
        err = cert_key_from_pem(key, &pkey, fail);
    }
    if (err == CX_OK) {
        err = use_identity(ctx, &certs, pkey, fail);
    }
    EVP_PKEY_free(pkey);
    cert_chain_done(&certs);
    return err;
}

static enum cx_err store_fill(X509_STORE *store, struct slice ca, struct cx_fail *fail)
{
    struct cert_chain certs = {0};
    enum cx_err err = cert_chain_from_pem(ca, &certs, fail);

    for (size_t i = 0; err == CX_OK && i < certs.count; i++) {
        if (X509_STORE_add_cert(store, certs.items[i]) != 1) {
            err = crypto_fail(fail, CX_E_CRYPTO, "tls.trust", "the CA can't be trusted");
        }
    }
    cert_chain_done(&certs);
    return err;
}

enum cx_err tls_client_new(const struct tls_client *client, SSL_CTX **out, struct cx_fail *fail)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    enum cx_err err;

    if (ctx == NULL) {
        return crypto_fail(fail, CX_E_NOMEM, "tls.client", "no TLS context can be made");
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    err = tls_apply_profile(ctx, fail);
    if (err == CX_OK) {
        err = store_fill(SSL_CTX_get_cert_store(ctx), client->ca, fail); /* new: empty */
    }
    if (err == CX_OK && slice_is_absent(client->chain) != slice_is_absent(client->key)) {
        err = cx_fail_set(fail, CX_E_CERT, "tls.client",
                          "a certificate needs its key, and a key its certificate");
    } else if (err == CX_OK && !slice_is_absent(client->chain)) {
        err = tls_set_identity(ctx, client->chain, client->key, fail);
    }
    if (err != CX_OK) {
        SSL_CTX_free(ctx);
        return err;
    }
    *out = ctx;
    return CX_OK;
}

enum cx_err tls_client_renew(SSL_CTX *ctx, const struct tls_client *client, struct cx_fail *fail)
{
    X509_STORE *store = X509_STORE_new();
    enum cx_err err;

    if (store == NULL) {
        return crypto_fail(fail, CX_E_NOMEM, "tls.renew", "no store for the CAs can be made");
    }
    err = store_fill(store, client->ca, fail);
    if (err == CX_OK) {
        err = tls_set_identity(ctx, client->chain, client->key, fail);
    }
    if (err != CX_OK) {
        X509_STORE_free(store);
        return err;
    }
    SSL_CTX_set_cert_store(ctx, store); /* takes it, frees the old one */
    return CX_OK;
}
