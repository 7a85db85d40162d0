#include "common/io/metrics_server.h"

#include "common/core/listen_address.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/log.h"

#include <stdlib.h>

enum {
    PAGE_BYTES_MAX = 4 * 1024 * 1024,
    PAGE_BYTES_USUAL = 32 * 1024,
    CONNECTIONS_MAX = 16,
    REQUEST_MS = 5000,
    IDLE_MS = 75 * 1000, /* longer than the usual pause between two questions, a minute */
};

struct metrics_server {
    struct metrics_server_opts opts;
    struct http_server *http;
    uint64_t started_s; /* Unix time; kept, so that a clock that is set doesn't look like a start */
};

static void reply_text(struct http_call *call, unsigned status, const char *text)
{
    struct http_reply reply = {
        .status = status, .content_type = "text/plain; charset=utf-8", .body = slice_of_str(text)};

    http_call_reply(call, &reply);
}

static void write_program(const struct metrics_server *s, struct metrics_page *page)
{
    static const struct metrics_family started = {"process_start_time_seconds", METRICS_GAUGE,
                                                  "seconds",
                                                  "Unix time at which the program was started."};
    static const struct metrics_labels version = {.items = {{"version", CONNECTOR_VERSION}},
                                                  .count = 1};

    metrics_family(page, s->opts.build);
    metrics_put(page, s->opts.build, &version, 1);
    metrics_put_one(page, &started, (int64_t)s->started_s);
}

static void reply_page(struct metrics_server *s, struct http_call *call, enum metrics_format format)
{
    struct http_reply reply = {.status = 200, .content_type = metrics_content_type(format)};
    struct metrics_page page;
    struct buf out;
    uint8_t *room;

    buf_init(&out, PAGE_BYTES_MAX);
    metrics_begin(&page, &out, format);
    page.err = buf_reserve(&out, PAGE_BYTES_USUAL, &room);
    write_program(s, &page);
    s->opts.write(s->opts.arg, &page);
    if (metrics_end(&page) == CX_OK) {
        reply.body = buf_view(&out);
        http_call_reply(call, &reply);
    } else {
        reply_text(call, 500, "the page is too long, or there is no memory for it\n");
    }
    buf_done(&out);
}

static void on_request(void *arg, struct http_call *call, const struct http_request *request)
{
    bool is_read = slice_eq_str(request->method, "GET") || slice_eq_str(request->method, "HEAD");

    if (!slice_eq_str(request->path, "/metrics")) {
        reply_text(call, 404, "only /metrics is served here\n");
    } else if (!is_read) {
        reply_text(call, 405, "/metrics can be read, and nothing else\n");
    } else {
        reply_page(arg, call, metrics_format_of(request->accept));
    }
}

enum cx_err metrics_server_new(struct web *web, const struct metrics_server_opts *opts,
                               struct metrics_server **out, struct cx_fail *fail)
{
    struct metrics_server *s = calloc(1, sizeof(*s));
    struct listen_address at = {0};
    struct http_listen listen = {.host = at.host,
                                 .connections_max = CONNECTIONS_MAX,
                                 .request_ms = REQUEST_MS,
                                 .idle_ms = IDLE_MS,
                                 .handler = on_request,
                                 .arg = s};
    enum cx_err err;

    if (s == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "metrics.listen", "out of memory");
    }
    s->opts = *opts;
    s->started_s = clock_wall_s();
    err = listen_address_read(slice_of_str(opts->listen), &at, fail);
    if (err == CX_OK) {
        listen.port = at.port;
        err = http_server_new(web, &listen, &s->http, fail);
    }
    if (err != CX_OK) {
        free(s);
        return err;
    }
    s->opts.listen = NULL; /* not ours to keep */
    log_event(CX_LOG_INFO, "metrics.started", kv_str("host", at.host),
              kv_u64("port", http_server_port(s->http)));
    *out = s;
    return CX_OK;
}

void metrics_server_free(struct metrics_server *server)
{
    if (server != NULL) {
        http_server_free(server->http);
        free(server);
    }
}
