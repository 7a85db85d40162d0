#ifndef CONNECTOR_COMMON_IO_WS_CLIENT_PRIVATE_H
#define CONNECTOR_COMMON_IO_WS_CLIENT_PRIVATE_H

#include "common/io/cert.h"
#include "common/io/link_private.h"
#include "common/io/ws_client.h"

enum {
    WS_HOST_MAX = 100, /* libwebsockets cuts the Host header, and the name to verify, a little
                          later, without a word */
    WS_PATH_MAX = 1024,
    WS_WHERE_TEXT = LOOP_ADDRESS_TEXT + 16,
};

/* What stands behind one connection of libwebsockets; it outlives the attempt, and holds the link.
 */
struct ws_peer {
    struct web_conn web; /* first */
    struct ws_client *client;
    struct ws_peer *next;
    struct ws_peer **at;
    struct ws_attempt *attempt; /* NULL once it has ended */
    struct link *link;
    struct lws *wsi;   /* NULL before the first callback and after the last */
    bool is_starting;  /* libwebsockets is being asked for the connection just now */
    bool is_destroyed; /* and has let go of it already */
    bool is_proxied;   /* over a socket that was connected before */
    struct loop_timer orphan;
};

struct ws_attempt {
    struct ws_peer *peer; /* NULL once the connection has gone its own way */
    struct ws_client *client;
    struct ws_attempt_opts opts; /* its strings and address are below */
    enum ws_stage stage;
    int alert;                         /* the fatal TLS alert that came; 0: none */
    char issuer[CERT_NAME_TEXT_BYTES]; /* of a certificate that was not accepted; "": none */
    unsigned http_status;
    bool is_protocol_wrong;
    bool has_failed;
    struct ws_failed failed;
    struct loop_timer timer; /* the limit; then the report */
    struct ws_probe *probe;
    struct loop_address address;
    char host[WS_HOST_MAX + 8]; /* with port */
    char path[WS_PATH_MAX + 1];
};

struct ws_client {
    struct web *web;
    SSL_CTX *tls;
    struct lws_vhost *vhost;
    struct link_limits limits;
    struct ws_peer *peers;
    bool is_freed; /* goes with its last peer */
};

/* ws_client.c: end the attempt with what is said; it is reported in a later turn. Only the first
 * failure counts. */
void ws_attempt_fail(struct ws_attempt *attempt, enum cx_err code, const char *fmt, ...)
    CX_PRINTF(3, 4);
void ws_attempt_connected(struct ws_attempt *attempt); /* TCP is up */
void ws_attempt_succeed(struct ws_attempt *attempt);   /* with its peer's new link */
void ws_client_unref(struct ws_client *client);        /* a peer is gone */
const char *ws_attempt_where(const struct ws_attempt *attempt, char text[WS_WHERE_TEXT]);

/* ws_client_peer.c */
int ws_peer_callback(struct web_conn *web, struct lws *wsi, enum lws_callback_reasons reason,
                     void *in, size_t len);
void ws_peer_tls_info(const SSL *ssl, int where, int what); /* OpenSSL's info callback */
int ws_peer_verify(X509_STORE_CTX *store, void *unused);    /* OpenSSL's verification */
void ws_peer_free(struct ws_peer *peer);

/* ws_client_probe.c: ask the kernel why a connection fails, since libwebsockets only says that it
 * does. It watches a duplicate of the socket. */
struct ws_probe *ws_probe_new(struct ws_attempt *attempt, int fd); /* NULL: no reasons then */
void ws_probe_free(struct ws_probe *probe);                        /* NULL is fine */

#endif
