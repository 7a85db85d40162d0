#include "common/core/encode.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

typedef enum cx_err coder(struct slice in, struct buf *out);

static const struct {
    const char *why;
    coder *code;
    struct slice in, want;
} good_rows[] = {
    /* RFC 4648, section 10 */
    {"base64 of 0 bytes", encode_base64, SLICE_INIT(""), SLICE_INIT("")},
    {"base64 of 1", encode_base64, SLICE_INIT("f"), SLICE_INIT("Zg==")},
    {"base64 of 2", encode_base64, SLICE_INIT("fo"), SLICE_INIT("Zm8=")},
    {"base64 of 3", encode_base64, SLICE_INIT("foo"), SLICE_INIT("Zm9v")},
    {"base64 of 4", encode_base64, SLICE_INIT("foob"), SLICE_INIT("Zm9vYg==")},
    {"base64 of 5", encode_base64, SLICE_INIT("fooba"), SLICE_INIT("Zm9vYmE=")},
    {"base64 of 6", encode_base64, SLICE_INIT("foobar"), SLICE_INIT("Zm9vYmFy")},
    /* RFC 4648, section 9 */
    {"base64 of six octets", encode_base64, SLICE_INIT("\x14\xfb\x9c\x03\xd9\x7e"),
     SLICE_INIT("FPucA9l+")},
    {"base64 of five octets", encode_base64, SLICE_INIT("\x14\xfb\x9c\x03\xd9"),
     SLICE_INIT("FPucA9k=")},
    {"base64 of four octets", encode_base64, SLICE_INIT("\x14\xfb\x9c\x03"),
     SLICE_INIT("FPucAw==")},
    {"base64url of six octets", encode_base64url, SLICE_INIT("\x14\xfb\x9c\x03\xd9\x7e"),
     SLICE_INIT("FPucA9l-")},
    {"base64url of four octets", encode_base64url, SLICE_INIT("\x14\xfb\x9c\x03"),
     SLICE_INIT("FPucAw")},
    {"base64url has no slash", encode_base64url, SLICE_INIT("\xff\xff\xff\xfb"),
     SLICE_INIT("____-w")},
    {"base64url of nothing", encode_base64url, SLICE_INIT(""), SLICE_INIT("")},
    /* RFC 7515, appendix C */
    {"base64url, RFC 7515", encode_base64url, SLICE_INIT("\x03\xec\xff\xe0\xc1"),
     SLICE_INIT("A-z_4ME")},
    {"base64url back, RFC 7515", decode_base64url, SLICE_INIT("A-z_4ME"),
     SLICE_INIT("\x03\xec\xff\xe0\xc1")},
    {"base64url back, 0", decode_base64url, SLICE_INIT(""), SLICE_INIT("")},
    {"base64url back, 1", decode_base64url, SLICE_INIT("Zg"), SLICE_INIT("f")},
    {"base64url back, 2", decode_base64url, SLICE_INIT("Zm8"), SLICE_INIT("fo")},
    {"base64url back, 3", decode_base64url, SLICE_INIT("Zm9v"), SLICE_INIT("foo")},
    {"base64url back, 6", decode_base64url, SLICE_INIT("Zm9vYmFy"), SLICE_INIT("foobar")},
    {"base64url back, NULs", decode_base64url, SLICE_INIT("AAAA"), SLICE_INIT("\0\0\0")},
    /* RFC 4648, section 10, in lower case */
    {"hex", encode_hex, SLICE_INIT("foobar"), SLICE_INIT("666f6f626172")},
    {"hex of all kinds", encode_hex, SLICE_INIT("\x00\x09\xa0\xff"), SLICE_INIT("0009a0ff")},
    {"hex back", decode_hex, SLICE_INIT("666f6f626172"), SLICE_INIT("foobar")},
    {"hex back, upper case", decode_hex, SLICE_INIT("666F6F626172"), SLICE_INIT("foobar")},
    {"hex of nothing", encode_hex, SLICE_INIT(""), SLICE_INIT("")},
    {"hex back of nothing", decode_hex, SLICE_INIT(""), SLICE_INIT("")},
    /* RFC 3986, sections 2.1, 2.3 and 2.5 */
    {"percent: unreserved", encode_percent, SLICE_INIT("AZaz09-._~"), SLICE_INIT("AZaz09-._~")},
    {"percent: space", encode_percent, SLICE_INIT(" "), SLICE_INIT("%20")},
    {"percent: the percent sign", encode_percent, SLICE_INIT("%"), SLICE_INIT("%25")},
    {"percent: gen-delims", encode_percent, SLICE_INIT(":/?#[]@"),
     SLICE_INIT("%3A%2F%3F%23%5B%5D%40")},
    {"percent: sub-delims", encode_percent, SLICE_INIT("!$&'()*+,;="),
     SLICE_INIT("%21%24%26%27%28%29%2A%2B%2C%3B%3D")},
    {"percent: LATIN A WITH GRAVE", encode_percent, SLICE_INIT("\xc3\x80"), SLICE_INIT("%C3%80")},
    {"percent: KATAKANA A", encode_percent, SLICE_INIT("\xe3\x82\xa2"), SLICE_INIT("%E3%82%A2")},
    {"percent: NUL", encode_percent, SLICE_INIT("a\0b"), SLICE_INIT("a%00b")},
    /* RFC 6749, appendix B */
    {"form, RFC 6749", encode_form, SLICE_INIT(" %&+\xc2\xa3\xe2\x82\xac"),
     SLICE_INIT("+%25%26%2B%C2%A3%E2%82%AC")},
    {"form back, RFC 6749", decode_form, SLICE_INIT("+%25%26%2B%C2%A3%E2%82%AC"),
     SLICE_INIT(" %&+\xc2\xa3\xe2\x82\xac")},
    {"form: what stays", encode_form, SLICE_INIT("AZaz09*-._"), SLICE_INIT("AZaz09*-._")},
    {"form: the tilde does not", encode_form, SLICE_INIT("~"), SLICE_INIT("%7E")},
    {"form: NUL and line end", encode_form, SLICE_INIT("\0\r\n"), SLICE_INIT("%00%0D%0A")},
    {"form back, lower case", decode_form, SLICE_INIT("%2b%c3%a4"), SLICE_INIT("+\xc3\xa4")},
    {"form back, what is not encoded", decode_form, SLICE_INIT("a~/?\xc3\xa4"),
     SLICE_INIT("a~/?\xc3\xa4")},
    {"form back, NUL", decode_form, SLICE_INIT("%00"), SLICE_INIT("\0")},
};

static void encode_gives_the_vectors_of_the_rfcs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        CHECK_ERR(good_rows[i].why, good_rows[i].code(good_rows[i].in, &out), CX_OK);
        CHECK(good_rows[i].why, slice_eq(buf_view(&out), good_rows[i].want));
        buf_done(&out);
    }
}

/* It fits exactly or, with one byte less, not at all; a decoder may want room for its input. */
static void encode_is_whole_or_nothing_at_the_cap(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
        struct slice want = good_rows[i].want;
        bool is_exact = good_rows[i].code != decode_base64url && good_rows[i].code != decode_form;
        struct buf out;

        buf_init(&out, 1 + want.len);
        CHECK_ERR(good_rows[i].why, buf_put_byte(&out, '<'), CX_OK);
        if (is_exact) {
            CHECK_ERR(good_rows[i].why, good_rows[i].code(good_rows[i].in, &out), CX_OK);
            CHECK(good_rows[i].why, slice_eq(slice_from(buf_view(&out), 1), want));
        }
        buf_done(&out);
        if (want.len == 0) {
            continue;
        }
        buf_init(&out, want.len);
        CHECK_ERR(good_rows[i].why, buf_put_byte(&out, '<'), CX_OK);
        CHECK_ERR(good_rows[i].why, good_rows[i].code(good_rows[i].in, &out), CX_E_TOO_BIG);
        CHECK_TEXT(good_rows[i].why, buf_view(&out), "<");
        buf_done(&out);
    }
}

static void encode_changes_nothing_when_memory_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_rows); i++) {
        struct buf out;
        enum cx_err err;

        buf_init(&out, 1000);
        alloc_fail_at(1);
        err = good_rows[i].code(good_rows[i].in, &out);
        CHECK(good_rows[i].why, alloc_fail_end() != 0);
        CHECK_ERR(good_rows[i].why, err, CX_E_NOMEM);
        CHECK(good_rows[i].why, out.len == 0);
        buf_done(&out);
    }
}

static void decode_refuses_what_no_encoder_makes(void **state)
{
    static const struct {
        const char *why;
        coder *code;
        struct slice in;
    } rows[] = {
        {"base64url, one digit", decode_base64url, SLICE_INIT("Z")},
        {"base64url, one digit of zeros", decode_base64url, SLICE_INIT("A")},
        {"base64url, five digits of zeros", decode_base64url, SLICE_INIT("AAAAA")},
        {"base64url, five digits", decode_base64url, SLICE_INIT("Zm9vY")},
        {"base64url, padding", decode_base64url, SLICE_INIT("Zg==")},
        {"base64url, the other alphabet", decode_base64url, SLICE_INIT("+/+/")},
        {"base64url, a line end", decode_base64url, SLICE_INIT("Zm9v\n")},
        {"base64url, a blank", decode_base64url, SLICE_INIT("Zm 9")},
        {"base64url, a NUL", decode_base64url, SLICE_INIT("Zm\0v")},
        {"base64url, 8 bits", decode_base64url, SLICE_INIT("Zm9\xc3")},
        {"base64url, bits left over in 2", decode_base64url, SLICE_INIT("Zh")}, /* RFC 4648, 3.5 */
        {"base64url, bits left over in 3", decode_base64url, SLICE_INIT("Zm9")},
        {"hex, one digit", decode_hex, SLICE_INIT("a")},
        {"hex, three digits", decode_hex, SLICE_INIT("abc")},
        {"hex, no digit", decode_hex, SLICE_INIT("0g")},
        {"hex, before the digits", decode_hex, SLICE_INIT("/0")},
        {"hex, before A", decode_hex, SLICE_INIT("@0")},
        {"hex, a prefix", decode_hex, SLICE_INIT("0x")},
        {"hex, a NUL", decode_hex, SLICE_INIT("0\0")},
        {"form, a percent sign", decode_form, SLICE_INIT("%")},
        {"form, one digit", decode_form, SLICE_INIT("a%4")},
        {"form, no digit", decode_form, SLICE_INIT("%4g")},
        {"form, a sign", decode_form, SLICE_INIT("%+1")},
        {"form, a NUL", decode_form, SLICE_INIT("%0\0")},
        {"form, twice", decode_form, SLICE_INIT("%%41")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;

        buf_init(&out, 1000);
        CHECK_ERR(rows[i].why, buf_put_str(&out, "before"), CX_OK);
        CHECK_ERR(rows[i].why, rows[i].code(rows[i].in, &out), CX_E_SYNTAX);
        CHECK_TEXT(rows[i].why, buf_view(&out), "before");
        buf_done(&out);
    }
}

/* Each octet: what stays is exactly the set of the standard, and all comes back. */
static void encode_escapes_every_octet_outside_its_set(void **state)
{
    static const char letters_and_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        bool is_plain = c != 0 && strchr(letters_and_digits, (int)c) != NULL;
        struct buf percent;
        struct buf form;
        struct buf back;

        buf_init(&percent, 3);
        buf_init(&form, 3);
        buf_init(&back, 3);
        assert_int_equal(encode_percent(slice_of(&byte, 1), &percent), CX_OK);
        assert_int_equal(percent.len, is_plain || (c != 0 && strchr("-._~", (int)c)) ? 1 : 3);
        assert_int_equal(encode_form(slice_of(&byte, 1), &form), CX_OK);
        assert_int_equal(form.len, is_plain || (c != 0 && strchr("*-._ ", (int)c)) ? 1 : 3);
        assert_int_equal(decode_form(buf_view(&form), &back), CX_OK);
        assert_true(slice_eq(buf_view(&back), slice_of(&byte, 1)));
        buf_done(&percent);
        buf_done(&form);
        buf_done(&back);
    }
}

static void encode_hex_text_ends_in_a_nul(void **state)
{
    char text[9];

    (void)state;
    assert_string_equal(encode_hex_text(SLICE_LIT("\x00\x09\xa0\xff"), text), "0009a0ff");
    assert_string_equal(encode_hex_text(SLICE_LIT(""), text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_gives_the_vectors_of_the_rfcs),
        cmocka_unit_test(encode_hex_text_ends_in_a_nul),
        cmocka_unit_test(encode_is_whole_or_nothing_at_the_cap),
        cmocka_unit_test(encode_changes_nothing_when_memory_is_short),
        cmocka_unit_test(decode_refuses_what_no_encoder_makes),
        cmocka_unit_test(encode_escapes_every_octet_outside_its_set),
    };

    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
