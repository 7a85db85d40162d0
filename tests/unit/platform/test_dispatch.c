#include "platform/core/dispatch.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/dispatch_story.h"

/* The ways of jobs over tunnels that stay. What a lost tunnel does to them: test_dispatch_loss.c.
 */

static void a_job_is_recorded_sent_written_reported_and_settled(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_TAKEN);
    story_expect(&s, "it is recorded before it is sent", "record A>1");
    assert_int_equal(story_state(&s, 'A'), DISPATCH_RECORDING);
    story_recorded(&s, 'A', true);
    story_expect(&s, "recorded", "send A>t");
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENDING);
    story_written(&s, 'A');
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    assert_true(story_reported(t, 'A'));
    assert_int_equal(story_state(&s, 'A'), DISPATCH_REPORTED);
    assert_int_equal(dispatch_tunnel_outstanding(t), 1); /* until the agent may forget it */
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    assert_int_equal(story_state(&s, 'A'), -1);
    story_expect(&s, "nothing failed", "");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_store_that_answers_at_once_is_fine(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    s.is_recording_at_once = true;
    s.is_recorded_well = true;
    t = story_ready(&s, 't', 1);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_TAKEN);
    assert_int_equal(story_submit(&s, 'B'), DISPATCH_TAKEN);
    story_expect(&s, "one has room", "record A>1; send A>t");
    assert_true(story_reported(t, 'A'));
    story_settled(&s, t, 'A');
    story_expect(&s, "room again", "record B>1; send B>t");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_connector_without_an_agent_is_offline(void **state)
{
    struct story_hello hello = {.tunnel = 't', .agent = 1, .ledger = 'l', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 5);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_OFFLINE);
    t = story_up(&s, &hello);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_OFFLINE); /* not welcomed yet */
    dispatch_tunnel_ready(t);
    dispatch_tunnel_drain(t);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_OFFLINE); /* leaving */
    story_expect(&s, "nothing was begun", "");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void the_queue_is_as_long_as_the_capacity_by_default(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    for (char job = 'A'; job <= 'D'; job++) {
        assert_int_equal(story_submit(&s, job), DISPATCH_TAKEN);
    }
    assert_int_equal(story_submit(&s, 'E'), DISPATCH_FULL);
    assert_int_equal(dispatch_connector_counts(s.c).queued, 2);
    assert_int_equal(dispatch_connector_counts(s.c).outstanding, 2);
    assert_int_equal(dispatch_connector_counts(s.c).capacity, 2);
    assert_int_equal(dispatch_waiting(s.d), 4); /* two of them are being recorded */
    story_recorded(&s, 'A', true);
    assert_int_equal(dispatch_waiting(s.d), 3);
    story_expect(&s, "two have room", "record A>1; record B>1; send A>t");
    dispatch_tunnel_down(t);
    story_done(&s);
    story_expect(&s, "what is left is told so",
                 "fail A connector_offline not_sent; fail C connector_offline not_sent; "
                 "fail D connector_offline not_sent; fail B connector_offline not_sent");
}

static void the_queue_is_as_long_as_it_is_set(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 1);
    t = story_ready(&s, 't', 2);
    for (char job = 'A'; job <= 'C'; job++) {
        assert_int_equal(story_submit(&s, job), DISPATCH_TAKEN);
    }
    assert_int_equal(story_submit(&s, 'D'), DISPATCH_FULL);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void the_queue_is_first_in_first_out(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 5);
    t = story_ready(&s, 't', 1);
    for (char job = 'A'; job <= 'C'; job++) {
        assert_int_equal(story_submit(&s, job), DISPATCH_TAKEN);
    }
    story_recorded(&s, 'A', true);
    story_written(&s, 'A');
    assert_true(story_reported(t, 'A'));
    story_expect(&s, "A has the room", "record A>1; send A>t");
    story_settled(&s, t, 'A');
    story_expect(&s, "B is next", "record B>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void the_tunnel_with_the_most_room_is_taken(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 3};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    u = story_up(&s, &two);
    dispatch_tunnel_ready(u);
    (void)story_submit(&s, 'A'); /* 2 and 3 free */
    story_expect(&s, "most room", "record A>2");
    (void)story_submit(&s, 'B'); /* 2 and 2 */
    (void)story_submit(&s, 'C');
    (void)story_submit(&s, 'D');
    (void)story_submit(&s, 'E');
    assert_int_equal(dispatch_tunnel_outstanding(t), 2);
    assert_int_equal(dispatch_tunnel_outstanding(u), 3);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_job_that_can_not_be_recorded_fails_and_gives_its_room_away(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);
    (void)story_submit(&s, 'A');
    (void)story_submit(&s, 'B');
    story_recorded(&s, 'A', false);
    story_expect(&s, "not recorded", "record A>1; fail A platform_failed not_sent; record B>1");
    assert_int_equal(story_state(&s, 'A'), -1);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_store_that_fails_at_once_ends_the_whole_queue(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 5);
    t = story_ready(&s, 't', 1);
    (void)story_submit(&s, 'A');
    (void)story_submit(&s, 'B');
    (void)story_submit(&s, 'C');
    s.is_recording_at_once = true;
    story_recorded(&s, 'A', false);
    story_expect(&s, "each in turn",
                 "record A>1; fail A platform_failed not_sent; record B>1; fail B platform_failed "
                 "not_sent; record C>1; fail C platform_failed not_sent");
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_full_outbox_sends_the_job_to_another_tunnel(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    u = story_up(&s, &two);
    dispatch_tunnel_ready(u);
    s.full[0] = 't';
    (void)story_submit(&s, 'A');
    story_recorded(&s, 'A', true);
    story_expect(&s, "it moves, and is recorded anew", "record A>1; refuse A>t; record A>2");
    story_recorded(&s, 'A', true);
    story_expect(&s, "and goes", "send A>u");
    assert_int_equal(story_submit(&s, 'B'), DISPATCH_TAKEN); /* the other one is full too */
    story_expect(&s, "the choked one is not asked again", "");
    s.full[0] = '\0';
    dispatch_tunnel_ready(t); /* it has room again */
    story_expect(&s, "room again", "record B>1");
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_draining_tunnel_gets_nothing_more(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    story_sent(&s, 'A');
    (void)story_submit(&s, 'B');
    story_expect(&s, "two on their way", "record A>1; send A>t; record B>1");
    dispatch_tunnel_drain(t);
    story_recorded(&s, 'B', true); /* too late for this tunnel */
    story_expect(&s, "B waits", "");
    assert_int_equal(story_state(&s, 'B'), DISPATCH_QUEUED);
    u = story_up(&s, &two);
    dispatch_tunnel_ready(u);
    story_expect(&s, "B moves", "record B>2");
    assert_true(story_reported(t, 'A')); /* what it holds, it finishes */
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

/* ---- the caller's budget, and the caller ---- */

static void expiry_tells_what_is_known_in_each_state(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);

    (void)story_submit(&s, 'A');
    (void)story_submit(&s, 'B');
    story_expect(&s, "B is queued", "record A>1");
    story_expire(&s, 'B');
    story_expect(&s, "queued", "fail B budget_exceeded not_sent");
    assert_int_equal(story_state(&s, 'B'), -1);

    story_expire(&s, 'A');
    story_expect(&s, "being recorded", "fail A budget_exceeded not_sent");
    assert_int_equal(dispatch_tunnel_outstanding(t), 1); /* until the store has answered */
    story_recorded(&s, 'A', true);
    story_expect(&s, "it is not sent", "");
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);

    (void)story_submit(&s, 'C');
    story_recorded(&s, 'C', true);
    story_expect(&s, "C is in the outbox", "record C>1; send C>t");
    story_expire(&s, 'C');
    story_expect(&s, "in the outbox", "cancel C>t; fail C budget_exceeded sent");
    story_written(&s, 'C');
    story_expire(&s, 'C'); /* told already */
    story_expect(&s, "once only", "");
    assert_true(story_reported(t, 'C')); /* its room is taken until its result is settled */
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    story_settled(&s, t, 'C');

    story_sent(&s, 'D');
    story_expect(&s, "D is sent", "record D>1; send D>t");
    story_expire(&s, 'D');
    story_expect(&s, "sent", "cancel D>t; fail D budget_exceeded sent");
    assert_true(story_reported(t, 'D'));
    story_settled(&s, t, 'D');

    story_sent(&s, 'E');
    assert_true(story_reported(t, 'E'));
    story_expect(&s, "E is reported", "record E>1; send E>t");
    story_expire(&s, 'E');
    story_expect(&s, "left to its result", "");
    assert_int_equal(story_state(&s, 'E'), DISPATCH_REPORTED);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_caller_that_has_gone_is_not_told(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);

    (void)story_submit(&s, 'A');
    (void)story_submit(&s, 'B');
    story_expect(&s, "B is queued", "record A>1");
    story_abandon(&s, 'B');
    assert_int_equal(story_state(&s, 'B'), -1);
    story_abandon(&s, 'A');
    story_recorded(&s, 'A', true);
    assert_int_equal(story_state(&s, 'A'), -1);
    story_expect(&s, "neither is sent", "");

    (void)story_submit(&s, 'C');
    story_recorded(&s, 'C', true);
    story_abandon(&s, 'C');
    story_expect(&s, "in the outbox", "record C>1; send C>t; cancel C>t");
    story_abandon(&s, 'C');
    story_expire(&s, 'C');
    story_expect(&s, "once only", "");
    story_unwritten(&s, 'C'); /* nobody wants it any more */
    assert_int_equal(story_state(&s, 'C'), -1);
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);

    story_sent(&s, 'D');
    story_abandon(&s, 'D');
    story_expect(&s, "sent", "record D>1; send D>t; cancel D>t");
    assert_true(story_reported(t, 'D'));
    story_settled(&s, t, 'D');
    story_expect(&s, "nobody is told", "");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void what_comes_twice_or_for_nobody_changes_nothing(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);
    story_recorded(&s, 'X', true);
    story_written(&s, 'X');
    story_unwritten(&s, 'X');
    story_expire(&s, 'X');
    story_abandon(&s, 'X');
    assert_false(story_reported(t, 'X'));
    story_settled(&s, t, 'X');
    story_settled(&s, NULL, 'X');
    story_expect(&s, "not known", "");

    (void)story_submit(&s, 'A');
    story_written(&s, 'A');
    story_unwritten(&s, 'A');
    assert_int_equal(story_state(&s, 'A'), DISPATCH_RECORDING);
    assert_false(story_reported(t, 'A')); /* it can't have it yet */
    story_settled(&s, t, 'A');
    assert_int_equal(story_state(&s, 'A'), DISPATCH_RECORDING);
    story_recorded(&s, 'A', true);
    story_written(&s, 'A');
    story_recorded(&s, 'A', true);
    story_unwritten(&s, 'A'); /* it was written */
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    story_settled(&s, t, 'A'); /* no result came */
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    assert_true(story_reported(t, 'A'));
    assert_true(story_reported(t, 'A')); /* again, since the first could not be stored */
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    story_settled(&s, t, 'A');
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    story_expect(&s, "one way", "record A>1; send A>t");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_result_counts_only_from_the_agent_that_was_given_the_job(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    story_sent(&s, 'A');
    u = story_up(&s, &two);
    dispatch_tunnel_ready(u);
    assert_false(story_reported(u, 'A'));
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    story_settled(&s, u, 'A');
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    assert_true(story_reported(t, 'A'));
    story_settled(&s, u, 'A'); /* nor does its settling */
    assert_int_equal(story_state(&s, 'A'), DISPATCH_REPORTED);
    dispatch_tunnel_down(u);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void jobs_are_found_by_their_tag(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;
    struct cx_id a, b;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    (void)story_submit(&s, 'A');
    (void)story_submit(&s, 'B');
    a = story_job('A');
    b = story_job('B');
    assert_true(dispatch_tag(&a) != 0);
    assert_ptr_equal(dispatch_find_tag(s.d, dispatch_tag(&a)), dispatch_find(s.d, &a));
    assert_ptr_equal(dispatch_find_tag(s.d, dispatch_tag(&b)), dispatch_find(s.d, &b));
    assert_null(dispatch_find_tag(s.d, 4711));
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void memory_that_is_out_is_said_and_nothing_is_begun(void **state)
{
    struct cx_id known = {{'A'}};
    struct dispatch_hello hello = {.capacity = 1, .known = &known, .nknown = 1};
    struct dispatch_ports ports = {0};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);
    alloc_fail_at(2); /* the first is the test's own buffer */
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_NO_MEMORY);
    assert_true(alloc_fail_end());
    for (size_t nth = 1; nth <= 2; nth++) {
        alloc_fail_at(nth);
        assert_null(dispatch_tunnel_up(s.c, &hello, NULL));
        assert_true(alloc_fail_end());
    }
    alloc_fail_at(1);
    assert_null(dispatch_new(&ports, 0));
    assert_true(alloc_fail_end());
    alloc_fail_at(1);
    assert_null(dispatch_connector_new(s.d));
    assert_true(alloc_fail_end());
    assert_int_equal(dispatch_connector_counts(s.c).tunnels, 1);
    story_expect(&s, "nothing was begun", "");
    dispatch_tunnel_down(t);
    story_done(&s);
    dispatch_connector_free(NULL);
    dispatch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_recorded_sent_written_reported_and_settled),
        cmocka_unit_test(a_store_that_answers_at_once_is_fine),
        cmocka_unit_test(a_connector_without_an_agent_is_offline),
        cmocka_unit_test(the_queue_is_as_long_as_the_capacity_by_default),
        cmocka_unit_test(the_queue_is_as_long_as_it_is_set),
        cmocka_unit_test(the_queue_is_first_in_first_out),
        cmocka_unit_test(the_tunnel_with_the_most_room_is_taken),
        cmocka_unit_test(a_job_that_can_not_be_recorded_fails_and_gives_its_room_away),
        cmocka_unit_test(a_store_that_fails_at_once_ends_the_whole_queue),
        cmocka_unit_test(a_full_outbox_sends_the_job_to_another_tunnel),
        cmocka_unit_test(a_draining_tunnel_gets_nothing_more),
        cmocka_unit_test(expiry_tells_what_is_known_in_each_state),
        cmocka_unit_test(a_caller_that_has_gone_is_not_told),
        cmocka_unit_test(what_comes_twice_or_for_nobody_changes_nothing),
        cmocka_unit_test(a_result_counts_only_from_the_agent_that_was_given_the_job),
        cmocka_unit_test(jobs_are_found_by_their_tag),
        cmocka_unit_test(memory_that_is_out_is_said_and_nothing_is_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
