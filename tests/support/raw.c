#include "tests/support/raw.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void raw_init(struct net *net, struct raw *raw, int family, const void *address,
                     socklen_t len)
{
    *raw = (struct raw){.net = net, .fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(raw->fd >= 0);
    raw->got = calloc(1, RAW_GOT_MAX + 1);
    assert_non_null(raw->got);
    assert_int_equal(connect(raw->fd, address, len), 0);
    assert_int_equal(fcntl(raw->fd, F_SETFL, O_NONBLOCK), 0);
    for (size_t i = 0; i < NET_RAWS_MAX; i++) {
        if (net->raws[i] == NULL) {
            net->raws[i] = raw;
            return;
        }
    }
    fail_msg("more than %d raw clients", NET_RAWS_MAX);
}

void raw_open(struct net *net, struct raw *raw, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raw_init(net, raw, AF_INET, &in, sizeof(in));
}

void raw_open_unix(struct net *net, struct raw *raw, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    raw_init(net, raw, AF_UNIX, &un, sizeof(un));
}

void raw_close(struct raw *raw)
{
    for (size_t i = 0; i < NET_RAWS_MAX; i++) {
        if (raw->net->raws[i] == raw) {
            raw->net->raws[i] = NULL;
        }
    }
    SSL_free(raw->ssl);
    (void)close(raw->fd);
    free(raw->got);
    raw->ssl = NULL;
}

void raw_start_tls(struct raw *raw, SSL_CTX *tls)
{
    raw->ssl = SSL_new(tls);
    SSL_CTX_free(tls);
    assert_non_null(raw->ssl);
    assert_int_equal(SSL_set_fd(raw->ssl, raw->fd), 1);
    SSL_set_verify(raw->ssl, SSL_VERIFY_PEER, NULL);
    (void)SSL_set1_host(raw->ssl, "localhost");
    SSL_set_connect_state(raw->ssl);
}

static void raw_read_tls(struct raw *raw)
{
    int n;
    int err;

    if (!raw->is_up) {
        ERR_clear_error();
        n = SSL_do_handshake(raw->ssl);
        raw->is_up = n == 1;
        err = n == 1 ? SSL_ERROR_NONE : SSL_get_error(raw->ssl, n);
        raw->is_failed = err == SSL_ERROR_SSL || err == SSL_ERROR_SYSCALL;
        raw->is_closed = raw->is_failed;
        return;
    }
    ERR_clear_error();
    n = SSL_read(raw->ssl, raw->got + raw->got_len, (int)(RAW_GOT_MAX - raw->got_len));
    if (n > 0) {
        raw->got_len += (size_t)n;
        return;
    }
    err = SSL_get_error(raw->ssl, n);
    raw->is_failed = err == SSL_ERROR_SSL;
    raw->is_closed = err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE;
}

void raw_read(struct raw *raw)
{
    ssize_t n;

    if (raw->is_closed || raw->is_paused || raw->got_len == RAW_GOT_MAX) {
        return;
    }
    if (raw->ssl != NULL) {
        raw_read_tls(raw);
    } else {
        n = recv(raw->fd, raw->got + raw->got_len, RAW_GOT_MAX - raw->got_len, 0);
        if (n > 0) {
            raw->got_len += (size_t)n;
        } else {
            raw->is_closed = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
        }
    }
    raw->got[raw->got_len] = '\0';
}

static time_t now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* All of it, or until the peer has closed. */
void raw_say_bytes(struct raw *raw, const void *bytes, size_t len)
{
    const char *at = bytes;
    time_t until_s = now_s() + NET_WAIT_MS / 1000;

    while (len != 0 && !raw->is_closed) {
        ssize_t n;

        if (raw->ssl != NULL) {
            ERR_clear_error();
            n = SSL_write(raw->ssl, at, (int)len);
            if (n <= 0 && SSL_get_error(raw->ssl, (int)n) == SSL_ERROR_SSL) {
                return;
            }
        } else {
            n = send(raw->fd, at, len, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
                return;
            }
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else {
            net_turn(raw->net);
        }
        assert_true(now_s() <= until_s);
    }
}

void raw_say(struct raw *raw, const char *text)
{
    raw_say_bytes(raw, text, strlen(text));
}

struct raw_awaits {
    struct raw *raw;
    const char *text;
    size_t len;
};

static bool raw_has_text(void *arg)
{
    const struct raw_awaits *a = arg;

    return memmem(a->raw->got, a->raw->got_len, a->text, a->len) != NULL;
}

bool raw_wait_for(struct raw *raw, const char *text)
{
    struct raw_awaits a = {raw, text, strlen(text)};

    return net_wait(raw->net, raw_has_text, &a);
}

static bool raw_has_bytes(void *arg)
{
    const struct raw_awaits *a = arg;

    return a->raw->got_len >= a->len;
}

bool raw_wait_bytes(struct raw *raw, size_t len)
{
    struct raw_awaits a = {raw, NULL, len};

    return net_wait(raw->net, raw_has_bytes, &a);
}

bool raw_wait_closed(struct raw *raw)
{
    return net_wait_flag(raw->net, &raw->is_closed);
}

static bool raw_is_up(void *arg)
{
    const struct raw *raw = arg;

    return raw->is_up || raw->is_closed;
}

bool raw_wait_up(struct raw *raw)
{
    return net_wait(raw->net, raw_is_up, raw) && raw->is_up;
}

void raw_forget(struct raw *raw)
{
    raw->got_len = 0;
    raw->got[0] = '\0';
}

void raw_say_frame_header(struct raw *raw, uint8_t first, uint64_t len)
{
    uint8_t header[14] = {first};
    size_t n = 2;

    if (len < 126) {
        header[1] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        header[1] = 0x80 | 126;
        header[n++] = (uint8_t)(len >> 8);
        header[n++] = (uint8_t)len;
    } else {
        header[1] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8) {
            header[n++] = (uint8_t)(len >> shift);
        }
    }
    raw_say_bytes(raw, header, n + 4); /* and the mask, 0 */
}

void raw_say_frame(struct raw *raw, uint8_t first, const void *payload, size_t len)
{
    raw_say_frame_header(raw, first, len);
    raw_say_bytes(raw, payload, len);
}

void raw_say_upgrade(struct raw *raw, const char *path, const char *subprotocol)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n%s%s%s\r\n",
                   path, subprotocol != NULL ? "Sec-WebSocket-Protocol: " : "",
                   subprotocol != NULL ? subprotocol : "", subprotocol != NULL ? "\r\n" : "");
    raw_say(raw, text);
}
