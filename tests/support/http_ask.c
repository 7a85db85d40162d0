#include "tests/support/http_ask.h"

#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

void asker_start_with(struct asker *by, const struct http_limits *limits)
{
    struct cx_fail fail;

    memset(by, 0, sizeof(*by));
    assert_int_equal(http_global_init(&fail), CX_OK);
    assert_int_equal(loop_new(&by->loop, &fail), CX_OK);
    assert_int_equal(http_new(by->loop, limits, &by->http, &fail), CX_OK);
}

void asker_start(struct asker *by)
{
    const struct http_limits limits = {.connections = 100};

    asker_start_with(by, &limits);
}

void asker_stop(struct asker *by)
{
    http_free(by->http);
    loop_turn(by->loop);
    assert_int_equal(loop_free(by->loop), CX_OK);
}

static bool on_address(void *ctx, const struct sockaddr *address, struct cx_fail *fail)
{
    struct asked *a = ctx;

    a->addresses_seen++;
    if (a->allows == NULL || a->allows(address)) {
        return true;
    }
    (void)cx_fail_set(fail, CX_E_DENIED, "test", "the test refuses this address");
    return false;
}

static void on_sending(void *ctx)
{
    struct asked *a = ctx;

    a->sendings++;
}

static bool copy(struct slice from, char *to, size_t room)
{
    size_t len = from.len < room ? from.len : room - 1;

    memset(to, 0, room);
    if (len > 0) {
        memcpy(to, from.ptr, len);
    }
    return !slice_is_absent(from);
}

static void on_done(void *ctx, const struct http_end *end)
{
    struct asked *a = ctx;

    a->call = NULL;
    a->dones++;
    a->execution = end->execution;
    a->stage = end->stage;
    a->code = end->code;
    a->fail = end->fail;
    a->status = end->status;
    a->has_content_type = copy(end->content_type, a->content_type, sizeof(a->content_type));
    a->has_retry_after = copy(end->retry_after, a->retry_after, sizeof(a->retry_after));
    a->has_location = copy(end->location, a->location, sizeof(a->location));
    (void)copy(end->body, a->body, sizeof(a->body));
    a->body_len = end->body.len;
    a->is_body_whole = end->is_body_whole;
    a->is_reused = end->is_reused;
    a->timing = end->timing;
    if (a->then != NULL) {
        a->then(a);
    }
    if (--a->by->under_way == 0) {
        loop_stop(a->by->loop);
    }
}

struct http_plan asked_plan(struct asked *a, const char *scheme, const char *host, uint16_t port)
{
    memset(a, 0, sizeof(*a));
    (void)snprintf(a->url, sizeof(a->url), "%s://%s:%u/token", scheme, host, port);
    return (struct http_plan){.method = METHOD_POST,
                              .url = a->url,
                              .has_body = true,
                              .body = SLICE_LIT("a=1"),
                              .budget_ms = 5000,
                              .answer_bytes_max = 4000,
                              .allows_address = on_address,
                              .on_sending = on_sending,
                              .done = on_done,
                              .ctx = a};
}

void asked_start(struct asker *by, struct asked *a, const struct http_plan *plan)
{
    struct cx_fail fail;

    a->by = by;
    by->under_way++;
    assert_int_equal(http_start(by->http, plan, &a->call, &fail), CX_OK);
    assert_int_equal(a->dones, 0);
}

void asker_run(struct asker *by)
{
    if (by->under_way > 0) {
        loop_run(by->loop);
    }
}

void asked_run(struct asker *by, struct asked *a, const struct http_plan *plan)
{
    asked_start(by, a, plan);
    asker_run(by);
    assert_int_equal(a->dones, 1);
}
