#include "common/io/proxy_tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* libuv keeps a handle until it has closed it in its own time, so it is not part of the tunnel. */
struct proxy_watch {
    uv_poll_t poll; /* first: it is what uv_close hands back */
    struct proxy_tunnel *tunnel;
};

struct proxy_tunnel {
    struct loop *loop;
    struct proxy_tunnel_opts opts;
    struct loop_timer deadline;
    struct loop_timer address_timer; /* one address's part of the time */
    struct loop_lookup *lookup;
    struct loop_address addresses[LOOP_ADDRESSES_MAX];
    size_t naddresses;
    size_t next_address;
    uint64_t ends_ms;
    struct proxy_watch *watch;
    int fd; /* -1: none */
    bool is_connected;
    struct buf request;
    size_t sent;
    struct buf answer;
};

/* ---- the end ---- */

static void watch_closed(uv_handle_t *handle)
{
    free(handle);
}

static void watch_end(struct proxy_tunnel *t)
{
    if (t->watch != NULL) {
        (void)uv_poll_stop(&t->watch->poll);
        uv_close((uv_handle_t *)&t->watch->poll, watch_closed);
        t->watch = NULL;
    }
}

static void socket_end(struct proxy_tunnel *t)
{
    loop_timer_stop(&t->address_timer);
    watch_end(t);
    if (t->fd >= 0) {
        (void)close(t->fd);
        t->fd = -1;
    }
}

void proxy_tunnel_cancel(struct proxy_tunnel *t)
{
    socket_end(t);
    loop_timer_stop(&t->deadline);
    if (t->lookup != NULL) {
        loop_lookup_cancel(t->lookup);
    }
    buf_done(&t->request);
    buf_done(&t->answer);
    free(t);
}

static void finish(struct proxy_tunnel *t, const struct cx_fail *fail)
{
    struct proxy_tunnel_opts opts = t->opts;
    struct loop_address address = t->addresses[t->next_address > 0 ? t->next_address - 1 : 0];
    struct proxy_tunnel_end end = {.socket = -1, .address = t->naddresses > 0 ? &address : NULL};

    if (fail != NULL) {
        end.fail = *fail;
    } else {
        watch_end(t);
        end.socket = t->fd;
        t->fd = -1;
    }
    proxy_tunnel_cancel(t);
    opts.done(opts.arg, &end);
}

static void finish_late(void *arg)
{
    struct proxy_tunnel *t = arg;
    const char *awaited = t->lookup != NULL ? "the proxy's name could not be resolved"
                          : t->is_connected ? "the proxy did not answer"
                                            : "no connection to the proxy came about";
    struct cx_fail fail;

    (void)cx_fail_set(&fail, CX_E_TIMEOUT, "proxy", "%s within %u s", awaited,
                      t->opts.timeout_ms / 1000);
    finish(t, &fail);
}

/* ---- the answer ---- */

static void read_answer(struct proxy_tunnel *t, bool is_ended)
{
    struct proxy_answer answer;
    struct cx_fail fail = {0};
    enum cx_err err = proxy_answer_read(buf_view(&t->answer), &answer, &fail);

    if (err == CX_OK && answer.status == 0 && !is_ended) {
        return; /* there is more to come */
    }
    if (err == CX_OK && answer.status == 0) {
        err = cx_fail_set(&fail, CX_E_CONNECT, "proxy",
                          "the proxy closed the connection without a whole answer");
    } else if (err == CX_OK && answer.status >= 300) {
        err = proxy_refused(&answer, secret_is_set(&t->opts.proxy->credentials), &fail);
    } else if (err == CX_OK && answer.head_bytes != t->answer.len) {
        /* in TLS the client speaks first, so that nothing can have come from the other end */
        err = cx_fail_set(&fail, CX_E_SYNTAX, "proxy",
                          "the proxy sent bytes of its own behind its answer");
    }
    finish(t, err == CX_OK ? NULL : &fail);
}

static void receive(struct proxy_tunnel *t)
{
    uint8_t *at;
    ssize_t n;

    if (buf_reserve(&t->answer, PROXY_ANSWER_BYTES_MAX - t->answer.len, &at) != CX_OK) {
        struct cx_fail fail;

        (void)cx_fail_set(&fail, CX_E_NOMEM, "proxy", "out of memory");
        finish(t, &fail);
        return;
    }
    n = recv(t->fd, at, PROXY_ANSWER_BYTES_MAX - t->answer.len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    buf_grew(&t->answer, n > 0 ? (size_t)n : 0);
    read_answer(t, n <= 0);
}

/* ---- the request ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void send_request(struct proxy_tunnel *t)
{
    struct cx_fail fail;
    ssize_t n = send(t->fd, t->request.ptr + t->sent, t->request.len - t->sent, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        (void)cx_fail_set(&fail, CX_E_CONNECT, "proxy", "the proxy closed the connection: %s",
                          strerror(errno));
        finish(t, &fail);
        return;
    }
    t->sent += n > 0 ? (size_t)n : 0;
    if (t->sent == t->request.len) {
        buf_clear(&t->request); /* the password has left */
        (void)uv_poll_start(&t->watch->poll, UV_READABLE, on_ready);
    }
}

/* ---- the connection ---- */

static void try_next_address(struct proxy_tunnel *t, int err);

/* TCP is up, or has failed. */
static void on_connected(struct proxy_tunnel *t)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err != 0) {
        try_next_address(t, err);
        return;
    }
    loop_timer_stop(&t->address_timer);
    t->is_connected = true;
    send_request(t);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct proxy_tunnel *t = ((struct proxy_watch *)poll)->tunnel;

    if (!t->is_connected) {
        on_connected(t);
    } else if (status != 0 || (events & UV_READABLE) != 0) {
        receive(t);
    } else {
        send_request(t);
    }
}

static void address_late(void *arg)
{
    try_next_address(arg, ETIMEDOUT);
}

static bool watch_begin(struct proxy_tunnel *t)
{
    struct proxy_watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL || uv_poll_init(loop_uv(t->loop), &watch->poll, t->fd) != 0) {
        free(watch);
        return false;
    }
    watch->tunnel = t;
    t->watch = watch;
    return uv_poll_start(&watch->poll, UV_WRITABLE, on_ready) == 0;
}

/* Begin with one address; 0, or an errno. */
static int begin(struct proxy_tunnel *t, const struct loop_address *address)
{
    int one = 1;

    t->fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0) {
        return errno;
    }
    (void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(t->fd, (const struct sockaddr *)&address->sa, address->sa_len) != 0 &&
        errno != EINPROGRESS) {
        return errno;
    }
    return watch_begin(t) ? 0 : ENOMEM;
}

/* `err`: why the one before failed; 0: there was none. */
static void try_next_address(struct proxy_tunnel *t, int err)
{
    struct cx_fail fail;
    uint64_t now = loop_now_ms(t->loop);

    socket_end(t);
    while (t->next_address < t->naddresses) {
        size_t left = t->naddresses - t->next_address;
        uint64_t time = t->ends_ms > now ? t->ends_ms - now : 0;

        err = begin(t, &t->addresses[t->next_address++]);
        if (err == 0 && left > 1) {
            loop_timer_start(t->loop, &t->address_timer, time / left, address_late, t);
        }
        if (err == 0) {
            return;
        }
        socket_end(t);
    }
    (void)cx_fail_set(&fail, CX_E_CONNECT, "proxy", "no connection to the proxy: %s",
                      strerror(err));
    finish(t, &fail);
}

static void on_lookup(void *arg, const struct loop_address *addresses, size_t n,
                      const struct cx_fail *fail)
{
    struct proxy_tunnel *t = arg;

    t->lookup = NULL;
    if (n == 0) {
        struct cx_fail why;

        (void)cx_fail_set(&why, CX_E_CONNECT, "proxy", "the proxy's name can't be resolved: %s",
                          cx_fail_text(fail));
        finish(t, &why);
        return;
    }
    memcpy(t->addresses, addresses, n * sizeof(*addresses));
    t->naddresses = n;
    try_next_address(t, 0);
}

enum cx_err proxy_tunnel_start(struct loop *loop, const struct proxy_tunnel_opts *opts,
                               struct proxy_tunnel **out)
{
    struct proxy_tunnel *t = calloc(1, sizeof(*t));
    struct loop_lookup_ask ask = {
        .host = opts->proxy->host, .port = opts->proxy->port, .done = on_lookup, .arg = t};
    enum cx_err err;

    if (t == NULL) {
        return CX_E_NOMEM;
    }
    t->loop = loop;
    t->opts = *opts;
    t->fd = -1;
    t->ends_ms = loop_now_ms(loop) + opts->timeout_ms;
    buf_init(&t->request, PROXY_ANSWER_BYTES_MAX);
    buf_init(&t->answer, PROXY_ANSWER_BYTES_MAX);
    err = proxy_put_connect(opts->proxy, opts->host, opts->port, &t->request);
    if (err == CX_OK) {
        err = loop_lookup(loop, &ask, &t->lookup);
    }
    if (err != CX_OK) {
        t->lookup = NULL;
        proxy_tunnel_cancel(t);
        return err;
    }
    loop_timer_start(loop, &t->deadline, opts->timeout_ms, finish_late, t);
    *out = t;
    return CX_OK;
}
