#include "platform/core/dispatch.h"

#include "platform/core/hold_text.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/dispatch_story.h"

/* Jobs with one exclusive key, never two at once. */

enum { MINUTES_15_MS = 15 * 60 * 1000 };

static struct dispatch_tunnel *back(struct story *s, const struct story_hello *hello)
{
    struct dispatch_tunnel *t = story_up(s, hello);

    dispatch_tunnel_ready(t);
    return t;
}

/* With key 'k', until 1,000 ms. */
static enum dispatch_answer ask(struct story *s, char job, char same)
{
    return story_order(
        s, &(struct story_order){.job = job, .key = 'k', .same = same, .deadline_ms = 1000});
}

/* A has the key, and agent 1 has A; B and C wait. */
static struct dispatch_tunnel *one_and_two(struct story *s)
{
    struct dispatch_tunnel *t;

    story_init(s, 9);
    t = story_ready(s, 't', 5);
    assert_int_equal(ask(s, 'A', 'x'), DISPATCH_TAKEN);
    story_recorded(s, 'A', true);
    story_written(s, 'A');
    assert_int_equal(ask(s, 'B', 'y'), DISPATCH_TAKEN);
    assert_int_equal(ask(s, 'C', 'x'), DISPATCH_TAKEN);
    story_expect(s, "one at a time", "record A>1; send A>t");
    assert_int_equal(story_state(s, 'B'), DISPATCH_WAITING);
    assert_int_equal(dispatch_connector_counts(s->c).queued, 2);
    return t;
}

static void the_next_runs_when_the_first_is_settled(void **state)
{
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);

    (void)state;
    assert_int_equal(
        story_order(&s, &(struct story_order){.job = 'D', .key = 'o', .deadline_ms = 1000}),
        DISPATCH_TAKEN);
    story_expect(&s, "another key waits for nothing", "record D>1");
    assert_true(story_reported(t, 'A'));
    story_expect(&s, "not before it is settled", "");
    story_settled(&s, t, 'A');
    story_expect(&s, "in the order of their coming", "record B>1");
    assert_int_equal(dispatch_connector_counts(s.c).queued, 1);
    dispatch_tunnel_down(t);
    story_done(&s);
    assert_non_null(strstr(s.log, "fail C connector_offline not_sent"));
}

static void what_was_issued_is_shared_by_those_who_asked_for_the_same(void **state)
{
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);

    (void)state;
    (void)ask(&s, 'D', 'x');
    assert_true(story_reported(t, 'A'));
    assert_string_equal(story_share(t, 'A'), "CD");
    assert_int_equal(story_state(&s, 'C'), -1);
    assert_string_equal(story_share(t, 'A'), "");
    assert_string_equal(story_share(t, 'B'), ""); /* it only waits */
    assert_int_equal(dispatch_connector_counts(s.c).queued, 1);
    story_settled(&s, t, 'A');
    story_expect(&s, "B asked for something else", "record B>1");
    assert_string_equal(story_share(t, 'B'), "");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void another_agents_word_is_not_shared(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 5};
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);
    struct dispatch_tunnel *u = back(&s, &two);

    (void)state;
    assert_string_equal(story_share(u, 'A'), "");
    dispatch_tunnel_cut(t);
    story_expire(&s, 'A'); /* nobody waits for it, and its key is still taken */
    assert_int_equal(story_state(&s, 'A'), -1);
    assert_string_equal(story_share(u, 'A'), "");
    story_settled(&s, u, 'A');
    story_expect(&s, "nor counts it", "fail A agent_lost sent");
    dispatch_tunnel_down(u);
    story_done(&s);
}

/* How the one that has the key ends, and what its end does for the next. */
static void the_key_is_free_when_nothing_was_sent_and_kept_when_it_may_have_been(void **state)
{
    static const struct {
        const char *why, *how;
        bool is_free;
    } rows[] = {
        {"not recorded", "n", true},
        {"the caller went while it was recorded", "ar", true},
        {"the budget was over while it was recorded", "er", true},
        {"the caller went while it was in the outbox, never written", "rau", true},
        {"the tunnel was lost before it was written, and the caller had gone", "rad", true},
        {"the caller went: the agent may have it", "rwa", false},
        {"then its tunnel was lost", "rwad", false},
        {"its tunnel was lost, then the caller went", "rwda", false},
        {"its tunnel was lost, then the budget was over", "rwde", false},
        {"its tunnel was cut", "rawc", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 5};
        struct story s;
        struct dispatch_tunnel *t, *u;

        story_init(&s, 9);
        t = story_ready(&s, 't', 1);
        (void)ask(&s, 'A', 'x');
        (void)ask(&s, 'B', 'x');
        u = back(&s, &two);
        for (const char *how = rows[i].how; *how != '\0'; how++) {
            switch (*how) {
            case 'n':
                story_recorded(&s, 'A', false);
                break;
            case 'r':
                story_recorded(&s, 'A', true);
                break;
            case 'w':
                story_written(&s, 'A');
                break;
            case 'u':
                story_unwritten(&s, 'A');
                break;
            case 'a':
                story_abandon(&s, 'A');
                break;
            case 'e':
                story_expire(&s, 'A');
                break;
            case 'd':
                dispatch_tunnel_down(t);
                t = NULL;
                break;
            case 'c':
                dispatch_tunnel_cut(t);
                t = NULL;
                break;
            }
        }
        CHECK(rows[i].why,
              story_state(&s, 'B') == (rows[i].is_free ? DISPATCH_RECORDING : DISPATCH_WAITING));
        if (t != NULL) {
            dispatch_tunnel_down(t);
        }
        dispatch_tunnel_down(u);
        story_done(&s);
    }
}

/* A has the key and is lost with agent 1 (ledger l, number 0); nobody waits for it. */
static void a_hello_says_whether_a_lost_one_still_has_its_key(void **state)
{
    static const struct {
        const char *why;
        struct story_hello hello;
        uint64_t free_ms;
    } rows[] = {
        {"named: its result will come",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 5, .known = "A"},
         1000 + MINUTES_15_MS},
        {"not named: it never arrived",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 5},
         0},
        {"another number proves nothing",
         {.tunnel = 'u', .agent = 1, .ledger = 'l', .number = 1, .capacity = 5},
         1000 + MINUTES_15_MS},
        {"another ledger: it runs no longer than its budget",
         {.tunnel = 'u', .agent = 1, .ledger = 'x', .capacity = 5},
         1000},
        {"another agent knows nothing",
         {.tunnel = 'u', .agent = 2, .ledger = 'l', .capacity = 5},
         1000 + MINUTES_15_MS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct story s;
        struct dispatch_tunnel *t = one_and_two(&s);

        dispatch_tunnel_down(t);
        story_abandon(&s, 'A');
        t = back(&s, &rows[i].hello);
        if (rows[i].free_ms > 0) {
            CHECK(rows[i].why, dispatch_tick(s.d, rows[i].free_ms - 1));
            CHECK(rows[i].why, story_state(&s, 'B') == DISPATCH_WAITING);
            (void)dispatch_tick(s.d, rows[i].free_ms);
        }
        CHECK(rows[i].why, story_state(&s, 'B') == DISPATCH_RECORDING);
        story_expect(&s, rows[i].why, i == 4 ? "record B>2" : "record B>1");
        dispatch_tunnel_down(t);
        story_done(&s);
    }
}

static void a_result_that_comes_late_frees_the_key_and_is_shared(void **state)
{
    struct story_hello again = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 5, .known = "A"};
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);

    (void)state;
    dispatch_tunnel_down(t);
    story_abandon(&s, 'A');
    t = back(&s, &again);
    assert_false(story_reported(t, 'A')); /* it is not known any more */
    assert_string_equal(story_share(t, 'A'), "C");
    story_settled(&s, t, 'A');
    story_expect(&s, "then B", "record B>1");
    assert_int_equal(dispatch_tunnel_outstanding(t), 1);
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void of_an_agent_that_is_gone_the_key_is_free_with_the_budget(void **state)
{
    struct cx_id agent = {{'1', [8] = 0x80, [15] = '1'}};
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 5};

    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) { /* the caller goes before, or after */
        struct story s;
        struct dispatch_tunnel *t = one_and_two(&s);
        struct dispatch_tunnel *u = back(&s, &two);

        if (is_late == 0) {
            story_abandon(&s, 'A');
        }
        dispatch_tunnel_cut(t);
        dispatch_agent_gone(s.c, &agent);
        if (is_late == 1) {
            story_abandon(&s, 'A');
        }
        assert_true(dispatch_tick(s.d, 999));
        assert_int_equal(story_state(&s, 'B'), DISPATCH_WAITING);
        (void)dispatch_tick(s.d, 1000);
        assert_int_equal(story_state(&s, 'B'), DISPATCH_RECORDING);
        dispatch_tunnel_down(u);
        story_done(&s);
    }
}

static void who_waits_may_go_and_is_bounded(void **state)
{
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 2);
    t = story_ready(&s, 't', 5);
    for (char job = 'A'; job <= 'C'; job++) {
        assert_int_equal(ask(&s, job, 'x'), DISPATCH_TAKEN);
    }
    assert_int_equal(ask(&s, 'D', 'x'), DISPATCH_FULL);
    story_expire(&s, 'B');
    story_abandon(&s, 'C');
    story_expect(&s, "one is told", "record A>1; fail B budget_exceeded not_sent");
    assert_int_equal(dispatch_connector_counts(s.c).queued, 0);
    assert_false(dispatch_tick(s.d, 0));
    story_recorded(&s, 'A', false);
    assert_int_equal(ask(&s, 'E', 'x'), DISPATCH_TAKEN);
    story_expect(&s, "the key is nobody's", "fail A platform_failed not_sent; record E>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_job_that_moves_keeps_its_key(void **state)
{
    struct story_hello two = {.tunnel = 'u', .agent = 2, .ledger = 'm', .capacity = 5};
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);
    struct dispatch_tunnel *u = back(&s, &two);

    (void)state;
    assert_true(story_move(&s, t, 'A', STAGE_CONNECT, 0));
    story_expect(&s, "B still waits", "record A>2");
    story_recorded(&s, 'A', true);
    story_written(&s, 'A');
    assert_true(story_reported(u, 'A'));
    assert_int_equal(story_state(&s, 'B'), DISPATCH_WAITING);
    story_settled(&s, u, 'A');
    assert_int_equal(story_state(&s, 'B'), DISPATCH_RECORDING);
    dispatch_tunnel_down(t);
    dispatch_tunnel_down(u);
    story_done(&s);
}

static void a_key_outlives_our_restart(void **state)
{
    struct story_hello again = {
        .tunnel = 'u', .agent = 1, .ledger = 'l', .capacity = 5, .known = "A"};
    struct cx_id id = story_job('A');
    char text[HOLD_TEXT_BYTES];
    struct dispatch_held held, read = {0};
    struct story s;
    struct dispatch_tunnel *t = one_and_two(&s);

    (void)state;
    assert_true(dispatch_look_hold(dispatch_find(s.d, &id), &held));
    (void)hold_text(&held, text);
    dispatch_tunnel_down(t);
    story_done(&s);

    story_init(&s, 9);
    assert_true(hold_text_read(text, &read));
    assert_true(id_eq(&read.ledger, &held.ledger));
    read.id = held.id;
    read.agent = held.agent;
    read.deadline_ms = held.deadline_ms;
    assert_true(dispatch_hold_again(s.c, &read));
    assert_true(dispatch_hold_again(s.c, &read)); /* once is enough */
    t = back(&s, &again);
    (void)ask(&s, 'B', 'x');
    story_expect(&s, "B waits for the agent's word", "");
    assert_string_equal(story_share(t, 'A'), "B");
    story_settled(&s, t, 'A');
    assert_int_equal(ask(&s, 'C', 'x'), DISPATCH_TAKEN);
    story_expect(&s, "the key is free", "record C>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

static void a_text_that_is_no_key_is_refused(void **state)
{
    static const char *const rows[] = {"", "00", "zz", "0"};
    char text[HOLD_TEXT_BYTES + 2];
    struct dispatch_held held = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i], !hold_text_read(rows[i], &held));
    }
    (void)hold_text(&held, text);
    assert_true(hold_text_read(text, &held));
    text[0] = 'g';
    assert_false(hold_text_read(text, &held));
    text[0] = '0';
    memcpy(text + HOLD_TEXT_BYTES - 1, "00", 3);
    assert_false(hold_text_read(text, &held));
}

static void memory_that_is_out_is_said(void **state)
{
    struct dispatch_held held = {.key = {'q'}};
    struct story s;
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 9);
    t = story_ready(&s, 't', 5);
    for (size_t nth = 2; nth <= 3; nth++) { /* the first is the test's own buffer */
        alloc_fail_at(nth);
        assert_int_equal(ask(&s, 'A', 'x'), DISPATCH_NO_MEMORY);
        assert_true(alloc_fail_end());
    }
    alloc_fail_at(1);
    assert_false(dispatch_hold_again(s.c, &held));
    assert_true(alloc_fail_end());
    assert_int_equal(ask(&s, 'A', 'x'), DISPATCH_TAKEN);
    story_expect(&s, "nothing was left of the first tries", "record A>1");
    dispatch_tunnel_down(t);
    story_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_runs_when_the_first_is_settled),
        cmocka_unit_test(what_was_issued_is_shared_by_those_who_asked_for_the_same),
        cmocka_unit_test(another_agents_word_is_not_shared),
        cmocka_unit_test(the_key_is_free_when_nothing_was_sent_and_kept_when_it_may_have_been),
        cmocka_unit_test(a_hello_says_whether_a_lost_one_still_has_its_key),
        cmocka_unit_test(a_result_that_comes_late_frees_the_key_and_is_shared),
        cmocka_unit_test(of_an_agent_that_is_gone_the_key_is_free_with_the_budget),
        cmocka_unit_test(who_waits_may_go_and_is_bounded),
        cmocka_unit_test(a_job_that_moves_keeps_its_key),
        cmocka_unit_test(a_key_outlives_our_restart),
        cmocka_unit_test(a_text_that_is_no_key_is_refused),
        cmocka_unit_test(memory_that_is_out_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
