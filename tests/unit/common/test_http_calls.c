/* Many calls, calls that are cancelled, and the client's end: each call has one end, which tells
 * the truth, and nothing of it stays behind. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

enum { MANY = 64 };

static struct http_plan plan_for(struct asked *a, const struct peer *peer)
{
    return asked_plan(a, "http", "127.0.0.1", peer->port);
}

/* ---- many ---- */

static void http_runs_many_calls_at_once_and_reuses_their_connections(void **state)
{
    static struct asked calls[MANY];
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++) {
            struct http_plan plan = plan_for(&calls[i], &peer);

            asked_start(&by, &calls[i], &plan);
        }
        asker_run(&by);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(calls[i].dones, 1);
            assert_int_equal(calls[i].status, 200);
            assert_int_equal(calls[i].sendings, 1);
            assert_int_equal(calls[i].is_reused, round > 0);
        }
    }
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.connections, MANY);
    assert_int_equal(peer.requests, 3 * MANY);
}

static void http_keeps_to_its_limit_of_connections_a_host(void **state)
{
    const struct http_limits limits = {.connections = 100, .connections_per_host = 8};
    static struct asked calls[MANY];
    struct peer peer;
    struct asker by;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start_with(&by, &limits);
    for (size_t i = 0; i < MANY; i++) {
        struct http_plan plan = plan_for(&calls[i], &peer);

        asked_start(&by, &calls[i], &plan);
    }
    asker_run(&by);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].status, 200);
    }
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 8);
    assert_int_equal(peer.requests, MANY);
}

/* Chains: each call starts the next from its end. */
enum { CHAINS = 16 };
static struct asked chain[2000];
static size_t chain_next;
static const struct peer *chain_peer;

static void start_next(struct asked *a)
{
    if (chain_next < COUNT_OF(chain)) {
        struct asked *next = &chain[chain_next++];
        struct http_plan plan = plan_for(next, chain_peer);

        next->then = start_next;
        asked_start(a->by, next, &plan);
    }
}

static void http_may_be_started_from_the_end_of_a_call(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked first = {.by = &by};

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    chain_peer = &peer;
    chain_next = 0;
    for (int i = 0; i < CHAINS; i++) {
        start_next(&first);
    }
    asker_run(&by);
    asker_stop(&by);
    peer_stop(&peer);
    for (size_t i = 0; i < COUNT_OF(chain); i++) {
        assert_int_equal(chain[i].status, 200);
    }
    assert_int_equal(peer.connections, CHAINS); /* none is given up while it is sound */
    assert_int_equal(peer.requests, COUNT_OF(chain));
}

/* ---- cancelled ---- */

static void assert_cancelled(const struct asked *a, enum execution execution)
{
    assert_int_equal(a->dones, 1);
    assert_int_equal(a->code, VERDICT_CANCELLED);
    assert_int_equal(a->execution, execution);
    assert_int_equal(a->sendings, execution == EXECUTION_SENT);
}

static void http_cancelled_before_it_began_sends_nothing(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked cancelled;
    struct asked other;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = plan_for(&other, &peer); /* leaves a connection, so that sending would be at once */
    asked_run(&by, &other, &plan);
    plan = plan_for(&cancelled, &peer);
    asked_start(&by, &cancelled, &plan);
    http_cancel(cancelled.call);
    http_cancel(cancelled.call); /* a second time is nothing */
    assert_int_equal(cancelled.dones, 0);
    asker_run(&by);
    assert_cancelled(&cancelled, EXECUTION_NOT_SENT);
    plan = plan_for(&other, &peer);
    asked_run(&by, &other, &plan);
    assert_int_equal(other.status, 200);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 2);
}

static struct http_transfer *to_cancel;

static void cancel_from_the_gate(void *ctx)
{
    struct asked *a = ctx;

    a->sendings++;
    http_cancel(to_cancel);
}

static void http_cancelled_while_it_waits_was_sent(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_nothing, NULL);
    asker_start(&by);
    plan = plan_for(&a, &peer);
    plan.on_sending = cancel_from_the_gate;
    asked_start(&by, &a, &plan);
    to_cancel = a.call;
    asker_run(&by);
    asker_stop(&by);
    peer_stop(&peer);
    assert_cancelled(&a, EXECUTION_SENT);
}

static bool cancel_from_the_check(void *ctx, const struct sockaddr *address, struct cx_fail *fail)
{
    (void)ctx;
    (void)address;
    (void)fail;
    http_cancel(to_cancel);
    return true;
}

static void http_cancelled_at_the_gate_sends_nothing(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    asker_start(&by);
    plan = plan_for(&a, &peer); /* leaves a connection: the next check is the one at the gate */
    asked_run(&by, &a, &plan);
    plan = plan_for(&a, &peer);
    plan.allows_address = cancel_from_the_check;
    asked_start(&by, &a, &plan);
    to_cancel = a.call;
    asker_run(&by);
    asker_stop(&by);
    peer_stop(&peer);
    assert_cancelled(&a, EXECUTION_NOT_SENT);
    assert_int_equal(peer.requests, 1);
}

/* ---- the end of the client ---- */

static void http_free_ends_what_is_under_way_and_says_what_is_true(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked begun;
    struct asked fresh;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_nothing, NULL);
    asker_start(&by);
    plan = plan_for(&begun, &peer);
    asked_start(&by, &begun, &plan);
    while (begun.sendings == 0) {
        loop_turn(by.loop);
    }
    plan = plan_for(&fresh, &peer);
    asked_start(&by, &fresh, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(begun.dones, 1);
    assert_int_equal(begun.execution, EXECUTION_SENT);
    assert_int_equal(begun.stage, STAGE_AGENT);
    assert_int_equal(begun.code, VERDICT_AGENT_UNAVAILABLE);
    assert_int_equal(fresh.dones, 1);
    assert_int_equal(fresh.execution, EXECUTION_NOT_SENT);
    assert_int_equal(fresh.stage, STAGE_AGENT);
}

static void free_client(struct asked *a)
{
    struct http_transfer *call;
    struct asked more;
    struct http_plan plan = asked_plan(&more, "http", "127.0.0.1", 1);
    struct cx_fail fail;

    http_free(a->by->http);
    assert_int_equal(http_start(a->by->http, &plan, &call, &fail), CX_E_STATE);
    a->by->http = NULL;
}

/* Without a socket nothing else keeps it in memory. */
static void http_may_be_freed_from_the_end_of_its_only_call(void **state)
{
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", 1);
    a.then = free_client;
    asked_start(&by, &a, &plan);
    http_cancel(a.call);
    asker_run(&by);
    asker_stop(&by);
    assert_cancelled(&a, EXECUTION_NOT_SENT);
}

static void http_may_be_freed_from_the_end_of_a_call(void **state)
{
    struct peer answers;
    struct peer hangs;
    struct asker by;
    struct asked first;
    struct asked second;
    struct http_plan plan;

    (void)state;
    peer_start(&answers, NULL, peer_serve_text, OK_ANSWER);
    peer_start(&hangs, NULL, peer_serve_nothing, NULL);
    asker_start(&by);
    plan = plan_for(&first, &answers);
    first.then = free_client;
    asked_start(&by, &first, &plan);
    plan = plan_for(&second, &hangs);
    asked_start(&by, &second, &plan);
    asker_run(&by);
    assert_null(by.http);
    asker_stop(&by);
    peer_stop(&answers);
    peer_stop(&hangs);
    assert_int_equal(first.status, 200);
    assert_int_equal(second.dones, 1);
    assert_int_equal(second.stage, STAGE_AGENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_runs_many_calls_at_once_and_reuses_their_connections),
        cmocka_unit_test(http_keeps_to_its_limit_of_connections_a_host),
        cmocka_unit_test(http_may_be_started_from_the_end_of_a_call),
        cmocka_unit_test(http_cancelled_before_it_began_sends_nothing),
        cmocka_unit_test(http_cancelled_while_it_waits_was_sent),
        cmocka_unit_test(http_cancelled_at_the_gate_sends_nothing),
        cmocka_unit_test(http_free_ends_what_is_under_way_and_says_what_is_true),
        cmocka_unit_test(http_may_be_freed_from_the_end_of_a_call),
        cmocka_unit_test(http_may_be_freed_from_the_end_of_its_only_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
