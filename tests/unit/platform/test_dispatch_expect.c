#include "platform/core/dispatch.h"

#include "tests/support/check.h"
#include "tests/support/dispatch_story.h"

/* No agent is there, but one is thought to be on its way. */

static void what_is_asked_while_an_agent_is_expected_waits_for_it(void **state)
{
    struct story s;
    struct cx_id b = story_job('B');
    struct dispatch_tunnel *t;

    (void)state;
    story_init(&s, 0);
    dispatch_connector_expect(s.c, 1);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_AWAITED);
    assert_int_equal(story_submit(&s, 'B'), DISPATCH_AWAITED);
    story_expect(&s, "nobody is there", "");
    story_expire(&s, 'A');
    story_expect(&s, "its budget was shorter", "fail A connector_offline not_sent");
    assert_true(dispatch_is_stranded(dispatch_find(s.d, &b)));
    t = story_ready(&s, 't', 1);
    assert_false(dispatch_is_stranded(dispatch_find(s.d, &b)));
    story_expect(&s, "here it is", "record B>1");
    dispatch_tunnel_down(t);
    dispatch_connector_expect(s.c, 0);
    assert_int_equal(story_submit(&s, 'C'), DISPATCH_OFFLINE); /* not any more */
    story_done(&s);
}

static void those_who_wait_for_an_expected_agent_are_not_without_bound(void **state)
{
    struct story s;

    (void)state;
    story_init(&s, 2);
    dispatch_connector_expect(s.c, 1);
    assert_int_equal(story_submit(&s, 'A'), DISPATCH_AWAITED);
    assert_int_equal(story_submit(&s, 'B'), DISPATCH_AWAITED);
    assert_int_equal(story_submit(&s, 'C'), DISPATCH_FULL);
    story_done(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_while_an_agent_is_expected_waits_for_it),
        cmocka_unit_test(those_who_wait_for_an_expected_agent_are_not_without_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
