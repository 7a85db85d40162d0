#ifndef CONNECTOR_COMMON_IO_TLS_H
#define CONNECTOR_COMMON_IO_TLS_H

#include "common/io/cert.h"

#include <openssl/types.h>

/* The one TLS profile: TLS 1.2 at least, 1.3 preferred; forward secrecy and authenticated
 * encryption only; no compression, no renegotiation. Verification of the peer has no off switch:
 * nothing here takes one. */

/* The cipher list for TLS 1.2, for libraries that want it as text. */
extern const char tls12_ciphers[];

/* Put version, ciphers and options of the profile on a context that a library made. Does not touch
 * verification. Error: CX_E_CRYPTO. */
enum cx_err tls_apply_profile(SSL_CTX *ctx, struct cx_fail *fail) CX_MUST_CHECK;

/* What a client trusts, and who it is. PEM texts, borrowed. */
struct tls_client {
    struct slice ca;    /* the only certificates trusted, one or more; never the system's */
    struct slice chain; /* the client's own certificate and what is above it; absent: none */
    struct slice key;   /* its private key; absent exactly when the chain is */
};

/* A client context that verifies its peer against `ca` (chain, dates, purpose). The host name is
 * set for each connection by whoever makes it (libwebsockets does). *out is the caller's to
 * SSL_CTX_free. Errors: CX_E_CERT (unreadable, or the key isn't the certificate's), CX_E_CRYPTO,
 * CX_E_NOMEM. */
enum cx_err tls_client_new(const struct tls_client *client, SSL_CTX **out,
                           struct cx_fail *fail) CX_MUST_CHECK;

/* Exchange the own certificate and key of a live context; connections that are up keep the old one.
 * The context is unchanged on error. Errors as above; CX_E_UNSUPPORTED (another kind of key than
 * before: OpenSSL would keep both). */
enum cx_err tls_set_identity(SSL_CTX *ctx, struct slice chain, struct slice key,
                             struct cx_fail *fail) CX_MUST_CHECK;

/* Exchange all of it on a live context: the CAs, the own certificate and key; they count from the
 * next connection on. The context is unchanged on error. Errors as above. */
enum cx_err tls_client_renew(SSL_CTX *ctx, const struct tls_client *client,
                             struct cx_fail *fail) CX_MUST_CHECK;

/* Trust by pin, for enrolment, when there is no CA on disk yet. */
struct tls_pin {
    uint8_t spki_sha256[CRYPTO_SHA256_BYTES]; /* of the CA's public key */
    const char *host; /* the DNS name or IP address (in text) that the peer must prove; borrowed */
    struct cx_fail fail; /* out: why the last verification failed; code CX_OK after one that held */
};

/* Make `ctx` verify its peer by pin: among the certificates that the peer sends, the one whose key
 * has that hash becomes the only trust anchor, and chain, dates, purpose and host name are verified
 * against it. (A pinned key that is merely present proves nothing.) Replaces OpenSSL's own
 * verification on this context, system CAs included; asks for the peer's certificate.
 *
 * With libcurl: call it in CURLOPT_SSL_CTX_FUNCTION and leave CURLOPT_SSL_VERIFYPEER and
 * CURLOPT_SSL_VERIFYHOST at their defaults (1 and 2); libcurl then looks at the verdict of this
 * verification, and checks the host name once more.
 * pin: borrowed until `ctx` is freed, and written to.
 * Errors: CX_E_SYNTAX (a host that is empty or begins with a dot would match too much),
 * CX_E_CRYPTO. */
enum cx_err tls_pin_install(SSL_CTX *ctx, struct tls_pin *pin, struct cx_fail *fail) CX_MUST_CHECK;

#endif
