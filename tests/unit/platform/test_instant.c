#include "platform/core/instant.h"

#include "tests/support/check.h"

#include <stdio.h>

/* Numbers by GNU date: date -u -d TEXT +%s */

static void instant_parse_reads_rfc_3339_and_milliseconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"0", 0},
        {"1760000000000", 1760000000000},
        {"2025-10-09T08:53:20Z", 1760000000000},
        {"2025-10-09t08:53:20z", 1760000000000},
        {"2025-10-09T10:53:20+02:00", 1760000000000},
        {"2025-10-09T10:53:20 02:00", 1760000000000}, /* what a query makes of '+' */
        {"2025-10-09T03:23:20-05:30", 1760000000000},
        {"2025-10-09T08:53:20.5Z", 1760000000500},
        {"2025-10-09T08:53:20.0129Z", 1760000000012},
        {"2000-02-29T12:00:00Z", 951825600000},
        {"2024-02-29T23:59:59Z", 1709251199000},
        {"2016-12-31T23:59:60Z", 1483228800000}, /* a leap second */
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"253402300799999", 253402300799999},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = 1;

        CHECK_ERR(rows[i].text, instant_parse(slice_of_str(rows[i].text), &got), CX_OK);
        CHECK(rows[i].text, got == rows[i].want);
    }
}

static void instant_parse_refuses_what_is_none(void **state)
{
    static const struct {
        const char *text;
        enum cx_err want;
    } rows[] = {
        {"", CX_E_SYNTAX},
        {"yesterday", CX_E_SYNTAX},
        {"-1", CX_E_SYNTAX},
        {"2025-10-09", CX_E_SYNTAX},
        {"2025-10-09T08:53:20", CX_E_SYNTAX},
        {"2025-10-09T08:53Z", CX_E_SYNTAX},
        {"2025-10-09T08:53:20.Z", CX_E_SYNTAX},
        {"2025-10-09T08:53:20Zz", CX_E_SYNTAX},
        {"2025-10-09T08:53:20+0200", CX_E_SYNTAX},
        {"2025-10-09T24:00:00Z", CX_E_SYNTAX},
        {"2025-13-09T00:00:00Z", CX_E_SYNTAX},
        {"25-10-09T00:00:00Z", CX_E_SYNTAX},
        {"2025-00-09T00:00:00Z", CX_E_RANGE},
        {"2025-10-00T00:00:00Z", CX_E_RANGE},
        {"2025-02-29T00:00:00Z", CX_E_RANGE},
        {"1900-02-29T00:00:00Z", CX_E_RANGE},
        {"2025-11-31T00:00:00Z", CX_E_RANGE},
        {"1969-12-31T23:59:59Z", CX_E_RANGE},
        {"1970-01-01T00:00:00+00:01", CX_E_RANGE},
        {"9999-12-31T23:59:59-00:01", CX_E_RANGE},
        {"253402300800000", CX_E_RANGE},
        {"99999999999999999999999", CX_E_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = 77;

        CHECK_ERR(rows[i].text, instant_parse(slice_of_str(rows[i].text), &got), rows[i].want);
        CHECK(rows[i].text, got == 77);
    }
}

static void instant_text_is_read_back(void **state)
{
    static const struct {
        uint64_t ms;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951825600000, "2000-02-29T12:00:00.000Z"},
        {951868800007, "2000-03-01T00:00:00.007Z"},
        {1709251199999, "2024-02-29T23:59:59.999Z"},
        {1760000000012, "2025-10-09T08:53:20.012Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[INSTANT_TEXT_BYTES];

        assert_string_equal(instant_text(rows[i].ms, text), rows[i].want);
    }
    for (uint64_t day = 0; day < UINT64_C(36525); day++) { /* a hundred years, each day */
        uint64_t ms = day * UINT64_C(86400000) + 1;
        char text[INSTANT_TEXT_BYTES];
        uint64_t got = 0;

        assert_int_equal(instant_parse(slice_of_str(instant_text(ms, text)), &got), CX_OK);
        assert_true(got == ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instant_parse_reads_rfc_3339_and_milliseconds),
        cmocka_unit_test(instant_parse_refuses_what_is_none),
        cmocka_unit_test(instant_text_is_read_back),
    };

    return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
