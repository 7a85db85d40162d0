#include "common/io/http_server.h"

#include "tests/support/check.h"
#include "tests/support/http_fixture.h"

#include <stdlib.h>

/* ---- requests and answers ---- */

static void a_request_comes_with_its_parts(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "POST /now?since=2%202&name=a%26b HTTP/1.1\r\nHost: x\r\n"
                  "Authorization: Bearer KEY \r\nIdempotency-Key: k1\r\n"
                  "Content-Type: application/json\r\nTraceparent: 00-ab\r\n"
                  "Content-Length: 4\r\n\r\nbo");
    raw_say(&raw, "dy");
    assert_true(raw_wait_for(&raw, "hello"));
    assert_string_equal(f->seen, "method=POST\npath=/now\narg=since=2 2\narg=name=a&b\n"
                                 "authorization=Bearer KEY\nidempotency=k1\n"
                                 "type=application/json\ntrace=00-ab\nbody=body\n");
    assert_string_equal(raw.got, "HTTP/1.1 200 OK\r\nx-one: 1\r\ncontent-type: text/plain\r\n"
                                 "content-length: 5\r\n\r\nhello");
    raw_close(&raw);
}

static void accept_may_come_in_several_lines(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\nAccept: text/plain;q=0.5\r\n"
                  "Accept: */*\r\n\r\n");
    assert_true(raw_wait_for(&raw, "hello"));
    assert_non_null(strstr(f->seen, "accept=text/plain;q=0.5,"));
    assert_non_null(strstr(f->seen, "*/*\n"));
    raw_close(&raw);
}

static void answers_are_counted_by_the_class_of_their_status(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    uint64_t answers[HTTP_STATUS_CLASSES];
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&raw, "hello"));
    raw_say(&raw, "POST /now HTTP/1.1\r\nHost: x\r\n\r\n"); /* 411, by the server itself */
    assert_true(raw_wait_closed(&raw));
    http_server_count(f->server, answers);
    assert_int_equal(answers[0] + answers[1] + answers[3] + answers[5], 0);
    assert_int_equal(answers[2], 1);
    assert_int_equal(answers[4], 1);
    raw_close(&raw);
}

static void an_argument_is_found_by_its_name(void **state)
{
    const struct slice args[] = {SLICE_LIT("ab=1"), SLICE_LIT("a=2=3"), SLICE_LIT("a=4"),
                                 SLICE_LIT("empty=")};
    struct http_request r = {.args = args, .nargs = COUNT_OF(args)};
    struct slice value = {0};

    (void)state;
    assert_true(http_request_arg(&r, "a", &value));
    CHECK_TEXT("a", value, "2=3");
    assert_true(http_request_arg(&r, "empty", &value));
    CHECK_TEXT("empty", value, "");
    assert_false(http_request_arg(&r, "b", &value));
}

static void keep_alive_takes_requests_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    for (unsigned i = 1; i <= 3; i++) {
        raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(raw_wait_for(&raw, "hello"));
        assert_int_equal(f->ncalls, i);
        raw_forget(&raw);
        raw_say(&raw, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
        assert_true(net_wait_count(&f->net, &f->nheld, 1));
        fixture_answer_held(f, "later");
        assert_true(raw_wait_for(&raw, "later"));
        f->ncalls--;
        raw_forget(&raw);
    }
    raw_close(&raw);
}

/* libwebsockets would take the second one's headers for its body, or never return. */
static void a_request_before_the_last_answer_is_dropped(void **state)
{
    static const char *const firsts[] = {
        "GET /first HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
        "GET /now HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
    };
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    char text[256];

    fixture_start(f, &listen);
    for (size_t i = 0; i < COUNT_OF(firsts); i++) {
        struct raw raw;

        f->ncalls = 0;
        fixture_open(f, &raw);
        (void)snprintf(text, sizeof(text),
                       "%sPOST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2",
                       firsts[i]);
        raw_say(&raw, text);
        CHECK(firsts[i], net_wait_count(&f->net, &f->ncalls, 1));
        net_idle(&f->net, 20);
        if (f->nheld == 1) {
            fixture_answer_held(f, "hello");
        }
        CHECK(firsts[i], raw_wait_closed(&raw));
        CHECK(firsts[i], strstr(raw.got, "hello") != NULL);
        CHECK(firsts[i], f->ncalls == 1);
        raw_close(&raw);
    }
}

/* In a packet of its own it waits in the kernel, and is served afterwards. */
static void a_request_that_comes_while_another_waits_is_served_next(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    raw_say(&raw, "POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2");
    net_idle(&f->net, 20);
    assert_int_equal(f->ncalls, 1);
    fixture_answer_held(f, "one");
    assert_true(raw_wait_for(&raw, "one"));
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    assert_non_null(strstr(f->seen, "body=2"));
    fixture_answer_held(f, "two");
    assert_true(raw_wait_for(&raw, "two"));
    raw_close(&raw);
}

/* While a request without a body waits, libwebsockets would spin on what the client sends. */
static void a_waiting_request_costs_no_turns(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;
    struct timespec before, after;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    raw_say(&raw, "GET /next HTTP/1.1\r\n");
    net_idle(&f->net, 20);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    net_idle(&f->net, 200);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
                100);
    raw_close(&raw);
}

static void close_is_said_and_done_when_the_client_asks_for_it(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_wait_closed(&raw));
    assert_non_null(strstr(raw.got, "connection: close\r\n"));
    assert_non_null(strstr(raw.got, "hello"));
    raw_close(&raw);
}

static void head_gets_the_headers_alone(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "HEAD /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_wait_closed(&raw));
    assert_non_null(strstr(raw.got, "content-length: 5\r\n"));
    assert_null(strstr(raw.got, "hello"));
    raw_close(&raw);
}

static void a_client_that_expects_100_gets_it(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "POST /now HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n");
    assert_true(raw_wait_for(&raw, "HTTP/1.1 100 Continue\r\n\r\n"));
    raw_say(&raw, "ok");
    assert_true(raw_wait_for(&raw, "hello"));
    raw_close(&raw);
}

static void a_large_answer_arrives_whole(void **state)
{
    enum { LARGE = 4 * 1024 * 1024 };
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct http_reply reply = {.status = 200};
    char *body = malloc(LARGE);
    size_t total = 0;
    struct raw raw;

    assert_non_null(body);
    memset(body, 'x', LARGE);
    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    raw.is_paused = true; /* so that the socket fills up */
    reply.body = slice_of(body, LARGE);
    http_call_reply(f->held[--f->nheld], &reply);
    free(body);
    net_idle(&f->net, 20);
    raw.is_paused = false;
    while (total < LARGE) {
        assert_true(raw_wait_bytes(&raw, 1));
        total += raw.got_len;
        raw_forget(&raw);
    }
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"); /* and the connection goes on */
    assert_true(raw_wait_for(&raw, "hello"));
    raw_close(&raw);
}

/* ---- what is refused ---- */

static void bad_requests_are_refused(void **state)
{
    static const struct {
        const char *why, *request, *status;
    } rows[] = {
        {"a body over the limit", "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n",
         " 413 "},
        {"a body of 20 digits",
         "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n", " 413 "},
        {"a length that is no number",
         "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 4x\r\n\r\nabcd", " 400 "},
        {"a negative length", "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
         " 400 "},
        {"two lengths",
         "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
         " 400 "},
        {"a POST without a length", "POST /now HTTP/1.1\r\nHost: x\r\n\r\n", " 411 "},
        {"a chunked body",
         "POST /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 411 "},
        {"a chunked GET",
         "GET /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 411 "},
        {"both, as request smuggling does it",
         "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n",
         " 411 "},
        {"two authorizations",
         "GET /now HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", " 400 "},
        {"a header smuggled in the path", "GET /now%0aauthorization:x HTTP/1.1\r\nHost: x\r\n\r\n",
         " 400 "},
        {"a control character in the path", "GET /now%01 HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
        {"a path that is not UTF-8", "GET /now%ff HTTP/1.1\r\nHost: x\r\n\r\n", " 400 "},
        {"an upgrade where there is none",
         "GET /now HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         " 400 "},
        {"HTTP/2 over plain TCP",
         "GET /now HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
         "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
         " 400 "},
    };
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);

    fixture_start(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        fixture_open(f, &raw);
        raw_say(&raw, rows[i].request);
        CHECK(rows[i].why, raw_wait_for(&raw, rows[i].status));
        CHECK(rows[i].why, strstr(raw.got, "connection: close\r\n") != NULL);
        raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"); /* it isn't listened to */
        net_idle(&f->net, 2);
        CHECK(rows[i].why, f->ncalls == 0);
        raw_close(&raw);
    }
}

static void say_why(unsigned status, struct http_reply *reply)
{
    static const struct http_header headers[] = {{"cache-control", "no-store"}};

    reply->content_type = "text/plain";
    reply->headers = headers;
    reply->nheaders = 1;
    reply->body = status == 413 ? SLICE_LIT("too long") : SLICE_LIT("other");
}

static void a_refusal_says_what_the_listener_gives_it(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw raw;

    listen.refusal = say_why;
    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    assert_true(raw_wait_for(&raw, "\r\n\r\ntoo long"));
    assert_non_null(strstr(raw.got, " 413 "));
    assert_non_null(strstr(raw.got, "content-type: text/plain\r\n"));
    assert_non_null(strstr(raw.got, "cache-control: no-store\r\n"));
    assert_non_null(strstr(raw.got, "content-length: 8\r\n"));
    assert_non_null(strstr(raw.got, "connection: close\r\n"));
    raw_close(&raw);
}

/* On a connection that is kept alive, libwebsockets frees the headers of an unknown upgrade and
 * then shows them to its callback: AddressSanitizer tells if it is looked at. */
static void nonsense_is_cut_off(void **state)
{
    static const char *const rows[] = {
        "GET /now HTTP/1.1\r\nHost: x\r\nUpgrade: nonsense\r\nConnection: Upgrade\r\n\r\n",
        "CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "NONSENSE /now HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);

    fixture_start(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        f->ncalls = 0;
        fixture_open(f, &raw);
        raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(rows[i], raw_wait_for(&raw, "hello"));
        raw_say(&raw, rows[i]);
        CHECK(rows[i], raw_wait_closed(&raw));
        CHECK(rows[i], f->ncalls == 1);
        raw_close(&raw);
    }
}

static void headers_over_their_limit_are_cut_off(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    char long_value[10000];
    struct raw raw;

    memset(long_value, 'a', sizeof(long_value));
    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\nAuthorization: ");
    raw_say_bytes(&raw, long_value, sizeof(long_value));
    raw_say(&raw, "\r\n\r\n");
    assert_true(raw_wait_closed(&raw));
    assert_int_equal(f->ncalls, 0);
    raw_close(&raw);
}

static void a_refused_body_is_let_through_so_that_the_answer_is_read(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    char body[FIXTURE_BODY_MAX + 1];
    struct raw raw;

    memset(body, 'b', sizeof(body));
    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    assert_true(raw_wait_for(&raw, " 413 "));
    raw_say_bytes(&raw, body, sizeof(body) - 1);
    net_idle(&f->net, 20);
    assert_false(raw.is_closed);
    raw_say(&raw, "b");
    assert_true(raw_wait_closed(&raw));
    raw_close(&raw);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_request_comes_with_its_parts),
        TEST(accept_may_come_in_several_lines),
        TEST(answers_are_counted_by_the_class_of_their_status),
        TEST(an_argument_is_found_by_its_name),
        TEST(keep_alive_takes_requests_one_after_the_other),
        TEST(a_request_before_the_last_answer_is_dropped),
        TEST(a_request_that_comes_while_another_waits_is_served_next),
        TEST(a_waiting_request_costs_no_turns),
        TEST(close_is_said_and_done_when_the_client_asks_for_it),
        TEST(head_gets_the_headers_alone),
        TEST(a_client_that_expects_100_gets_it),
        TEST(a_large_answer_arrives_whole),
        TEST(bad_requests_are_refused),
        TEST(a_refusal_says_what_the_listener_gives_it),
        TEST(nonsense_is_cut_off),
        TEST(headers_over_their_limit_are_cut_off),
        TEST(a_refused_body_is_let_through_so_that_the_answer_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
