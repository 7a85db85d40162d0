/* The encoded forms were written by Python's base64, json, html and urllib. */
#include "common/core/echo.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdlib.h>

#define SECRET "p&w \"7/+\xc3\xbc\xf0\x9f\x94\x91<" /* each encoding writes it in another way */

static void look_for(struct echo *e, struct slice value)
{
    *e = (struct echo){0};
    assert_int_equal(echo_add(e, value), CX_OK);
}

static void check_mask(const char *why, const struct echo *e, const char *text, const char *want)
{
    struct buf got;

    buf_init(&got, SIZE_MAX);
    assert_int_equal(buf_put_str(&got, "> "), CX_OK);
    assert_int_equal(echo_mask(e, slice_of_str(text), &got), CX_OK);
    CHECK_TEXT(why, slice_from(buf_view(&got), 2), want);
    CHECK(why, echo_is_in(e, slice_of_str(text), 0) == (strcmp(text, want) != 0));
    buf_done(&got);
}

static void echo_mask_finds_a_value_in_every_encoding(void **state)
{
    static const struct {
        const char *why, *text, *want;
    } rows[] = {
        {"nothing", "", ""},
        {"another text", "p&w \"8/+", "p&w \"8/+"},
        {"as it is", "a " SECRET " z", "a MASKED z"},
        {"twice", SECRET SECRET "," SECRET, "MASKED,MASKED"},
        {"percent", "x=p%26w%20%227%2F%2B%C3%BC%F0%9F%94%91%3C&y", "x=MASKED&y"},
        {"percent, all of it, lower case", "%70%26%77%20%22%37%2f%2b%c3%bc%f0%9f%94%91%3c!",
         "MASKED!"},
        {"percent, as little as may be", "p&w%20\"7/+\xc3\xbc\xf0\x9f\x94\x91%3C", "MASKED"},
        {"form", "x=p%26w+%227%2F%2B%C3%BC%F0%9F%94%91%3C&y", "x=MASKED&y"},
        {"JSON", "{\"a\":\"p&w \\\"7/+\xc3\xbc\xf0\x9f\x94\x91<\"}", "{\"a\":\"MASKED\"}"},
        {"JSON in ASCII", "p&w \\\"7\\/+\\u00fc\\ud83d\\udd11<", "MASKED"},
        {"JSON, all of it",
         "\\u0070\\u0026\\u0077\\u0020\\u0022\\u0037\\u002F\\u002B\\u00FC\\uD83D\\uDD11\\u003C",
         "MASKED"},
        {"XML", "<a>p&amp;w &quot;7/+\xc3\xbc\xf0\x9f\x94\x91&lt;</a>", "<a>MASKED</a>"},
        {"XML, decimal", "&#112;&#38;&#119;&#32;&#34;&#55;&#47;&#43;&#252;&#128273;&#60;",
         "MASKED"},
        {"XML, hex", "&#x70;&#x26;&#x77;&#x20;&#x22;&#x37;&#x2f;&#x2b;&#xfc;&#x1f511;&#x3c;",
         "MASKED"},
        {"CSV", "a,\"p&w \"\"7/+\xc3\xbc\xf0\x9f\x94\x91<\",b", "a,\"MASKED\",b"},
        {"base64, one byte in front", "YXAmdyAiNy8rw7zwn5SRPHp6", "YXMASKEDHp6"},
        {"base64, two", "YWJwJncgIjcvK8O88J+UkTx6eg==", "YWJMASKEDx6eg=="},
        {"base64, three", "YWJjcCZ3ICI3LyvDvPCflJE8eno=", "YWJjMASKEDeno="},
        {"base64url", "YWJwJncgIjcvK8O88J-UkTx6eg", "YWJMASKEDx6eg"},
        {"base64 of the form, as Basic has it",
         "Basic aWQ6cCUyNncrJTIyNyUyRiUyQiVDMyVCQyVGMCU5RiU5NCU5MSUzQw==", "Basic aWQ6MASKEDw=="},
        {"cut off by the end", "it was p&w \"7/", "it was MASKED"},
        {"cut off too early to tell", "it was p&w", "it was p&w"},
        {"broken escapes are texts", "%7 %zz \\u12 &#; &#x; &nbsp; \\",
         "%7 %zz \\u12 &#; &#x; &nbsp; \\"},
    };
    struct echo e;

    (void)state;
    look_for(&e, SLICE_LIT(SECRET));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strstr(rows[i].why, "cut off") == NULL) {
            check_mask(rows[i].why, &e, rows[i].text, rows[i].want);
        } else {
            struct buf got;

            buf_init(&got, SIZE_MAX);
            assert_int_equal(echo_mask(&e, slice_of_str(rows[i].text), &got), CX_OK);
            CHECK_TEXT(rows[i].why, buf_view(&got), rows[i].want);
            buf_done(&got);
        }
    }
    echo_done(&e);
}

static void a_short_value_is_not_looked_for(void **state)
{
    static const struct {
        const char *value, *text;
        size_t bytes_min;
        bool is_found;
    } rows[] = {
        {"", "abc", 0, false},
        {"abc", "abc", 0, false},
        {"4711", "a4711z", 0, true},
        {"4711", "a4711z", ECHO_SURE_BYTES, false},
        {"hunter2", "hunter2", ECHO_SURE_BYTES, false},
        {"hunter22", "hunter22", ECHO_SURE_BYTES, true},
        {"hunter22", "aHVudGVyMjI=", ECHO_SURE_BYTES, true}, /* base64 of it */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct echo e;

        look_for(&e, slice_of_str(rows[i].value));
        CHECK(rows[i].text,
              echo_is_in(&e, slice_of_str(rows[i].text), rows[i].bytes_min) == rows[i].is_found);
        echo_done(&e);
    }
}

static void a_value_of_several_lines_is_found_by_each(void **state)
{
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\r\n"
                              "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49\r\n"
                              "short\r\n"
                              "-----END PRIVATE KEY-----";
    struct echo e;

    (void)state;
    look_for(&e, SLICE_LIT(pem));
    check_mask("a line", &e, "x MIGHAgEAMBMGByqGSM49AgEGCCqGSM49 y", "x MASKED y");
    check_mask("too short a line", &e, "short", "short");
    echo_done(&e);
    look_for(&e, SLICE_LIT("ab\r\ncd"));
    check_mask("no long line: all of it", &e, "<ab\r\ncd>", "<MASKED>");
    check_mask("cleaned for a person", &e, "<ab??cd>", "<MASKED>");
    echo_done(&e);
}

static void several_values_are_masked_in_one_text(void **state)
{
    struct echo e;

    (void)state;
    look_for(&e, SLICE_LIT("hunter2"));
    assert_int_equal(echo_add(&e, SLICE_LIT("hunter2-and-more")), CX_OK);
    check_mask("the longer one counts", &e, "a hunter2 b hunter2-and-more c",
               "a MASKED b MASKED c");
    echo_done(&e);
    echo_done(&e);
    check_mask("nothing is looked for", &e, "hunter2", "hunter2");
}

static void echo_fails_cleanly_without_memory(void **state)
{
    bool has_failed = true;

    (void)state;
    for (size_t nth = 1; has_failed; nth++) {
        struct echo e = {0};
        struct buf out;
        enum cx_err err;

        buf_init(&out, SIZE_MAX);
        alloc_fail_at(nth);
        err = echo_add(&e, SLICE_LIT(SECRET));
        if (err == CX_OK) {
            err = echo_mask(&e, SLICE_LIT("a%20" SECRET), &out);
        }
        has_failed = alloc_fail_end() != 0;
        assert_int_equal(err, has_failed ? CX_E_NOMEM : CX_OK);
        assert_true(err == CX_OK || out.len == 0);
        buf_done(&out);
        echo_done(&e);
        assert_true(nth < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo_mask_finds_a_value_in_every_encoding),
        cmocka_unit_test(a_short_value_is_not_looked_for),
        cmocka_unit_test(a_value_of_several_lines_is_found_by_each),
        cmocka_unit_test(several_values_are_masked_in_one_text),
        cmocka_unit_test(echo_fails_cleanly_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
