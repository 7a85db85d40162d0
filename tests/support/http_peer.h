#ifndef CONNECTOR_TESTS_SUPPORT_HTTP_PEER_H
#define CONNECTOR_TESTS_SUPPORT_HTTP_PEER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A server of raw sockets for tests of HTTP clients: what it answers, and when it closes, is up to
 * a function that each connection gets a thread for. Loopback, a free port. */

enum { PEER_CONNECTIONS_MAX = 256, PEER_HEAD_MAX = 16 * 1024, PEER_BODY_MAX = 4 * 1024 * 1024 };

struct peer;

struct peer_connection {
    struct peer *peer;
    int fd;
    SSL *tls;       /* NULL: plain */
    unsigned index; /* 0 for the first connection */
};

typedef void peer_serve(struct peer_connection *c);

struct peer {
    int listener;
    uint16_t port;
    SSL_CTX *tls;
    peer_serve *serve;
    const void *arg; /* the test's */
    atomic_uint connections;
    atomic_uint requests; /* read whole */
    atomic_uint handshakes_failed;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t closed;
    bool is_stopping;
    int fds[PEER_CONNECTIONS_MAX]; /* -1: closed */
    pthread_t threads[PEER_CONNECTIONS_MAX];
};

/* Listen and serve. tls: borrowed; NULL for plain HTTP. */
void peer_start(struct peer *p, SSL_CTX *tls, peer_serve *serve, const void *arg);
void peer_stop(struct peer *p); /* closes every connection and joins every thread */
/* The same on the IPv6 loopback; false if this machine has none. */
bool peer_start_ipv6(struct peer *p, peer_serve *serve, const void *arg);
/* Wait until the server has closed connection `index`. */
void peer_wait_served(struct peer *p, unsigned index);

/* Serve in a process of its own, which has its own memory, until peer_join. Fork before this
 * process has a thread. */
struct peer_process {
    pid_t pid;
    int hold; /* the process lives until this is closed */
    uint16_t port;
};
void peer_fork(struct peer_process *p, peer_serve *serve, const void *arg);
void peer_join(const struct peer_process *p);

struct peer_request {
    char head[PEER_HEAD_MAX]; /* request line and headers, NUL-terminated */
    char *body;               /* freed by peer_read */
    size_t body_len;
};

/* Read one request, with the body that its Content-Length says; false when the client closed.
 * Counted once it is whole. Zeroed before the first call; peer_request_done frees. */
bool peer_read(struct peer_connection *c, struct peer_request *r);
void peer_request_done(struct peer_request *r);

bool peer_write(struct peer_connection *c, const void *bytes, size_t len);
bool peer_say(struct peer_connection *c, const char *text);
void peer_wait_closed(struct peer_connection *c); /* until the client closes (or peer_stop) */
void peer_reset(struct peer_connection *c);       /* closing will send RST */

/* ---- what most tests want served ---- */

/* Each request gets `arg`, a whole answer as text, until the client closes. */
void peer_serve_text(struct peer_connection *c);
/* Each request is read and never answered. */
void peer_serve_nothing(struct peer_connection *c);

#endif
