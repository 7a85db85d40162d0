#include "common/io/http_server.h"

#include "tests/support/check.h"
#include "tests/support/raw.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BODY_MAX = 1000, HELD_MAX = 4 };

/* A server whose handler answers "/now" at once with what it was asked, and keeps the calls of any
 * other path. */
struct fixture {
    struct net net;
    struct http_server *server;
    struct http_call *held[HELD_MAX];
    unsigned nheld;
    unsigned ncalls;
    unsigned ngone;
    bool is_drained;
    char seen[2048]; /* the last request, a line a part */
};

static void see(struct fixture *f, const char *name, struct slice value)
{
    size_t len = strlen(f->seen);

    if (!slice_is_absent(value)) {
        (void)snprintf(f->seen + len, sizeof(f->seen) - len, "%s=%.*s\n", name, SLICE_ARG(value));
    }
}

static void see_request(struct fixture *f, const struct http_request *r)
{
    f->seen[0] = '\0';
    see(f, "method", r->method);
    see(f, "path", r->path);
    for (size_t i = 0; i < r->nargs; i++) {
        see(f, "arg", r->args[i]);
    }
    see(f, "authorization", r->authorization);
    see(f, "idempotency", r->idempotency_key);
    see(f, "type", r->content_type);
    see(f, "trace", r->traceparent);
    see(f, "body", r->body);
    assert_int_equal(strncmp(r->peer, "127.0.0.1:", 10) == 0 || strcmp(r->peer, "unix") == 0, 1);
}

static void on_gone(void *arg)
{
    struct fixture *f = arg;

    f->ngone++;
}

static void answer(struct http_call *call, unsigned status, const char *body)
{
    struct http_reply reply = {.status = status, .body = slice_of_str(body)};

    http_call_reply(call, &reply);
}

static void on_request(void *arg, struct http_call *call, const struct http_request *request)
{
    static const struct http_header headers[] = {{"x-one", "1"}};
    struct fixture *f = arg;
    struct http_reply reply = {.status = 200,
                               .content_type = "text/plain",
                               .headers = headers,
                               .nheaders = 1,
                               .body = SLICE_LIT("hello")};

    see_request(f, request);
    f->ncalls++;
    if (slice_eq_str(request->path, "/now")) {
        http_call_reply(call, &reply);
        return;
    }
    assert_true(f->nheld < HELD_MAX);
    http_call_on_gone(call, on_gone, f);
    f->held[f->nheld++] = call;
}

static struct http_listen listen_default(struct fixture *f)
{
    return (struct http_listen){
        .host = "127.0.0.1",
        .body_bytes_max = BODY_MAX,
        .request_ms = 5000,
        .idle_ms = 5000,
        .handler = on_request,
        .arg = f,
    };
}

static void start_with(struct fixture *f, const struct http_listen *listen)
{
    struct cx_fail fail = {0};

    if (http_server_new(f->net.web, listen, &f->server, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    net_start(&f->net);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_server_free(f->server);
    for (unsigned i = 0; i < f->nheld; i++) {
        answer(f->held[i], 503, ""); /* after the end it only frees */
    }
    net_stop(&f->net);
    free(f);
    return 0;
}

static void open_raw(struct fixture *f, struct raw *raw)
{
    raw_open(&f->net, raw, http_server_port(f->server));
}

/* ---- requests and answers ---- */

static void a_request_comes_with_its_parts(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
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
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
    for (unsigned i = 1; i <= 3; i++) {
        raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(raw_wait_for(&raw, "hello"));
        assert_int_equal(f->ncalls, i);
        raw_forget(&raw);
        raw_say(&raw, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
        assert_true(net_wait_count(&f->net, &f->nheld, 1));
        answer(f->held[--f->nheld], 202, "later");
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
    struct http_listen listen = listen_default(f);
    char text[256];

    start_with(f, &listen);
    for (size_t i = 0; i < COUNT_OF(firsts); i++) {
        struct raw raw;

        f->ncalls = 0;
        open_raw(f, &raw);
        (void)snprintf(text, sizeof(text),
                       "%sPOST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2",
                       firsts[i]);
        raw_say(&raw, text);
        CHECK(firsts[i], net_wait_count(&f->net, &f->ncalls, 1));
        net_idle(&f->net, 20);
        if (f->nheld == 1) {
            answer(f->held[--f->nheld], 200, "hello");
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
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    raw_say(&raw, "POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2");
    net_idle(&f->net, 20);
    assert_int_equal(f->ncalls, 1);
    answer(f->held[--f->nheld], 200, "one");
    assert_true(raw_wait_for(&raw, "one"));
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    assert_non_null(strstr(f->seen, "body=2"));
    answer(f->held[--f->nheld], 200, "two");
    assert_true(raw_wait_for(&raw, "two"));
    raw_close(&raw);
}

/* While a request without a body waits, libwebsockets would spin on what the client sends. */
static void a_waiting_request_costs_no_turns(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw raw;
    struct timespec before, after;

    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\n");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
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
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_wait_closed(&raw));
    assert_non_null(strstr(raw.got, "connection: close\r\n"));
    assert_non_null(strstr(raw.got, "hello"));
    raw_close(&raw);
}

static void head_gets_the_headers_alone(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "HEAD /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_wait_closed(&raw));
    assert_non_null(strstr(raw.got, "content-length: 5\r\n"));
    assert_null(strstr(raw.got, "hello"));
    raw_close(&raw);
}

static void a_client_that_expects_100_gets_it(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
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
    struct http_listen listen = listen_default(f);
    struct http_reply reply = {.status = 200};
    char *body = malloc(LARGE);
    size_t total = 0;
    struct raw raw;

    assert_non_null(body);
    memset(body, 'x', LARGE);
    start_with(f, &listen);
    open_raw(f, &raw);
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
    struct http_listen listen = listen_default(f);

    start_with(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        open_raw(f, &raw);
        raw_say(&raw, rows[i].request);
        CHECK(rows[i].why, raw_wait_for(&raw, rows[i].status));
        CHECK(rows[i].why, raw_wait_closed(&raw));
        CHECK(rows[i].why, f->ncalls == 0);
        raw_close(&raw);
    }
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
    struct http_listen listen = listen_default(f);

    start_with(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        f->ncalls = 0;
        open_raw(f, &raw);
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
    struct http_listen listen = listen_default(f);
    char long_value[10000];
    struct raw raw;

    memset(long_value, 'a', sizeof(long_value));
    start_with(f, &listen);
    open_raw(f, &raw);
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
    struct http_listen listen = listen_default(f);
    char body[BODY_MAX + 1];
    struct raw raw;

    memset(body, 'b', sizeof(body));
    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    assert_true(raw_wait_for(&raw, " 413 "));
    raw_say_bytes(&raw, body, sizeof(body) - 1);
    net_idle(&f->net, 20);
    assert_false(raw.is_closed);
    raw_say(&raw, "b");
    assert_true(raw_wait_closed(&raw));
    raw_close(&raw);
}

/* ---- time ---- */

static void a_request_that_takes_too_long_is_cut_off(void **state)
{
    static const char *const rows[] = {
        "",
        "GET /now HT",
        "GET /now HTTP/1.1\r\nHost: x\r\n",
        "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab",
    };
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);

    listen.request_ms = 60;
    start_with(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        open_raw(f, &raw);
        raw_say(&raw, rows[i]);
        CHECK(rows[i], raw_wait_closed(&raw));
        CHECK(rows[i], raw.got_len == 0);
        raw_close(&raw);
    }
}

static void an_idle_connection_is_closed_and_a_waiting_one_is_not(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw idle, waiting;

    listen.idle_ms = 60;
    listen.request_ms = 100;
    start_with(f, &listen);
    open_raw(f, &waiting);
    raw_say(&waiting, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    open_raw(f, &idle);
    raw_say(&idle, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&idle, "hello"));
    assert_true(raw_wait_closed(&idle));
    net_idle(&f->net, 150);
    assert_false(waiting.is_closed);
    answer(f->held[--f->nheld], 200, "waited");
    assert_true(raw_wait_for(&waiting, "waited"));
    raw_close(&idle);
    raw_close(&waiting);
}

static void a_hang_up_is_told_and_the_answer_then_goes_nowhere(void **state)
{
    static const char *const rows[] = {
        "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
        "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "PUT /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    };
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);

    start_with(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_call *call;
        struct raw raw;

        f->ngone = 0;
        open_raw(f, &raw);
        raw_say(&raw, rows[i]);
        CHECK(rows[i], net_wait_count(&f->net, &f->nheld, 1));
        call = f->held[--f->nheld];
        CHECK(rows[i], !http_call_is_gone(call));
        raw_close(&raw);
        CHECK(rows[i], net_wait_count(&f->net, &f->ngone, 1));
        CHECK(rows[i], http_call_is_gone(call));
        answer(call, 200, "nobody");
        net_idle(&f->net, 5);
        CHECK(rows[i], f->ngone == 1);
    }
}

/* ---- listening ---- */

static void connections_beyond_the_limit_wait_their_turn(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw first, second;

    listen.connections_max = 1;
    start_with(f, &listen);
    open_raw(f, &first);
    raw_say(&first, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&first, "hello"));
    open_raw(f, &second);
    raw_say(&second, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    net_idle(&f->net, 50);
    assert_int_equal(f->ncalls, 1);
    raw_close(&first);
    assert_true(raw_wait_for(&second, "hello"));
    raw_close(&second);
}

static void draining_finishes_calls_and_closes_the_rest(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw idle, waiting;
    uint16_t port;

    start_with(f, &listen);
    port = http_server_port(f->server);
    open_raw(f, &idle);
    raw_say(&idle, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&idle, "hello"));
    open_raw(f, &waiting);
    raw_say(&waiting, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    http_server_drain(f->server, (void (*)(void *))NULL, NULL);
    http_server_free(NULL);
    assert_true(raw_wait_closed(&idle));
    assert_false(waiting.is_closed);
    assert_true(port != 0);
    answer(f->held[--f->nheld], 200, "finished");
    assert_true(raw_wait_closed(&waiting));
    assert_non_null(strstr(waiting.got, "connection: close"));
    assert_non_null(strstr(waiting.got, "finished"));
    raw_close(&idle);
    raw_close(&waiting);
}

static void on_drained(void *arg)
{
    *(bool *)arg = true;
}

static void the_end_of_draining_is_told(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct raw raw;

    start_with(f, &listen);
    open_raw(f, &raw);
    raw_say(&raw, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    http_server_drain(f->server, on_drained, &f->is_drained);
    net_idle(&f->net, 20);
    assert_false(f->is_drained);
    answer(f->held[--f->nheld], 200, "finished");
    assert_true(net_wait_flag(&f->net, &f->is_drained));
    raw_close(&raw);
}

static void a_unix_socket_has_mode_0600_and_goes_with_the_server(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    const char *path = net_file(&f->net, "sock");
    mode_t mask = umask(0);
    struct stat st;
    struct raw raw;

    listen.host = NULL;
    listen.unix_path = path;
    start_with(f, &listen);
    (void)umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(http_server_port(f->server), 0);
    raw_open_unix(&f->net, &raw, path);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&raw, "hello"));
    raw_close(&raw);
    http_server_free(f->server);
    f->server = NULL;
    assert_int_equal(stat(path, &st), -1);
}

static void a_dead_unix_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    const char *path = net_file(&f->net, "sock");
    struct http_server *second = NULL;
    struct cx_fail fail = {0};

    listen.host = NULL;
    listen.unix_path = path;
    start_with(f, &listen);
    assert_int_equal(http_server_new(f->net.web, &listen, &second, &fail), CX_E_EXISTS);
    assert_non_null(strstr(fail.detail, "already running"));
    /* What a killed process leaves: the file, and nobody who listens. */
    assert_int_equal(link(path, net_file(&f->net, "stale")), 0);
    http_server_free(f->server);
    f->server = NULL;
    net_idle(&f->net, 5);
    listen.unix_path = net_file(&f->net, "stale");
    start_with(f, &listen);
    /* Another kind of file is left alone. */
    listen.unix_path = temp_write(&f->net.dir, "file", "precious", 0600);
    assert_int_equal(http_server_new(f->net.web, &listen, &second, &fail), CX_E_EXISTS);
}

static void a_place_to_listen_that_does_not_work_says_why(void **state)
{
    static const struct {
        const char *host, *unix_path, *detail;
        enum cx_err err;
    } rows[] = {
        {"localhost", NULL, "'localhost' is not a numeric address", CX_E_SYNTAX},
        {"192.0.2.1", NULL, "Cannot assign requested address", CX_E_IO},
        {NULL, "/nonexistent/sock", "No such file or directory", CX_E_IO},
        {NULL,
         "/tmp/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaa"
         "aaaaaaaaaaaa",
         "at most 107 bytes", CX_E_SYNTAX},
    };
    struct fixture *f = *state;
    struct http_listen listen = listen_default(f);
    struct http_server *server = NULL;
    struct cx_fail fail = {0};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        listen.host = rows[i].host;
        listen.unix_path = rows[i].unix_path;
        CHECK_ERR(rows[i].detail, http_server_new(f->net.web, &listen, &server, &fail),
                  rows[i].err);
        CHECK(rows[i].detail, strstr(fail.detail, rows[i].detail) != NULL);
    }
    listen = listen_default(f);
    start_with(f, &listen);
    listen.port = http_server_port(f->server);
    assert_int_equal(http_server_new(f->net.web, &listen, &server, &fail), CX_E_IO);
    assert_non_null(strstr(fail.detail, "Address already in use"));
}

/* Two ports of one process: a Host header that libwebsockets would take for the other one's name
 * changes nothing. */
static void each_port_has_its_own_handler(void **state)
{
    struct fixture *f = *state;
    struct fixture other = {0};
    struct http_listen listen = listen_default(f);
    struct http_listen unix_listen = listen_default(&other);
    struct raw raw;

    start_with(f, &listen);
    unix_listen.host = NULL;
    unix_listen.unix_path = net_file(&f->net, "sock");
    assert_int_equal(http_server_new(f->net.web, &unix_listen, &other.server, NULL), CX_OK);
    open_raw(f, &raw);
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: -\r\n\r\n");
    assert_true(raw_wait_for(&raw, "hello"));
    assert_int_equal(f->ncalls, 1);
    raw_close(&raw);
    raw_open_unix(&f->net, &raw, net_file(&f->net, "sock"));
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: -\r\n\r\n");
    assert_true(raw_wait_for(&raw, "hello"));
    assert_int_equal(f->ncalls, 1);
    assert_int_equal(other.ncalls, 1);
    raw_close(&raw);
    http_server_free(other.server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_request_comes_with_its_parts),
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
        TEST(nonsense_is_cut_off),
        TEST(headers_over_their_limit_are_cut_off),
        TEST(a_refused_body_is_let_through_so_that_the_answer_is_read),
        TEST(a_request_that_takes_too_long_is_cut_off),
        TEST(an_idle_connection_is_closed_and_a_waiting_one_is_not),
        TEST(a_hang_up_is_told_and_the_answer_then_goes_nowhere),
        TEST(connections_beyond_the_limit_wait_their_turn),
        TEST(draining_finishes_calls_and_closes_the_rest),
        TEST(the_end_of_draining_is_told),
        TEST(a_unix_socket_has_mode_0600_and_goes_with_the_server),
        TEST(a_dead_unix_socket_is_replaced_and_a_live_one_is_not),
        TEST(a_place_to_listen_that_does_not_work_says_why),
        TEST(each_port_has_its_own_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
