#include "common/core/slice.h"

#include "tests/support/check.h"

/* Well-formed and ill-formed UTF-8, from the table in section 4 of RFC 3629 and its neighbours. */
static const struct {
    const char *why, *text;
    bool is_utf8;
} utf8_rows[] = {
    {"nothing", "", true},
    {"ASCII", "plain text", true},
    {"DEL", "\x7f", true},
    {"the first of two bytes, U+0080", "\xc2\x80", true},
    {"the last of two bytes, U+07FF", "\xdf\xbf", true},
    {"the first of three bytes, U+0800", "\xe0\xa0\x80", true},
    {"before the surrogates, U+D7FF", "\xed\x9f\xbf", true},
    {"behind the surrogates, U+E000", "\xee\x80\x80", true},
    {"the last of three bytes, U+FFFF", "\xef\xbf\xbf", true},
    {"the first of four bytes, U+10000", "\xf0\x90\x80\x80", true},
    {"the last of all, U+10FFFF", "\xf4\x8f\xbf\xbf", true},
    {"RFC 3629's examples", "A\xe2\x89\xa2\xce\x91. \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", true},
    {"many bytes, then one wrong", "0123456789abcdef0123456789abcdef\xff", false},
    {"a continuation alone", "\x80", false},
    {"overlong NUL", "\xc0\x80", false},
    {"overlong slash", "\xc0\xaf", false},
    {"overlong in two bytes", "\xc1\xbf", false},
    {"overlong in three bytes", "\xe0\x9f\xbf", false},
    {"overlong in four bytes", "\xf0\x8f\xbf\xbf", false},
    {"the first surrogate", "\xed\xa0\x80", false},
    {"the last surrogate", "\xed\xbf\xbf", false},
    {"above U+10FFFF", "\xf4\x90\x80\x80", false},
    {"f5", "\xf5\x80\x80\x80", false},
    {"fe", "\xfe", false},
    {"two bytes, cut", "a\xc3", false},
    {"three bytes, cut", "\xe2\x82", false},
    {"four bytes, cut", "\xf0\x9f\x94", false},
    {"two bytes, second is ASCII", "\xc3(", false},
    {"three bytes, third is ASCII", "\xe2\x82(", false},
    {"four bytes, fourth starts anew", "\xf0\x9f\x94\xc3", false},
};

static void slice_is_utf8_takes_what_rfc_3629_defines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(utf8_rows); i++) {
        struct slice s = slice_of_str(utf8_rows[i].text);

        CHECK(utf8_rows[i].why, slice_is_utf8(s) == utf8_rows[i].is_utf8);
    }
    assert_true(slice_is_utf8(SLICE_LIT("a\0b")));
    assert_true(slice_is_utf8((struct slice){NULL, 0}));
}

/* Each wrong byte is found wherever it stands among good ones, in texts of any length. */
static void slice_is_utf8_finds_a_wrong_byte_at_any_place(void **state)
{
    char text[40];

    (void)state;
    for (size_t len = 0; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'x', sizeof(text));
            assert_true(slice_is_utf8(slice_of(text, len)));
            text[at] = (char)0x80;
            assert_false(slice_is_utf8(slice_of(text, len)));
        }
    }
}

static void slice_to_u64_takes_digits_within_a_range(void **state)
{
    static const struct {
        const char *text;
        uint64_t min, max, want;
        enum cx_err err;
    } rows[] = {
        {"0", 0, 10, 0, CX_OK},
        {"10", 0, 10, 10, CX_OK},
        {"11", 0, 10, 0, CX_E_RANGE},
        {"1", 2, 10, 0, CX_E_RANGE},
        {"0007", 0, 10, 7, CX_OK},
        {"18446744073709551615", 0, UINT64_MAX, UINT64_MAX, CX_OK},
        {"18446744073709551616", 0, UINT64_MAX, 0, CX_E_RANGE},
        {"184467440737095516150", 0, UINT64_MAX, 0, CX_E_RANGE},
        {"99999999999999999999", 0, UINT64_MAX, 0, CX_E_RANGE},
        {"", 0, 10, 0, CX_E_SYNTAX},
        {"-1", 0, 10, 0, CX_E_SYNTAX},
        {"+1", 0, 10, 0, CX_E_SYNTAX},
        {" 1", 0, 10, 0, CX_E_SYNTAX},
        {"1 ", 0, 10, 0, CX_E_SYNTAX},
        {"1.0", 0, 10, 0, CX_E_SYNTAX},
        {"0x1", 0, 10, 0, CX_E_SYNTAX},
        {"1e3", 0, 10, 0, CX_E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t got = 4711;

        CHECK_ERR(rows[i].text,
                  slice_to_u64(slice_of_str(rows[i].text), rows[i].min, rows[i].max, &got),
                  rows[i].err);
        CHECK(rows[i].text, got == (rows[i].err == CX_OK ? rows[i].want : 4711));
    }
}

static void slice_compares_content(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_equal, is_equal_nocase, has_prefix; /* b is a prefix of a */
    } rows[] = {
        {"", "", true, true, true},
        {"abc", "abc", true, true, true},
        {"abc", "abd", false, false, false},
        {"abc", "ab", false, false, true},
        {"ab", "abc", false, false, false},
        {"aBc", "AbC", false, true, false},
        {"[", "{", false, false, false},
        {"@", "`", false, false, false},
        {"\xc3\x84", "\xc3\xa4", false, false, false}, /* A and a with diaeresis */
        {"abc", "", false, false, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice a = slice_of_str(rows[i].a);
        struct slice b = slice_of_str(rows[i].b);

        CHECK(rows[i].a, slice_eq(a, b) == rows[i].is_equal);
        CHECK(rows[i].a, slice_eq_str(a, rows[i].b) == rows[i].is_equal);
        CHECK(rows[i].a, slice_eq_secret(a, b) == rows[i].is_equal);
        CHECK(rows[i].a, slice_eq_nocase(a, b) == rows[i].is_equal_nocase);
        CHECK(rows[i].a, slice_has_prefix(a, b) == rows[i].has_prefix);
    }
    assert_true(slice_eq((struct slice){NULL, 0}, SLICE_LIT("")));
    assert_true(slice_has_prefix((struct slice){NULL, 0}, SLICE_LIT("")));
    assert_true(slice_eq(SLICE_LIT("a\0b"), slice_of("a\0b", 3)));
    assert_false(slice_eq(SLICE_LIT("a\0b"), SLICE_LIT("a\0c")));
    assert_false(slice_eq_secret(SLICE_LIT("a\0b"), SLICE_LIT("a\0c")));
}

static void slice_tells_absent_from_empty(void **state)
{
    (void)state;
    assert_true(slice_is_absent((struct slice){NULL, 0}));
    assert_true(slice_is_absent(slice_of_str(NULL)));
    assert_false(slice_is_absent(slice_of_str("")));
    assert_false(slice_is_absent(SLICE_LIT("")));
    assert_int_equal(SLICE_LIT("a\0b").len, 3);
}

static void slice_parts_are_clamped(void **state)
{
    static const struct {
        size_t at;
        const char *from, *first;
    } rows[] = {
        {0, "abcd", ""}, {1, "bcd", "a"}, {4, "", "abcd"}, {5, "", "abcd"}, {SIZE_MAX, "", "abcd"}};
    struct slice s = SLICE_LIT("abcd");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_TEXT("from", slice_from(s, rows[i].at), rows[i].from);
        CHECK("from", !slice_is_absent(slice_from(s, rows[i].at)));
        CHECK_TEXT("first", slice_first(s, rows[i].at), rows[i].first);
    }
    assert_true(slice_is_absent(slice_from((struct slice){NULL, 0}, 3)));
}

static void slice_trim_takes_both_ends(void **state)
{
    static const struct {
        const char *text, *white, *left;
    } rows[] = {
        {"a b", " ", "a b"},     {" \ta b\t ", " \t", "a b"},
        {"\ta\t", " ", "\ta\t"}, {"a\r\n", " \r\n", "a"},
        {"  ", " ", ""},         {"", " ", ""},
        {" a ", "", " a "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_TEXT(rows[i].text, slice_trim(slice_of_str(rows[i].text), rows[i].white),
                   rows[i].left);
    }
    assert_int_equal(slice_trim((struct slice){NULL, 0}, " ").len, 0);
    assert_int_equal(slice_trim(SLICE_LIT("\0a\0"), " ").len,
                     3); /* the text's own end is no byte */
}

static void slice_find_gives_the_first_at_or_after(void **state)
{
    static const struct {
        size_t from;
        char byte;
        size_t at;
    } rows[] = {{0, 'a', 0}, {1, 'a', 3},  {3, 'a', 3}, {4, 'a', 5},
                {5, 'a', 5}, {99, 'a', 5}, {0, 'z', 5}, {0, '\0', 4}};
    struct slice s = SLICE_LIT("abca\0");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(slice_find(s, rows[i].from, (uint8_t)rows[i].byte), rows[i].at);
    }
    assert_int_equal(slice_find((struct slice){NULL, 0}, 0, 'a'), 0);
}

static void slice_has_control_finds_each(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[3] = {'a', (uint8_t)c, 'b'};

        assert_true(slice_has_control(slice_of(text, 3)) == (c < 0x20 || c == 0x7f));
    }
    assert_false(slice_has_control(SLICE_LIT("")));
}

static void slice_first_char_reads_what_rfc_3629_defines(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
        uint32_t point;
    } rows[] = {
        {"", 0, 0},
        {"a\xff", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc3\xbcx", 2, 0xfc},
        {"\xe2\x80\xa8", 3, 0x2028},
        {"\xf0\x9f\x94\x91", 4, 0x1f511},
        {"\xff", 0, 0},
        {"\xe2\x80", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xc0\xaf", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t point = 0;

        CHECK(rows[i].text, slice_first_char(slice_of_str(rows[i].text), &point) == rows[i].bytes);
        CHECK(rows[i].text, point == rows[i].point);
    }
}

/* Python 3.11's str.splitlines splits at each of those that are no control characters but these:
 * U+0085, U+2028 and U+2029. */
static void slice_is_line_takes_one_line(void **state)
{
    (void)state;
    assert_true(slice_is_line(SLICE_LIT("")));
    assert_true(slice_is_line(SLICE_LIT("a\tb \xc2\xa0 \xf0\x9f\x94\x91")));
    for (uint8_t c = 1; c < 0x80; c++) {
        const uint8_t text[] = {'a', c};

        assert_true(slice_is_line(slice_of(text, 2)) == (c == '\t' || (c >= 0x20 && c != 0x7f)));
    }
    assert_false(slice_is_line(SLICE_LIT("a\0")));
    assert_false(slice_is_line(SLICE_LIT("a\xc2\x85")));
    assert_false(slice_is_line(SLICE_LIT("a\xc2\x9f")));
    assert_false(slice_is_line(SLICE_LIT("\xe2\x80\xa8z")));
    assert_false(slice_is_line(SLICE_LIT("\xe2\x80\xa9z")));
    assert_false(slice_is_line(SLICE_LIT("\xff")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slice_is_utf8_takes_what_rfc_3629_defines),
        cmocka_unit_test(slice_is_utf8_finds_a_wrong_byte_at_any_place),
        cmocka_unit_test(slice_to_u64_takes_digits_within_a_range),
        cmocka_unit_test(slice_compares_content),
        cmocka_unit_test(slice_tells_absent_from_empty),
        cmocka_unit_test(slice_parts_are_clamped),
        cmocka_unit_test(slice_trim_takes_both_ends),
        cmocka_unit_test(slice_find_gives_the_first_at_or_after),
        cmocka_unit_test(slice_has_control_finds_each),
        cmocka_unit_test(slice_first_char_reads_what_rfc_3629_defines),
        cmocka_unit_test(slice_is_line_takes_one_line),
    };

    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
