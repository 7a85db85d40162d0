#include "common/io/http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A poll handle costs system calls to make, to change and to stop. So that of an established
 * connection is kept until libcurl closes it through http_socket_close, and left as it is when a
 * transfer ends: the next one on that connection wants the same.
 *
 * While it connects, libcurl 7.88 closes a socket without a word to our close function, and says
 * only afterwards that it need not be watched any more. libuv ends the process when it is told to
 * watch a descriptor that is closed, and stopping late would stop a stranger that has got the same
 * number: so what is closed is forgotten at once.
 *
 * Descriptors that libcurl makes for itself (its resolver's) are forgotten when it says so, which
 * it does before it closes them. */

static struct http_socket *socket_find(const struct http *h, int fd)
{
    return fd >= 0 && (size_t)fd < h->nsockets ? h->sockets[fd] : NULL;
}

static bool table_reaches(struct http *h, int fd)
{
    size_t room = h->nsockets != 0 ? h->nsockets : 64;
    struct http_socket **grown;

    if ((size_t)fd < h->nsockets) {
        return true;
    }
    while (room <= (size_t)fd) {
        room *= 2;
    }
    grown = calloc(room, sizeof(struct http_socket *));
    if (grown == NULL) {
        return false;
    }
    if (h->sockets != NULL) {
        memcpy(grown, h->sockets, h->nsockets * sizeof(struct http_socket *));
        free(h->sockets);
    }
    h->sockets = grown;
    h->nsockets = room;
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_socket *s = (struct http_socket *)handle;
    struct http *h = s->h;

    free(s);
    h->nclosing--;
    http_free_if_unused(h);
}

static void socket_forget(struct http_socket *s)
{
    s->h->sockets[s->fd] = NULL;
    s->h->nclosing++;
    uv_close((uv_handle_t *)&s->poll, on_closed);
}

static struct http_socket *socket_add(struct http *h, int fd)
{
    struct http_socket *s = calloc(1, sizeof(*s));

    if (s == NULL || !table_reaches(h, fd) || uv_poll_init(h->uv, &s->poll, fd) != 0) {
        free(s);
        return NULL;
    }
    s->h = h;
    s->fd = fd;
    h->sockets[fd] = s;
    return s;
}

static void on_ready(uv_poll_t *poll, int status, int events);

/* Tell libuv, if it does not know yet. An idle connection is watched for its end, without keeping
 * the loop up. */
static void socket_watch(struct http_socket *s)
{
    int events = s->wanted != 0 ? s->wanted : UV_READABLE;

    if (s->wanted == 0) {
        uv_unref((uv_handle_t *)&s->poll);
    } else {
        uv_ref((uv_handle_t *)&s->poll);
    }
    if (events != s->watched && uv_poll_start(&s->poll, events, on_ready) == 0) {
        s->watched = events;
    }
}

static void socket_stop(struct http_socket *s)
{
    (void)uv_poll_stop(&s->poll);
    s->watched = 0;
}

/* The peer has closed or reset a connection that nobody uses, or speaks without being asked.
 * libcurl would take it for the next request all the same if it was reset (and then send a second
 * time), or if bytes wait in it (and take them for the next answer): so put an ended socket in its
 * place, which libcurl recognizes as one. */
static void socket_end_idle(struct http_socket *s)
{
    uint8_t byte;

    if (s->watched != 0 && recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
        (errno == EAGAIN || errno == EINTR)) {
        return; /* the answer that the event spoke of was read in passing: all is well */
    }
    socket_stop(s);
    if (s->is_kept) {
        (void)dup3(s->h->ended_socket, s->fd, O_CLOEXEC);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct http_socket *s = (struct http_socket *)poll;
    struct http *h = s->h;
    int fd = s->fd;
    int what = 0;

    loop_note_event(h->loop);
    if (status != 0) { /* an error on the socket; libuv has stopped the handle */
        s->watched = 0;
        events = s->wanted; /* libcurl finds the error when it reads or writes */
    }
    if (s->wanted == 0) {
        socket_end_idle(s);
        return;
    }
    if (status == 0 && (events & UV_WRITABLE) != 0 && s->opener != NULL) {
        s->opener->facts.has_connected = true; /* TCP; libcurl 7.88 says so only after TLS */
    }
    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    http_enter(h);
    http_act(h, fd, what);
    /* A struct that was forgotten is freed in a later turn, so that it can't be another by now. */
    if (socket_find(h, fd) == s && (s->is_kept || s->wanted != 0)) {
        socket_watch(s);
    }
    http_leave(h);
}

/* libcurl does not want to be told about it any more, for now or for good. */
static void socket_rest(struct http_socket *s)
{
    if (s->is_kept) {
        socket_watch(s);
        return;
    }
    if (s->opener != NULL && fcntl(s->fd, F_GETFD) >= 0) { /* open: still connecting */
        socket_stop(s);
        return;
    }
    if (s->opener != NULL) {
        http_transfer_nudge(s->opener);
    }
    socket_forget(s);
}

int http_socket_change(CURL *easy, curl_socket_t fd, int what, void *h, void *unused)
{
    struct http_socket *s = socket_find(h, fd);

    (void)easy;
    (void)unused;
    if (s == NULL && what != CURL_POLL_REMOVE) {
        s = socket_add(h, fd);
    }
    if (s == NULL) {
        return 0; /* without memory the call ends with its budget; an error here would end all */
    }
    s->wanted = (what & CURL_POLL_IN) != 0 ? UV_READABLE : 0; /* of CURL_POLL_REMOVE: neither */
    s->wanted |= (what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0;
    if (what == CURL_POLL_REMOVE) {
        socket_rest(s);
    } else {
        socket_watch(s);
    }
    return 0;
}

int http_socket_open(struct http_transfer *call, const struct curl_sockaddr *address)
{
    struct http *h = call->h;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    struct http_socket *old = fd >= 0 ? socket_find(h, fd) : NULL;
    struct http_socket *s;
    int wanted = 0;

    if (fd < 0) {
        return -1;
    }
    if (old != NULL) { /* closed without a word, and its number is this one's now */
        wanted = old->wanted;
        socket_forget(old);
    }
    s = socket_add(h, fd);
    if (s == NULL) {
        (void)close(fd);
        return -1;
    }
    s->opener = call;
    s->wanted = wanted; /* libcurl sees the number only, and says nothing if it wants the same */
    if (wanted != 0) {
        socket_watch(s);
    }
    return fd;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

void http_socket_keep(const struct http_transfer *call, uint16_t own_port)
{
    struct sockaddr_storage own;

    for (size_t i = 0; i < call->h->nsockets; i++) {
        struct http_socket *s = call->h->sockets[i];
        socklen_t len = sizeof(own);

        if (s != NULL && s->opener == call &&
            getsockname(s->fd, (struct sockaddr *)&own, &len) == 0 && port_of(&own) == own_port) {
            s->is_kept = true;
            s->opener = NULL;
            return;
        }
    }
}

void http_socket_drop(const struct http_transfer *call)
{
    for (size_t i = 0; i < call->h->nsockets; i++) {
        struct http_socket *s = call->h->sockets[i];

        if (s != NULL && s->opener == call) {
            socket_forget(s);
        }
    }
}

int http_socket_close(void *h, curl_socket_t fd)
{
    struct http_socket *s = socket_find(h, fd);

    if (s != NULL) {
        socket_forget(s);
    }
    return close(fd);
}
