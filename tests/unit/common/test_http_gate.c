/* A request is written at most once, and only to an address that is allowed: on new connections,
 * and on kept ones. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include <arpa/inet.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static struct http_plan plan_for(struct asked *a, const struct peer *peer)
{
    return asked_plan(a, "http", "127.0.0.1", peer->port);
}

/* ---- a kept connection that dies ---- */

/* Answers the first request of the first connection, reads the second and closes without a word;
 * any other connection would be a second execution, and is answered. */
static void serve_one_then_die(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (c->index > 0) {
        peer_serve_text(c);
        return;
    }
    if (peer_read(c, &r) && peer_say(c, c->peer->arg)) {
        (void)peer_read(c, &r);
    }
    peer_request_done(&r);
}

static void http_never_sends_again_on_a_kept_connection_that_died(void **state)
{
    static const struct {
        const char *why;
        enum http_method method;
        size_t body_len;
    } rows[] = {
        {"POST", METHOD_POST, 3},
        {"POST of a body that takes several writes", METHOD_POST, 200 * 1024},
        {"GET", METHOD_GET, 0},
        {"PUT", METHOD_PUT, 3},
        {"DELETE", METHOD_DELETE, 0},
    };
    static char body[200 * 1024];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer;
        struct asker by;
        struct asked first;
        struct asked second;
        struct http_plan plan;

        peer_start(&peer, NULL, serve_one_then_die, OK_ANSWER);
        asker_start(&by);
        plan = plan_for(&first, &peer);
        asked_run(&by, &first, &plan);
        plan = plan_for(&second, &peer);
        plan.method = rows[i].method;
        plan.has_body = rows[i].body_len > 0;
        plan.body = slice_of(body, rows[i].body_len);
        asked_run(&by, &second, &plan);
        asker_stop(&by);
        peer_stop(&peer);
        CHECK(rows[i].why, first.status == 200);
        CHECK(rows[i].why, peer.requests == 2); /* one each */
        CHECK(rows[i].why, second.execution == EXECUTION_SENT);
        CHECK(rows[i].why, second.code == VERDICT_ENDPOINT_UNREACHABLE);
        CHECK(rows[i].why, second.stage == STAGE_WAIT);
        CHECK(rows[i].why, second.sendings == 1 && second.dones == 1);
        CHECK(rows[i].why, second.is_reused);
        CHECK(rows[i].why, strstr(second.fail.detail, "not sent again") != NULL);
    }
}

/* Answers once and resets the connection while it is idle. */
static void serve_one_then_reset(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (peer_read(c, &r) && peer_say(c, c->peer->arg)) {
        peer_reset(c);
    }
    peer_request_done(&r);
}

static void http_takes_a_new_connection_when_the_kept_one_is_known_to_be_dead(void **state)
{
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, NULL, serve_one_then_reset, OK_ANSWER);
    asker_start(&by);
    for (unsigned i = 0; i < 4; i++) {
        struct asked a;
        struct http_plan plan = plan_for(&a, &peer);

        asked_start(&by, &a, &plan);
        while (i % 2 == 0 && peer.requests == i) {
            loop_turn(by.loop);
        }
        if (i % 2 == 0) { /* answer and reset come together */
            peer_wait_served(&peer, i);
        }
        asker_run(&by);
        assert_int_equal(a.execution, EXECUTION_ANSWERED);
        assert_false(a.is_reused);
        peer_wait_served(&peer, i); /* it has been reset now */
        loop_turn(by.loop);
    }
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 4);
}

#define FORGED "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

static pthread_barrier_t turn_taking;

/* Says more than it was asked for: a second answer, ready to be taken for the next request's. */
static void serve_one_and_then_speak(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (peer_read(c, &r) && peer_say(c, c->peer->arg) && c->index == 0) {
        (void)pthread_barrier_wait(&turn_taking); /* the client has its answer */
        (void)peer_say(c, FORGED);
        (void)pthread_barrier_wait(&turn_taking);
    }
    peer_wait_closed(c);
    peer_request_done(&r);
}

static void http_does_not_take_what_came_unasked_for_the_next_answer(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked first;
    struct asked second;
    struct http_plan plan;

    (void)state;
    assert_int_equal(pthread_barrier_init(&turn_taking, NULL, 2), 0);
    peer_start(&peer, NULL, serve_one_and_then_speak, OK_ANSWER);
    asker_start(&by);
    plan = plan_for(&first, &peer);
    asked_run(&by, &first, &plan);
    (void)pthread_barrier_wait(&turn_taking);
    (void)pthread_barrier_wait(&turn_taking);
    loop_turn(by.loop);
    plan = plan_for(&second, &peer);
    asked_run(&by, &second, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(pthread_barrier_destroy(&turn_taking), 0);
    assert_string_equal(first.body, "{}");
    assert_string_equal(second.body, "{}");
    assert_false(second.is_reused);
}

static void http_does_not_take_the_rest_of_an_answer_for_the_next_one(void **state)
{
    static const char *const answers[] = {
        OK_ANSWER FORGED,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" FORGED,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct peer peer;
        struct asker by;
        struct asked a;

        peer_start(&peer, NULL, peer_serve_text, answers[i]);
        asker_start(&by);
        for (int n = 0; n < 2; n++) {
            struct http_plan plan = plan_for(&a, &peer);

            asked_run(&by, &a, &plan);
            assert_string_equal(a.body, "{}");
        }
        asker_stop(&by);
        peer_stop(&peer);
    }
}

/* ---- addresses ---- */

static bool allows_nothing(const struct sockaddr *address)
{
    (void)address;
    return false;
}

static bool allows_loopback_only(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

    return v4->sin_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

static void assert_refused(const struct asked *a)
{
    assert_int_equal(a->execution, EXECUTION_NOT_SENT);
    assert_int_equal(a->stage, STAGE_POLICY);
    assert_int_equal(a->code, VERDICT_POLICY_REFUSED);
    assert_int_equal(a->fail.code, CX_E_DENIED);
    assert_string_equal(a->fail.detail, "the test refuses this address");
    assert_int_equal(a->sendings, 0);
}

static void http_does_not_connect_to_an_address_that_is_refused(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked refused;
    struct asked allowed;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = plan_for(&refused, &peer);
    refused.allows = allows_nothing;
    asked_run(&by, &refused, &plan);
    assert_refused(&refused);
    assert_true(refused.addresses_seen > 0);
    plan = plan_for(&allowed, &peer); /* accepted in order: by now the first would be counted */
    asked_run(&by, &allowed, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(allowed.status, 200);
    assert_int_equal(peer.connections, 1);
    assert_int_equal(peer.requests, 1);
}

static void http_checks_the_peer_of_a_kept_connection_again(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked first;
    struct asked second;
    struct asked third;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = plan_for(&first, &peer);
    first.allows = allows_loopback_only;
    asked_run(&by, &first, &plan);
    assert_int_equal(first.status, 200);
    assert_int_equal(first.addresses_seen, 2); /* before connecting, and before sending */

    plan = plan_for(&second, &peer);
    second.allows = allows_nothing; /* the policy was reloaded */
    asked_run(&by, &second, &plan);
    assert_refused(&second);
    assert_int_equal(second.addresses_seen, 1);

    plan = plan_for(&third, &peer);
    third.allows = allows_loopback_only;
    asked_run(&by, &third, &plan);
    assert_int_equal(third.status, 200);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 2);
}

static bool allows_ipv6_loopback_only(const struct sockaddr *address)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    return v6->sin6_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void http_checks_ipv6_addresses_too(void **state)
{
    struct peer peer;
    struct asker by;

    (void)state;
    if (!peer_start_ipv6(&peer, peer_serve_text, OK_ANSWER)) {
        skip();
    }
    asker_start(&by);
    for (int i = 0; i < 3; i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "http", "[::1]", peer.port);

        a.allows = i == 2 ? allows_loopback_only : allows_ipv6_loopback_only;
        asked_run(&by, &a, &plan);
        if (i == 2) {
            assert_refused(&a);
            continue;
        }
        assert_int_equal(a.status, 200);
        assert_int_equal(a.is_reused, i > 0);
    }
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 2);
}

/* ---- how long a connection is kept ---- */

static void http_reuses_a_connection_for_the_next_request(void **state)
{
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    for (int i = 0; i < 3; i++) {
        struct asked a;
        struct http_plan plan = plan_for(&a, &peer);

        plan.reuse_idle_ms = i == 1 ? 3000 : 0;
        asked_run(&by, &a, &plan);
        assert_int_equal(a.status, 200);
        assert_int_equal(a.is_reused, i > 0);
        assert_int_equal(a.timing.connect > 0, i == 0);
        assert_true(a.timing.wait > 0);
        assert_true(a.timing.total >= a.timing.connect + a.timing.wait + a.timing.receive);
        assert_int_equal(a.timing.tls, 0);
    }
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 1);
}

static void stop_loop(void *loop)
{
    loop_stop(loop);
}

static void http_does_not_reuse_what_was_idle_for_too_long(void **state)
{
    static const struct {
        const char *why;
        uint32_t reuse_idle_ms, idle_ms;
        unsigned connections;
    } rows[] = {
        {"below a second: never", 999, 0, 2},
        {"one second, just used", 1000, 0, 1},
        {"one second, after one and a bit", 1000, 1010, 2},
        {"a minute, after one second", 0, 1010, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer;
        struct asker by;
        struct asked first;
        struct asked second;
        struct http_plan plan;
        struct loop_timer timer = {0};

        peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
        asker_start(&by);
        plan = plan_for(&first, &peer);
        asked_run(&by, &first, &plan);
        if (rows[i].idle_ms > 0) {
            loop_timer_start(by.loop, &timer, rows[i].idle_ms, stop_loop, by.loop);
            loop_run(by.loop);
        }
        plan = plan_for(&second, &peer);
        plan.reuse_idle_ms = rows[i].reuse_idle_ms;
        asked_run(&by, &second, &plan);
        asker_stop(&by);
        peer_stop(&peer);
        CHECK(rows[i].why, second.status == 200);
        CHECK(rows[i].why, peer.connections == rows[i].connections);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_never_sends_again_on_a_kept_connection_that_died),
        cmocka_unit_test(http_takes_a_new_connection_when_the_kept_one_is_known_to_be_dead),
        cmocka_unit_test(http_does_not_take_what_came_unasked_for_the_next_answer),
        cmocka_unit_test(http_does_not_take_the_rest_of_an_answer_for_the_next_one),
        cmocka_unit_test(http_does_not_connect_to_an_address_that_is_refused),
        cmocka_unit_test(http_checks_the_peer_of_a_kept_connection_again),
        cmocka_unit_test(http_checks_ipv6_addresses_too),
        cmocka_unit_test(http_reuses_a_connection_for_the_next_request),
        cmocka_unit_test(http_does_not_reuse_what_was_idle_for_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
