#include "common/io/link.h"

#include "tests/support/check.h"
#include "tests/support/link_fixture.h"
#include "tests/support/raw.h"
#include "tests/support/tunnel_pair.h"

#include <malloc.h>
#include <stdlib.h>

/* ---- messages ---- */

static void messages_go_both_ways_whole_and_in_order(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    pair_send(&pair->at_client, "one", 1);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    pair_send(&pair->at_client, "", 2);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 2));
    pair_send(&pair->at_server, "back", 3);
    assert_true(net_wait_count(&pair->net, &pair->at_client.messages, 1));
    assert_string_equal(pair->at_server.text, "[one][]");
    assert_string_equal(pair->at_client.text, "[back]");
    assert_int_equal(pair->at_client.nwritten, 2);
    assert_int_equal(pair->at_client.written[0], 1);
    assert_int_equal(pair->at_client.written[1], 2);
    assert_true(pair->at_client.flushed >= 1);
}

static void messages_of_one_turn_go_into_one_websocket_message(void **state)
{
    struct pair *pair = *state;
    struct link_stats stats;

    link_start_default(pair);
    pair_send(&pair->at_client, "a", 1);
    pair_send(&pair->at_client, "b", 2);
    pair_send(&pair->at_client, "c", 3);
    assert_true(net_wait_count(&pair->net, &pair->at_client.nwritten, 3));
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    assert_string_equal(pair->at_server.text, "[abc]");
    link_stats(pair->at_client.link, &stats);
    assert_int_equal(stats.sent_messages, 3);
    assert_int_equal(stats.sent_packs, 1);
    assert_int_equal(stats.sent_bytes, 3);
    assert_int_equal(link_outbox_bytes(pair->at_client.link), 0);
}

/* Runs behind what was due before it in the same turn. */
static void note_written(void *arg)
{
    struct pair *pair = arg;
    struct link_stats stats;

    link_stats(pair->at_client.link, &stats);
    pair->at_client.text[0] = stats.sent_packs == 0 ? 'n' : 'y';
}

/* 'y' if so many messages are written when what comes behind them in the turn runs. */
static char is_written_in_the_turn(struct pair *pair, int count)
{
    struct loop_hook behind = {.run = note_written, .arg = pair};

    for (int i = 1; i <= count; i++) {
        pair_send(&pair->at_client, "m", (uint64_t)i);
    }
    loop_defer(pair->net.loop, &behind);
    loop_turn(pair->net.loop);
    return pair->at_client.text[0];
}

static void a_few_messages_wait_for_more(void **state)
{
    link_start_default(*state);
    assert_int_equal(is_written_in_the_turn(*state, 3), 'n');
}

static void enough_messages_go_in_their_turn(void **state)
{
    link_start_default(*state);
    assert_int_equal(is_written_in_the_turn(*state, 4), 'y');
}

static void what_is_pushed_is_written_at_once(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    pair_send(&pair->at_client, "a", 1);
    link_push(pair->at_client.link);
    assert_int_equal(pair->at_client.nwritten, 1);
    link_push(pair->at_client.link); /* nothing to write */
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    assert_string_equal(pair->at_server.text, "[a]");
}

static void a_pack_ends_where_the_next_message_does_not_fit(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();

    limits.pack_bytes = 4;
    link_start(pair, &limits);
    pair_send(&pair->at_client, "aaa", 0);
    pair_send(&pair->at_client, "bb", 0);
    pair_send(&pair->at_client, "longer than a pack", 0);
    pair_send(&pair->at_client, "c", 0);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 4));
    assert_string_equal(pair->at_server.text, "[aaa][bb][longer than a pack][c]");
}

static void a_large_message_arrives_whole(void **state)
{
    struct pair *pair = *state;
    struct slice large = {.len = PAIR_LIMIT};
    uint8_t *bytes = malloc(large.len);

    assert_non_null(bytes);
    memset(bytes, 'L', large.len);
    large.ptr = bytes;
    link_start_default(pair);
    assert_int_equal(link_send(pair->at_client.link, large, 9), CX_OK);
    assert_int_equal(link_send(pair->at_server.link, large, 9), CX_OK);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    assert_true(net_wait_count(&pair->net, &pair->at_client.messages, 1));
    assert_int_equal(pair->at_server.bytes, PAIR_LIMIT);
    assert_int_equal(pair->at_client.bytes, PAIR_LIMIT);
    free(bytes);
}

static void a_message_in_fragments_is_put_together(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;

    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw_say_frame(&raw, 0x02, "he", 2);   /* binary, more follows */
    raw_say_frame(&raw, 0x89, "ping", 4); /* a ping may come between them */
    raw_say_frame(&raw, 0x00, "ll", 2);
    raw_say_frame(&raw, 0x80, "o", 1); /* the last one */
    raw_say_frame(&raw, 0x82, "next", 4);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 2));
    assert_string_equal(pair->at_server.text, "[hello][next]");
    assert_true(raw_wait_bytes(&raw, 6));
    assert_memory_equal(raw.got, "\x8a\x04ping", 6);
    raw_close(&raw);
}

/* ---- rules of the peer ---- */

static void say_error(struct pair_end *end)
{
    pair_send(end, "error", 7);
    link_close(end->link, 4400, "protocol");
}

static void a_text_frame_is_a_violation_with_the_owners_close(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;

    pair->at_server.on_violation = say_error;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw_say_frame(&raw, 0x81, "text", 4);
    raw_say_frame(&raw, 0x82, "more", 4);
    assert_true(raw_wait_bytes(&raw, 7 + 12));
    assert_memory_equal(raw.got,
                        "\x82\x05"
                        "error"
                        "\x88\x0a\x11\x30protocol",
                        7 + 12);
    raw_say_frame(&raw, 0x88, "\x11\x30", 2);
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.violations, 1);
    assert_int_equal(pair->at_server.violation, LINK_TEXT_FRAME);
    assert_int_equal(pair->at_server.messages, 0);
    assert_int_equal(pair->at_server.end.end, LINK_END_US);
    assert_int_equal(pair->at_server.end.code, 4400);
    raw_close(&raw);
}

static void a_message_that_announces_too_much_is_closed_at_once(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;

    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw_say_frame_header(&raw, 0x82, 50 * 1024 * 1024);
    raw_say(&raw, "x");
    assert_true(raw_wait_bytes(&raw, 4));
    assert_memory_equal(raw.got, "\x88\x12\x03\xf1", 4); /* close, 1009 */
    assert_int_equal(pair->at_server.violation, LINK_MESSAGE_TOO_LONG);
    raw_close(&raw);
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.end.code, 1009);
}

static void fifty_megabytes_in_pieces_take_no_memory(void **state)
{
    enum { PIECE = 64 * 1024 };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    char *piece = calloc(1, PIECE);
    struct raw raw;
    size_t before;

    assert_non_null(piece);
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (unsigned i = 0; i < 50 * 1024 * 1024 / PIECE && !raw.is_closed; i++) {
        raw_say_frame(&raw, i == 0 ? 0x02 : 0x00, piece, PIECE);
        assert_true(mallinfo2().uordblks + mallinfo2().hblkhd < before + 4 * PAIR_LIMIT);
    }
    assert_true(pair_wait_closed(&pair->at_server)); /* also of one who never reads our close */
    assert_int_equal(pair->at_server.end.code, 1009);
    assert_int_equal(pair->at_server.messages, 0);
    free(piece);
    raw_close(&raw);
}

static void the_limit_may_be_lowered_and_never_raised(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    link_set_message_max(pair->at_server.link, 3);
    link_set_message_max(pair->at_server.link, 100);
    pair_send(&pair->at_client, "abc", 0);
    assert_true(net_wait_count(&pair->net, &pair->at_server.messages, 1));
    pair_send(&pair->at_client, "abcd", 0);
    assert_true(pair_wait_closed(&pair->at_client));
    assert_int_equal(pair->at_client.end.end, LINK_END_PEER);
    assert_int_equal(pair->at_client.end.code, 1009);
    assert_string_equal(pair->at_client.end.reason, "message too long");
}

static void a_malformed_frame_closes(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    struct raw raw;

    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw_say_frame(&raw, 0xc2, "compressed", 10); /* a reserved bit: no extension was agreed on */
    assert_true(raw_wait_bytes(&raw, 4));
    assert_int_equal((uint8_t)raw.got[0], 0x88);
    raw_close(&raw);
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.end.code, 1002);
}

/* ---- the outbox ---- */

static void past_its_cap_the_outbox_refuses(void **state)
{
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();

    limits.outbox_bytes_max = 1000;
    link_start(pair, &limits);
    for (int i = 0; i < 7; i++) { /* 100 bytes and 64 for each */
        enum cx_err want = i < 6 ? CX_OK : CX_E_FULL;
        char bytes[100] = {0};

        assert_int_equal(link_send(pair->at_client.link, slice_of(bytes, sizeof(bytes)), 0), want);
    }
    assert_true(net_wait_count(&pair->net, &pair->at_client.flushed, 1));
    pair_send(&pair->at_client, "room again", 0);
}

/* A peer that stops reading: what the socket doesn't take stays in the outbox, and what was never
 * written is told when the connection is dropped. */
static void unwritten_messages_are_told_on_an_abrupt_end(void **state)
{
    enum { LARGE = 200 * 1024 };
    struct pair *pair = *state;
    struct link_limits limits = pair_limits();
    char *large = calloc(1, LARGE);
    struct raw raw;
    uint64_t sent = 0;

    assert_non_null(large);
    limits.outbox_bytes_max = 8 * 1024 * 1024;
    pair_start_server(pair, &limits);
    link_open_raw(pair, &raw);
    raw.is_paused = true;
    while (link_send(pair->at_server.link, slice_of(large, LARGE), sent + 1) == CX_OK) {
        sent++;
    }
    net_idle(&pair->net, 30);
    assert_true(pair->at_server.nwritten > 0);
    assert_true(pair->at_server.nwritten < sent);
    raw_close(&raw);
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_server.end.end, LINK_END_LOST);
    assert_int_equal(pair->at_server.end.code, LINK_CLOSED_ABNORMALLY);
    assert_int_equal(pair->at_server.nwritten + pair->at_server.nunwritten, sent);
    assert_int_equal(pair->at_server.unwritten[0], pair->at_server.nwritten + 1);
    assert_int_equal(pair->at_server.unwritten[pair->at_server.nunwritten - 1], sent);
    free(large);
}

static void an_abort_in_the_turn_of_sending_leaves_all_unwritten(void **state)
{
    struct pair *pair = *state;

    link_start_default(pair);
    pair_send(&pair->at_client, "a", 1);
    pair_send(&pair->at_client, "untagged", 0);
    pair_send(&pair->at_client, "b", 2);
    link_abort(pair->at_client.link);
    assert_int_equal(pair->at_client.closed, 0); /* not from within */
    assert_int_equal(link_send(pair->at_client.link, SLICE_LIT("c"), 3), CX_E_CLOSED);
    assert_true(pair_wait_closed(&pair->at_client));
    assert_true(pair_wait_closed(&pair->at_server));
    assert_int_equal(pair->at_client.nunwritten, 2);
    assert_int_equal(pair->at_client.unwritten[0], 1);
    assert_int_equal(pair->at_client.unwritten[1], 2);
    assert_int_equal(pair->at_client.end.end, LINK_END_US);
    assert_int_equal(pair->at_client.end.code, LINK_CLOSED_ABNORMALLY);
    assert_int_equal(pair->at_server.end.end, LINK_END_LOST);
    assert_int_equal(pair->at_server.messages, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, link_set_up, link_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(messages_go_both_ways_whole_and_in_order),
        TEST(messages_of_one_turn_go_into_one_websocket_message),
        TEST(a_few_messages_wait_for_more),
        TEST(enough_messages_go_in_their_turn),
        TEST(what_is_pushed_is_written_at_once),
        TEST(a_pack_ends_where_the_next_message_does_not_fit),
        TEST(a_large_message_arrives_whole),
        TEST(a_message_in_fragments_is_put_together),
        TEST(a_text_frame_is_a_violation_with_the_owners_close),
        TEST(a_message_that_announces_too_much_is_closed_at_once),
        TEST(fifty_megabytes_in_pieces_take_no_memory),
        TEST(the_limit_may_be_lowered_and_never_raised),
        TEST(a_malformed_frame_closes),
        TEST(past_its_cap_the_outbox_refuses),
        TEST(unwritten_messages_are_told_on_an_abrupt_end),
        TEST(an_abort_in_the_turn_of_sending_leaves_all_unwritten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
