#include "common/io/cert_make.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* Certificate signing requests (PKCS#10, RFC 2986). */

static X509_REQ *make(EVP_PKEY *key)
{
    X509_REQ *csr = X509_REQ_new();
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();

    if (csr != NULL &&
        (X509_REQ_set_version(csr, X509_REQ_VERSION_1) != 1 ||
         X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, MBSTRING_ASC,
                                    (const unsigned char *)"connector-agent", -1, -1, 0) != 1 ||
         X509_REQ_set_pubkey(csr, key) != 1 || X509_REQ_sign(csr, key, digest) <= 0)) {
        X509_REQ_free(csr);
        csr = NULL;
    }
    return csr;
}

enum cx_err cert_csr_make_der(EVP_PKEY *key, struct buf *out, struct cx_fail *fail)
{
    X509_REQ *csr = make(key);
    uint8_t *der = NULL;
    int len = csr != NULL ? i2d_X509_REQ(csr, &der) : -1;
    enum cx_err err;

    if (len <= 0) {
        err = crypto_fail(fail, CX_E_CRYPTO, "cert.csr", "the request can't be made");
    } else {
        err = buf_put(out, slice_of(der, (size_t)len));
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "cert.csr", "%s", cx_err_text(err));
        }
    }
    OPENSSL_free(der);
    X509_REQ_free(csr);
    return err;
}

enum cx_err cert_csr_make_pem(EVP_PKEY *key, struct buf *out, struct cx_fail *fail)
{
    X509_REQ *csr = make(key);
    BIO *bio = BIO_new(BIO_s_mem());
    char *ptr = NULL;
    long len;
    enum cx_err err;

    if (csr == NULL || bio == NULL || PEM_write_bio_X509_REQ(bio, csr) != 1) {
        err = crypto_fail(fail, CX_E_CRYPTO, "cert.csr", "the request can't be made");
    } else {
        len = BIO_get_mem_data(bio, &ptr);
        err = buf_put(out, slice_of(ptr, len > 0 ? (size_t)len : 0));
        if (err != CX_OK) {
            (void)cx_fail_set(fail, err, "cert.csr", "%s", cx_err_text(err));
        }
    }
    BIO_free(bio);
    X509_REQ_free(csr);
    return err;
}

static bool is_ec_curve(const EVP_PKEY *key, const char *curve)
{
    char name[64];
    size_t len = 0;
    int is_explicit = 0; /* parameters written out instead of a name (RFC 5480, 2.1.1 forbids it) */

    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, name, sizeof(name), &len) == 1 &&
           strcmp(name, curve) == 0 &&
           EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &is_explicit) == 1 &&
           is_explicit == 0;
}

static bool is_good_key(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        return EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 8192;
    }
    return EVP_PKEY_is_a(key, "ED25519") == 1 || is_ec_curve(key, "prime256v1") ||
           is_ec_curve(key, "secp384r1");
}

/* The key of a parsed request. Its kind comes first: verifying with a giant key is slow. */
static enum cx_err take_key(X509_REQ *csr, EVP_PKEY **out, struct cx_fail *fail)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr);

    if (key == NULL) {
        return crypto_fail(fail, CX_E_UNSUPPORTED, "cert.csr",
                           "the request's key is of no known kind");
    }
    if (!is_good_key(key)) {
        ERR_clear_error();
        return cx_fail_set(fail, CX_E_UNSUPPORTED, "cert.csr",
                           "the request's key must be P-256, P-384, Ed25519 or RSA of 2048 to "
                           "8192 bits");
    }
    if (X509_REQ_verify(csr, key) != 1) {
        return crypto_fail(fail, CX_E_CERT, "cert.csr",
                           "the request isn't signed with its own key");
    }
    if (EVP_PKEY_up_ref(key) != 1) {
        return crypto_fail(fail, CX_E_CRYPTO, "cert.csr", "the request's key can't be kept");
    }
    *out = key;
    return CX_OK;
}

static enum cx_err check_size(struct slice csr, struct cx_fail *fail)
{
    if (csr.len > CERT_CSR_MAX_BYTES) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "cert.csr", "the request is larger than %d bytes",
                           CERT_CSR_MAX_BYTES);
    }
    if (csr.len == 0) {
        return cx_fail_set(fail, CX_E_SYNTAX, "cert.csr", "the request is empty");
    }
    return CX_OK;
}

enum cx_err cert_csr_key_der(struct slice der, EVP_PKEY **out, struct cx_fail *fail)
{
    const unsigned char *at = der.ptr;
    enum cx_err err = check_size(der, fail);
    X509_REQ *csr;

    if (err != CX_OK) {
        return err;
    }
    csr = d2i_X509_REQ(NULL, &at, (long)der.len);
    if (csr == NULL) {
        return crypto_fail(fail, CX_E_SYNTAX, "cert.csr", "not a PKCS#10 request");
    }
    if (at != der.ptr + der.len) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "cert.csr", "something follows the request");
    } else {
        err = take_key(csr, out, fail);
    }
    X509_REQ_free(csr);
    return err;
}

enum cx_err cert_csr_key_pem(struct slice pem, EVP_PKEY **out, struct cx_fail *fail)
{
    enum cx_err err = check_size(pem, fail);
    X509_REQ *csr;
    BIO *bio;

    if (err != CX_OK) {
        return err;
    }
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    csr = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    if (csr == NULL) {
        err = crypto_fail(fail, CX_E_SYNTAX, "cert.csr", "not a PKCS#10 request (PEM)");
    } else {
        err = take_key(csr, out, fail);
    }
    X509_REQ_free(csr);
    BIO_free(bio);
    return err;
}
