/* The refused attempts of each user within the last hour. */
#include "common/core/refusals.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <string.h>

enum { T0 = 5 * 600, MINUTE = 60 }; /* T0 begins a slice */

struct key {
    uint8_t bytes[REFUSALS_KEY_BYTES];
};

static struct key user(uint32_t n)
{
    struct key key = {{0}};

    memcpy(key.bytes, &n, sizeof(n));
    return key;
}

static enum refusals_answer begin(struct refusals *r, uint32_t who, unsigned max, uint64_t now_s,
                                  uint32_t *number)
{
    struct key key = user(who);
    struct refusals_turn turn = {.user = REFUSALS_NOBODY};
    enum refusals_answer answer = refusals_begin(r, key.bytes, max, now_s, &turn);

    *number = turn.user;
    return answer;
}

/* An attempt that is let in, and refused. */
static void refuse(struct refusals *r, uint32_t who, unsigned max, uint64_t now_s)
{
    uint32_t number = REFUSALS_NOBODY;

    assert_int_equal(begin(r, who, max, now_s, &number), REFUSALS_FREE);
    refusals_end(r, number, true, now_s);
}

static void the_bound_holds_for_an_hour_and_for_one_user(void **state)
{
    struct refusals *r = refusals_new();
    struct key key = user(1);
    struct refusals_turn turn = {.user = REFUSALS_NOBODY};
    uint32_t number;

    (void)state;
    for (int i = 0; i < 3; i++) {
        refuse(r, 1, 3, T0 + 30);
    }
    assert_int_equal(refusals_begin(r, key.bytes, 3, T0 + 40, &turn), REFUSALS_SPENT);
    assert_int_equal(turn.wait_s, 70 * MINUTE - 40); /* the slice's own ten minutes, and an hour */
    assert_int_equal(begin(r, 1, 3, T0 + 30 + 60 * MINUTE, &number), REFUSALS_SPENT);
    assert_int_equal(begin(r, 1, 3, T0 + 70 * MINUTE - 1, &number), REFUSALS_SPENT);
    refuse(r, 2, 3, T0 + 40); /* time of another user: it is nobody else's affair */
    refuse(r, 1, 3, T0 + 70 * MINUTE);
    refusals_free(r);
}

static void each_refusal_leaves_by_itself(void **state)
{
    struct refusals *r = refusals_new();
    struct key key = user(1);
    struct refusals_turn turn = {.user = REFUSALS_NOBODY};

    (void)state;
    refuse(r, 1, 2, T0);
    refuse(r, 1, 2, T0 + 30 * MINUTE);
    assert_int_equal(refusals_begin(r, key.bytes, 2, T0 + 50 * MINUTE, &turn), REFUSALS_SPENT);
    assert_int_equal(turn.wait_s, 20 * MINUTE);
    refuse(r, 1, 2, T0 + 70 * MINUTE); /* the first has left */
    assert_int_equal(refusals_begin(r, key.bytes, 2, T0 + 70 * MINUTE, &turn), REFUSALS_SPENT);
    assert_int_equal(turn.wait_s, 30 * MINUTE);
    /* a smaller bound after a reload: both must leave */
    assert_int_equal(refusals_begin(r, key.bytes, 1, T0 + 70 * MINUTE, &turn), REFUSALS_SPENT);
    assert_int_equal(turn.wait_s, 70 * MINUTE);
    refuse(r, 1, 2, T0 + 1000 * MINUTE); /* long ago */
    refusals_free(r);
}

static void what_is_under_way_counts_as_if_it_were_refused(void **state)
{
    struct refusals *r = refusals_new();
    uint32_t first, second, third;

    (void)state;
    refuse(r, 1, 3, T0);
    assert_int_equal(begin(r, 1, 3, T0, &first), REFUSALS_FREE);
    assert_int_equal(begin(r, 1, 3, T0, &second), REFUSALS_FREE);
    assert_int_equal(begin(r, 1, 3, T0, &third), REFUSALS_BUSY);
    refusals_end(r, first, false, T0); /* it was no refusal */
    assert_int_equal(begin(r, 1, 3, T0, &third), REFUSALS_FREE);
    refusals_end(r, second, true, T0);
    refusals_end(r, third, true, T0 + 80 * MINUTE); /* it counts from its end */
    assert_int_equal(begin(r, 1, 1, T0 + 80 * MINUTE, &third), REFUSALS_SPENT);
    refusals_free(r);
}

static void without_room_nobody_is_forgotten(void **state)
{
    struct refusals *r = refusals_new();
    uint32_t number;

    (void)state;
    for (uint32_t i = 1; i <= REFUSALS_USERS_MAX; i++) {
        refuse(r, i, 1, i == 7 ? T0 + 20 * MINUTE : T0);
    }
    assert_int_equal(begin(r, 100000, 1, T0 + 20 * MINUTE, &number), REFUSALS_NO_ROOM);
    assert_int_equal(begin(r, 1, 1, T0 + 20 * MINUTE, &number), REFUSALS_SPENT);
    assert_int_equal(begin(r, REFUSALS_USERS_MAX, 1, T0 + 20 * MINUTE, &number), REFUSALS_SPENT);
    for (uint32_t i = 0; i < REFUSALS_USERS_MAX - 1; i++) { /* an hour later, but for one */
        refuse(r, 100000 + i, 1, T0 + 70 * MINUTE);
    }
    assert_int_equal(begin(r, 7, 1, T0 + 70 * MINUTE, &number), REFUSALS_SPENT);
    assert_int_equal(begin(r, 200000, 1, T0 + 70 * MINUTE, &number), REFUSALS_NO_ROOM);
    refusals_free(r);
}

static void those_whom_nothing_was_refused_take_no_room(void **state)
{
    struct refusals *r = refusals_new();
    uint32_t number;

    (void)state;
    for (uint32_t i = 1; i <= 2 * REFUSALS_USERS_MAX; i++) {
        assert_int_equal(begin(r, i, 1, T0, &number), REFUSALS_FREE);
        refusals_end(r, number, false, T0);
    }
    refusals_free(r);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    alloc_fail_at(1);
    assert_null(refusals_new());
    assert_true(alloc_fail_end());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_holds_for_an_hour_and_for_one_user),
        cmocka_unit_test(each_refusal_leaves_by_itself),
        cmocka_unit_test(what_is_under_way_counts_as_if_it_were_refused),
        cmocka_unit_test(without_room_nobody_is_forgotten),
        cmocka_unit_test(those_whom_nothing_was_refused_take_no_room),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
