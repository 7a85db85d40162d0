#include "common/core/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *why, *in, *text, *json;
} rows[] = {
    {"plain stays bare", "https://h:1/a-b_c.d~e@f", "https://h:1/a-b_c.d~e@f",
     "\"https://h:1/a-b_c.d~e@f\""},
    {"empty shows", "", "\"\"", "\"\""},
    {"a space is quoted", "a b", "\"a b\"", "\"a b\""},
    {"quotes and backslashes", "a\"b\\", "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
    {"line ends", "a\r\n\tb", "\"a\\r\\n\\tb\"", "\"a\\r\\n\\tb\""},
    {"an escape sequence", "\x1b[2J", "\"\\x1b[2J\"", "\"\\u001b[2J\""},
    {"DEL", "\x7f", "\"\\x7f\"", "\"\\u007f\""},
    {"C1: a CSI of one character", "\xc2\x9b", "\"\\u{9b}\"", "\"\\u009b\""},
    {"umlauts stay", "\xc3\xbc", "\"\xc3\xbc\"", "\"\xc3\xbc\""},
    {"so do characters of four bytes", "\xf0\x9f\x94\x91", "\"\xf0\x9f\x94\x91\"",
     "\"\xf0\x9f\x94\x91\""},
    {"line separator", "a\xe2\x80\xa8", "\"a\\u{2028}\"", "\"a\\u2028\""},
    {"right-to-left override", "\xe2\x80\xae", "\"\\u{202e}\"", "\"\\u202e\""},
    {"isolate", "\xe2\x81\xa6", "\"\\u{2066}\"", "\"\\u2066\""},
    {"not UTF-8", "a\xff\xc3", "\"a\\xff\\xc3\"", "\"a\\ufffd\\ufffd\""},
    {"a sequence that is cut", "\xe2\x80", "\"\\xe2\\x80\"", "\"\\ufffd\\ufffd\""},
    {"a byte that isn't a first one", "\x80", "\"\\x80\"", "\"\\ufffd\""},
    {"a surrogate in UTF-8", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\ufffd\\ufffd\\ufffd\""},
};

static void escape_makes_text_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(escape_text(slice_of_str(rows[i].in), 100, &out), CX_OK);
        assert_string_equal(buf_cstr(&out), rows[i].text);
        buf_clear(&out);
        assert_int_equal(escape_json(slice_of_str(rows[i].in), 100, &out), CX_OK);
        assert_string_equal(buf_cstr(&out), rows[i].json);
        buf_done(&out);
    }
}

static void escape_cuts_at_a_whole_character(void **state)
{
    static const struct {
        const char *in;
        size_t max;
        const char *want;
    } cuts[] = {
        {"abcdef", 6, "abcdef"},
        {"abcdef", 3, "\"abc...\""},
        {"ab\xc3\xbc", 3, "\"ab...\""},
        {"ab\xc3\xbc", 4, "\"ab\xc3\xbc\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cuts); i++) {
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(escape_text(slice_of_str(cuts[i].in), cuts[i].max, &out), CX_OK);
        assert_string_equal(buf_cstr(&out), cuts[i].want);
        buf_done(&out);
    }
}

static void escape_shows_a_nul(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(escape_text(slice_of("a\0b", 3), 100, &out), CX_OK);
    assert_string_equal(buf_cstr(&out), "\"a\\x00b\"");
    buf_done(&out);
}

static void escape_leaves_a_full_buffer_as_it_was(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 8);
    assert_int_equal(buf_put_str(&out, "x"), CX_OK);
    assert_int_equal(escape_text(SLICE_LIT("a b c d e f"), 100, &out), CX_E_TOO_BIG);
    assert_int_equal(out.len, 1);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escape_makes_text_harmless),
        cmocka_unit_test(escape_cuts_at_a_whole_character),
        cmocka_unit_test(escape_shows_a_nul),
        cmocka_unit_test(escape_leaves_a_full_buffer_as_it_was),
    };

    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
