#include "agent/core/secret_text.h"

#include "tests/support/check.h"

static void secret_text_trim_takes_one_line_end(void **state)
{
    static const struct {
        const char *why;
        struct slice text;
        const char *want; /* NULL: refused */
        const char *says;
    } rows[] = {
        {"a word", SLICE_LIT("hunter2"), "hunter2", NULL},
        {"an editor's line end", SLICE_LIT("hunter2\n"), "hunter2", NULL},
        {"another editor's", SLICE_LIT("hunter2\r\n"), "hunter2", NULL},
        {"one only", SLICE_LIT("hunter2\n\n"), "hunter2\n", NULL},
        {"blanks are part of it", SLICE_LIT(" hunter2 \n"), " hunter2 ", NULL},
        {"a carriage return alone too", SLICE_LIT("hunter2\r"), "hunter2\r", NULL},
        {"lines", SLICE_LIT("-----BEGIN X-----\nAAAA\n-----END X-----\n"),
         "-----BEGIN X-----\nAAAA\n-----END X-----", NULL},
        {"UTF-8", SLICE_LIT("\xf0\x9f\x94\x91"), "\xf0\x9f\x94\x91", NULL},
        {"nothing", SLICE_LIT(""), NULL, "empty"},
        {"a line end", SLICE_LIT("\n"), NULL, "empty"},
        {"a NUL", SLICE_LIT("a\0b"), NULL, "NUL"},
        {"not UTF-8", SLICE_LIT("\xff\xfe"), NULL, "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice text = rows[i].text;
        const char *why = secret_text_trim(&text);

        CHECK(rows[i].why, (why == NULL) == (rows[i].want != NULL));
        if (why == NULL) {
            CHECK_TEXT(rows[i].why, text, rows[i].want);
        } else {
            CHECK(rows[i].why, strstr(why, rows[i].says) != NULL);
            CHECK(rows[i].why, slice_eq(text, rows[i].text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_text_trim_takes_one_line_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
