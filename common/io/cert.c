#include "common/io/cert.h"

#include "common/core/encode.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void cert_chain_done(struct cert_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        X509_free(chain->items[i]);
    }
    *chain = (struct cert_chain){0};
}

/* A BIO that reads `text`, or NULL. */
static BIO *bio_of(struct slice text)
{
    return text.len > INT_MAX || text.ptr == NULL ? NULL : BIO_new_mem_buf(text.ptr, (int)text.len);
}

/* True if the last failure was merely that no further PEM block begins. */
static bool is_pem_at_end(void)
{
    unsigned long number = ERR_peek_last_error();

    return ERR_GET_LIB(number) == ERR_LIB_PEM && ERR_GET_REASON(number) == PEM_R_NO_START_LINE;
}

static enum cx_err read_chain(BIO *bio, struct cert_chain *out, struct cx_fail *fail)
{
    for (;;) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (cert == NULL && is_pem_at_end() && out->count > 0) {
            ERR_clear_error();
            return CX_OK;
        }
        if (cert == NULL && is_pem_at_end()) {
            ERR_clear_error();
            return cx_fail_set(fail, CX_E_CERT, "cert.read", "no certificate in it (PEM)");
        }
        if (cert == NULL) {
            return crypto_fail(fail, CX_E_CERT, "cert.read", "a certificate in it is malformed");
        }
        if (out->count == CERT_CHAIN_MAX) {
            X509_free(cert);
            return cx_fail_set(fail, CX_E_CERT, "cert.read", "more than %d certificates in it",
                               CERT_CHAIN_MAX);
        }
        out->items[out->count++] = cert;
    }
}

enum cx_err cert_chain_from_pem(struct slice pem, struct cert_chain *out, struct cx_fail *fail)
{
    BIO *bio = bio_of(pem);
    enum cx_err err;

    *out = (struct cert_chain){0};
    if (bio == NULL) {
        return crypto_fail(fail, CX_E_CERT, "cert.read", "no certificate in it (PEM)");
    }
    ERR_clear_error(); /* is_pem_at_end looks at what comes from here on */
    err = read_chain(bio, out, fail);
    if (err != CX_OK) {
        cert_chain_done(out);
    }
    BIO_free(bio);
    return err;
}

/* Append what `bio` (of memory) has gathered. */
static enum cx_err put_bio(BIO *bio, struct buf *out, struct cx_fail *fail)
{
    char *ptr = NULL;
    long len = BIO_get_mem_data(bio, &ptr);
    enum cx_err err = buf_put(out, slice_of(ptr, len > 0 ? (size_t)len : 0));

    return err == CX_OK ? err : cx_fail_set(fail, err, "cert.write", "%s", cx_err_text(err));
}

enum cx_err cert_to_pem(X509 *cert, struct buf *out, struct cx_fail *fail)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum cx_err err;

    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1) {
        err = crypto_fail(fail, CX_E_CERT, "cert.write", "the certificate can't be written");
    } else {
        err = put_bio(bio, out, fail);
    }
    BIO_free(bio);
    return err;
}

enum cx_err cert_chain_to_pem(const struct cert_chain *chain, struct buf *out, struct cx_fail *fail)
{
    size_t before = out->len;
    enum cx_err err = CX_OK;

    for (size_t i = 0; err == CX_OK && i < chain->count; i++) {
        err = cert_to_pem(chain->items[i], out, fail);
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}

/* Put the file's name before what is wrong with its content. */
static void name_file(struct cx_fail *fail, const char *path)
{
    struct cx_fail inner;

    if (fail != NULL) {
        inner = *fail;
        (void)cx_fail_set(fail, inner.code, inner.op, "%s: %s", path, cx_fail_text(&inner));
    }
}

enum cx_err cert_chain_read(const char *path, struct cert_chain *out, struct cx_fail *fail)
{
    struct buf pem;
    enum cx_err err;

    *out = (struct cert_chain){0};
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    err = file_read(path, CERT_PEM_MAX_BYTES, &pem, fail);
    if (err == CX_OK) {
        err = cert_chain_from_pem(buf_view(&pem), out, fail);
        if (err != CX_OK) {
            name_file(fail, path);
        }
    }
    buf_done(&pem);
    return err;
}

/* Never ask for a pass phrase at the terminal: an encrypted key is an error. */
static int no_pass_phrase(char *buf, int size, int is_writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

enum cx_err cert_key_from_pem(struct slice pem, EVP_PKEY **out, struct cx_fail *fail)
{
    BIO *bio = bio_of(pem);
    EVP_PKEY *key = NULL;

    if (bio != NULL) {
        key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    }
    BIO_free(bio);
    if (key == NULL) {
        return crypto_fail(fail, CX_E_CERT, "cert.key",
                           "no private key in it (PEM, not encrypted)");
    }
    ERR_clear_error();
    *out = key;
    return CX_OK;
}

enum cx_err cert_key_to_pem(const EVP_PKEY *key, struct buf *out, struct cx_fail *fail)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* its memory is wiped */
    enum cx_err err;

    if (bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, no_pass_phrase, NULL) != 1) {
        err = crypto_fail(fail, CX_E_CERT, "cert.key", "the key can't be written");
    } else {
        err = put_bio(bio, out, fail);
    }
    BIO_free(bio);
    return err;
}

enum cx_err cert_key_read(const char *path, EVP_PKEY **out, struct cx_fail *fail)
{
    struct secret pem = {0};
    enum cx_err err = file_read_secret(path, CERT_PEM_MAX_BYTES, &pem, fail);

    if (err == CX_OK) {
        err = cert_key_from_pem(secret_view(&pem), out, fail);
        if (err != CX_OK) {
            name_file(fail, path);
        }
    }
    secret_done(&pem);
    return err;
}

enum cx_err cert_key_write(const char *path, const EVP_PKEY *key, enum file_how how,
                           struct cx_fail *fail)
{
    struct buf pem;
    enum cx_err err;

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    err = cert_key_to_pem(key, &pem, fail);
    if (err == CX_OK) {
        err = file_write(path, buf_view(&pem), 0600, how, fail);
    }
    buf_done(&pem);
    return err;
}

bool cert_has_key(const X509 *cert, const EVP_PKEY *key)
{
    const EVP_PKEY *public_key = X509_get0_pubkey(cert);
    bool is_same = public_key != NULL && EVP_PKEY_eq(public_key, key) == 1;

    ERR_clear_error();
    return is_same;
}

/* SHA-256 of the DER at `der` (whose owner this is); without it the program can't go on safely. */
static void hash_der(uint8_t *der, int len, uint8_t out[CRYPTO_SHA256_BYTES])
{
    if (der == NULL || len <= 0) {
        abort();
    }
    crypto_sha256(slice_of(der, (size_t)len), out);
    OPENSSL_free(der);
}

void cert_spki_sha256(const X509 *cert, uint8_t out[CRYPTO_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    hash_der(der, len, out);
}

void cert_key_spki_sha256(const EVP_PKEY *key, uint8_t out[CRYPTO_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    hash_der(der, len, out);
}

void cert_sha256(const X509 *cert, uint8_t out[CRYPTO_SHA256_BYTES])
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    hash_der(der, len, out);
}

static uint64_t unix_seconds(const ASN1_TIME *time)
{
    struct tm tm = {0};
    time_t seconds;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        ERR_clear_error();
        return 0;
    }
    seconds = timegm(&tm);
    return seconds > 0 ? (uint64_t)seconds : 0;
}

uint64_t cert_not_before_s(const X509 *cert)
{
    return unix_seconds(X509_get0_notBefore(cert));
}

uint64_t cert_not_after_s(const X509 *cert)
{
    return unix_seconds(X509_get0_notAfter(cert));
}

int64_t cert_days_left(const X509 *cert, uint64_t now_s)
{
    static const int64_t day_s = 86400;
    int64_t left = (int64_t)cert_not_after_s(cert) - (int64_t)now_s;

    return left >= 0 ? left / day_s : -((-left + day_s - 1) / day_s);
}

static const char *name_text(const X509_NAME *name, const char *if_empty,
                             char out[CERT_NAME_TEXT_BYTES])
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len = -1;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_read(bio, out, CERT_NAME_TEXT_BYTES - 1);
    }
    out[len > 0 ? len : 0] = '\0';
    if (out[0] == '\0') {
        (void)snprintf(out, CERT_NAME_TEXT_BYTES, "%s", if_empty);
    }
    cx_text_clean(out);
    BIO_free(bio);
    return out;
}

const char *cert_issuer_text(const X509 *cert, char out[CERT_NAME_TEXT_BYTES])
{
    return name_text(X509_get_issuer_name(cert), "an issuer without a name", out);
}

const char *cert_subject_text(const X509 *cert, char out[CERT_NAME_TEXT_BYTES])
{
    return name_text(X509_get_subject_name(cert), "a subject without a name", out);
}

const char *cert_serial_text(const X509 *cert, char out[CERT_SERIAL_TEXT_BYTES])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    struct slice bytes =
        slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));

    return encode_hex_text(slice_first(bytes, (CERT_SERIAL_TEXT_BYTES - 1) / 2), out);
}

/* The one value of a kind in the subject, as UTF-8 that is safe to show and compare. */
static bool subject_value(const X509 *cert, int kind, char out[CERT_NAME_MAX_BYTES])
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, kind, -1);
    unsigned char *utf8 = NULL;
    struct slice value;
    int len;
    bool is_good;

    if (at < 0 || X509_NAME_get_index_by_NID(subject, kind, at) >= 0) {
        return false;
    }
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len < 0) {
        ERR_clear_error();
        return false;
    }
    value = slice_of(utf8, (size_t)len);
    is_good = value.len > 0 && value.len < CERT_NAME_MAX_BYTES && slice_is_utf8(value) &&
              !slice_has_control(value);
    if (is_good) {
        memcpy(out, value.ptr, value.len);
        out[value.len] = '\0';
    }
    OPENSSL_free(utf8);
    return is_good;
}

enum cx_err cert_agent_name(const X509 *cert, struct cert_agent_name *out, struct cx_fail *fail)
{
    struct cert_agent_name name;

    if (!subject_value(cert, NID_commonName, name.agent) ||
        !subject_value(cert, NID_organizationalUnitName, name.connector)) {
        return cx_fail_set(fail, CX_E_CERT, "cert.name", "the certificate doesn't name one agent");
    }
    *out = name;
    return CX_OK;
}
