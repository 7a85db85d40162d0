#include "common/io/listener.h"

#include "common/io/handed.h"
#include "common/io/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
    LISTENER_BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    LISTENER_BATCH = 32,     /* accepted in one event, then the others have their turn */
    LISTENER_REST_MS = 100,  /* when the process is out of descriptors */
};

union listener_address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

struct listener {
    uv_poll_t poll;
    struct loop *loop;
    struct loop_timer rest;
    int fd;
    uint16_t port;
    bool is_paused;
    bool is_unix;
    bool is_handed;
    dev_t dev; /* of the UNIX socket's file, to know it again */
    ino_t ino;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    listener_fn *accepted;
    void *arg;
};

/* ---- addresses ---- */

static void peer_text(const union listener_address *a, char out[LISTENER_PEER_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";

    if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
        (void)inet_ntop(AF_INET, &a->in6.sin6_addr.s6_addr[12], ip, sizeof(ip));
        (void)snprintf(out, LISTENER_PEER_TEXT, "%s:%u", ip, ntohs(a->in6.sin6_port));
    } else if (a->sa.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
        (void)snprintf(out, LISTENER_PEER_TEXT, "%s:%u", ip, ntohs(a->in.sin_port));
    } else if (a->sa.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
        (void)snprintf(out, LISTENER_PEER_TEXT, "[%s]:%u", ip, ntohs(a->in6.sin6_port));
    } else {
        (void)snprintf(out, LISTENER_PEER_TEXT, "unix");
    }
}

static enum cx_err address_of(const struct listener_opts *opts, union listener_address *a,
                              socklen_t *len, struct cx_fail *fail)
{
    memset(a, 0, sizeof(*a));
    if (opts->host == NULL) {
        size_t n = strlen(opts->unix_path);

        if (n == 0 || n >= sizeof(a->un.sun_path)) {
            return cx_fail_set(fail, CX_E_SYNTAX, "listen",
                               "'%s' is too long for a UNIX socket: at most %zu bytes",
                               opts->unix_path, sizeof(a->un.sun_path) - 1);
        }
        a->un.sun_family = AF_UNIX;
        memcpy(a->un.sun_path, opts->unix_path, n + 1);
        *len = sizeof(a->un);
    } else if (inet_pton(AF_INET, opts->host, &a->in.sin_addr) == 1) {
        a->in.sin_family = AF_INET;
        a->in.sin_port = htons(opts->port);
        *len = sizeof(a->in);
    } else if (inet_pton(AF_INET6, opts->host, &a->in6.sin6_addr) == 1) {
        a->in6.sin6_family = AF_INET6;
        a->in6.sin6_port = htons(opts->port);
        *len = sizeof(a->in6);
    } else {
        return cx_fail_set(fail, CX_E_SYNTAX, "listen", "'%s' is not a numeric address",
                           opts->host);
    }
    return CX_OK;
}

/* ---- accepting ---- */

static void listener_watch(struct listener *listener);

static void listener_rested(void *arg)
{
    listener_watch(arg);
}

/* True: go on, there may be more. */
static bool listener_accept(struct listener *listener)
{
    union listener_address a = {0};
    socklen_t len = sizeof(a);
    char peer[LISTENER_PEER_TEXT];
    int on = 1;
    int fd = accept4(listener->fd, &a.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        (void)uv_poll_stop(&listener->poll); /* or it would spin */
        loop_timer_start(listener->loop, &listener->rest, LISTENER_REST_MS, listener_rested,
                         listener);
        return false;
    }
    if (fd < 0) { /* else this one connection failed (accept(2): ECONNABORTED, EPROTO, ...) */
        return errno != EAGAIN && errno != EWOULDBLOCK;
    }
    if (!listener->is_unix) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    peer_text(&a, peer);
    listener->accepted(listener->arg, fd, peer);
    return true;
}

static void listener_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;

    (void)events;
    for (int i = 0; status == 0 && i < LISTENER_BATCH && !listener->is_paused; i++) {
        if (!listener_accept(listener)) {
            return;
        }
    }
}

static void listener_watch(struct listener *listener)
{
    if (!listener->is_paused && !loop_timer_runs(&listener->rest)) {
        (void)uv_poll_start(&listener->poll, UV_READABLE, listener_ready);
    }
}

void listener_empty(struct listener *listener)
{
    for (int i = 0; i < LISTENER_BACKLOG && !listener->is_paused; i++) {
        if (!listener_accept(listener)) {
            return;
        }
    }
}

void listener_pause(struct listener *listener, bool is_paused)
{
    if (listener->is_paused == is_paused) {
        return;
    }
    listener->is_paused = is_paused;
    if (is_paused) {
        (void)uv_poll_stop(&listener->poll);
    } else {
        listener_watch(listener);
    }
}

/* ---- opening ---- */

static bool unix_is_alive(const union listener_address *a, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_alive;

    if (fd < 0) {
        return true; /* can't tell, so leave it alone */
    }
    /* Only a socket that nobody listens on refuses; a full queue says EAGAIN. */
    is_alive = connect(fd, &a->sa, len) == 0 || errno != ECONNREFUSED;
    (void)close(fd);
    return is_alive;
}

/* Make way for our UNIX socket: what a dead process has left is removed. */
static enum cx_err unix_make_way(const union listener_address *a, socklen_t len,
                                 struct cx_fail *fail)
{
    const char *path = a->un.sun_path;
    struct stat st;

    if (lstat(path, &st) != 0) {
        return CX_OK; /* bind will say what is wrong, if anything is */
    }
    if (!S_ISSOCK(st.st_mode)) {
        return cx_fail_set(fail, CX_E_EXISTS, "listen", "'%s' exists and is not a socket", path);
    }
    if (unix_is_alive(a, len)) {
        return cx_fail_set(fail, CX_E_EXISTS, "listen",
                           "another process listens on '%s': already running", path);
    }
    (void)unlink(path);
    return CX_OK;
}

static int listener_socket(const union listener_address *a, socklen_t len)
{
    int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    int err;

    if (fd < 0) {
        return -1;
    }
    if (a->sa.sa_family == AF_UNIX) {
        (void)fchmod(fd, 0600); /* bind gives the file this mode, so it is never wider */
    } else {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (a->sa.sa_family == AF_INET6) { /* whatever the system's default is */
        int is_only = !IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);

        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_only, sizeof(is_only));
    }
    if (bind(fd, &a->sa, len) == 0 && listen(fd, LISTENER_BACKLOG) == 0) {
        return fd;
    }
    err = errno;
    (void)close(fd);
    errno = err;
    return -1;
}

static void close_one(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void listener_learn(struct listener *listener)
{
    union listener_address a = {0};
    socklen_t len = sizeof(a);
    struct stat st;

    if (listener->is_unix) {
        if (lstat(listener->path, &st) == 0) {
            listener->dev = st.st_dev;
            listener->ino = st.st_ino;
        }
    } else if (getsockname(listener->fd, &a.sa, &len) == 0) {
        listener->port = ntohs(a.sa.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
    }
}

enum cx_err listener_new(struct loop *loop, const struct listener_opts *opts, struct listener **out,
                         struct cx_fail *fail)
{
    union listener_address a;
    socklen_t len = 0;
    struct listener *listener;
    int why;
    enum cx_err err = address_of(opts, &a, &len, fail);
    int handed = err == CX_OK ? handed_socket(&a.sa) : -1;

    if (err == CX_OK && opts->host == NULL && handed < 0) {
        err = unix_make_way(&a, len, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        close_one(handed);
        return CX_E_NOMEM;
    }
    listener->is_handed = handed >= 0;
    listener->fd = listener->is_handed ? handed : listener_socket(&a, len);
    if (listener->fd < 0) {
        why = errno;
        free(listener);
        return opts->host == NULL
                   ? cx_fail_set(fail, CX_E_IO, "listen", "can't listen on '%s': %s",
                                 opts->unix_path, strerror(why))
                   : cx_fail_set(fail, CX_E_IO, "listen", "can't listen on %s port %u: %s",
                                 opts->host, opts->port, strerror(why));
    }
    listener->loop = loop;
    listener->accepted = opts->accepted;
    listener->arg = opts->arg;
    listener->is_unix = opts->host == NULL;
    if (listener->is_unix) {
        memcpy(listener->path, a.un.sun_path, sizeof(listener->path));
    }
    listener_learn(listener);
    (void)uv_poll_init(loop_uv(loop), &listener->poll, listener->fd); /* epoll takes any socket */
    listener->poll.data = listener;
    listener_watch(listener);
    *out = listener;
    return CX_OK;
}

bool listener_is_handed(const struct listener *listener)
{
    return listener->is_handed;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

static void listener_closed(uv_handle_t *poll)
{
    free(poll->data);
}

void listener_free(struct listener *listener)
{
    struct stat st;

    if (listener == NULL) {
        return;
    }
    if (listener->is_unix && !listener->is_handed && lstat(listener->path, &st) == 0 &&
        st.st_dev == listener->dev && st.st_ino == listener->ino) {
        (void)unlink(listener->path);
    }
    listener->is_paused = true; /* ends the loop of listener_ready, if this is called from it */
    loop_timer_stop(&listener->rest);
    (void)uv_poll_stop(&listener->poll);
    (void)close(listener->fd);
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
}
