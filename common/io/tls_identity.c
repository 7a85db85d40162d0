#include "common/io/tls_identity.h"

#include "common/io/cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

enum { CA_FILE_BYTES_MAX = 8 * 1024 * 1024 }; /* the system's bundle has a quarter of a megabyte */

/* Written anew, so that nothing else that stood in the text goes along. */
static enum cx_err keep(const struct cert_chain *chain, struct slice key_pem,
                        struct tls_identity *out, struct cx_fail *fail)
{
    struct tls_identity made = {0};
    struct buf pem;
    enum cx_err err;

    buf_init(&pem, CERT_CHAIN_MAX * CERT_PEM_MAX_BYTES);
    err = cert_chain_to_pem(chain, &pem, fail);
    if (err == CX_OK) {
        err = secret_set(&made.chain, buf_view(&pem));
    }
    if (err == CX_OK) {
        err = secret_set(&made.key, key_pem);
    }
    buf_done(&pem);
    if (err != CX_OK) {
        tls_identity_done(&made);
        return cx_fail_set(fail, err, "tls.identity", "%s", cx_err_text(err));
    }
    *out = made;
    return CX_OK;
}

/* `key_pem` is the text that `key` was read from. */
static enum cx_err make(const struct cert_chain *chain, const EVP_PKEY *key, struct slice key_pem,
                        struct tls_identity *out, struct cx_fail *fail)
{
    if (!cert_has_key(chain->items[0], key)) {
        return cx_fail_set(fail, CX_E_CERT, "tls.identity",
                           "is not the key of the first certificate of `certificate`");
    }
    return keep(chain, key_pem, out, fail);
}

enum cx_err tls_identity_make(struct slice chain_pem, struct slice key_pem,
                              struct tls_identity *out, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    EVP_PKEY *key = NULL;
    enum cx_err err = cert_chain_from_pem(chain_pem, &chain, fail);

    if (err == CX_OK) {
        err = cert_key_from_pem(key_pem, &key, fail);
    }
    if (err == CX_OK) {
        err = make(&chain, key, key_pem, out, fail);
    }
    EVP_PKEY_free(key);
    cert_chain_done(&chain);
    return err;
}

static enum cx_err read_key(const char *path, struct secret *pem, EVP_PKEY **key,
                            struct cx_fail *fail)
{
    struct cx_fail why = {0};
    enum cx_err err = file_read_secret(path, CERT_PEM_MAX_BYTES, pem, fail);

    if (err == CX_OK) {
        err = cert_key_from_pem(secret_view(pem), key, &why);
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "tls.identity", "%s: %s", path, cx_fail_text(&why));
        }
    }
    return err;
}

enum cx_err tls_identity_read(const struct tls_identity_files *files, struct tls_identity *out,
                              const char **field, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    struct secret pem = {0};
    EVP_PKEY *key = NULL;
    enum cx_err err;

    *field = files->certificate == NULL ? "key" : "certificate";
    if (files->certificate == NULL && files->key == NULL) {
        return CX_OK;
    }
    if (files->certificate == NULL || files->key == NULL) {
        return cx_fail_set(fail, CX_E_MISSING, "tls.identity", "is of no use without `%s`",
                           files->certificate == NULL ? "certificate" : "key");
    }
    err = cert_chain_read(files->certificate, &chain, fail);
    if (err == CX_OK) {
        *field = "key";
        err = read_key(files->key, &pem, &key, fail);
    }
    if (err == CX_OK) {
        err = make(&chain, key, secret_view(&pem), out, fail);
    }
    EVP_PKEY_free(key);
    secret_done(&pem);
    cert_chain_done(&chain);
    return err;
}

static bool has_certificate(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    bool is_there = cert != NULL;

    X509_free(cert);
    BIO_free(bio);
    ERR_clear_error();
    return is_there;
}

enum cx_err tls_ca_check(const char *path, struct cx_fail *fail)
{
    struct buf pem;
    enum cx_err err;

    if (!file_exists(path)) {
        return cx_fail_set(fail, CX_E_NOT_FOUND, "tls.ca", "there is no file %s", path);
    }
    buf_init(&pem, CA_FILE_BYTES_MAX);
    err = file_read(path, CA_FILE_BYTES_MAX, &pem, fail);
    if (err == CX_OK && (pem.len == 0 || !has_certificate(buf_view(&pem)))) {
        err = cx_fail_set(fail, CX_E_CERT, "tls.ca", "%s: no certificate in it (PEM)", path);
    }
    buf_done(&pem);
    return err;
}

const char *tls_identity_text(const struct tls_identity *id, uint64_t now_unix_s,
                              char out[TLS_IDENTITY_TEXT_BYTES])
{
    struct cert_chain chain = {0};
    char name[CERT_NAME_TEXT_BYTES];
    long long days;

    (void)snprintf(out, TLS_IDENTITY_TEXT_BYTES, "?");
    if (cert_chain_from_pem(secret_view(&id->chain), &chain, NULL) != CX_OK) {
        return out;
    }
    (void)cert_subject_text(chain.items[0], name);
    days = (long long)cert_days_left(chain.items[0], now_unix_s);
    if (days < 0) {
        (void)snprintf(out, TLS_IDENTITY_TEXT_BYTES, "%s; it has ended", name);
    } else {
        (void)snprintf(out, TLS_IDENTITY_TEXT_BYTES, "%s; good for %lld days", name, days);
    }
    cert_chain_done(&chain);
    return out;
}
