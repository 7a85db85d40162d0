#ifndef CONNECTOR_TESTS_SUPPORT_PKI_H
#define CONNECTOR_TESTS_SUPPORT_PKI_H

#include "common/io/cert_make.h"

#include <openssl/types.h>
#include <stdbool.h>

/* Throw-away certificates, and TLS ends joined in memory. Failures end the test. */

/* A CA, and what it has issued. */
struct pki {
    struct cert_ca ca;
    EVP_PKEY *key; /* of every leaf */
    X509 *server;  /* localhost and 127.0.0.1 */
    X509 *expired; /* the same names */
    X509 *early;   /* the same names; not yet valid */
    X509 *other_host;
    X509 *client; /* agent "agent" of connector "connector" */
};
void pki_init(struct pki *pki);
void pki_done(struct pki *pki);

/* What a server shows: a leaf with its key, and what it sends above it. */
struct shown {
    X509 *leaf;
    EVP_PKEY *key;
    X509 *above[2];
};
SSL_CTX *pki_server_new(const struct shown *shown);

/* A client and a server. */
struct tls_pair {
    SSL *client;
    SSL *server;
};
void tls_pair_init(struct tls_pair *p, SSL_CTX *client, SSL_CTX *server);
void tls_pair_done(struct tls_pair *p);

/* Run both ends until neither gets further; true if both are done. */
bool tls_pair_shake(struct tls_pair *p);

#endif
