/* The quick reader of plain JSON against jansson's own. */
#include "common/core/json_plain.h"

#include "tests/support/check.h"

static const struct {
    const char *why, *text;
    bool is_plain;
} rows[] = {
    {"a token answer",
     "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":\"Bearer\",\"expires_in\":3600,"
     "\"refresh_token\":\"tGzv3JOkF0XG5Qx2TlKWIA\",\"scope\":\"read\"}",
     true},
    {"white space anywhere", " \r\n{\t\"a\" : 1 ,\n\"b\":{ } } \n", true},
    {"nothing in it", "{}", true},
    {"words", "{\"a\":true,\"b\":false,\"c\":null}", true},
    {"objects in it", "{\"data\":{\"access_token\":\"x\",\"more\":{\"a\":0}},\"z\":\"\"}", true},
    {"the largest number of 18 digits", "{\"a\":999999999999999999}", true},
    {"more than ASCII", "{\"n\xc3\xa4me\":\"\xe2\x82\xac \xf0\x9f\x98\x80\"}", true},
    {"no UTF-8 in a value", "{\"a\":\"\xff\"}", false},
    {"no UTF-8 in a key", "{\"a\xc3\":1}", false},
    {"an empty key", "{\"\":\"\"}", true},
    {"depth 8", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}", true},
    {"depth 9", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}", false},
    {"an escape", "{\"a\":\"b\\u0041\\n\"}", false},
    {"an escape in a key", "{\"a\\\"\":1}", false},
    {"19 digits", "{\"a\":1234567890123456789}", false},
    {"a leading zero", "{\"a\":01}", false},
    {"a negative number", "{\"a\":-1}", false},
    {"a fraction", "{\"a\":1.5}", false},
    {"an exponent", "{\"a\":1e3}", false},
    {"an array", "{\"a\":[1]}", false},
    {"an array around it", "[{\"a\":1}]", false},
    {"a name twice", "{\"a\":1,\"b\":2,\"a\":3}", false},
    {"a comma too many", "{\"a\":1,}", false},
    {"no comma", "{\"a\":1 \"b\":2}", false},
    {"no colon", "{\"a\" 1}", false},
    {"no value", "{\"a\":}", false},
    {"no key", "{1:1}", false},
    {"a word that is none", "{\"a\":nul}", false},
    {"a longer word", "{\"a\":nulls}", false},
    {"a number that goes on", "{\"a\":1a}", false},
    {"a control character", "{\"a\":\"\x01\"}", false},
    {"a line break in a string", "{\"a\":\"x\ny\"}", false},
    {"an open string", "{\"a\":\"b", false},
    {"an open object", "{\"a\":1", false},
    {"more behind it", "{\"a\":1} x", false},
    {"two", "{}{}", false},
    {"nothing", "", false},
    {"only white space", " ", false},
};

static json_t *read_slowly(struct slice text)
{
    return json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

/* What is read quickly is what jansson reads, in the same order. */
static bool agrees(struct slice text)
{
    json_t *quick = json_plain_read(text);
    json_t *slow = read_slowly(text);
    bool is_same = quick == NULL || json_equal(quick, slow);

    if (quick != NULL && slow != NULL) {
        char *quick_text = json_dumps(quick, JSON_COMPACT);
        char *slow_text = json_dumps(slow, JSON_COMPACT);

        is_same = is_same && strcmp(quick_text, slow_text) == 0;
        free(quick_text);
        free(slow_text);
    }
    json_decref(quick);
    json_decref(slow);
    return is_same;
}

static void plain_json_is_read_as_jansson_reads_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice text = slice_of_str(rows[i].text);
        json_t *quick = json_plain_read(text);

        CHECK(rows[i].why, (quick != NULL) == rows[i].is_plain);
        CHECK(rows[i].why, agrees(text));
        json_decref(quick);
    }
}

/* Cut anywhere, or with any character in the place of any other: never more than jansson takes. */
static void nothing_is_read_that_jansson_refuses(void **state)
{
    static const char others[] = "{}[]\":,\\0159.eE-+ntfa \t\n\x01\x7f";
    uint8_t text[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].text);

        for (size_t at = 0; at < len; at++) {
            memcpy(text, rows[i].text, len);
            CHECK(rows[i].why, agrees(slice_of(text, at)));
            for (size_t k = 0; k < sizeof(others) && text[at] < 0x80; k++) { /* its NUL too */
                text[at] = (uint8_t)others[k];
                CHECK(rows[i].why, agrees(slice_of(text, len)));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_json_is_read_as_jansson_reads_it),
        cmocka_unit_test(nothing_is_read_that_jansson_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
