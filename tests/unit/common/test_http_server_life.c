#include "common/io/http_server.h"

#include "tests/support/check.h"
#include "tests/support/http_fixture.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
    struct http_listen listen = fixture_listen(f);

    listen.request_ms = 60;
    fixture_start(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        fixture_open(f, &raw);
        raw_say(&raw, rows[i]);
        CHECK(rows[i], raw_wait_closed(&raw));
        CHECK(rows[i], raw.got_len == 0);
        raw_close(&raw);
    }
}

static void an_idle_connection_is_closed_and_a_waiting_one_is_not(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw idle, waiting;

    listen.idle_ms = 60;
    listen.request_ms = 100;
    fixture_start(f, &listen);
    fixture_open(f, &waiting);
    raw_say(&waiting, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_open(f, &idle);
    raw_say(&idle, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&idle, "hello"));
    assert_true(raw_wait_closed(&idle));
    net_idle(&f->net, 150);
    assert_false(waiting.is_closed);
    fixture_answer_held(f, "waited");
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
    struct http_listen listen = fixture_listen(f);

    fixture_start(f, &listen);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_call *call;
        struct raw raw;

        f->ngone = 0;
        fixture_open(f, &raw);
        raw_say(&raw, rows[i]);
        CHECK(rows[i], net_wait_count(&f->net, &f->nheld, 1));
        call = f->held[--f->nheld];
        CHECK(rows[i], !http_call_is_gone(call));
        raw_close(&raw);
        CHECK(rows[i], net_wait_count(&f->net, &f->ngone, 1));
        CHECK(rows[i], http_call_is_gone(call));
        fixture_answer(call, 200, "nobody");
        net_idle(&f->net, 5);
        CHECK(rows[i], f->ngone == 1);
    }
}

/* ---- whether an answer was sent ---- */

static const char post_wait[] = "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";

struct told {
    unsigned times;
    bool is_sent;
};

static void on_sent(void *arg, bool is_sent)
{
    struct told *told = arg;

    told->times++;
    told->is_sent = is_sent;
}

/* The call of a client that waits. */
static struct http_call *take_waiting(struct fixture *f, struct raw *raw)
{
    fixture_open(f, raw);
    raw_say(raw, post_wait);
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    return f->held[--f->nheld];
}

static void an_answer_that_the_kernel_took_was_sent(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct told told = {0};
    struct http_call *call;
    struct raw raw;

    fixture_start(f, &listen);
    call = take_waiting(f, &raw);
    http_call_on_sent(call, on_sent, &told);
    fixture_answer(call, 200, "first");
    assert_int_equal(told.times, 0); /* not from within */
    assert_true(net_wait_count(&f->net, &told.times, 1));
    assert_true(told.is_sent);
    assert_true(raw_wait_for(&raw, "first"));
    raw_say(&raw, post_wait); /* what nobody asks about is not told */
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    fixture_answer_held(f, "second");
    assert_true(raw_wait_for(&raw, "second"));
    raw_close(&raw);
    net_idle(&f->net, 5);
    assert_int_equal(told.times, 1);
}

static void an_answer_to_a_client_that_has_hung_up_was_not_sent(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct told told = {0};
    struct http_call *call;
    struct raw raw;

    fixture_start(f, &listen);
    call = take_waiting(f, &raw);
    http_call_on_sent(call, on_sent, &told);
    raw_close(&raw);
    assert_true(net_wait_count(&f->net, &f->ngone, 1));
    fixture_answer(call, 200, "nobody");
    assert_int_equal(told.times, 1);
    assert_false(told.is_sent);
}

/* The kernel would take the answer: it has the client's FIN, which nobody has read yet. */
static void a_hang_up_that_was_not_seen_yet_counts(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct told told = {0};
    struct http_call *call;
    struct raw raw;

    fixture_start(f, &listen);
    call = take_waiting(f, &raw);
    http_call_on_sent(call, on_sent, &told);
    fixture_answer(call, 200, "nobody"); /* written at the end of the next turn */
    raw_close(&raw);
    assert_true(net_wait_count(&f->net, &told.times, 1));
    assert_false(told.is_sent);
    net_idle(&f->net, 5);
    assert_int_equal(told.times, 1);
}

static void an_answer_that_the_socket_has_no_room_for_was_not_sent_yet(void **state)
{
    enum { LONG_BYTES = 16 * 1024 * 1024 };
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    char *text = malloc(LONG_BYTES + 1);
    struct told told = {0};
    struct http_call *call;
    struct raw raw;

    assert_non_null(text);
    memset(text, 'x', LONG_BYTES);
    text[LONG_BYTES] = '\0';
    fixture_start(f, &listen);
    call = take_waiting(f, &raw);
    raw.is_paused = true;
    http_call_on_sent(call, on_sent, &told);
    fixture_answer(call, 200, text);
    assert_true(net_wait_count(&f->net, &told.times, 1));
    assert_false(told.is_sent);
    raw_close(&raw);
    net_idle(&f->net, 5);
    assert_int_equal(told.times, 1);
    free(text);
}

/* ---- listening ---- */

static void connections_beyond_the_limit_wait_their_turn(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw first, second;

    listen.connections_max = 1;
    fixture_start(f, &listen);
    fixture_open(f, &first);
    raw_say(&first, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&first, "hello"));
    fixture_open(f, &second);
    raw_say(&second, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    net_idle(&f->net, 50);
    assert_int_equal(f->ncalls, 1);
    raw_close(&first);
    assert_true(raw_wait_for(&second, "hello"));
    raw_close(&second);
}

static void out_of_descriptors_it_rests_and_goes_on_later(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct rlimit limit, low;
    struct timespec before, after;
    struct raw raw;
    int next;

    fixture_start(f, &listen);
    fixture_open(f, &raw); /* the kernel has it; nobody has accepted it yet */
    raw_say(&raw, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    next = dup(raw.fd);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    net_idle(&f->net, 250);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(f->ncalls, 0);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
                125);
    assert_true(raw_wait_for(&raw, "hello"));
    raw_close(&raw);
}

static void draining_finishes_calls_and_closes_the_rest(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    struct raw idle, waiting;

    fixture_start(f, &listen);
    fixture_open(f, &idle);
    raw_say(&idle, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(raw_wait_for(&idle, "hello"));
    fixture_open(f, &waiting);
    raw_say(&waiting, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    http_server_drain(f->server, NULL, NULL);
    assert_true(raw_wait_closed(&idle));
    assert_false(waiting.is_closed);
    fixture_answer_held(f, "finished");
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
    struct http_listen listen = fixture_listen(f);
    bool is_drained = false;
    struct raw raw;

    fixture_start(f, &listen);
    fixture_open(f, &raw);
    raw_say(&raw, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1");
    assert_true(net_wait_count(&f->net, &f->nheld, 1));
    http_server_drain(f->server, on_drained, &is_drained);
    net_idle(&f->net, 20);
    assert_false(is_drained);
    fixture_answer_held(f, "finished");
    assert_true(net_wait_flag(&f->net, &is_drained));
    raw_close(&raw);
}

static void a_unix_socket_has_mode_0600_and_goes_with_the_server(void **state)
{
    struct fixture *f = *state;
    struct http_listen listen = fixture_listen(f);
    const char *path = net_file(&f->net, "sock");
    mode_t mask = umask(0);
    struct stat st;
    struct raw raw;

    listen.host = NULL;
    listen.unix_path = path;
    fixture_start(f, &listen);
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
    struct http_listen listen = fixture_listen(f);
    const char *path = net_file(&f->net, "sock");
    struct http_server *second = NULL;
    struct cx_fail fail = {0};

    listen.host = NULL;
    listen.unix_path = path;
    fixture_start(f, &listen);
    assert_int_equal(http_server_new(f->net.web, &listen, &second, &fail), CX_E_EXISTS);
    assert_non_null(strstr(fail.detail, "already running"));
    /* What a killed process leaves: the file, and nobody who listens. */
    assert_int_equal(link(path, net_file(&f->net, "stale")), 0);
    http_server_free(f->server);
    f->server = NULL;
    net_idle(&f->net, 5);
    listen.unix_path = net_file(&f->net, "stale");
    fixture_start(f, &listen);
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
    struct http_listen listen = fixture_listen(f);
    struct http_server *server = NULL;
    struct cx_fail fail = {0};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        listen.host = rows[i].host;
        listen.unix_path = rows[i].unix_path;
        CHECK_ERR(rows[i].detail, http_server_new(f->net.web, &listen, &server, &fail),
                  rows[i].err);
        CHECK(rows[i].detail, strstr(fail.detail, rows[i].detail) != NULL);
    }
    listen = fixture_listen(f);
    fixture_start(f, &listen);
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
    struct http_listen listen = fixture_listen(f);
    struct http_listen unix_listen = fixture_listen(&other);
    struct raw raw;

    fixture_start(f, &listen);
    unix_listen.host = NULL;
    unix_listen.unix_path = net_file(&f->net, "sock");
    assert_int_equal(http_server_new(f->net.web, &unix_listen, &other.server, NULL), CX_OK);
    fixture_open(f, &raw);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(a_request_that_takes_too_long_is_cut_off),
        TEST(an_idle_connection_is_closed_and_a_waiting_one_is_not),
        TEST(a_hang_up_is_told_and_the_answer_then_goes_nowhere),
        TEST(an_answer_that_the_kernel_took_was_sent),
        TEST(an_answer_to_a_client_that_has_hung_up_was_not_sent),
        TEST(a_hang_up_that_was_not_seen_yet_counts),
        TEST(an_answer_that_the_socket_has_no_room_for_was_not_sent_yet),
        TEST(connections_beyond_the_limit_wait_their_turn),
        TEST(out_of_descriptors_it_rests_and_goes_on_later),
        TEST(draining_finishes_calls_and_closes_the_rest),
        TEST(the_end_of_draining_is_told),
        TEST(a_unix_socket_has_mode_0600_and_goes_with_the_server),
        TEST(a_dead_unix_socket_is_replaced_and_a_live_one_is_not),
        TEST(a_place_to_listen_that_does_not_work_says_why),
        TEST(each_port_has_its_own_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
