#ifndef CONNECTOR_COMMON_CORE_TLS_TERMS_H
#define CONNECTOR_COMMON_CORE_TLS_TERMS_H

#include "common/core/buf.h"
#include "common/core/err.h"
#include "common/core/secret.h"

#include <stdbool.h>

/* What is asked of TLS with a server beyond what always is (chain, dates and name are verified, TLS
 * 1.2 at least): who the client is, a higher version, a pin of the server's key. Pure. */

/* A client certificate and its key, PEM texts that were found to belong together. Zeroed: none. */
struct tls_identity {
    struct secret chain; /* the certificate, then what is above it */
    struct secret key;
};

bool tls_identity_is_set(const struct tls_identity *id);
void tls_identity_done(struct tls_identity *id);

/* Zeroed: nothing beyond what always is. */
struct tls_terms {
    bool is_1_3_asked; /* TLS 1.3 at least */
    char *pins;        /* "sha256//…;sha256//…" (see below); NULL: none */
    struct tls_identity identity;
};

void tls_terms_done(struct tls_terms *t);

/* Does `terms` (which may be NULL) say anything that the defaults don't? */
bool tls_terms_are_set(const struct tls_terms *terms);

enum { TLS_PINS_MAX = 16 };

/* A pin is "sha256//" and the base64 (RFC 4648, section 4, with padding) of the SHA-256 of the
 * server's public key (SubjectPublicKeyInfo, DER), as curl writes it. Error: CX_E_SYNTAX. */
enum cx_err tls_pin_check(const char *pin, struct cx_fail *fail) CX_MUST_CHECK;

#endif
