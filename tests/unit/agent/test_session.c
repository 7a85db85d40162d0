#include "agent/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define R_MAX UINT32_MAX /* the largest jitter */

/* Each row: in this state this event leads to that state and those actions, nothing else. */
static const struct row {
    const char *why;
    enum session_state from;
    struct session_event ev;
    enum session_state to;
    struct session_actions want;
} rows[] = {
    /* clang-format off */
    {"start connects", SESSION_WAITING, {.kind = SESSION_EV_START},
     SESSION_CONNECTING, {.connect = true}},
    {"a wait ends in an attempt", SESSION_WAITING, {.kind = SESSION_EV_TIMER},
     SESSION_CONNECTING, {.connect = true}},
    {"connected greets and waits 10 s", SESSION_CONNECTING, {.kind = SESSION_EV_CONNECTED},
     SESSION_GREETING, {.send_hello = true, .has_timer = true, .timer_ms = 10000}},
    {"a failed attempt waits", SESSION_CONNECTING,
     {.kind = SESSION_EV_CONNECT_FAILED, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 500}},
    {"a refused certificate waits 5 min", SESSION_CONNECTING,
     {.kind = SESSION_EV_CONNECT_FAILED, .is_identity_refused = true},
     SESSION_REFUSED, {.has_timer = true, .timer_ms = 300000}},
    {"no welcome in time closes with 4408", SESSION_GREETING, {.kind = SESSION_EV_TIMER},
     SESSION_GREETING, {.close_code = 4408}},
    {"welcome makes ready, results are sent again", SESSION_GREETING,
     {.kind = SESSION_EV_WELCOME}, SESSION_READY, {.resend_results = true}},
    {"a timer left over from greeting means nothing", SESSION_READY, {.kind = SESSION_EV_TIMER},
     SESSION_READY, {0}},
    {"a lost tunnel is made anew", SESSION_READY,
     {.kind = SESSION_EV_CLOSED, .close_code = 1006, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 500}},
    {"1000 without a drain is a loss", SESSION_READY,
     {.kind = SESSION_EV_CLOSED, .close_code = 1000, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 500}},
    {"1009 backs off", SESSION_READY,
     {.kind = SESSION_EV_CLOSED, .close_code = 1009, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 500}},
    {"4400 waits up to 30 s", SESSION_READY,
     {.kind = SESSION_EV_CLOSED, .close_code = 4400, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 30000}},
    {"4401 waits 5 min", SESSION_GREETING, {.kind = SESSION_EV_CLOSED, .close_code = 4401},
     SESSION_REFUSED, {.has_timer = true, .timer_ms = 300000}},
    {"4426 waits 5 min", SESSION_GREETING, {.kind = SESSION_EV_CLOSED, .close_code = 4426},
     SESSION_REFUSED, {.has_timer = true, .timer_ms = 300000}},
    {"4408 backs off", SESSION_GREETING,
     {.kind = SESSION_EV_CLOSED, .close_code = 4408, .random = R_MAX},
     SESSION_WAITING, {.has_timer = true, .timer_ms = 500}},
    {"4409 waits for the admin", SESSION_READY, {.kind = SESSION_EV_CLOSED, .close_code = 4409},
     SESSION_REPLACED, {0}},
    {"5 min are over: try again", SESSION_REFUSED, {.kind = SESSION_EV_TIMER},
     SESSION_CONNECTING, {.connect = true}},
    {"no timer ends a replacement", SESSION_REPLACED, {.kind = SESSION_EV_TIMER},
     SESSION_REPLACED, {0}},
    {"SIGHUP ends 4401's wait", SESSION_REFUSED, {.kind = SESSION_EV_RETRY},
     SESSION_CONNECTING, {.connect = true}},
    {"SIGHUP ends 4409's wait", SESSION_REPLACED, {.kind = SESSION_EV_RETRY},
     SESSION_CONNECTING, {.connect = true}},
    {"SIGHUP ends a backoff", SESSION_WAITING, {.kind = SESSION_EV_RETRY},
     SESSION_CONNECTING, {.connect = true}},
    {"SIGHUP leaves a good tunnel alone", SESSION_READY, {.kind = SESSION_EV_RETRY},
     SESSION_READY, {0}},
    {"the platform drains: another tunnel, within 2 s", SESSION_READY,
     {.kind = SESSION_EV_DRAIN, .random = R_MAX},
     SESSION_LEAVING, {.open_sibling = true, .sibling_after_ms = 2000}},
    {"draining twice is once", SESSION_LEAVING, {.kind = SESSION_EV_DRAIN}, SESSION_LEAVING, {0}},
    {"a drained tunnel closes when nothing is held", SESSION_LEAVING,
     {.kind = SESSION_EV_SETTLED}, SESSION_LEAVING, {.close_code = 1000}},
    {"and is over then", SESSION_LEAVING, {.kind = SESSION_EV_CLOSED, .close_code = 1000},
     SESSION_OVER, {.is_over = true}},
    {"a working tunnel doesn't close for being idle", SESSION_READY,
     {.kind = SESSION_EV_SETTLED}, SESSION_READY, {0}},
    {"stopping drains", SESSION_READY, {.kind = SESSION_EV_STOP},
     SESSION_LEAVING, {.send_drain = true}},
    {"stopping while connecting ends", SESSION_CONNECTING, {.kind = SESSION_EV_STOP},
     SESSION_OVER, {.is_over = true}},
    {"stopping while waiting ends", SESSION_WAITING, {.kind = SESSION_EV_STOP},
     SESSION_OVER, {.is_over = true}},
    {"stopping while refused ends", SESSION_REFUSED, {.kind = SESSION_EV_STOP},
     SESSION_OVER, {.is_over = true}},
    {"stopping while greeting closes", SESSION_GREETING, {.kind = SESSION_EV_STOP},
     SESSION_GREETING, {.close_code = 1000}},
    {"leaving with a job, no timer closes", SESSION_LEAVING, {.kind = SESSION_EV_TIMER},
     SESSION_LEAVING, {0}},
    {"over is over", SESSION_OVER, {.kind = SESSION_EV_TIMER}, SESSION_OVER, {0}},
    /* clang-format on */
};

static void session_steps_as_the_protocol_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct session s = {.state = rows[i].from};
        struct session_actions got = session_step(&s, &rows[i].ev, 1000);
        const struct session_actions *want = &rows[i].want;

        if (s.state != rows[i].to) {
            fail_msg("%s: state is %s", rows[i].why, session_state_name(s.state));
        }
        if (got.connect != want->connect || got.send_hello != want->send_hello ||
            got.resend_results != want->resend_results || got.send_drain != want->send_drain ||
            got.close_code != want->close_code || got.open_sibling != want->open_sibling ||
            got.sibling_after_ms != want->sibling_after_ms || got.has_timer != want->has_timer ||
            got.timer_ms != want->timer_ms || got.is_over != want->is_over) {
            fail_msg("%s: other actions", rows[i].why);
        }
    }
}

static void session_resets_the_backoff_at_welcome_only(void **state)
{
    const struct session_event failed = {.kind = SESSION_EV_CONNECT_FAILED, .random = R_MAX};
    const struct session_event closed = {
        .kind = SESSION_EV_CLOSED, .close_code = 1006, .random = R_MAX};
    const struct session_event connected = {.kind = SESSION_EV_CONNECTED};
    const struct session_event welcome = {.kind = SESSION_EV_WELCOME};
    struct session s = {.state = SESSION_CONNECTING};

    (void)state;
    assert_int_equal(session_step(&s, &failed, 0).timer_ms, 500);
    s.state = SESSION_CONNECTING;
    (void)session_step(&s, &connected, 0);
    assert_int_equal(session_step(&s, &closed, 0).timer_ms, 1000); /* it never said welcome */
    s.state = SESSION_CONNECTING;
    (void)session_step(&s, &connected, 0);
    (void)session_step(&s, &welcome, 0);
    assert_int_equal(session_step(&s, &closed, 0).timer_ms, 500);
}

static void session_that_is_stopping_does_not_come_back(void **state)
{
    const struct session_event stop = {.kind = SESSION_EV_STOP};
    const struct session_event closed = {.kind = SESSION_EV_CLOSED, .close_code = 1006};
    static const enum session_state from[] = {SESSION_READY, SESSION_GREETING, SESSION_LEAVING};

    (void)state;
    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        struct session s = {.state = from[i]};

        (void)session_step(&s, &stop, 0);
        assert_true(session_step(&s, &closed, 0).is_over);
    }
}

/* Jobs that were on their way when the drain was read come before the platform's close. */
static void session_that_is_stopping_leaves_the_close_to_the_platform(void **state)
{
    const struct session_event stop = {.kind = SESSION_EV_STOP};
    const struct session_event settled = {.kind = SESSION_EV_SETTLED};
    const struct session_event busy = {.kind = SESSION_EV_BUSY};
    const struct session_event timer = {.kind = SESSION_EV_TIMER};
    struct session s = {.state = SESSION_READY};
    struct session_actions act;

    (void)state;
    assert_true(session_step(&s, &stop, 0).send_drain);
    act = session_step(&s, &settled, 0);
    assert_true(act.close_code == 0 && act.has_timer && act.timer_ms == 2000);
    assert_false(session_step(&s, &settled, 0).has_timer); /* it runs */
    (void)session_step(&s, &busy, 0);
    assert_int_equal(session_step(&s, &timer, 0).close_code, 0);
    act = session_step(&s, &settled, 0);
    assert_true(act.has_timer && act.timer_ms == 2000);
    assert_int_equal(session_step(&s, &timer, 0).close_code, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_steps_as_the_protocol_says),
        cmocka_unit_test(session_resets_the_backoff_at_welcome_only),
        cmocka_unit_test(session_that_is_stopping_does_not_come_back),
        cmocka_unit_test(session_that_is_stopping_leaves_the_close_to_the_platform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
