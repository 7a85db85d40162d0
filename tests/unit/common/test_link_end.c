#include "common/io/link.h"
#include "common/io/loop_private.h"

#include "tests/support/check.h"
#include "tests/support/link_fixture.h"
#include "tests/support/raw.h"
#include "tests/support/tunnel_pair.h"

#include <stdlib.h>

/* ---- closing ---- */

static void close_sends_what_is_queued_first(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    pair_send(&pair->at_server, "last words", 1);
    link_close(pair->at_server.link, 4401, "not known");
    link_close(pair->at_server.link, 1000, "too late");
    assert_int_equal(link_send(pair->at_server.link, SLICE_LIT("x"), 2), CX_E_CLOSED);
    assert_true(pair_wait_closed(&pair->at_client));
    assert_true(pair_wait_closed(&pair->at_server));
    assert_string_equal(pair->at_client.text, "[last words]");
    assert_int_equal(pair->at_client.end.end, LINK_END_PEER);
    assert_int_equal(pair->at_client.end.code, 4401);
    assert_string_equal(pair->at_client.end.reason, "not known");
    assert_int_equal(pair->at_server.end.end, LINK_END_US);
    assert_int_equal(pair->at_server.end.code, 4401);
    assert_int_equal(pair->at_server.nwritten, 1);
}

static void the_client_may_close_too(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    link_close(pair->at_client.link, 1000, "");
    assert_true(pair_wait_closed(&pair->at_client));
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.end.end, LINK_END_PEER);
    assert_int_equal(pair->at_server.end.code, 1000);
    assert_string_equal(pair->at_server.end.reason, "");
}

static void close_in_open(struct pair_end *end)
{
    pair_send(end, "bye", 1);
    link_close(end->link, 4401, "revoked");
}

static void an_owner_may_close_in_the_callback_of_the_new_link(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct ws_attempt_opts opts;

    pair->at_server.on_open = close_in_open;
    pair_start_server(pair, &limits);
    pair_start_client(pair, &limits);
    opts = pair_attempt(pair);
    pair_connect(pair, &opts);
    assert_true(pair_wait_closed(&pair->at_client));
    assert_string_equal(pair->at_client.text, "[bye]");
    assert_int_equal(pair->at_client.end.code, 4401);
}

static void a_peer_that_does_not_take_the_close_can_not_hold_it(void **state)
{
    enum { LARGE = 200 * 1024 };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    char *large = calloc(1, LARGE);
    struct raw raw;
    uint64_t from_ms;

    assert_non_null(large);
    limits.outbox_bytes_max = 8 * 1024 * 1024;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw.is_paused = true;
    while (link_send(pair->at_server.link, slice_of(large, LARGE), 0) == CX_OK) {
    }
    from_ms = loop_now_ms(pair->net.loop);
    link_close(pair->at_server.link, 1000, "");
    assert_true(pair_wait_closed(&pair->at_server));
    assert_true(loop_now_ms(pair->net.loop) - from_ms <= LINK_CLOSE_MS + 500);
    assert_int_equal(pair->at_server.end.end, LINK_END_US);
    free(large);
    raw_close(&raw);
}

static void a_close_without_a_code_is_told_as_such(void **state)
{
    static const struct {
        const char *why, *payload;
        size_t len;
        unsigned code;
        const char *reason;
    } rows[] = {
        {"no code", "", 0, LINK_CLOSED_NO_CODE, ""},
        {"a code", "\x0f\xa0", 2, 4000, ""},
        {"a reason", "\x0f\xa0why", 5, 4000, "why"},
        {"a reason that is not fit to be shown", "\x0f\xa0w\nhy", 6, 4000, ""},
        {"a reason that is not UTF-8", "\x0f\xa0\xff", 3, 4000, ""},
    };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();

    pair_start_server(pair, &limits);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        pair->at_server.closed = 0;
        link_open_raw(pair, &raw);
        raw_say_frame(&raw, 0x88, rows[i].payload, rows[i].len);
        CHECK(rows[i].why, pair_wait_closed(&pair->at_server));
        CHECK(rows[i].why, pair->at_server.end.end == LINK_END_PEER);
        CHECK(rows[i].why, pair->at_server.end.code == rows[i].code);
        CHECK_TEXT(rows[i].why, slice_of_str(pair->at_server.end.reason), rows[i].reason);
        raw_close(&raw);
    }
}

/* ---- the heartbeat ---- */

static void a_silent_peer_is_pinged_and_then_given_up(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;
    uint64_t from_ms;

    limits.heartbeat_ms = 100;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    from_ms = loop_now_ms(pair->net.loop);
    assert_true(raw_wait_bytes(&raw, 10));
    assert_memory_equal(raw.got, "\x89\x08", 2); /* a ping of 8 bytes */
    assert_true(loop_now_ms(pair->net.loop) - from_ms < 190);
    assert_true(pair_wait_closed(&pair->at_server));
    assert_true(loop_now_ms(pair->net.loop) - from_ms >= 195);
    assert_true(loop_now_ms(pair->net.loop) - from_ms < 600);
    assert_int_equal(pair->at_server.end.end, LINK_END_LOST);
    assert_non_null(strstr(pair->at_server.end.detail, "two heartbeats"));
    raw_close(&raw);
}

/* It says something all the time, but reads nothing: what is written to it stays where it is. */
static void a_peer_that_takes_nothing_is_given_up_whatever_it_says(void **state)
{
    enum { LARGE = 200 * 1024, HEARTBEAT_MS = 300 };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    char *large = calloc(1, LARGE);
    struct raw raw;
    uint64_t from_ms;

    assert_non_null(large);
    limits.heartbeat_ms = HEARTBEAT_MS;
    limits.outbox_bytes_max = 16 * 1024 * 1024;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw.is_paused = true;
    while (link_send(pair->at_server.link, slice_of(large, LARGE), 0) == CX_OK) {
    }
    from_ms = loop_now_ms(pair->net.loop);
    for (int i = 0; i < 100 && pair->at_server.closed == 0; i++) {
        raw_say_frame(&raw, 0x82, "x", 1);
        net_idle(&pair->net, 30);
    }
    assert_int_equal(pair->at_server.closed, 1);
    assert_true(loop_now_ms(pair->net.loop) - from_ms >= 2 * HEARTBEAT_MS);
    assert_int_equal(pair->at_server.end.end, LINK_END_LOST);
    assert_string_equal(pair->at_server.end.detail,
                        "the peer has taken nothing for two heartbeats");
    raw_close(&raw);
    free(large);
}

/* Each piece that it takes is a sign of life. The time passes by sleeping. */
static void a_peer_that_takes_slowly_lives(void **state)
{
    enum { LARGE = 200 * 1024, COUNT = 60, HEARTBEAT_MS = 10000, ROUNDS_MAX = 1000 };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    char *large = calloc(1, LARGE);
    struct raw raw;
    unsigned before;

    assert_non_null(large);
    limits.heartbeat_ms = HEARTBEAT_MS;
    limits.outbox_bytes_max = (COUNT + 1) * LARGE;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw.is_paused = true;
    for (uint64_t i = 1; i <= COUNT; i++) {
        assert_int_equal(link_send(pair->at_server.link, slice_of(large, LARGE), i), CX_OK);
    }
    net_idle(&pair->net, 30);
    before = pair->at_server.nwritten;
    assert_true(before < COUNT);
    loop_asleep(pair->net.loop, HEARTBEAT_MS * 3 / 2);
    raw.is_paused = false;
    for (int i = 0; i < ROUNDS_MAX && pair->at_server.nwritten == before; i++) {
        net_idle(&pair->net, 1);
        raw_forget(&raw);
    }
    raw.is_paused = true;
    assert_true(pair->at_server.nwritten > before && pair->at_server.nwritten < COUNT);
    raw_say_frame(&raw, 0x82, "x", 1);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    loop_asleep(pair->net.loop, HEARTBEAT_MS * 3 / 2);
    net_idle(&pair->net, 60);
    assert_int_equal(pair->at_server.closed, 0);
    raw_close(&raw);
    free(large);
}

static void a_suspended_machine_knows_at_once_that_its_peer_is_gone(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    link_set_heartbeat(pair->at_client.link, 10000);
    net_idle(&pair->net, 50);
    loop_asleep(pair->net.loop, 20000);
    assert_true(pair_wait_closed(&pair->at_client));
    assert_int_equal(pair->at_client.end.end, LINK_END_LOST);
    assert_non_null(strstr(pair->at_client.end.detail, "two heartbeats"));
}

static void a_peer_that_answers_pings_lives_and_the_round_trip_is_known(void **state)
{
    struct pair *pair = *state;
    struct link_stats stats;

    link_start_default(pair);
    link_set_heartbeat(pair->at_client.link, 40); /* as `welcome` does it */
    net_idle(&pair->net, 200);
    assert_int_equal(pair->at_client.closed, 0);
    link_stats(pair->at_client.link, &stats);
    assert_true(stats.rtt_us > 0);
    assert_true(stats.rtt_us < 1000 * 1000);
}

static void traffic_of_the_peer_spares_the_ping(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;

    limits.heartbeat_ms = 200;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    for (int i = 0; i < 8; i++) {
        raw_say_frame(&raw, 0x82, "x", 1);
        net_idle(&pair->net, 40);
    }
    assert_int_equal(raw.got_len, 0);
    assert_int_equal(pair->at_server.closed, 0);
    raw_close(&raw);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, link_set_up, link_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(close_sends_what_is_queued_first),
        TEST(the_client_may_close_too),
        TEST(an_owner_may_close_in_the_callback_of_the_new_link),
        TEST(a_peer_that_does_not_take_the_close_can_not_hold_it),
        TEST(a_close_without_a_code_is_told_as_such),
        TEST(a_silent_peer_is_pinged_and_then_given_up),
        TEST(a_peer_that_takes_nothing_is_given_up_whatever_it_says),
        TEST(a_peer_that_takes_slowly_lives),
        TEST(a_suspended_machine_knows_at_once_that_its_peer_is_gone),
        TEST(a_peer_that_answers_pings_lives_and_the_round_trip_is_known),
        TEST(traffic_of_the_peer_spares_the_ping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
