#include "common/core/outbox.h"

#include "tests/support/check.h"

static void put(struct outbox *o, const char *text, uint64_t tag)
{
    assert_int_equal(outbox_put(o, slice_of_str(text), tag), CX_OK);
}

static void several_messages_go_into_one_pack(void **state)
{
    struct outbox o;
    struct buf out;
    size_t count = 0;

    (void)state;
    outbox_init(&o, 1000);
    buf_init(&out, 100);
    put(&o, "aaa", 1);
    put(&o, "", 2);
    put(&o, "bb", 3);
    put(&o, "c", 4);
    assert_int_equal(outbox_pack(&o, 5, &out, &count), CX_OK);
    assert_int_equal(count, 3); /* 3 + 0 + 2 is just what fits */
    CHECK_TEXT("pack", buf_view(&out), "aaabb");
    assert_int_equal(outbox_drop(&o), 1);
    assert_int_equal(outbox_drop(&o), 2);
    assert_int_equal(outbox_drop(&o), 3);
    buf_clear(&out);
    assert_int_equal(outbox_pack(&o, 5, &out, &count), CX_OK);
    assert_int_equal(count, 1);
    CHECK_TEXT("rest", buf_view(&out), "c");
    assert_int_equal(outbox_drop(&o), 4);
    assert_true(outbox_is_empty(&o));
    assert_int_equal(o.bytes, 0);
    buf_done(&out);
}

static void a_message_longer_than_a_pack_goes_alone(void **state)
{
    struct outbox o;
    struct buf out;
    size_t count = 0;

    (void)state;
    outbox_init(&o, 1000);
    buf_init(&out, 100);
    put(&o, "longer", 1);
    put(&o, "x", 2);
    assert_int_equal(outbox_pack(&o, 3, &out, &count), CX_OK);
    assert_int_equal(count, 1);
    CHECK_TEXT("alone", buf_view(&out), "longer");
    outbox_done(&o);
    buf_done(&out);
}

static void past_its_cap_it_takes_nothing_more(void **state)
{
    struct outbox o;

    (void)state;
    outbox_init(&o, 2 * OUTBOX_MESSAGE_COST + 4);
    put(&o, "aaaa", 1);
    assert_int_equal(outbox_put(&o, SLICE_LIT("b"), 2), CX_E_FULL);
    assert_int_equal(o.messages, 1);
    put(&o, "", 3); /* the cost of a message counts, even of an empty one */
    assert_int_equal(outbox_put(&o, SLICE_LIT(""), 4), CX_E_FULL);
    assert_int_equal(o.bytes, 2 * OUTBOX_MESSAGE_COST + 4);
    outbox_done(&o);
}

static void what_does_not_fit_the_buffer_stays_queued(void **state)
{
    struct outbox o;
    struct buf out;
    size_t count = 7;

    (void)state;
    outbox_init(&o, 1000);
    buf_init(&out, 4);
    put(&o, "12345", 1);
    assert_int_equal(outbox_pack(&o, 100, &out, &count), CX_E_TOO_BIG);
    assert_int_equal(count, 7);
    assert_int_equal(out.len, 0);
    assert_int_equal(o.messages, 1);
    outbox_done(&o);
    buf_done(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_messages_go_into_one_pack),
        cmocka_unit_test(a_message_longer_than_a_pack_goes_alone),
        cmocka_unit_test(past_its_cap_it_takes_nothing_more),
        cmocka_unit_test(what_does_not_fit_the_buffer_stays_queued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
