/* What happens to descriptors between libcurl and the loop that a server can't be made to bring
 * about at will. */
#include "tests/support/check.h"

#include "common/io/http_private.h"

#include <netinet/in.h>
#include <unistd.h>

/* A client with one call that has nothing but sockets, and a listener for them. */
struct bench {
    struct loop *loop;
    struct http_transfer call;
    int listener;
    struct sockaddr_in at;
};

static void bench_set_up(struct bench *b)
{
    const struct http_limits limits = {.connections = 1};
    socklen_t len = sizeof(b->at);
    struct cx_fail fail;

    *b = (struct bench){.at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    assert_int_equal(http_global_init(&fail), CX_OK);
    assert_int_equal(loop_new(&b->loop, &fail), CX_OK);
    assert_int_equal(http_new(b->loop, &limits, &b->call.h, &fail), CX_OK);
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&b->at, len), 0);
    assert_int_equal(listen(b->listener, 1), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&b->at, &len), 0);
}

static void bench_tear_down(struct bench *b)
{
    assert_int_equal(close(b->listener), 0);
    http_free(b->call.h);
    assert_int_equal(loop_free(b->loop), CX_OK);
}

static int bench_open(struct bench *b)
{
    struct curl_sockaddr address = {.family = AF_INET, .socktype = SOCK_STREAM};
    int fd = http_socket_open(&b->call, &address);

    assert_true(fd >= 0);
    return fd;
}

/* Turn until the loop has said that the socket is connected. */
static void bench_connect(struct bench *b, int fd)
{
    (void)connect(fd, (struct sockaddr *)&b->at, sizeof(b->at));
    for (int i = 0; i < 100 && !b->call.facts.has_connected; i++) {
        loop_turn(b->loop);
    }
    assert_true(b->call.facts.has_connected);
}

static void bench_want(struct bench *b, int fd, int what)
{
    assert_int_equal(http_socket_change(NULL, fd, what, b->call.h, NULL), 0);
}

/* libcurl has closed the first one without a word, and wants the same of its number again, without
 * a word: it sees the number only. */
static void http_socket_watches_a_number_that_comes_back_as_another_socket(void **state)
{
    struct bench b;
    int first;
    int second;

    (void)state;
    bench_set_up(&b);
    first = bench_open(&b);
    bench_want(&b, first, CURL_POLL_OUT);
    assert_int_equal(close(first), 0);
    second = bench_open(&b);
    assert_int_equal(second, first);
    bench_connect(&b, second);
    assert_int_equal(http_socket_close(b.call.h, second), 0);
    bench_tear_down(&b);
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);

    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.ss_family == AF_INET;
}

/* A connection that rests, as after an answer; `peer` is its other end. */
static int bench_keep(struct bench *b, int *peer)
{
    struct sockaddr_in own;
    socklen_t len = sizeof(own);
    int fd = bench_open(b);

    bench_want(b, fd, CURL_POLL_OUT);
    bench_connect(b, fd);
    *peer = accept(b->listener, NULL, NULL);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    http_socket_keep(&b->call, ntohs(own.sin_port));
    bench_want(b, fd, CURL_POLL_IN);
    bench_want(b, fd, CURL_POLL_REMOVE);
    loop_turn(b->loop);
    assert_true(is_connected(fd));
    return fd;
}

static void http_socket_ends_an_idle_connection_on_which_bytes_come(void **state)
{
    struct bench b;
    int peer;
    int fd;

    (void)state;
    bench_set_up(&b);
    fd = bench_keep(&b, &peer);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    loop_turn(b.loop);
    assert_false(is_connected(fd));
    assert_int_equal(http_socket_close(b.call.h, fd), 0);
    assert_int_equal(close(peer), 0);
    bench_tear_down(&b);
}

/* The event that comes first in its turn: reads what the other event is about. */
static void read_the_other(uv_poll_t *poll, int status, int events)
{
    char byte;

    (void)status;
    (void)events;
    assert_int_equal(recv(*(int *)poll->data, &byte, 1, 0), 1);
    assert_int_equal(uv_poll_stop(poll), 0);
}

/* libcurl reads an answer in passing, while it handles another socket's event or a timeout. */
static void http_socket_keeps_a_connection_whose_event_is_stale(void **state)
{
    struct bench b;
    uv_poll_t first;
    int pipe_ends[2];
    int peer;
    int fd;

    (void)state;
    bench_set_up(&b);
    fd = bench_keep(&b, &peer);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(uv_poll_init(loop_uv(b.loop), &first, pipe_ends[0]), 0);
    first.data = &fd;
    assert_int_equal(uv_poll_start(&first, UV_READABLE, read_the_other), 0);
    loop_turn(b.loop);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    loop_turn(b.loop);
    assert_false(uv_is_active((uv_handle_t *)&first)); /* it was called */
    assert_true(is_connected(fd));

    uv_close((uv_handle_t *)&first, NULL);
    assert_int_equal(http_socket_close(b.call.h, fd), 0);
    assert_int_equal(close(peer), 0);
    bench_tear_down(&b);
    assert_int_equal(close(pipe_ends[0]) + close(pipe_ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_socket_watches_a_number_that_comes_back_as_another_socket),
        cmocka_unit_test(http_socket_ends_an_idle_connection_on_which_bytes_come),
        cmocka_unit_test(http_socket_keeps_a_connection_whose_event_is_stale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
