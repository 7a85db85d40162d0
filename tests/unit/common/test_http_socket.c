/* Descriptors that libcurl closes without a word, so that their numbers come back as others. */
#include "tests/support/check.h"

#include "common/io/http_private.h"

#include <netinet/in.h>
#include <unistd.h>

static void http_socket_watches_a_number_that_comes_back_as_another_socket(void **state)
{
    const struct http_limits limits = {.connections = 1};
    struct curl_sockaddr address = {.family = AF_INET, .socktype = SOCK_STREAM};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct http_call call = {0};
    struct cx_fail fail;
    struct loop *loop;
    int listener;
    int first;
    int second;

    (void)state;
    assert_int_equal(http_global_init(&fail), CX_OK);
    assert_int_equal(loop_new(&loop, &fail), CX_OK);
    assert_int_equal(http_new(loop, &limits, &call.h, &fail), CX_OK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);

    first = http_socket_open(&call, &address);
    assert_int_equal(http_socket_change(NULL, first, CURL_POLL_OUT, call.h, NULL), 0);
    assert_int_equal(close(first), 0);
    second = http_socket_open(&call, &address);
    assert_int_equal(second, first);
    (void)connect(second, (struct sockaddr *)&at, len);
    for (int i = 0; i < 100 && !call.facts.has_connected; i++) {
        loop_turn(loop); /* nobody has said again that it is wanted */
    }
    assert_true(call.facts.has_connected);

    assert_int_equal(http_socket_close(call.h, second), 0);
    assert_int_equal(close(listener), 0);
    http_free(call.h);
    assert_int_equal(loop_free(loop), CX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_socket_watches_a_number_that_comes_back_as_another_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
