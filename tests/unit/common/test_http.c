/* One request and its answer, against a server of raw sockets: what is on the wire, what comes
 * back, and that neither the environment nor the server makes the client do more than asked. */
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include <stdlib.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* The first request of each connection, as it came; the test reads it after peer_stop. */
static struct peer_request seen;

static void serve_and_keep(struct peer_connection *c)
{
    if (peer_read(c, &seen)) {
        (void)peer_say(c, c->peer->arg);
        peer_wait_closed(c);
    }
}

static bool head_has(const char *line)
{
    return strstr(seen.head, line) != NULL;
}

/* ---- what is sent ---- */

static void http_sends_method_headers_and_body_and_nothing_of_its_own(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, serve_and_keep, OK_ANSWER);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    plan.headers = SLICE_LIT("Accept: application/json\0"
                             "X-Empty:\0"
                             "X-Blank: \0"
                             "Authorization: Basic eDp5\0");
    plan.nheaders = 4;
    plan.body = SLICE_LIT("grant_type=password&x=\0y");
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);

    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    assert_int_equal(a.stage, STAGE_NONE);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{}");
    assert_true(a.is_body_whole);
    assert_false(a.is_reused);
    assert_int_equal(a.sendings, 1);
    assert_true(slice_has_prefix(slice_of_str(seen.head), SLICE_LIT("POST /token HTTP/1.1\r\n")));
    assert_true(head_has("\r\nAccept: application/json\r\n"));
    assert_true(head_has("\r\nX-Empty:\r\n"));
    assert_true(head_has("\r\nX-Blank:\r\n"));
    assert_true(head_has("\r\nAuthorization: Basic eDp5\r\n"));
    assert_true(head_has("\r\nAccept-Encoding: identity\r\n"));
    assert_true(head_has("\r\nContent-Length: 24\r\n"));
    assert_memory_equal(seen.body, "grant_type=password&x=\0y", 24);
    assert_false(head_has("Expect"));
    assert_false(head_has("Content-Type"));
    assert_false(head_has("User-Agent"));
    peer_request_done(&seen);
}

static void http_sends_each_method_by_its_name(void **state)
{
    static const struct {
        const char *why;
        enum http_method method;
        bool has_body;
        const char *line, *length; /* NULL: no Content-Length */
    } rows[] = {
        {"GET has no body", METHOD_GET, false, "GET /token HTTP/1.1\r\n", NULL},
        {"DELETE without a body", METHOD_DELETE, false, "DELETE /token HTTP/1.1\r\n", NULL},
        {"DELETE with one", METHOD_DELETE, true, "DELETE /token HTTP/1.1\r\n", "3"},
        {"PUT", METHOD_PUT, true, "PUT /token HTTP/1.1\r\n", "3"},
        {"PATCH", METHOD_PATCH, true, "PATCH /token HTTP/1.1\r\n", "3"},
        {"POST without a body says so", METHOD_POST, false, "POST /token HTTP/1.1\r\n", "0"},
        {"GET after the others is a GET", METHOD_GET, false, "GET /token HTTP/1.1\r\n", NULL},
    };
    struct asker by;

    (void)state;
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) { /* the same handle of the pool each time */
        struct peer peer;
        struct asked a;
        struct http_plan plan;
        char length[64];

        peer_start(&peer, NULL, serve_and_keep, OK_ANSWER);
        plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
        plan.method = rows[i].method;
        plan.has_body = rows[i].has_body;
        asked_run(&by, &a, &plan);
        peer_stop(&peer);
        CHECK(rows[i].why, a.status == 200);
        CHECK(rows[i].why, strncmp(seen.head, rows[i].line, strlen(rows[i].line)) == 0);
        if (rows[i].length == NULL) {
            CHECK(rows[i].why, !head_has("Content-Length"));
            continue;
        }
        (void)snprintf(length, sizeof(length), "\r\nContent-Length: %s\r\n", rows[i].length);
        CHECK(rows[i].why, head_has(length));
    }
    peer_request_done(&seen);
    asker_stop(&by);
}

/* How often `line` stands in the head. */
static unsigned head_count(const char *line)
{
    unsigned n = 0;

    for (const char *at = strstr(seen.head, line); at != NULL; at = strstr(at + 1, line)) {
        n++;
    }
    return n;
}

static void http_sends_the_content_type_as_it_is_and_once(void **state)
{
    static const struct {
        const char *why, *header;
        bool has_body;
    } rows[] = {
        {"a form", "Content-Type: application/x-www-form-urlencoded", true},
        {"JSON after a form", "Content-Type: application/json", true},
        {"a form again", "Content-Type: application/x-www-form-urlencoded", true},
        {"a form without a body", "Content-Type: application/x-www-form-urlencoded", false},
        {"another spelling", "content-type: application/x-www-form-urlencoded;charset=UTF-8", true},
    };
    struct asker by;

    (void)state;
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) { /* the same handle of the pool each time */
        struct peer peer;
        struct asked a;
        struct http_plan plan;

        peer_start(&peer, NULL, serve_and_keep, OK_ANSWER);
        plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
        plan.method = rows[i].has_body ? METHOD_PUT : METHOD_GET;
        plan.headers = slice_of(rows[i].header, strlen(rows[i].header) + 1);
        plan.nheaders = 1;
        plan.has_body = rows[i].has_body;
        asked_run(&by, &a, &plan);
        peer_stop(&peer);
        CHECK(rows[i].why, a.status == 200);
        CHECK(rows[i].why, head_count(rows[i].header) == 1);
        CHECK(rows[i].why, head_count("ontent-Type") + head_count("ontent-type") == 1);
        CHECK(rows[i].why, head_count("\r\nAccept-Encoding: identity\r\n") == 1);
    }
    peer_request_done(&seen);
    asker_stop(&by);
}

static void http_sends_path_and_query_as_they_are(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, serve_and_keep, OK_ANSWER);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    (void)snprintf(a.url, sizeof(a.url), "http://127.0.0.1:%u/a/./b/../%%41%%2f?x=%%7E&y=a+b",
                   peer.port);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_true(head_has("POST /a/./b/../%41%2f?x=%7E&y=a+b HTTP/1.1\r\n"));
    peer_request_done(&seen);
}

static void http_sends_a_large_body_whole_without_asking_first(void **state)
{
    static char body[2 * 1024 * 1024]; /* libcurl would ask first from 1 MB on */
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    memset(body, 'x', sizeof(body));
    peer_start(&peer, NULL, serve_and_keep, OK_ANSWER);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    plan.body = slice_of(body, sizeof(body));
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(a.status, 200);
    assert_int_equal(seen.body_len, sizeof(body));
    assert_memory_equal(seen.body, body, sizeof(body));
    assert_false(head_has("Expect"));
    peer_request_done(&seen);
}

static void http_refuses_a_plan_that_could_not_be_sent_as_meant(void **state)
{
    static const struct {
        const char *why, *url, *header;
        enum http_method method;
    } rows[] = {
        {"another scheme", "ftp://127.0.0.1/", "A: b", METHOD_POST},
        {"no scheme", "127.0.0.1/", "A: b", METHOD_POST},
        {"line break in the URL", "http://127.0.0.1/\r\nX: y", "A: b", METHOD_POST},
        {"line break in a header", "http://127.0.0.1/", "A: b\r\nX: y", METHOD_POST},
        {"header without a colon", "http://127.0.0.1/", "A;", METHOD_POST},
        {"header without a name", "http://127.0.0.1/", ": b", METHOD_POST},
        {"no method", "http://127.0.0.1/", "A: b", METHOD_UNKNOWN},
        {"a host that libcurl does not take", "http://[::1/", "A: b", METHOD_POST},
        {"a user in the URL", "http://u:p@127.0.0.1/", "A: b", METHOD_POST},
    };
    struct asker by;

    (void)state;
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "http", "127.0.0.1", 1);
        struct cx_fail fail;

        plan.url = rows[i].url;
        plan.method = rows[i].method;
        plan.headers = slice_of(rows[i].header, strlen(rows[i].header) + 1);
        plan.nheaders = 1;
        CHECK_ERR(rows[i].why, http_start(by.http, &plan, &a.call, &fail), CX_E_SYNTAX);
        CHECK(rows[i].why, a.dones == 0);
    }
    asker_stop(&by);
}

static void http_refuses_fewer_header_lines_than_it_is_told_of(void **state)
{
    static const struct {
        const char *why;
        struct slice headers;
    } rows[] = {
        {"one of two", {(const uint8_t *)"A: b", 5}},
        {"the second has no end", {(const uint8_t *)"A: b\0C: d", 9}},
    };
    struct asker by;

    (void)state;
    asker_start(&by);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct asked a;
        struct http_plan plan = asked_plan(&a, "http", "127.0.0.1", 1);
        struct cx_fail fail;

        plan.headers = rows[i].headers;
        plan.nheaders = 2;
        CHECK_ERR(rows[i].why, http_start(by.http, &plan, &a.call, &fail), CX_E_SYNTAX);
        CHECK(rows[i].why, strstr(fail.detail, "header 1 ") != NULL);
    }
    asker_stop(&by);
}

/* ---- what comes back ---- */

static void http_gives_status_and_the_headers_that_matter(void **state)
{
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;

    (void)state;
    peer_start(&peer, NULL, peer_serve_text,
               "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nLocation: /interim\r\n\r\n"
               "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\n"
               "cONTENT-tYPE:\tapplication/json; charset=utf-8 \r\nRetry-After: 120\r\n"
               "X-Other: y\r\nContent-Length: 15\r\n\r\n{\"error\":\"nope\"");
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    assert_int_equal(a.code, VERDICT_UNKNOWN);
    assert_int_equal(a.fail.code, CX_OK);
    assert_int_equal(a.status, 401);
    assert_string_equal(a.content_type, "application/json; charset=utf-8");
    assert_string_equal(a.retry_after, "120");
    assert_false(a.has_location); /* the interim answer's */
    assert_string_equal(a.body, "{\"error\":\"nope\"");
}

static void http_does_not_follow_a_redirect(void **state)
{
    struct peer elsewhere;
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;
    char answer[256];

    (void)state;
    peer_start(&elsewhere, NULL, peer_serve_text, OK_ANSWER);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%u/take\r\n"
                   "Content-Length: 0\r\n\r\n",
                   elsewhere.port);
    peer_start(&peer, NULL, peer_serve_text, answer);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    peer_stop(&peer);
    peer_stop(&elsewhere);
    assert_int_equal(a.execution, EXECUTION_ANSWERED);
    assert_int_equal(a.status, 307);
    assert_non_null(strstr(a.location, "/take"));
    assert_int_equal(peer.requests, 1);
    assert_int_equal(elsewhere.connections, 0);
}

/* ---- the environment ---- */

static const char *const environment[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                          "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};

static void http_ignores_proxies_and_key_logs_of_the_environment(void **state)
{
    char keys[] = "/tmp/http-keys-XXXXXX";
    struct peer proxy;
    struct peer peer;
    struct asker by;
    struct asked a;
    struct http_plan plan;
    char url[64];

    (void)state;
    assert_true(mkstemp(keys) >= 0);
    assert_int_equal(unlink(keys), 0);
    peer_start(&proxy, NULL, peer_serve_text, OK_ANSWER);
    peer_start(&peer, NULL, peer_serve_text, OK_ANSWER);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", proxy.port);
    for (size_t i = 0; i < COUNT_OF(environment); i++) {
        assert_int_equal(setenv(environment[i], url, 1), 0);
    }
    assert_int_equal(setenv("SSLKEYLOGFILE", keys, 1), 0);
    asker_start(&by);
    plan = asked_plan(&a, "http", "127.0.0.1", peer.port);
    asked_run(&by, &a, &plan);
    asker_stop(&by);
    for (size_t i = 0; i < COUNT_OF(environment); i++) {
        assert_int_equal(unsetenv(environment[i]), 0);
    }
    peer_stop(&peer);
    peer_stop(&proxy);
    assert_int_equal(a.status, 200);
    assert_int_equal(peer.requests, 1);
    assert_int_equal(proxy.connections, 0);
    assert_int_not_equal(access(keys, F_OK), 0);
    assert_null(getenv("SSLKEYLOGFILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: libcurl reads SSLKEYLOGFILE when it starts */
        cmocka_unit_test(http_ignores_proxies_and_key_logs_of_the_environment),
        cmocka_unit_test(http_sends_method_headers_and_body_and_nothing_of_its_own),
        cmocka_unit_test(http_sends_each_method_by_its_name),
        cmocka_unit_test(http_sends_the_content_type_as_it_is_and_once),
        cmocka_unit_test(http_sends_path_and_query_as_they_are),
        cmocka_unit_test(http_sends_a_large_body_whole_without_asking_first),
        cmocka_unit_test(http_refuses_a_plan_that_could_not_be_sent_as_meant),
        cmocka_unit_test(http_refuses_fewer_header_lines_than_it_is_told_of),
        cmocka_unit_test(http_gives_status_and_the_headers_that_matter),
        cmocka_unit_test(http_does_not_follow_a_redirect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
