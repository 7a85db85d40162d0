#include "platform/core/dispatch.h"

#include "tests/support/check.h"
#include "tests/support/dispatch_story.h"

/* What a lost tunnel proves, and what the next hello does. */

/* Agent 1 with four jobs, one in each state that a tunnel's job can have: A written, B in the
 * outbox, C being recorded, D queued. */
static struct dispatch_tunnel *four_jobs(struct story *s)
{
    struct dispatch_tunnel *t;

    story_init(s, 9);
    t = story_ready(s, 't', 3);
    story_sent(s, 'A');
    (void)story_submit(s, 'B');
    story_recorded(s, 'B', true);
    (void)story_submit(s, 'C');
    (void)story_submit(s, 'D');
    story_expect(s, "four jobs", "record A>1; send A>t; record B>1; send B>t; record C>1");
    return t;
}

static struct dispatch_tunnel *back(struct story *s, const struct story_hello *hello)
{
    struct dispatch_tunnel *t = story_up(s, hello);

    dispatch_tunnel_ready(t);
    return t;
}

static void what_was_never_written_may_go_to_another_agent(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 9};
    struct story s;
    struct dispatch_tunnel *t = four_jobs(&s);
    struct dispatch_tunnel *u = back(&s, &two);

    (void)state;
    story_expect(&s, "the queue moves over", "record D>2");
    story_unwritten(&s, 'B'); /* as a link says it before its end */
    dispatch_tunnel_down(t);
    story_expect(&s, "B moves over", "record B>2");
    story_recorded(&s, 'C', true);
    story_expect(&s, "C was recorded for an agent that is gone: anew", "record C>2");
    assert_int_equal(story_state(&s, 'A'), DISPATCH_LOST);
    story_expire(&s, 'A');
    story_expect(&s, "A may have been done", "fail A agent_lost sent");
    assert_int_equal(story_state(&s, 'A'), -1);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void what_goes_back_keeps_its_place_in_the_queue(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 9);
    t = story_ready(&s, 't', 3);
    for (char job = 'A'; job <= 'D'; job++) {
        (void)story_submit(&s, job);
    }
    for (char job = 'A'; job <= 'C'; job++) {
        story_recorded(&s, job, true);
    }
    story_expect(&s, "three in the outbox",
                 "record A>1; record B>1; record C>1; send A>t; send B>t; send C>t");
    story_unwritten(&s, 'B');
    (void)story_submit(&s, 'E');
    story_expect(&s, "E waits behind B and D, though there is room on the dying tunnel", "");
    dispatch_tunnel_down(t);
    t = story_ready(&s, 'u', 9);
    story_expect(&s, "the oldest first",
                 "record A>1; record B>1; record C>1; record D>1; record E>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_tunnel_that_is_cut_may_still_be_read(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 9};
    struct story s;
    struct dispatch_tunnel *t = four_jobs(&s);
    struct dispatch_tunnel *u = back(&s, &two);

    (void)state;
    story_expect(&s, "the queue moves over", "record D>2");
    dispatch_tunnel_cut(t);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_LOST);
    assert_int_equal(story_state(&s, 'B'), DISPATCH_LOST);
    story_expect(&s, "B must not run twice", "");
    story_recorded(&s, 'C', true);
    story_expect(&s, "C was never in the outbox", "record C>2");
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_hello_that_names_a_job_is_waited_for(void **state)
{
    struct story_hello again = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 3, .known = "A"};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    story_sent(&s, 'A');
    story_expect(&s, "sent", "record A>1; send A>t");
    dispatch_tunnel_down(t);
    assert_int_equal(dispatch_connector_counts(s.c).outstanding, 0);
    t = back(&s, &again);
    story_expect(&s, "nothing is sent again", "");
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    story_expire(&s, 'A');
    story_expect(&s, "it can be cancelled there", "cancel A>u; fail A budget_exceeded sent");
    assert_true(story_reported(t, 'A'));
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    dispatch_tunnel_down(t);
    story_done(&s);
}

/* What the hello after a loss proves about job A, which was written to agent 1's tunnel 0 on ledger
 * l and which the hello doesn't name. */
static void a_hello_that_does_not_name_a_job_proves_what_its_ledger_and_number_say(void **state)
{
    static const struct {
        const char *why;
        struct story_hello hello;
        int want;             /* state of A afterwards */
        const char *happened; /* when the new tunnel is ready */
    } rows[] = {
        {"the same ledger and number: it never arrived",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .number = 0, .capacity = 3},
         DISPATCH_RECORDING,
         "record A>1"},
        {"another number: the one that carried it may come back too",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .number = 1, .capacity = 3},
         DISPATCH_LOST,
         ""},
        {"another ledger: nobody knows any more",
         {.tunnel = 'u', .agent = 1, .ledger = 'x', .number = 0, .capacity = 3},
         -1,
         "fail A agent_lost sent"},
        {"another ledger on another number: likewise",
         {.tunnel = 'u', .agent = 1, .ledger = 'x', .number = 1, .capacity = 3},
         -1,
         "fail A agent_lost sent"},
        {"another agent knows nothing of it",
         {.tunnel = 'u', .agent = 2, .ledger = 'l', .number = 0, .capacity = 3},
         DISPATCH_LOST,
         ""},
        {"another job is named",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .number = 0, .capacity = 3, .known = "XYZ"},
         -2, /* no room for it yet */
         ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct story s;
        struct dispatch_tunnel *t;

        story_init(&s, 0);
        t = story_ready(&s, 't', 3);
        story_sent(&s, 'A');
        dispatch_tunnel_down(t);
        story_expect(&s, rows[i].why, "record A>1; send A>t");
        t = back(&s, &rows[i].hello);
        story_expect(&s, rows[i].why, rows[i].happened);
        CHECK(rows[i].why,
              story_state(&s, 'A') == (rows[i].want == -2 ? (int)DISPATCH_QUEUED : rows[i].want));
        dispatch_tunnel_down(t);
        story_done(&s);
    }
}

static void a_result_on_another_tunnel_of_the_agent_is_taken(void **state)
{
    struct story_hello sibling = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .number = 1, .capacity = 3, .known = "A"};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    story_sent(&s, 'A');
    u = back(&s, &sibling);
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    assert_int_equal(dispatch_tunnel_outstanding(u), 0); /* counted once */
    assert_true(story_reported(u, 'A'));
    story_settled(&s, u, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    assert_int_equal(dispatch_tunnel_outstanding(u), 0);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_result_of_a_lost_job_settles_it_before_any_hello_names_it(void **state)
{
    struct story_hello sibling = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .number = 1, .capacity = 3};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    u = back(&s, &sibling);
    story_sent(&s, 'A'); /* on t or u: both have room; the first one is taken */
    story_sent(&s, 'B');
    dispatch_tunnel_down(t);
    assert_int_equal(story_state(&s, 'A') == DISPATCH_LOST, story_state(&s, 'B') == DISPATCH_SENT);
    assert_true(story_reported(u, 'A'));
    assert_true(story_reported(u, 'B'));
    story_settled(&s, u, 'A');
    story_settled(&s, u, 'B');
    assert_int_equal(dispatch_tunnel_outstanding(u), 0);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void jobs_that_nobody_waits_for_take_up_room_until_they_are_settled(void **state)
{
    struct story_hello hello = {
        .tunnel = 't', .agent = 1, .ledger = 'l', .capacity = 3, .known = "ZXY"};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 1);
    t = back(&s, &hello); /* after a restart of ours */
    assert_int_equal(dispatch_tunnel_outstanding(t), 3);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_TAKEN);
    assert_int_equal(story_submit(&s, 'B'), DISPATCH_FULL);
    story_expect(&s, "no room", "");
    assert_false(story_reported(t, 'X')); /* not known: the store says whose it is */
    story_settled(&s, t, 'X');
    story_expect(&s, "room", "record A>1");
    story_settled(&s, t, 'X');
    story_settled(&s, t, 'Y');
    story_settled(&s, t, 'Z');
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void more_known_jobs_than_capacity_leave_no_room(void **state)
{
    struct story_hello hello = {
        .tunnel = 't', .agent = 1, .ledger = 'l', .capacity = 1, .known = "XYZ"};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 9);
    t = back(&s, &hello);
    (void)story_submit(&s, 'A');
    story_settled(&s, t, 'X');
    story_settled(&s, t, 'Y');
    story_expect(&s, "still one too many", "");
    story_settled(&s, t, 'Z');
    story_expect(&s, "room", "record A>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_foreign_job_is_counted_on_one_tunnel_and_settled_on_any(void **state)
{
    struct story_hello first = {
        .tunnel = 't', .agent = 1, .ledger = 'l', .number = 0, .capacity = 3, .known = "XY"};
    struct story_hello second = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .number = 1, .capacity = 3, .known = "XYZ"};
    struct story_hello other = {
        .tunnel = 'v', .agent = 2, .ledger = 'm', .number = 0, .capacity = 3, .known = "X"};
    struct story s;
    struct dispatch_tunnel *t, *u, *v;

    (void)state;
    story_init(&s, 0);
    t = back(&s, &first);
    u = back(&s, &second);
    v = back(&s, &other); /* whoever lies about it */
    assert_int_equal(dispatch_tunnel_outstanding(t), 2);
    assert_int_equal(dispatch_tunnel_outstanding(u), 1);
    assert_int_equal(dispatch_tunnel_outstanding(v), 1);
    story_settled(&s, u, 'X');
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    assert_int_equal(dispatch_tunnel_outstanding(u), 1);
    assert_int_equal(dispatch_tunnel_outstanding(v), 1);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    dispatch_tunnel_down(v);
    story_done(&s);
}

static void a_hello_can_not_claim_another_agents_job(void **state)
{
    struct story_hello liar = {
        .tunnel = 'u', .agent = 2, .ledger = 'l', .number = 0, .capacity = 3, .known = "A"};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 3);
    story_sent(&s, 'A');
    dispatch_tunnel_down(t);
    u = back(&s, &liar);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_LOST);
    assert_false(story_reported(u, 'A'));
    t = story_ready(&s, 't', 3);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_RECORDING); /* never arrived: again */
    dispatch_tunnel_down(u);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_job_without_a_caller_is_forgotten_with_its_tunnel(void **state)
{
    struct story s;
    struct dispatch_tunnel *t = four_jobs(&s);

    (void)state;
    for (char job = 'A'; job <= 'D'; job++) {
        story_abandon(&s, job);
    }
    story_expect(&s, "the agent is told", "cancel A>t; cancel B>t");
    dispatch_tunnel_down(t);
    assert_int_equal(story_state(&s, 'A'), -1);
    assert_int_equal(story_state(&s, 'B'), -1); /* not queued for nobody */
    assert_int_equal(story_state(&s, 'D'), -1);
    story_recorded(&s, 'C', true);
    assert_int_equal(story_state(&s, 'C'), -1);
    assert_int_equal(dispatch_connector_counts(s.c).queued, 0);
    story_expect(&s, "nothing is left", "");
    story_done(&s);
}

static void a_caller_may_go_while_the_job_is_lost_or_has_no_tunnel(void **state)
{
    struct story s;
    struct dispatch_tunnel *t = four_jobs(&s);

    (void)state;
    dispatch_tunnel_down(t);
    assert_int_equal(story_state(&s, 'B'), DISPATCH_QUEUED);
    story_abandon(&s, 'A');
    assert_int_equal(story_state(&s, 'A'), -1);
    story_expire(&s, 'B');
    story_expire(&s, 'C');
    story_expect(&s, "no agent came back",
                 "fail B connector_offline not_sent; fail C budget_exceeded not_sent");
    story_recorded(&s, 'C', true);
    assert_int_equal(story_state(&s, 'C'), -1);
    story_done(&s);
    story_expect(&s, "D has waited to the end", "fail D connector_offline not_sent");
}

static void a_job_being_recorded_waits_for_the_next_tunnel(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);
    (void)story_submit(&s, 'A');
    dispatch_tunnel_down(t);
    t = story_ready(&s, 'u', 1);
    story_expect(&s, "it is not given twice", "record A>1");
    story_recorded(&s, 'A', true);
    story_expect(&s, "recorded anew, for the new tunnel", "record A>1");
    story_recorded(&s, 'A', true);
    story_expect(&s, "sent", "send A>u");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_result_that_is_being_stored_survives_its_tunnel(void **state)
{
    struct story_hello again = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 2, .known = "A"};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    story_sent(&s, 'A');
    story_sent(&s, 'B');
    assert_true(story_reported(t, 'A'));
    assert_true(story_reported(t, 'B'));
    dispatch_tunnel_down(t);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_REPORTED);
    story_settled(&s, NULL, 'B'); /* stored after its tunnel went */
    assert_int_equal(story_state(&s, 'B'), -1);
    t = back(&s, &again); /* no acknowledgement has reached the agent */
    assert_int_equal(story_state(&s, 'A'), DISPATCH_REPORTED);
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    story_expect(&s, "each was sent once", "record A>1; send A>t; record B>1; send B>t");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_result_that_is_being_stored_is_not_lost_to_a_hello_without_it(void **state)
{
    struct story_hello other = {.tunnel = 'u', .agent = 1, .ledger = 'x', .capacity = 2};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 2);
    story_sent(&s, 'A');
    assert_true(story_reported(t, 'A'));
    dispatch_tunnel_down(t);
    t = back(&s, &other);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_REPORTED);
    story_expect(&s, "its result is on its way", "record A>1; send A>t");
    story_settled(&s, NULL, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void giving_up_ends_what_is_on_no_tunnel(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 9);
    t = story_ready(&s, 't', 1);
    story_sent(&s, 'A');
    u = back(&s, &two);
    story_sent(&s, 'B');
    (void)story_submit(&s, 'C');
    dispatch_tunnel_cut(t);
    s.log[0] = '\0';
    dispatch_connector_give_up(s.c);
    story_expect(&s, "all but B", "fail C connector_offline not_sent; fail A agent_lost sent");
    assert_int_equal(story_state(&s, 'B'), DISPATCH_SENT);
    dispatch_tunnel_down(u);
    story_done(&s);
    story_expect(&s, "the end", "fail B agent_lost sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_never_written_may_go_to_another_agent),
        cmocka_unit_test(what_goes_back_keeps_its_place_in_the_queue),
        cmocka_unit_test(a_tunnel_that_is_cut_may_still_be_read),
        cmocka_unit_test(a_hello_that_names_a_job_is_waited_for),
        cmocka_unit_test(a_hello_that_does_not_name_a_job_proves_what_its_ledger_and_number_say),
        cmocka_unit_test(a_result_on_another_tunnel_of_the_agent_is_taken),
        cmocka_unit_test(a_result_of_a_lost_job_settles_it_before_any_hello_names_it),
        cmocka_unit_test(jobs_that_nobody_waits_for_take_up_room_until_they_are_settled),
        cmocka_unit_test(more_known_jobs_than_capacity_leave_no_room),
        cmocka_unit_test(a_foreign_job_is_counted_on_one_tunnel_and_settled_on_any),
        cmocka_unit_test(a_hello_can_not_claim_another_agents_job),
        cmocka_unit_test(a_job_without_a_caller_is_forgotten_with_its_tunnel),
        cmocka_unit_test(a_caller_may_go_while_the_job_is_lost_or_has_no_tunnel),
        cmocka_unit_test(a_job_being_recorded_waits_for_the_next_tunnel),
        cmocka_unit_test(a_result_that_is_being_stored_survives_its_tunnel),
        cmocka_unit_test(a_result_that_is_being_stored_is_not_lost_to_a_hello_without_it),
        cmocka_unit_test(giving_up_ends_what_is_on_no_tunnel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
