#ifndef CONNECTOR_COMMON_IO_CERT_H
#define CONNECTOR_COMMON_IO_CERT_H

#include "common/core/buf.h"
#include "common/core/secret.h"
#include "common/io/crypto.h"
#include "common/io/file.h"

#include <openssl/types.h>

/* Keys, certificates and chains (RFC 5280), read and written. Making them: cert_make.h.
 * X509 and EVP_PKEY objects that a function gives are the caller's: X509_free, EVP_PKEY_free.
 * Errors: CX_E_CERT with a `fail` that says what is wrong, unless said otherwise. */

enum {
    CERT_PEM_MAX_BYTES = 64 * 1024,
    CERT_CHAIN_MAX = 10,
    CERT_NAME_MAX_BYTES = 65,    /* 64 characters (RFC 5280, upper bounds) and the NUL */
    CERT_SERIAL_TEXT_BYTES = 41, /* 20 bytes in hex and the NUL */
};

/* Certificates in the order of a TLS server's message: the leaf first. */
struct cert_chain {
    X509 *items[CERT_CHAIN_MAX];
    size_t count;
};

/* A zeroed chain is empty and valid. */
void cert_chain_done(struct cert_chain *chain);

/* Every certificate of a PEM text, at least one. Other PEM blocks and text between are passed over.
 * out: overwritten, empty on error. */
enum cx_err cert_chain_from_pem(struct slice pem, struct cert_chain *out,
                                struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_chain_to_pem(const struct cert_chain *chain, struct buf *out,
                              struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_chain_read(const char *path, struct cert_chain *out,
                            struct cx_fail *fail) CX_MUST_CHECK;

/* One certificate as PEM, appended; errors as buf_put's. */
enum cx_err cert_to_pem(X509 *cert, struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;

/* A private key as PEM (PKCS#8, not encrypted: the file's mode guards it). */
enum cx_err cert_key_from_pem(struct slice pem, EVP_PKEY **out, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_key_to_pem(const EVP_PKEY *key, struct buf *out,
                            struct cx_fail *fail) CX_MUST_CHECK;

/* Read a key's file: its mode must be 0600 or stricter (CX_E_MODE). Write one with mode 0600. */
enum cx_err cert_key_read(const char *path, EVP_PKEY **out, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_key_write(const char *path, const EVP_PKEY *key, enum file_how how,
                           struct cx_fail *fail) CX_MUST_CHECK;

/* True if the private key belongs to the certificate. */
bool cert_has_key(const X509 *cert, const EVP_PKEY *key);

/* SHA-256 of the public key's SubjectPublicKeyInfo (DER), which a pin names, and of the whole
 * certificate (DER), its fingerprint. */
void cert_spki_sha256(const X509 *cert, uint8_t out[CRYPTO_SHA256_BYTES]);
void cert_key_spki_sha256(const EVP_PKEY *key, uint8_t out[CRYPTO_SHA256_BYTES]);
void cert_sha256(const X509 *cert, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Unix seconds; 0 for a date that is malformed. */
uint64_t cert_not_before_s(const X509 *cert);
uint64_t cert_not_after_s(const X509 *cert);

/* Whole days from `now_s` to the end of the certificate; negative once it has ended. */
int64_t cert_days_left(const X509 *cert, uint64_t now_s);

/* Lower-case hex of the serial number. Returns `out`. */
const char *cert_serial_text(const X509 *cert, char out[CERT_SERIAL_TEXT_BYTES]);

enum { CERT_NAME_TEXT_BYTES = 128 };

/* The issuer's or subject's name (RFC 4514) for a message: printable, escaped, cut to fit. Returns
 * `out`. */
const char *cert_issuer_text(const X509 *cert, char out[CERT_NAME_TEXT_BYTES]);
const char *cert_subject_text(const X509 *cert, char out[CERT_NAME_TEXT_BYTES]);

/* Who an agent's certificate speaks for. */
struct cert_agent_name {
    char agent[CERT_NAME_MAX_BYTES];     /* CN */
    char connector[CERT_NAME_MAX_BYTES]; /* OU */
};

/* Error: CX_E_CERT (not exactly one CN and one OU, or one with a control character or NUL). */
enum cx_err cert_agent_name(const X509 *cert, struct cert_agent_name *out,
                            struct cx_fail *fail) CX_MUST_CHECK;

#endif
