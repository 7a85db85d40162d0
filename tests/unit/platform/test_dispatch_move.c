#include "platform/core/dispatch.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/dispatch_story.h"

/* Jobs that move on from an agent that has sent nothing of them; who may be given a job; shares. */

static const struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 9};

static struct dispatch_tunnel *up(struct story *s, const struct story_hello *hello)
{
    struct dispatch_tunnel *t = story_up(s, hello);

    dispatch_tunnel_ready(t);
    return t;
}

/* A job of 1,000 ms that agent 1 has, on tunnel t; then agent 2 comes. */
static struct dispatch_tunnel *sent_to_first(struct story *s, struct dispatch_tunnel **u)
{
    struct dispatch_tunnel *t;

    story_init(s, 9);
    t = story_ready(s, 't', 3);
    story_sent(s, 'A');
    *u = up(s, &two);
    story_expect(s, "agent 1 has it", "record A>1; send A>t");
    return t;
}

static void only_what_proves_that_nothing_was_sent_moves(void **state)
{
    static const struct {
        enum stage stage;
        bool moves;
    } rows[] = {
        {STAGE_RESOLVE, true},   {STAGE_PROXY, true},     {STAGE_CONNECT, true},
        {STAGE_TLS, true},       {STAGE_AGENT, true},     {STAGE_POLICY, false},
        {STAGE_TEMPLATE, false}, {STAGE_SECRET, false},   {STAGE_SEND, false},
        {STAGE_WAIT, false},     {STAGE_RECEIVE, false},  {STAGE_PARSE, false},
        {STAGE_BUDGET, false},   {STAGE_PLATFORM, false}, {STAGE_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = terms_stage(rows[i].stage);
        struct story s;
        struct dispatch_tunnel *u;
        struct dispatch_tunnel *t = sent_to_first(&s, &u);

        CHECK(why, story_move(&s, t, 'A', rows[i].stage, 0) == rows[i].moves);
        story_expect(&s, why, rows[i].moves ? "record A>2" : "");
        CHECK(why, dispatch_tunnel_outstanding(t) == (rows[i].moves ? 0 : 1));
        dispatch_tunnel_down(t);
        dispatch_tunnel_down(u);
        story_done(&s);
    }
}

static void it_moves_while_a_quarter_of_the_budget_and_100_ms_are_left(void **state)
{
    static const struct {
        const char *why;
        uint64_t budget_ms, now_ms;
        bool moves;
    } rows[] = {
        {"a quarter", 1000, 750, true},     {"less than a quarter", 1000, 751, false},
        {"100 ms", 200, 100, true},         {"less than 100 ms", 200, 101, false},
        {"the least budget", 100, 0, true}, {"a little later", 100, 1, false},
        {"over", 1000, 1001, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct story s;
        struct dispatch_tunnel *t, *u;

        story_init(&s, 9);
        t = story_ready(&s, 't', 3);
        (void)story_order(&s, &(struct story_order){.job = 'A', .deadline_ms = rows[i].budget_ms});
        story_recorded(&s, 'A', true);
        story_written(&s, 'A');
        u = up(&s, &two);
        CHECK(rows[i].why, story_move(&s, t, 'A', STAGE_CONNECT, rows[i].now_ms) == rows[i].moves);
        dispatch_tunnel_down(t);
        dispatch_tunnel_down(u);
        story_done(&s);
    }
}

static void a_job_that_was_not_named_and_is_reported_goes_to_nobody(void **state)
{
    struct story_hello liar = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 1, .known = "X"};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    t = story_ready(&s, 't', 1);
    story_sent(&s, 'A');
    dispatch_tunnel_down(t);
    t = up(&s, &liar);
    assert_int_equal(story_state(&s, 'A'), DISPATCH_QUEUED); /* the room is X's */
    story_expect(&s, "sent once", "record A>1; send A>t");
    assert_true(story_reported(t, 'A'));
    story_settled(&s, t, 'X');
    story_expect(&s, "there is room, and nothing to do", "");
    story_settled(&s, t, 'A');
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void nothing_moves_that_nobody_waits_for_or_that_is_elsewhere(void **state)
{
    struct story s;
    struct dispatch_tunnel *u;
    struct dispatch_tunnel *t = sent_to_first(&s, &u);

    (void)state;
    assert_false(story_move(&s, u, 'A', STAGE_CONNECT, 0)); /* agent 2 never had it */
    assert_true(story_reported(t, 'A'));
    assert_false(story_move(&s, t, 'A', STAGE_CONNECT, 0)); /* its result is being stored */
    story_settled(&s, t, 'A');
    (void)story_submit(&s, 'B');                            /* agent 2: the more room */
    assert_false(story_move(&s, u, 'B', STAGE_CONNECT, 0)); /* not written: it can't have it */
    story_recorded(&s, 'B', true);
    story_written(&s, 'B');
    story_abandon(&s, 'B');
    assert_false(story_move(&s, u, 'B', STAGE_CONNECT, 0));
    story_expect(&s, "it stays", "record B>2; send B>u; cancel B>u");
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void each_agent_is_tried_once(void **state)
{
    struct story_hello sibling = {
        .tunnel = 'v', .agent = 1, .ledger = 'l', .number = 1, .capacity = 9};
    struct story s;
    struct dispatch_tunnel *u;
    struct dispatch_tunnel *t = sent_to_first(&s, &u);
    struct dispatch_tunnel *v = up(&s, &sibling); /* of agent 1 too */

    (void)state;
    assert_true(story_move(&s, t, 'A', STAGE_CONNECT, 0));
    story_recorded(&s, 'A', true);
    story_written(&s, 'A');
    story_expect(&s, "to agent 2", "record A>2; send A>u");
    assert_false(story_move(&s, u, 'A', STAGE_CONNECT, 0)); /* both have refused it */
    assert_false(story_move(&s, t, 'A', STAGE_CONNECT, 0)); /* an old result */
    dispatch_tunnel_down(u);
    story_expect(&s, "agent 2 is lost with it", "");
    story_expire(&s, 'A');
    story_expect(&s, "and only agent 2 could tell", "fail A agent_lost sent");
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(v);
    story_done(&s);
}

static void what_tells_the_most_is_kept(void **state)
{
    static const struct {
        enum stage first, second;
        bool is_outdone;
    } rows[] = {
        {STAGE_TLS, STAGE_CONNECT, true},   {STAGE_CONNECT, STAGE_PROXY, true},
        {STAGE_PROXY, STAGE_RESOLVE, true}, {STAGE_RESOLVE, STAGE_AGENT, true},
        {STAGE_AGENT, STAGE_TLS, false},    {STAGE_CONNECT, STAGE_CONNECT, false},
        {STAGE_TLS, STAGE_POLICY, false}, /* not one that is compared: it ends the job by itself */
        {STAGE_TLS, STAGE_WAIT, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_id id = story_job('A');
        struct story s;
        struct dispatch_tunnel *u;
        struct dispatch_tunnel *t = sent_to_first(&s, &u);
        const struct dispatch_job *job = dispatch_find(s.d, &id);

        assert_false(dispatch_is_outdone(job, STAGE_AGENT)); /* it has not been moved */
        assert_true(story_move(&s, t, 'A', rows[i].first, 0));
        CHECK(terms_stage(rows[i].first),
              job->refusal_stage == rows[i].first && job->refusal.ptr[0] == (uint8_t)rows[i].first);
        CHECK(terms_stage(rows[i].second),
              dispatch_is_outdone(job, rows[i].second) == rows[i].is_outdone);
        dispatch_tunnel_down(t);
        dispatch_tunnel_down(u);
        story_done(&s);
    }
}

static void one_that_moves_waits_for_another_agent_and_hinders_nobody(void **state)
{
    struct story_hello full = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 9);
    t = story_ready(&s, 't', 1);
    story_sent(&s, 'A');
    u = up(&s, &full);
    story_sent(&s, 'B');
    story_expect(&s, "both are full", "record A>1; send A>t; record B>2; send B>u");
    assert_true(story_move(&s, t, 'A', STAGE_CONNECT, 0));
    story_expect(&s, "agent 1 has refused it, and agent 2 has no room", "");
    (void)story_submit(&s, 'C');
    story_expect(&s, "C is not behind A", "record C>1");
    (void)story_submit(&s, 'D');
    assert_true(story_reported(u, 'B'));
    story_settled(&s, u, 'B');
    story_expect(&s, "A is before D", "record A>2");
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void the_queues_end_tells_a_moved_job_that_nothing_was_sent(void **state)
{
    struct story s;
    struct dispatch_tunnel *u;
    struct dispatch_tunnel *t = sent_to_first(&s, &u);

    (void)state;
    assert_true(story_move(&s, t, 'A', STAGE_CONNECT, 0));
    story_expire(&s, 'A');
    story_expect(&s, "being recorded", "record A>2; fail A budget_exceeded not_sent");
    story_recorded(&s, 'A', true);
    assert_int_equal(story_state(&s, 'A'), -1);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_job_that_ends_by_its_refusal_gives_its_room_away(void **state)
{
    struct cx_id id = story_job('A');
    struct story s;
    struct dispatch_tunnel *u;
    struct dispatch_tunnel *t = sent_to_first(&s, &u);
    struct dispatch_job *job = dispatch_find(s.d, &id);

    (void)state;
    job->owner = NULL;
    dispatch_end(s.d, job);
    assert_int_equal(story_state(&s, 'A'), -1);
    assert_int_equal(dispatch_tunnel_outstanding(t), 0);
    story_expect(&s, "nobody is told again", "");
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void without_memory_nothing_moves(void **state)
{
    struct story s;
    struct dispatch_tunnel *u;
    struct dispatch_tunnel *t = sent_to_first(&s, &u);

    (void)state;
    alloc_fail_at(2); /* the first is the test's own buffer */
    assert_false(story_move(&s, t, 'A', STAGE_CONNECT, 0));
    assert_true(alloc_fail_end());
    assert_int_equal(story_state(&s, 'A'), DISPATCH_SENT);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

/* ---- who can ---- */

static void a_job_goes_only_to_an_agent_with_all_that_it_needs(void **state)
{
    struct story_hello some = {
        .tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 1, .features = 3};
    struct story s;
    struct dispatch_tunnel *t, *u;

    (void)state;
    story_init(&s, 9);
    t = story_ready(&s, 't', 5);
    assert_int_equal(story_order(&s, &(struct story_order){.job = 'A', .needs = 1}),
                     DISPATCH_UNABLE);
    u = up(&s, &some);
    (void)story_order(&s, &(struct story_order){.job = 'A', .needs = 1});
    (void)story_order(&s, &(struct story_order){.job = 'B', .needs = 3});
    assert_int_equal(story_order(&s, &(struct story_order){.job = 'C', .needs = 4}),
                     DISPATCH_UNABLE);
    story_expect(&s, "B waits, though agent 1 has room", "record A>2");
    (void)story_submit(&s, 'D');
    story_expect(&s, "D needs nothing", "record D>1");
    dispatch_tunnel_drain(u);
    story_expire(&s, 'B');
    story_expect(&s, "nobody is left who can", "fail B agent_unavailable not_sent");
    assert_int_equal(story_order(&s, &(struct story_order){.job = 'E', .needs = 1}),
                     DISPATCH_UNABLE);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

/* ---- shares ---- */

/* One at a time: nothing is ever full. */
static void count_shares(const uint32_t capacity[3], size_t jobs, size_t got[3])
{
    struct dispatch_tunnel *tunnels[3];
    struct story s;

    story_init(&s, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct story_hello hello = {
            .tunnel = (char)('t' + i), .agent = 1 + i, .ledger = 'l', .capacity = capacity[i]};

        tunnels[i] = up(&s, &hello);
    }
    for (size_t n = 0; n < jobs; n++) {
        struct cx_id id = story_job('A');
        unsigned which;

        story_sent(&s, 'A');
        which = (unsigned)(dispatch_find(s.d, &id)->agent.bytes[0] - '1');
        got[which]++;
        assert_true(story_reported(tunnels[which], 'A'));
        story_settled(&s, tunnels[which], 'A');
        s.log[0] = '\0';
    }
    for (unsigned i = 0; i < 3; i++) {
        dispatch_tunnel_down(tunnels[i]);
    }
    story_done(&s);
}

static void shares_are_as_the_free_room_is(void **state)
{
    static const struct {
        const char *why;
        uint32_t capacity[3];
        size_t jobs, want[3];
    } rows[] = {
        {"equal ones take turns", {8, 8, 8}, 9, {3, 3, 3}},
        {"whatever their size", {2048, 2048, 2048}, 300, {100, 100, 100}},
        {"a large and two small", {80, 10, 10}, 100, {80, 10, 10}},
        {"each of its own size", {100, 200, 300}, 60, {10, 20, 30}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t got[3] = {0};

        count_shares(rows[i].capacity, rows[i].jobs, got);
        for (size_t n = 0; n < 3; n++) {
            CHECK(rows[i].why, got[n] == rows[i].want[n]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_proves_that_nothing_was_sent_moves),
        cmocka_unit_test(it_moves_while_a_quarter_of_the_budget_and_100_ms_are_left),
        cmocka_unit_test(a_job_that_was_not_named_and_is_reported_goes_to_nobody),
        cmocka_unit_test(nothing_moves_that_nobody_waits_for_or_that_is_elsewhere),
        cmocka_unit_test(each_agent_is_tried_once),
        cmocka_unit_test(what_tells_the_most_is_kept),
        cmocka_unit_test(one_that_moves_waits_for_another_agent_and_hinders_nobody),
        cmocka_unit_test(the_queues_end_tells_a_moved_job_that_nothing_was_sent),
        cmocka_unit_test(a_job_that_ends_by_its_refusal_gives_its_room_away),
        cmocka_unit_test(without_memory_nothing_moves),
        cmocka_unit_test(a_job_goes_only_to_an_agent_with_all_that_it_needs),
        cmocka_unit_test(shares_are_as_the_free_room_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
