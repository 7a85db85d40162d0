/* How many jobs run under each rule, and how many may. */
#include "common/core/rule_load.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdio.h>

/* A policy with these rules; jobs 0: not said. */
struct named {
    const char *name;
    uint32_t jobs;
};

static void make(struct policy *p, const struct named *rules, size_t n)
{
    struct faults faults;

    faults_init(&faults);
    policy_init(p);
    for (size_t i = 0; i < n; i++) {
        struct policy_rule_text text = {.where = "t:1",
                                        .field = "policy",
                                        .name = rules[i].name,
                                        .url = "https://idp.example/token",
                                        .jobs = rules[i].jobs};

        assert_true(policy_add(p, &text, &faults));
    }
    faults_done(&faults);
}

static void a_rule_has_what_it_says_or_a_part_of_the_whole(void **state)
{
    static const struct {
        const char *why;
        struct named rules[2];
        size_t n;
        uint32_t capacity, want;
    } rows[] = {
        {"what it says", {{"a", 64}, {"b", 0}}, 2, 1024, 64},
        {"no more than there are", {{"a", 64}, {"b", 0}}, 2, 10, 10},
        {"half", {{"a", 0}, {"b", 0}}, 2, 1024, 512},
        {"half, rounded up", {{"a", 0}, {"b", 64}}, 2, 3, 2},
        {"one at least", {{"a", 0}, {"b", 0}}, 2, 1, 1},
        {"all, of a rule that is alone", {{"a", 0}}, 1, 1024, 1024},
        {"what it says, alone too", {{"a", 5}}, 1, 1024, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy p;

        make(&p, rows[i].rules, rows[i].n);
        if (rule_load_max(&p, &p.rules[0], rows[i].capacity) != rows[i].want) {
            fail_msg("%s", rows[i].why);
        }
        policy_done(&p);
    }
}

static void what_is_full_lets_nobody_in_until_one_leaves(void **state)
{
    static const struct named rules[] = {{"a", 2}, {"b", 0}};
    struct rule_loads loads = {.capacity = 10};
    struct rule_load **taken;
    struct policy p;

    (void)state;
    make(&p, rules, 2);
    taken = rule_loads_take(&loads, &p);
    assert_true(rule_load_enter(taken[0]));
    assert_true(rule_load_enter(taken[0]));
    assert_false(rule_load_enter(taken[0]));
    assert_int_equal(taken[0]->refused, 1);
    assert_true(rule_load_enter(taken[1])); /* another rule's room is its own */
    rule_load_leave(&loads, taken[0]);
    assert_true(rule_load_enter(taken[0]));
    rule_load_leave(&loads, taken[0]);
    rule_load_leave(&loads, taken[0]);
    rule_load_leave(&loads, taken[1]);
    rule_loads_drop(&loads, taken, 2);
    assert_null(loads.first);
    policy_done(&p);
}

static void what_runs_counts_on_when_the_policy_is_replaced(void **state)
{
    static const struct named before[] = {{"a", 2}, {"gone", 1}};
    static const struct named after[] = {{"new", 1}, {"a", 1}};
    struct rule_loads loads = {.capacity = 10};
    struct rule_load **old;
    struct rule_load **new;
    struct rule_load *gone;
    struct rule_load *kept;
    struct policy p, q;

    (void)state;
    make(&p, before, 2);
    make(&q, after, 2);
    old = rule_loads_take(&loads, &p);
    kept = old[0];
    gone = old[1];
    assert_true(rule_load_enter(kept));
    assert_true(rule_load_enter(gone));
    new = rule_loads_take(&loads, &q);
    rule_loads_drop(&loads, old, 2);
    assert_ptr_equal(new[1], kept);
    assert_int_equal(kept->running, 1);
    assert_int_equal(kept->jobs_max, 1);
    assert_false(rule_load_enter(kept)); /* the one of before still runs */
    rule_load_leave(&loads, kept);
    assert_true(rule_load_enter(kept));
    assert_string_equal(loads.first->next->name, "gone"); /* it runs, so it is told of */
    rule_load_leave(&loads, gone);
    for (const struct rule_load *load = loads.first; load != NULL; load = load->next) {
        assert_string_not_equal(load->name, "gone");
    }
    rule_load_leave(&loads, kept);
    rule_loads_drop(&loads, new, 2);
    assert_null(loads.first);
    policy_done(&p);
    policy_done(&q);
}

static void without_memory_nothing_changes(void **state)
{
    static const struct named before[] = {{"a", 2}};
    static const struct named after[] = {{"a", 1}, {"b", 1}};
    struct rule_loads loads = {.capacity = 10};
    struct rule_load **old;
    struct rule_load **new = NULL;
    struct policy p, q;

    (void)state;
    make(&p, before, 1);
    make(&q, after, 2);
    old = rule_loads_take(&loads, &p);
    for (size_t nth = 1; nth <= 3; nth++) { /* the array, the load of "b", its name */
        alloc_fail_at(nth);
        new = rule_loads_take(&loads, &q);
        assert_true(alloc_fail_end());
        assert_null(new);
        assert_int_equal(old[0]->jobs_max, 2);
        assert_ptr_equal(loads.first, old[0]);
        assert_null(loads.first->next);
    }
    rule_loads_drop(&loads, old, 1);
    policy_done(&p);
    policy_done(&q);
}

static void who_asks_is_told_as_much_as_the_rule_shares(void **state)
{
    const struct rule_load load = {.jobs_max = 64};
    struct policy_rule rule = {.name = (char[]){"hr"}, .share = POLICY_SHARE_NAME};
    struct cx_fail fail = {0};

    (void)state;
    rule_load_say_full(&load, &rule, &fail);
    assert_string_equal(cx_fail_text(&fail), "as many jobs run under rule \"hr\" as may at once "
                                             "(64); nothing was sent");
    rule.share = POLICY_SHARE_NONE;
    rule_load_say_full(&load, &rule, &fail);
    assert_string_equal(cx_fail_text(&fail),
                        "as many jobs run under a rule as may at once (64); nothing was sent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_has_what_it_says_or_a_part_of_the_whole),
        cmocka_unit_test(what_is_full_lets_nobody_in_until_one_leaves),
        cmocka_unit_test(what_runs_counts_on_when_the_policy_is_replaced),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(who_asks_is_told_as_much_as_the_rule_shares),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
