/* Many idle agents in one process: each with its certificate, its TLS session and its WebSocket,
 * greeting and answering pings, and coming back when its tunnel is lost, with an agent's backoff.
 * On plain sockets, OpenSSL and epoll: our own client code has no part in what is measured.
 *
 *     bench_tunnels PORT CA KEY CERTIFICATES
 *
 * CERTIFICATES: PEM, one an agent, all for KEY. Reads numbers from stdin: hold so many tunnels. As
 * often as all of them have become up, it prints {"up": N, "took_ms": MS, "attempts": A, "most":
 * M}: the time since the first of them was lost or began to connect, the attempts of all of them in
 * it and those of the one that had most. Ends at the end of stdin. */
#include "agent/core/backoff.h"
#include "common/core/wire.h"
#include "common/io/clock.h"
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AGENTS_MAX = 18000,
    TICK_MS = 10,
    ATTEMPT_MS = 10000,
    IN_BYTES = 1024,
    EVENTS_MAX = 256,
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

/* The masking key is all zero: masking is for the sake of caches between the two, and there are
 * none (RFC 6455, 10.3). */
static const uint8_t mask[4];

enum state { WAITING, CONNECTING, SHAKING, UPGRADING, GREETING, UP };

struct agent {
    X509 *cert;
    SSL *ssl;
    int fd;
    enum state state;
    struct backoff backoff;
    uint64_t due_ms;   /* WAITING: when to connect; else until UP: when to give up */
    unsigned attempts; /* since all were up */
    struct cx_id instance;
    uint8_t in[IN_BYTES];
    size_t have;
};

struct herd {
    SSL_CTX *tls;
    EVP_PKEY *key;
    struct sockaddr_in to;
    int epoll;
    struct agent *agents;
    size_t known, wanted, up;
    uint64_t began_ms; /* when the first that is not up began to connect; 0: all are up */
};

static void watch(const struct herd *h, struct agent *a, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.ptr = a};

    if (epoll_ctl(h->epoll, how, a->fd, &event) != 0) {
        bench_fail("epoll_ctl", strerror(errno));
    }
}

/* ---- one tunnel ---- */

static void lose(struct herd *h, struct agent *a)
{
    uint64_t now_ms = clock_mono_ms();

    if (a->state == UP) {
        h->up--;
    }
    h->began_ms = h->began_ms == 0 ? now_ms : h->began_ms;
    SSL_free(a->ssl);
    a->ssl = NULL;
    if (a->fd >= 0) {
        (void)close(a->fd);
        a->fd = -1;
    }
    a->have = 0;
    a->state = WAITING;
    a->due_ms = now_ms + backoff_next_ms(&a->backoff, now_ms, (uint32_t)random_u64());
}

static void tell_up(struct herd *h)
{
    unsigned long all = 0;
    unsigned most = 0;

    for (size_t i = 0; i < h->wanted; i++) {
        all += h->agents[i].attempts;
        most = h->agents[i].attempts > most ? h->agents[i].attempts : most;
        h->agents[i].attempts = 0;
    }
    (void)printf("{\"up\": %zu, \"took_ms\": %llu, \"attempts\": %lu, \"most\": %u}\n", h->up,
                 (unsigned long long)(clock_mono_ms() - h->began_ms), all, most);
    (void)fflush(stdout);
}

static void become_up(struct herd *h, struct agent *a)
{
    a->state = UP;
    a->due_ms = UINT64_MAX;
    backoff_reset(&a->backoff);
    h->up++;
    if (h->up == h->wanted) {
        tell_up(h);
        h->began_ms = 0;
    }
}

static bool say(struct agent *a, const void *bytes, size_t len)
{
    return SSL_write(a->ssl, bytes, (int)len) == (int)len;
}

/* One frame of up to 64 KiB (RFC 6455, 5.2). */
static bool say_frame(struct agent *a, unsigned opcode, struct slice payload)
{
    uint8_t frame[IN_BYTES];
    size_t at = 2;

    if (payload.len + 8 > sizeof(frame)) {
        return false;
    }
    frame[0] = (uint8_t)(0x80 | opcode);
    frame[1] = (uint8_t)(0x80 | (payload.len < 126 ? payload.len : 126));
    if (payload.len >= 126) {
        frame[at++] = (uint8_t)(payload.len >> 8);
        frame[at++] = (uint8_t)payload.len;
    }
    memcpy(frame + at, mask, sizeof(mask));
    at += sizeof(mask);
    if (payload.len > 0) {
        memcpy(frame + at, payload.ptr, payload.len);
    }
    return say(a, frame, at + payload.len);
}

static bool say_upgrade(struct agent *a, unsigned port)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "GET " MSG_TUNNEL_PATH " HTTP/1.1\r\nHost: localhost:%u\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Protocol: " MSG_SUBPROTOCOL "\r\n\r\n",
                       port);

    return say(a, text, (size_t)len);
}

static bool say_hello(struct agent *a)
{
    struct msg m = {.type = MSG_HELLO,
                    .body.hello = {.agent_version = slice_of_str("bench"),
                                   .instance = a->instance,
                                   .ledger = a->instance,
                                   .host = slice_of_str("bench"),
                                   .capacity = 64}};
    struct cx_fail fail = {0};
    struct buf bytes;
    bool is_said;

    buf_init(&bytes, IN_BYTES);
    is_said = wire_put(&m, IN_BYTES, &bytes, &fail) == CX_OK && say_frame(a, 2, buf_view(&bytes));
    buf_done(&bytes);
    return is_said;
}

/* What has arrived as one frame at the front: its length, 0 if it is not whole yet. The platform's
 * frames are short and not masked. */
static size_t frame_whole(const struct agent *a, struct slice *payload)
{
    size_t head = 2;
    size_t len;

    if (a->have < head) {
        return 0;
    }
    len = a->in[1] & 0x7f;
    if (len == 126) {
        head = 4;
        len = a->have < head ? IN_BYTES : (size_t)a->in[2] << 8 | a->in[3];
    }
    if (a->have < head + len) {
        return 0;
    }
    *payload = slice_of(a->in + head, len);
    return head + len;
}

static bool take_frame(struct herd *h, struct agent *a, unsigned opcode, struct slice payload)
{
    if (opcode == FRAME_PING) {
        return say_frame(a, FRAME_PONG, payload);
    }
    if (opcode == 2 && a->state == GREETING) { /* the welcome */
        become_up(h, a);
        return true;
    }
    return opcode == 2 || opcode == FRAME_PONG;
}

static void drop_front(struct agent *a, size_t bytes)
{
    a->have -= bytes;
    memmove(a->in, a->in + bytes, a->have);
}

static bool take_upgraded(struct agent *a)
{
    uint8_t *end = memmem(a->in, a->have, "\r\n\r\n", 4);

    if (end == NULL) {
        return true;
    }
    if (a->have < 12 || memcmp(a->in, "HTTP/1.1 101", 12) != 0) {
        return false;
    }
    drop_front(a, (size_t)(end - a->in) + 4);
    a->state = GREETING;
    return say_hello(a);
}

static bool take_bytes(struct herd *h, struct agent *a)
{
    bool is_good = a->state != UPGRADING || take_upgraded(a);
    struct slice payload = {0};
    size_t whole;

    while (is_good && a->state != UPGRADING && (whole = frame_whole(a, &payload)) > 0) {
        is_good = take_frame(h, a, a->in[0] & 0x0f, payload);
        drop_front(a, whole);
    }
    return is_good && a->have < IN_BYTES;
}

static bool receive(struct herd *h, struct agent *a)
{
    for (;;) {
        int n = SSL_read(a->ssl, a->in + a->have, (int)(IN_BYTES - a->have));

        if (n <= 0) {
            return SSL_get_error(a->ssl, n) == SSL_ERROR_WANT_READ;
        }
        a->have += (size_t)n;
        if (!take_bytes(h, a)) {
            return false;
        }
    }
}

static bool shake(struct herd *h, struct agent *a)
{
    int done = SSL_do_handshake(a->ssl);

    if (done == 1) {
        a->state = UPGRADING;
        return say_upgrade(a, ntohs(h->to.sin_port)) && receive(h, a);
    }
    return SSL_get_error(a->ssl, done) == SSL_ERROR_WANT_READ;
}

static bool start_tls(struct herd *h, struct agent *a)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        return false;
    }
    a->ssl = SSL_new(h->tls);
    if (a->ssl == NULL || SSL_use_certificate(a->ssl, a->cert) != 1 ||
        SSL_use_PrivateKey(a->ssl, h->key) != 1 || SSL_set_fd(a->ssl, a->fd) != 1 ||
        SSL_set1_host(a->ssl, "localhost") != 1) {
        bench_fail("tls", "a session can't be set up");
    }
    SSL_set_connect_state(a->ssl);
    a->state = SHAKING;
    watch(h, a, EPOLLIN, EPOLL_CTL_MOD);
    return shake(h, a);
}

static void begin(struct herd *h, struct agent *a)
{
    h->began_ms = h->began_ms == 0 ? clock_mono_ms() : h->began_ms;
    a->attempts++;
    a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (a->fd < 0) {
        bench_fail("socket", strerror(errno));
    }
    a->state = CONNECTING;
    a->due_ms = clock_mono_ms() + ATTEMPT_MS;
    if (connect(a->fd, (struct sockaddr *)&h->to, sizeof(h->to)) != 0 && errno != EINPROGRESS) {
        lose(h, a);
        return;
    }
    watch(h, a, EPOLLOUT, EPOLL_CTL_ADD);
}

static void on_event(struct herd *h, struct agent *a)
{
    bool is_good = true;

    switch (a->state) {
    case WAITING:
        break;
    case CONNECTING:
        is_good = start_tls(h, a);
        break;
    case SHAKING:
        is_good = shake(h, a);
        break;
    case UPGRADING:
    case GREETING:
    case UP:
        is_good = receive(h, a);
        break;
    }
    if (!is_good) {
        lose(h, a);
    }
}

/* ---- all of them ---- */

static void tick(struct herd *h)
{
    uint64_t now_ms = clock_mono_ms();

    for (size_t i = 0; i < h->wanted; i++) {
        struct agent *a = &h->agents[i];

        if (now_ms < a->due_ms) {
            continue;
        }
        if (a->state == WAITING) {
            begin(h, a);
        } else {
            lose(h, a);
        }
    }
}

/* The next number from stdin; false at its end. */
static bool take_order(struct herd *h)
{
    char line[16] = "";
    uint64_t now_ms = clock_mono_ms();
    ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

    if (len <= 0) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    h->wanted = (size_t)bench_number(line, h->known);
    for (size_t i = 0; i < h->wanted; i++) { /* as agents come: not all in one moment */
        struct agent *a = &h->agents[i];

        if (a->state == WAITING && a->due_ms == 0) {
            a->due_ms = now_ms + backoff_next_ms(&a->backoff, now_ms, (uint32_t)random_u64());
        }
    }
    return true;
}

static void run(struct herd *h)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event orders = {.events = EPOLLIN, .data.ptr = NULL};
    uint64_t ticked_ms = 0;
    bool is_wanted = true;

    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &orders) != 0) {
        bench_fail("epoll_ctl of stdin", strerror(errno));
    }
    while (is_wanted) {
        int n = epoll_wait(h->epoll, events, EVENTS_MAX, h->up == h->wanted ? 1000 : TICK_MS);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                is_wanted = take_order(h);
            } else {
                on_event(h, events[i].data.ptr);
            }
        }
        if (clock_mono_ms() - ticked_ms >= TICK_MS) {
            ticked_ms = clock_mono_ms();
            tick(h);
        }
    }
}

static void load(struct herd *h, char **argv)
{
    FILE *key = fopen(argv[3], "r");
    FILE *certs = fopen(argv[4], "r");
    X509 *cert;

    h->tls = SSL_CTX_new(TLS_client_method());
    if (h->tls == NULL || key == NULL || certs == NULL ||
        SSL_CTX_load_verify_locations(h->tls, argv[2], NULL) != 1) {
        bench_fail("CA, key or certificates", "can't be read");
    }
    SSL_CTX_set_verify(h->tls, SSL_VERIFY_PEER, NULL);
    h->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    h->agents = calloc(AGENTS_MAX, sizeof(*h->agents));
    if (h->key == NULL || h->agents == NULL) {
        bench_fail(argv[3], "is not a key, or memory is out");
    }
    while (h->known < AGENTS_MAX && (cert = PEM_read_X509(certs, NULL, NULL, NULL)) != NULL) {
        h->agents[h->known++] =
            (struct agent){.cert = cert, .fd = -1, .instance = random_id(), .due_ms = 0};
    }
    (void)fclose(key);
    (void)fclose(certs);
}

int main(int argc, char **argv)
{
    static struct herd herd;
    struct rlimit files;

    if (argc != 5) {
        bench_fail("usage", "bench_tunnels PORT CA KEY CERTIFICATES");
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    load(&herd, argv);
    herd.to.sin_family = AF_INET;
    herd.to.sin_port = htons((uint16_t)bench_number(argv[1], UINT16_MAX));
    herd.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    herd.epoll = epoll_create1(EPOLL_CLOEXEC);
    run(&herd);
    for (size_t i = 0; i < herd.known; i++) {
        SSL_free(herd.agents[i].ssl);
        X509_free(herd.agents[i].cert);
    }
    EVP_PKEY_free(herd.key);
    SSL_CTX_free(herd.tls);
    free(herd.agents);
    return 0;
}
