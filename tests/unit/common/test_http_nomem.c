/* Memory that runs out at any moment of a call: in our own code and, since it allocates through us,
 * in libcurl. */
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/http_ask.h"
#include "tests/support/http_peer.h"

#include <string.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\n{}"

enum { SHORT_MS = 100 };

static struct asker by;
static struct asked a;

/* A client, and one call of it; the nth allocation fails. True if there were so many. */
static bool run_with_failure(size_t nth, uint16_t port)
{
    const struct http_limits limits = {.connections = 4};
    struct http_plan plan = asked_plan(&a, "http", "127.0.0.1", port);
    struct cx_fail fail;
    enum cx_err err;

    plan.headers = SLICE_LIT("Accept: application/json\0X-Empty:\0");
    plan.nheaders = 2;
    plan.budget_ms = SHORT_MS;
    a.by = &by;
    by.http = NULL;
    alloc_fail_at(nth);
    err = http_new(by.loop, &limits, &by.http, &fail);
    if (err == CX_OK) {
        err = http_start(by.http, &plan, &a.call, &fail);
        assert_int_equal(a.dones, 0);
        by.under_way = err == CX_OK ? 1 : 0;
        asker_run(&by);
        assert_int_equal(a.dones, err == CX_OK ? 1 : 0);
    }
    http_free(by.http);
    loop_turn(by.loop);
    if (!alloc_fail_end()) {
        assert_int_equal(err, CX_OK);
        assert_int_equal(a.status, 200);
        return false;
    }
    assert_true(err == CX_OK || err == CX_E_NOMEM || err == CX_E_IO);
    if (err == CX_OK) { /* it ended somehow, and says no more than what is true */
        assert_true(a.execution == EXECUTION_ANSWERED || a.code != VERDICT_UNKNOWN);
        assert_int_equal(a.execution == EXECUTION_NOT_SENT, a.sendings == 0);
    }
    return true;
}

static void http_survives_any_allocation_that_fails(void **state)
{
    struct peer_process server;
    struct cx_fail fail;
    size_t nth = 1;

    (void)state;
    peer_fork(&server, peer_serve_text, OK_ANSWER);
    assert_int_equal(http_global_init(&fail), CX_OK);
    assert_int_equal(loop_new(&by.loop, &fail), CX_OK);
    while (run_with_failure(nth, server.port)) {
        nth++;
    }
    assert_true(nth > 20); /* libcurl's were among them */
    assert_int_equal(loop_free(by.loop), CX_OK);
    peer_join(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_survives_any_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
