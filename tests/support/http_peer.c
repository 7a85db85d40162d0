#include "tests/support/http_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A test can't go on without what these give. */
static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void connection_end(struct peer *p, struct peer_connection *c)
{
    if (c->tls != NULL) {
        (void)SSL_shutdown(c->tls);
        SSL_free(c->tls);
    }
    (void)pthread_mutex_lock(&p->lock);
    p->fds[c->index] = -1;
    (void)close(c->fd);
    (void)pthread_cond_broadcast(&p->closed);
    (void)pthread_mutex_unlock(&p->lock);
    free(c);
}

/* Close so that what was said last (an alert) is not overtaken by a reset. */
static void linger(struct peer_connection *c)
{
    char bytes[512];

    (void)shutdown(c->fd, SHUT_WR);
    while (recv(c->fd, bytes, sizeof(bytes), 0) > 0) {
    }
}

static void *connection_run(void *arg)
{
    struct peer_connection *c = arg;
    struct peer *p = c->peer;
    bool is_ready = true;

    if (p->tls != NULL) {
        c->tls = SSL_new(p->tls);
        must(c->tls != NULL && SSL_set_fd(c->tls, c->fd) == 1);
        is_ready = SSL_accept(c->tls) == 1;
        p->handshakes_failed += is_ready ? 0 : 1;
    }
    if (is_ready) {
        p->serve(c);
    } else {
        linger(c);
    }
    connection_end(p, c);
    return NULL;
}

static void connection_begin(struct peer *p, int fd)
{
    struct peer_connection *c = calloc(1, sizeof(*c));
    int yes = 1;

    must(c != NULL && p->connections < PEER_CONNECTIONS_MAX);
    *c = (struct peer_connection){.peer = p, .fd = fd, .index = p->connections};
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    p->fds[c->index] = fd;
    must(pthread_create(&p->threads[c->index], NULL, connection_run, c) == 0);
    p->connections++;
}

static void *acceptor_run(void *arg)
{
    struct peer *p = arg;

    for (;;) {
        int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);

        (void)pthread_mutex_lock(&p->lock);
        if (fd >= 0 && !p->is_stopping) {
            connection_begin(p, fd);
        } else if (fd >= 0) {
            (void)close(fd);
        }
        if (p->is_stopping) {
            (void)pthread_mutex_unlock(&p->lock);
            return NULL;
        }
        (void)pthread_mutex_unlock(&p->lock);
    }
}

static void start_on(struct peer *p, const struct sockaddr *at, socklen_t len)
{
    struct sockaddr_in6 bound;
    socklen_t bound_len = sizeof(bound);

    must(bind(p->listener, at, len) == 0 && listen(p->listener, 256) == 0 &&
         getsockname(p->listener, (struct sockaddr *)&bound, &bound_len) == 0);
    p->port = ntohs(bound.sin6_port); /* at the same place in sockaddr_in */
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->closed, NULL);
    must(pthread_create(&p->acceptor, NULL, acceptor_run, p) == 0);
}

void peer_start(struct peer *p, SSL_CTX *tls, peer_serve *serve, const void *arg)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *p = (struct peer){.tls = tls, .serve = serve, .arg = arg};
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(p->listener >= 0);
    start_on(p, (const struct sockaddr *)&at, sizeof(at));
}

bool peer_start_ipv6(struct peer *p, peer_serve *serve, const void *arg)
{
    const struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has_ipv6 = probe >= 0 && bind(probe, (const struct sockaddr *)&at, sizeof(at)) == 0;

    (void)close(probe);
    if (!has_ipv6) {
        return false;
    }
    *p = (struct peer){.serve = serve, .arg = arg};
    p->listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(p->listener >= 0);
    start_on(p, (const struct sockaddr *)&at, sizeof(at));
    return true;
}

void peer_fork(struct peer_process *p, peer_serve *serve, const void *arg)
{
    int ports[2];
    int life[2];

    must(pipe(ports) == 0 && pipe(life) == 0);
    p->pid = fork();
    must(p->pid >= 0);
    if (p->pid == 0) {
        struct peer peer;
        char byte;

        (void)close(life[1]);
        peer_start(&peer, NULL, serve, arg);
        must(write(ports[1], &peer.port, sizeof(peer.port)) == sizeof(peer.port));
        (void)!read(life[0], &byte, 1); /* ends when the parent closes, or dies */
        _exit(0);
    }
    (void)close(life[0]);
    must(read(ports[0], &p->port, sizeof(p->port)) == sizeof(p->port));
    (void)close(ports[0]);
    (void)close(ports[1]);
    p->hold = life[1];
}

void peer_join(const struct peer_process *p)
{
    (void)close(p->hold);
    must(waitpid(p->pid, NULL, 0) == p->pid);
}

void peer_stop(struct peer *p)
{
    unsigned n;

    (void)pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    (void)shutdown(p->listener, SHUT_RDWR); /* wakes accept */
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->acceptor, NULL);
    (void)close(p->listener);
    (void)pthread_mutex_lock(&p->lock);
    n = p->connections;
    for (unsigned i = 0; i < n; i++) {
        if (p->fds[i] >= 0) {
            (void)shutdown(p->fds[i], SHUT_RDWR);
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(p->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&p->closed);
    (void)pthread_mutex_destroy(&p->lock);
}

void peer_wait_served(struct peer *p, unsigned index)
{
    (void)pthread_mutex_lock(&p->lock);
    while (p->connections <= index || p->fds[index] >= 0) {
        (void)pthread_cond_wait(&p->closed, &p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

static size_t peer_get(struct peer_connection *c, void *at, size_t room)
{
    ssize_t n = c->tls != NULL ? SSL_read(c->tls, at, (int)room) : recv(c->fd, at, room, 0);

    return n > 0 ? (size_t)n : 0;
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "\r\ncontent-length:");

    return at != NULL ? strtoul(at + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* Byte by byte, so that nothing of a next request is taken. */
static bool read_head(struct peer_connection *c, struct peer_request *r)
{
    size_t len = 0;

    while (len < sizeof(r->head) - 1) {
        if (peer_get(c, r->head + len, 1) == 0) {
            return false;
        }
        r->head[++len] = '\0';
        if (len >= 4 && memcmp(r->head + len - 4, "\r\n\r\n", 4) == 0) {
            return true;
        }
    }
    return false;
}

bool peer_read(struct peer_connection *c, struct peer_request *r)
{
    size_t got = 0;

    peer_request_done(r);
    if (!read_head(c, r)) {
        return false;
    }
    r->body_len = content_length(r->head);
    must(r->body_len <= PEER_BODY_MAX);
    r->body = calloc(1, r->body_len + 1);
    must(r->body != NULL);
    while (got < r->body_len) {
        size_t n = peer_get(c, r->body + got, r->body_len - got);

        if (n == 0) {
            return false;
        }
        got += n;
    }
    c->peer->requests++;
    return true;
}

void peer_request_done(struct peer_request *r)
{
    free(r->body);
    r->body = NULL;
    r->body_len = 0;
}

bool peer_write(struct peer_connection *c, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n =
            c->tls != NULL ? SSL_write(c->tls, at, (int)len) : send(c->fd, at, len, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool peer_say(struct peer_connection *c, const char *text)
{
    return peer_write(c, text, strlen(text));
}

void peer_wait_closed(struct peer_connection *c)
{
    char bytes[4096];

    while (peer_get(c, bytes, sizeof(bytes)) > 0) {
    }
}

void peer_reset(struct peer_connection *c)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void peer_serve_text(struct peer_connection *c)
{
    struct peer_request r = {0};

    while (peer_read(c, &r) && peer_say(c, c->peer->arg)) {
    }
    peer_request_done(&r);
}

void peer_serve_nothing(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (peer_read(c, &r)) {
        peer_wait_closed(c);
    }
    peer_request_done(&r);
}
