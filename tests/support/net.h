#ifndef CONNECTOR_TESTS_SUPPORT_NET_H
#define CONNECTOR_TESTS_SUPPORT_NET_H

#include "common/io/loop.h"
#include "common/io/web.h"
#include "tests/support/pki.h"
#include "tests/support/temp.h"

#include <openssl/ssl.h>

/* A loop with a web on it and a folder with certificates, for tests of servers and clients that run
 * in one thread. Failures end the test. */

enum { NET_RAWS_MAX = 8, NET_WAIT_MS = 5000 };

#define NET_SUBPROTOCOL "test.v1"

struct raw; /* raw.h */

struct net {
    struct loop *loop;
    struct web *web;
    struct temp dir;
    struct pki pki;
    struct raw *raws[NET_RAWS_MAX]; /* that are open */
    char web_log[4096];             /* what libwebsockets said */
};

void net_start(struct net *net);
void net_stop(struct net *net); /* fails if a handle is left on the loop */

/* Files of the PKI: ca.pem, server.pem (leaf and CA), server.key. */
const char *net_file(const struct net *net, const char *name);

/* Run the loop until is_done(arg), at most NET_WAIT_MS; false if that is over. */
bool net_wait(struct net *net, bool (*is_done)(void *arg), void *arg);
bool net_wait_flag(struct net *net, const bool *flag);
bool net_wait_count(struct net *net, const unsigned *count, unsigned at_least);

/* Run the loop for a while, for what must not happen. */
void net_idle(struct net *net, unsigned ms);

/* Wait for an event of the loop or of a raw client, for 2 ms at most, and let it act. */
void net_turn(struct net *net);

/* A client's TLS context that trusts the PKI's CA; with the leaf as its certificate, if it is not
 * NULL. */
SSL_CTX *net_client_tls(const struct net *net, X509 *leaf, EVP_PKEY *key);

#endif
