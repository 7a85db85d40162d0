/* Answers that are cut short, endless, forged or no HTTP: each has a verdict, none costs more
 * memory than the limit, and the connection it came on is not used again. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* Reads the request, says `arg` and closes. */
static void serve_and_close(struct peer_connection *c)
{
    struct peer_request r = {0};

    if (peer_read(c, &r)) {
        (void)peer_say(c, c->peer->arg);
    }
    peer_request_done(&r);
}

static void serve_and_reset(struct peer_connection *c)
{
    serve_and_close(c);
    peer_reset(c);
}

static void ask(peer_serve *serve, const void *arg, struct asked *a)
{
    struct peer peer;
    struct asker by;
    struct http_plan plan;

    peer_start(&peer, NULL, serve, arg);
    asker_start(&by);
    plan = asked_plan(a, "http", "127.0.0.1", peer.port);
    asked_run(&by, a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(peer.requests, 1);
}

static void http_tells_broken_answers_from_whole_ones(void **state)
{
    static const struct {
        const char *why, *answer;
        enum verdict code; /* VERDICT_UNKNOWN: it is whole, with the body "{}" */
        const char *sentence;
    } rows[] = {
        {"whole", OK_ANSWER, VERDICT_UNKNOWN, NULL},
        {"whole, until the end of the connection", "HTTP/1.0 200 OK\r\n\r\n{}", VERDICT_UNKNOWN,
         NULL},
        {"whole, in chunks, with a trailer",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n"
         "Location: /trailer\r\n\r\n",
         VERDICT_UNKNOWN, NULL},
        {"the same length twice",
         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", VERDICT_UNKNOWN,
         NULL},
        {"shorter than its length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "before the answer was whole"},
        {"no end of its chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
         VERDICT_ANSWER_UNREADABLE, "before the answer was whole"},
        {"no end of its headers", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
         VERDICT_ANSWER_UNREADABLE, "before the answer was whole"},
        {"chunks that are none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         VERDICT_ANSWER_UNREADABLE, ""},
        {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "Content-Length"},
        {"two lengths in one", "HTTP/1.1 200 OK\r\nContent-Length: 2, 40\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "Content-Length"},
        {"a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "malformed"},
        {"HTTP/0.9", "{\"access_token\":\"x\"}\n", VERDICT_ANSWER_UNREADABLE, "not HTTP"},
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", VERDICT_ANSWER_UNREADABLE, "not HTTP"},
        {"a status that is none", "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, ""},
        {"an unknown encoding",
         "HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "Content-Encoding"},
        {"gzip that is none",
         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
         VERDICT_ANSWER_UNREADABLE, "Content-Encoding"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;

        ask(serve_and_close, rows[i].answer, &a);
        if (a.code != rows[i].code) {
            print_message("%s: %s\n", rows[i].why, a.fail.detail);
        }
        CHECK(rows[i].why, a.code == rows[i].code);
        if (rows[i].code == VERDICT_UNKNOWN) {
            CHECK(rows[i].why, a.execution == EXECUTION_ANSWERED && a.status == 200);
            CHECK(rows[i].why, a.is_body_whole && strcmp(a.body, "{}") == 0);
            CHECK(rows[i].why, !a.has_location);
            continue;
        }
        CHECK(rows[i].why, a.execution == EXECUTION_SENT && a.stage == STAGE_RECEIVE);
        CHECK(rows[i].why, !a.is_body_whole);
        CHECK(rows[i].why, strstr(a.fail.detail, rows[i].sentence) != NULL);
    }
}

static void http_says_where_a_connection_without_an_answer_ended(void **state)
{
    static const struct {
        const char *why;
        peer_serve *serve;
    } rows[] = {{"closed", serve_and_close}, {"reset", serve_and_reset}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;

        ask(rows[i].serve, "", &a);
        CHECK(rows[i].why, a.execution == EXECUTION_SENT && a.stage == STAGE_WAIT);
        CHECK(rows[i].why, a.code == VERDICT_ENDPOINT_UNREACHABLE);
        CHECK(rows[i].why, strstr(a.fail.detail, "waiting for the endpoint's answer") != NULL);
        CHECK(rows[i].why, a.status == 0 && a.body_len == 0);
    }
}

/* Closes after the head, while the client still has a body to send that fits into no buffer. */
static void serve_head_then_reset(struct peer_connection *c)
{
    char byte;

    (void)recv(c->fd, &byte, 1, 0);
    c->peer->requests++;
    peer_reset(c);
}

static void http_says_when_the_request_was_not_taken_whole(void **state)
{
    static char body[16 * 1024 * 1024];
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, serve_head_then_reset, NULL);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    plan.body = slice_of(body, sizeof(body));
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(a.execution, EXECUTION_SENT);
    assert_int_equal(a.stage, STAGE_SEND);
    assert_int_equal(a.code, VERDICT_ENDPOINT_UNREACHABLE);
}

/* ---- limits ---- */

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void serve_endless_chunks(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r) && peer_say(c, CHUNKED);

    while (is_open) {
        is_open = peer_say(c, "10\r\n0123456789abcdef\r\n");
    }
    peer_request_done(&r);
}

static void serve_endless_body(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r) && peer_say(c, "HTTP/1.1 200 OK\r\n\r\n");

    while (is_open) {
        is_open = peer_say(c, "0123456789abcdef");
    }
    peer_request_done(&r);
}

/* Bits of a deflate stream, the first into the lowest place of each byte (RFC 1951, 3.1.1). */
struct bits {
    uint8_t bytes[512 * 1024];
    size_t n;
};

static void bits_put(struct bits *b, const char *text)
{
    for (; *text != '\0'; text++, b->n++) {
        if (*text == '1') {
            b->bytes[b->n / 8] |= (uint8_t)(1u << (b->n % 8));
        }
    }
}

/* 64 MB of zeroes as some 420 KB of gzip: one block of fixed codes (RFC 1951, 3.2.6), a literal 0,
 * and "258 bytes from one byte back" again and again. */
static void serve_bomb(struct peer_connection *c)
{
    static const uint8_t gzip_head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    static struct bits bomb;
    struct peer_request r = {0};

    memset(&bomb, 0, sizeof(bomb));
    bits_put(&bomb, "1" /* last block */ "10" /* fixed codes */ "00110000" /* 0 */);
    for (int i = 0; i < 260000; i++) {
        bits_put(&bomb, "11000101" /* 285 */ "00000" /* distance 1 */);
    }
    bits_put(&bomb, "0000000" /* end of block */);
    if (peer_read(c, &r) && peer_say(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n") &&
        peer_write(c, gzip_head, sizeof(gzip_head))) {
        (void)peer_write(c, bomb.bytes, bomb.n / 8 + 1);
    }
    peer_request_done(&r);
}

static void serve_endless_headers(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r) && peer_say(c, "HTTP/1.1 200 OK\r\n");

    while (is_open) {
        is_open = peer_say(c, "X-Header: 0123456789abcdef\r\n");
    }
    peer_request_done(&r);
}

static void serve_endless_interim_answers(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r);

    while (is_open) {
        is_open = peer_say(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    }
    peer_request_done(&r);
}

static void serve_endless_trailers(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r) && peer_say(c, CHUNKED "2\r\n{}\r\n0\r\n");

    while (is_open) {
        is_open = peer_say(c, "X-Trailer: 0123456789abcdef\r\n");
    }
    peer_request_done(&r);
}

static void serve_endless_header(struct peer_connection *c)
{
    struct peer_request r = {0};
    bool is_open = peer_read(c, &r) && peer_say(c, "HTTP/1.1 200 OK\r\nX-Header: ");

    while (is_open) {
        is_open = peer_say(c, "0123456789abcdef");
    }
    peer_request_done(&r);
}

static void http_bounds_what_it_takes(void **state)
{
    static const struct {
        const char *why;
        peer_serve *serve;
        const char *sentence;
    } rows[] = {
        {"chunks", serve_endless_chunks, "longer than 4000 bytes"},
        {"body without a length", serve_endless_body, "longer than 4000 bytes"},
        {"compressed body", serve_bomb, "longer than 4000 bytes"},
        {"headers", serve_endless_headers, "headers are too long"},
        {"interim answers", serve_endless_interim_answers, "headers are too long"},
        {"trailers", serve_endless_trailers, "too long"},
        {"one header", serve_endless_header, "too long"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;

        ask(rows[i].serve, NULL, &a);
        if (a.code != VERDICT_ANSWER_UNREADABLE) {
            print_message("%s: %s\n", rows[i].why, a.fail.detail);
        }
        CHECK(rows[i].why, a.execution == EXECUTION_SENT && a.stage == STAGE_RECEIVE);
        CHECK(rows[i].why, a.code == VERDICT_ANSWER_UNREADABLE);
        CHECK(rows[i].why, strstr(a.fail.detail, rows[i].sentence) != NULL);
        CHECK(rows[i].why, a.body_len <= 4000 && !a.is_body_whole);
    }
}

static void http_takes_an_answer_of_exactly_the_limit(void **state)
{
    (void)state;
    for (size_t len = 4000; len <= 4001; len++) {
        char answer[4096 + 128];
        size_t head = (size_t)snprintf(answer, sizeof(answer),
                                       "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
        struct asked a;

        memset(answer + head, 'x', len);
        answer[head + len] = '\0';
        ask(serve_and_close, answer, &a);
        assert_int_equal(a.is_body_whole, len == 4000);
        assert_int_equal(a.code, len == 4000 ? VERDICT_UNKNOWN : VERDICT_ANSWER_UNREADABLE);
        assert_int_equal(a.body_len, len == 4000 ? 4000 : 0);
    }
}

/* "{}" as gzip, by hand from RFC 1952: a stored block, CRC-32 43 BF A6 A3 (of python's zlib). */
static void serve_gzip(struct peer_connection *c)
{
    static const uint8_t gzip[] = {0x1f, 0x8b, 8,   0,   0,    0,    0,    0,    0, 0xff, 1, 2, 0,
                                   0xfd, 0xff, '{', '}', 0x43, 0xbf, 0xa6, 0xa3, 2, 0,    0, 0};
    struct peer_request r = {0};

    if (peer_read(c, &r) &&
        peer_say(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n")) {
        (void)peer_write(c, gzip, sizeof(gzip));
    }
    peer_request_done(&r);
}

static void http_decodes_what_was_compressed_unasked(void **state)
{
    struct asked a;

    (void)state;
    ask(serve_gzip, NULL, &a);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    assert_string_equal(a.body, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_tells_broken_answers_from_whole_ones),
        cmocka_unit_test(http_says_where_a_connection_without_an_answer_ended),
        cmocka_unit_test(http_says_when_the_request_was_not_taken_whole),
        cmocka_unit_test(http_bounds_what_it_takes),
        cmocka_unit_test(http_takes_an_answer_of_exactly_the_limit),
        cmocka_unit_test(http_decodes_what_was_compressed_unasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
