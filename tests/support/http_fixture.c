#include "tests/support/http_fixture.h"

#include "tests/support/check.h"

#include <stdlib.h>

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
    see(f, "accept", r->accept);
    see(f, "trace", r->traceparent);
    see(f, "body", r->body);
    assert_int_equal(strncmp(r->peer, "127.0.0.1:", 10) == 0 || strcmp(r->peer, "unix") == 0, 1);
}

static void on_gone(void *arg)
{
    struct fixture *f = arg;

    f->ngone++;
}

void fixture_answer(struct http_call *call, unsigned status, const char *body)
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
    assert_true(f->nheld < FIXTURE_HELD_MAX);
    http_call_on_gone(call, on_gone, f);
    f->held[f->nheld++] = call;
}

struct http_listen fixture_listen(struct fixture *f)
{
    return (struct http_listen){
        .host = "127.0.0.1",
        .body_bytes_max = FIXTURE_BODY_MAX,
        .request_ms = 5000,
        .idle_ms = 5000,
        .handler = on_request,
        .arg = f,
    };
}

void fixture_start(struct fixture *f, const struct http_listen *listen)
{
    struct cx_fail fail = {0};

    if (http_server_new(f->net.web, listen, &f->server, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    net_start(&f->net);
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    http_server_free(f->server);
    for (unsigned i = 0; i < f->nheld; i++) {
        fixture_answer(f->held[i], 503, ""); /* after the end it only frees */
    }
    net_stop(&f->net);
    free(f);
    return 0;
}

void fixture_open(struct fixture *f, struct raw *raw)
{
    raw_open(&f->net, raw, http_server_port(f->server));
}

void fixture_answer_held(struct fixture *f, const char *body)
{
    assert_true(f->nheld > 0);
    fixture_answer(f->held[--f->nheld], 200, body);
}
