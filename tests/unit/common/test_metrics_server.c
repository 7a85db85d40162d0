#include "common/io/metrics_server.h"

#include "common/io/log.h"
#include "tests/support/check.h"
#include "tests/support/raw.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

static const struct metrics_family build = {"x_build", METRICS_INFO, NULL, "What it is."};
static const struct metrics_family jobs = {"x_jobs", METRICS_COUNTER, NULL, "Jobs that ended."};

struct sample {
    struct net net;
    struct metrics_server *server;
    uint16_t port;
    int64_t jobs;
    bool is_long; /* the page is longer than may be */
};

static void write_page(void *arg, struct metrics_page *page)
{
    struct sample *s = arg;
    struct metrics_labels long_label = {.count = 1};
    char *text;

    metrics_put_one(page, &jobs, s->jobs);
    if (s->is_long) {
        text = malloc(8 * 1024 * 1024);
        assert_non_null(text);
        memset(text, 'a', 8 * 1024 * 1024 - 1);
        text[8 * 1024 * 1024 - 1] = '\0';
        long_label.items[0] = (struct metrics_label){"name", text};
        metrics_put(page, &jobs, &long_label, 1);
        free(text);
    }
}

/* A port that is free just now; the one that the server takes for 0 is only in its log. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static int set_up(void **state)
{
    struct sample *s = calloc(1, sizeof(*s));
    struct metrics_server_opts opts = {.build = &build, .write = write_page, .arg = s};
    struct cx_fail fail;
    char listen[32];

    assert_non_null(s);
    net_start(&s->net);
    s->port = free_port();
    s->jobs = 7;
    (void)snprintf(listen, sizeof(listen), "localhost:%u", s->port);
    opts.listen = listen;
    assert_int_equal(metrics_server_new(s->net.web, &opts, &s->server, &fail), CX_OK);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct sample *s = *state;

    metrics_server_free(s->server);
    net_stop(&s->net);
    free(s);
    return 0;
}

static void ask(struct sample *s, struct raw *raw, const char *request)
{
    raw_open(&s->net, raw, s->port);
    raw_say(raw, request);
    raw_say(raw, "Host: x\r\nConnection: close\r\n\r\n");
    assert_true(raw_wait_closed(raw));
}

static void metrics_server_gives_the_format_that_is_asked_for(void **state)
{
    struct raw raw;

    ask(*state, &raw, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n");
    assert_non_null(strstr(
        raw.got, "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    assert_non_null(strstr(raw.got, "\r\n\r\n# TYPE x_build info\n# HELP x_build What it is.\n"
                                    "x_build_info{version=\"" CONNECTOR_VERSION "\"} 1\n"
                                    "# TYPE process_start_time_seconds gauge\n"
                                    "# UNIT process_start_time_seconds seconds\n"));
    assert_string_equal(strstr(raw.got, "# TYPE x_jobs"),
                        "# TYPE x_jobs counter\n# HELP x_jobs Jobs that ended.\n"
                        "x_jobs_total 7\n# EOF\n");
    raw_close(&raw);
    ask(*state, &raw, "GET /metrics HTTP/1.1\r\nAccept: */*\r\n");
    assert_non_null(strstr(raw.got, "content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_string_equal(strstr(raw.got, "x_jobs_total 7\n"), "x_jobs_total 7\n");
    raw_close(&raw);
}

static void metrics_server_gives_what_is_true_now(void **state)
{
    struct sample *s = *state;
    struct raw raw;

    ask(s, &raw, "GET /metrics HTTP/1.1\r\n");
    assert_non_null(strstr(raw.got, "\nx_jobs_total 7\n"));
    raw_close(&raw);
    s->jobs = 8;
    ask(s, &raw, "GET /metrics HTTP/1.1\r\n");
    assert_non_null(strstr(raw.got, "\nx_jobs_total 8\n"));
    raw_close(&raw);
}

static void metrics_server_serves_nothing_else(void **state)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"HEAD /metrics HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n"},
        {"GET / HTTP/1.1\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"GET /metrics/ HTTP/1.1\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"GET /status HTTP/1.1\r\n", "HTTP/1.1 404 Not Found\r\n"},
        {"DELETE /metrics HTTP/1.1\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"},
        {"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n", "HTTP/1.1 413 Content Too Large\r\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct raw raw;

        ask(*state, &raw, rows[i].request);
        CHECK(rows[i].request, strncmp(raw.got, rows[i].answer, strlen(rows[i].answer)) == 0);
        CHECK(rows[i].request, strstr(raw.got, "x_jobs") == NULL);
        raw_close(&raw);
    }
}

static void metrics_server_says_that_a_page_is_too_long(void **state)
{
    struct sample *s = *state;
    struct raw raw;

    s->is_long = true;
    ask(s, &raw, "GET /metrics HTTP/1.1\r\n");
    assert_non_null(strstr(raw.got, "HTTP/1.1 500 "));
    assert_null(strstr(raw.got, "x_jobs"));
    raw_close(&raw);
}

static void metrics_server_names_an_address_that_is_none(void **state)
{
    struct sample *s = *state;
    struct metrics_server_opts opts = {.listen = "metrics.example:9464", .build = &build};
    struct metrics_server *server = NULL;
    struct cx_fail fail = {0};

    assert_int_equal(metrics_server_new(s->net.web, &opts, &server, &fail), CX_E_SYNTAX);
    assert_non_null(strstr(fail.detail, "numeric address"));
    assert_null(server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(metrics_server_gives_the_format_that_is_asked_for),
        TEST(metrics_server_gives_what_is_true_now),
        TEST(metrics_server_serves_nothing_else),
        TEST(metrics_server_says_that_a_page_is_too_long),
        TEST(metrics_server_names_an_address_that_is_none),
    };

    log_set(CX_LOG_ERROR, LOG_TEXT);
    return cmocka_run_group_tests_name("metrics_server", tests, NULL, NULL);
}
