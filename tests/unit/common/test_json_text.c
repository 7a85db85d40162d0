#include "common/core/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void json_text_is_what_jansson_reads(void **state)
{
    json_t *extra = json_loads("{\"a\":[1,\"\\u00fc\"],\"b\":null}", 0, NULL);
    struct json_text w;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    json_text_init(&w, &out);
    json_text_put_str(&w, "name", "Bj\xc3\xb6rk \"B\" \\ \x01\n");
    json_text_put(&w, "left out", (struct slice){0});
    json_text_put_str(&w, "left out", NULL);
    json_text_put(&w, "empty", SLICE_LIT(""));
    json_text_open(&w, "inner");
    json_text_close(&w);
    json_text_open(&w, "token");
    json_text_put_u64(&w, "max", UINT64_MAX);
    json_text_put_u64(&w, "none", 0);
    json_text_put_true(&w, "flag");
    json_text_put_json(&w, "extra", extra);
    json_text_close(&w);
    json_text_put(&w, "bad", slice_of("x\xff", 2));
    assert_int_equal(json_text_end(&w), CX_OK);
    assert_string_equal(buf_cstr(&out),
                        "{\"name\":\"Bj\xc3\xb6rk \\\"B\\\" \\\\ \\u0001\\n\",\"empty\":\"\","
                        "\"inner\":{},\"token\":{\"max\":18446744073709551615,\"none\":0,"
                        "\"flag\":true,\"extra\":{\"a\":[1,\"\xc3\xbc\"],\"b\":null}},"
                        "\"bad\":\"x\\ufffd\"}");
    json_decref(extra);
    buf_done(&out);
}

static void json_text_keeps_the_first_error(void **state)
{
    static const char want[] = "{\"a\":\"12345\",\"b\":{\"c\":1,\"d\":{}}}";
    json_t *empty = json_object();

    (void)state;
    for (size_t cap = 0; cap <= strlen(want); cap++) {
        struct json_text w;
        struct buf out;

        buf_init(&out, cap);
        json_text_init(&w, &out);
        json_text_put_str(&w, "a", "12345");
        json_text_open(&w, "b");
        json_text_put_u64(&w, "c", 1);
        json_text_put_json(&w, "d", empty);
        json_text_close(&w);
        assert_int_equal(json_text_end(&w), cap < strlen(want) ? CX_E_TOO_BIG : CX_OK);
        buf_done(&out);
    }
    json_decref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_text_is_what_jansson_reads),
        cmocka_unit_test(json_text_keeps_the_first_error),
    };

    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
