#ifndef CONNECTOR_COMMON_IO_CERT_MAKE_H
#define CONNECTOR_COMMON_IO_CERT_MAKE_H

#include "common/io/cert.h"

/* Making keys, requests and certificates. Every certificate has a random 128-bit serial number and
 * starts an hour in the past, for clocks that are late. Objects that are given are the caller's.
 * Errors: CX_E_CRYPTO, unless said otherwise. */

enum {
    CERT_BACKDATE_S = 3600,
    CERT_CA_DAYS = 3650,
    CERT_CSR_MAX_BYTES = 16 * 1024,
};

/* A new P-256 key. */
enum cx_err cert_key_make(EVP_PKEY **out, struct cx_fail *fail) CX_MUST_CHECK;

/* A private CA: a key and its own certificate. */
struct cert_ca {
    EVP_PKEY *key;
    X509 *cert;
};
void cert_ca_done(struct cert_ca *ca);

/* Make a CA with a new key: self-signed, CA:TRUE with path length 0, keyCertSign and cRLSign, ten
 * years. `name` is its CN (64 bytes at most). */
enum cx_err cert_ca_make(const char *name, uint64_t now_s, struct cert_ca *out,
                         struct cx_fail *fail) CX_MUST_CHECK;

/* A PKCS#10 request (RFC 2986) for the key, signed with it. Its subject is empty of meaning: the
 * issuer names the certificate. */
enum cx_err cert_csr_make_der(EVP_PKEY *key, struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_csr_make_pem(EVP_PKEY *key, struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;

/* The public key of a request, after its signature has been verified (so the sender holds the
 * private key) and its kind found good: P-256, P-384, RSA of 2048 to 8192 bits, Ed25519. Nothing
 * else of the request is used. Errors: CX_E_SYNTAX, CX_E_TOO_BIG, CX_E_UNSUPPORTED (kind of key),
 * CX_E_CERT (signature). */
enum cx_err cert_csr_key_der(struct slice der, EVP_PKEY **out, struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err cert_csr_key_pem(struct slice pem, EVP_PKEY **out, struct cx_fail *fail) CX_MUST_CHECK;

/* What every certificate that a CA issues needs. It never outlives the CA. */
struct cert_order {
    const struct cert_ca *ca;
    EVP_PKEY *key; /* the subject's public key */
    uint64_t now_s;
    uint32_t days; /* from now; at least 1 */
};

/* Issue an agent's certificate: CN is the agent, OU the connector; CA:FALSE, digitalSignature,
 * clientAuth. Error besides: CX_E_RANGE (a name that is empty, longer than 64 bytes or has control
 * characters; no days). */
enum cx_err cert_issue_agent(const struct cert_order *order, const struct cert_agent_name *name,
                             X509 **out, struct cx_fail *fail) CX_MUST_CHECK;

/* The names that a server's certificate is good for: DNS names and IP addresses, in text. */
struct cert_server_names {
    const char *const *items;
    size_t count; /* at least 1 */
};

/* Issue a server's certificate: CA:FALSE, digitalSignature, serverAuth, a subjectAltName with the
 * names, the first of them as CN where it fits. Error besides: CX_E_RANGE (as above). */
enum cx_err cert_issue_server(const struct cert_order *order, struct cert_server_names names,
                              X509 **out, struct cx_fail *fail) CX_MUST_CHECK;

#endif
