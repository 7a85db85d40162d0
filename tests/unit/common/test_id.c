#include "common/core/id.h"

#include "tests/support/check.h"

/* RFC 9562, A.6: the time is 0x017F22E279B0 ms, the random parts 0xCC3 and 0x18C4DC0C0C07398F. The
 * bits that version and variant take are set here, so that the test sees them replaced. */
static void id_make_gives_the_example_of_rfc_9562(void **state)
{
    static const uint8_t random[10] = {0xfc, 0xc3, 0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct cx_id id = id_make(0x017f22e279b0, random);
    char text[CX_ID_TEXT_BYTES];

    (void)state;
    assert_string_equal(id_text(&id, text), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_true(id_unix_ms(&id) == 0x017f22e279b0);
}

static void id_make_sorts_by_time(void **state)
{
    static const uint8_t low[10] = {0};
    static const uint8_t high[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint64_t times[] = {0, 1, 255, 256, 1760000000000, 1760000000001, 0xffffffffffff};

    (void)state;
    for (size_t i = 1; i < COUNT_OF(times); i++) {
        struct cx_id before = id_make(times[i - 1], high);
        struct cx_id after = id_make(times[i], low);

        assert_true(memcmp(before.bytes, after.bytes, CX_ID_BYTES) < 0);
        assert_int_equal(after.bytes[6] >> 4, 7);
        assert_int_equal(after.bytes[8] >> 6, 2);
        assert_int_equal(before.bytes[6] >> 4, 7);
        assert_int_equal(before.bytes[8] >> 6, 2);
    }
}

static bool is_before(const struct cx_id *a, const struct cx_id *b)
{
    return memcmp(a->bytes, b->bytes, CX_ID_BYTES) < 0;
}

static void id_next_sorts_within_a_millisecond_and_over_a_clock_set_back(void **state)
{
    static const uint8_t random[10] = {0xff, 0xff, 0xff, 0xff};
    struct id_sequence s = {0};
    struct cx_id before = id_next(&s, 1760000000000, random);

    (void)state;
    assert_true(id_unix_ms(&before) == 1760000000000);
    for (unsigned i = 0; i < 5000; i++) { /* more than the counter holds */
        struct cx_id id = id_next(&s, 1760000000000 - i % 100, random);

        assert_true(is_before(&before, &id));
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        before = id;
    }
    assert_true(id_unix_ms(&before) == 1760000000001);
}

static void id_next_believes_a_clock_that_is_set_back_far(void **state)
{
    static const uint8_t random[10] = {0};
    struct id_sequence s = {0};
    struct cx_id id = id_next(&s, 1760000000000, random);

    (void)state;
    id = id_next(&s, 1760000000000 - 10000, random);
    assert_true(id_unix_ms(&id) == 1760000000000);
    id = id_next(&s, 1760000000000 - 10001, random);
    assert_true(id_unix_ms(&id) == 1760000000000 - 10001);
}

static void id_parse_takes_and_refuses(void **state)
{
    static const struct {
        const char *text;
        enum cx_err err;
    } rows[] = {
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", CX_OK},
        {"017F22E2-79B0-7CC3-98C4-DC0C0C07398F", CX_OK},
        {"00000000-0000-0000-0000-000000000000", CX_OK},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff", CX_OK},
        {"", CX_E_SYNTAX},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398", CX_E_SYNTAX},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", CX_E_SYNTAX},
        {"017f22e279b07cc398c4dc0c0c07398f", CX_E_SYNTAX},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398g", CX_E_SYNTAX},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398 ", CX_E_SYNTAX},
        {"017f22e2 79b0-7cc3-98c4-dc0c0c07398f", CX_E_SYNTAX},
        {"017f22e-279b0-7cc3-98c4-dc0c0c07398f", CX_E_SYNTAX},
        {"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", CX_E_SYNTAX},
        {"------------------------------------", CX_E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_id id = {{0x5a}};

        CHECK_ERR(rows[i].text, id_parse(slice_of_str(rows[i].text), &id), rows[i].err);
        CHECK(rows[i].text, rows[i].err == CX_OK || id.bytes[0] == 0x5a);
    }
}

static void id_parse_undoes_id_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        struct cx_id id;
        struct cx_id back;
        char text[CX_ID_TEXT_BYTES];

        for (unsigned at = 0; at < CX_ID_BYTES; at++) {
            id.bytes[at] = (uint8_t)(i + at * 17);
        }
        assert_int_equal(strlen(id_text(&id, text)), 36);
        assert_int_equal(id_parse(slice_of_str(text), &back), CX_OK);
        assert_true(id_eq(&id, &back));
    }
}

static void id_eq_and_id_is_none_look_at_every_byte(void **state)
{
    struct cx_id none = {{0}};

    (void)state;
    assert_true(id_is_none(&none));
    for (size_t at = 0; at < CX_ID_BYTES; at++) {
        struct cx_id id = {{0}};

        id.bytes[at] = 1;
        assert_false(id_is_none(&id));
        assert_false(id_eq(&id, &none));
        assert_true(id_hash(&id) != id_hash(&none));
    }
}

/* Ids of one millisecond differ only in their random bytes; a table of 256 rows by the low or by
 * the high bits must not put them into few of these. */
static void id_hash_spreads_ids_of_one_moment(void **state)
{
    unsigned low[256] = {0};
    unsigned high[256] = {0};

    (void)state;
    for (unsigned i = 0; i < 4096; i++) {
        uint8_t random[10] = {0};
        struct cx_id id;

        random[8] = (uint8_t)(i >> 8);
        random[9] = (uint8_t)i;
        id = id_make(1760000000000, random);
        low[id_hash(&id) & 255]++;
        high[id_hash(&id) >> 56]++;
    }
    for (size_t i = 0; i < 256; i++) {
        assert_in_range(low[i], 1, 64); /* 16 on average */
        assert_in_range(high[i], 1, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_make_gives_the_example_of_rfc_9562),
        cmocka_unit_test(id_make_sorts_by_time),
        cmocka_unit_test(id_next_sorts_within_a_millisecond_and_over_a_clock_set_back),
        cmocka_unit_test(id_next_believes_a_clock_that_is_set_back_far),
        cmocka_unit_test(id_parse_takes_and_refuses),
        cmocka_unit_test(id_parse_undoes_id_text),
        cmocka_unit_test(id_eq_and_id_is_none_look_at_every_byte),
        cmocka_unit_test(id_hash_spreads_ids_of_one_moment),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
