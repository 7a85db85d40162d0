#include "common/core/body.h"
#include "tests/support/check.h"

#include <jansson.h>
#include <stdlib.h>

enum { PAIRS_MAX = 6 };

static size_t count(const struct body_pair *pairs)
{
    size_t n = 0;

    while (n < PAIRS_MAX && !slice_is_absent(pairs[n].key)) {
        n++;
    }
    return n;
}

#define PAIR(key, value)                                                                           \
    {                                                                                              \
        {(const uint8_t *)(key), sizeof(key) - 1},                                                 \
        {                                                                                          \
            (const uint8_t *)(value), sizeof(value) - 1                                            \
        }                                                                                          \
    }

/* The body as JSON. */
static enum cx_err encode_json(const struct body_pair *pairs, size_t npairs, struct buf *out)
{
    const struct body body = {.pairs = pairs, .npairs = npairs};

    return body_encode(body_encoder_of(ENCODING_JSON), &body, out, NULL);
}

static void body_encode_json_writes_one_object(void **state)
{
    static const struct {
        const char *why;
        struct body_pair pairs[PAIRS_MAX];
        const char *want;
    } rows[] = {
        {"nothing", {{{0}, {0}}}, "{}"},
        {"in the order in which they come",
         {PAIR("grant_type", "password"), PAIR("username", "ada"), PAIR("a", "1")},
         "{\"grant_type\":\"password\",\"username\":\"ada\",\"a\":\"1\"}"},
        {"numbers and words stay text",
         {PAIR("n", "1"), PAIR("b", "true"), PAIR("z", "null")},
         "{\"n\":\"1\",\"b\":\"true\",\"z\":\"null\"}"},
        {"an empty value and an empty key",
         {PAIR("e", ""), PAIR("", "x")},
         "{\"e\":\"\",\"\":\"x\"}"},
        {"what JSON escapes (RFC 8259, 7)",
         {PAIR("q\"", "a\"b\\c\n\r\t\x01/")},
         "{\"q\\\"\":\"a\\\"b\\\\c\\n\\r\\t\\u0001/\"}"},
        {"a NUL", {PAIR("a", "x\0y")}, "{\"a\":\"x\\u0000y\"}"},
        {"other scripts as they are, beyond the BMP too",
         {PAIR("k", "\xc3\xbc \xf0\x9f\x94\x91")},
         "{\"k\":\"\xc3\xbc \xf0\x9f\x94\x91\"}"},
        {"what a form would escape", {PAIR("k&=", "a&b=c +%")}, "{\"k&=\":\"a&b=c +%\"}"},
        {"a key twice becomes an array where it first stood",
         {PAIR("s", "2"), PAIR("t", "x"), PAIR("s", "1")},
         "{\"s\":[\"2\",\"1\"],\"t\":\"x\"}"},
        {"a key three times, one value twice",
         {PAIR("s", "b"), PAIR("s", "a"), PAIR("s", "b")},
         "{\"s\":[\"b\",\"a\",\"b\"]}"},
        {"keys that only begin alike",
         {PAIR("a\0b", "1"), PAIR("a", "2")},
         "{\"a\\u0000b\":\"1\",\"a\":\"2\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;

        buf_init(&out, 1024);
        CHECK_ERR(rows[i].why, encode_json(rows[i].pairs, count(rows[i].pairs), &out), CX_OK);
        CHECK_TEXT(rows[i].why, buf_view(&out), rows[i].want);
        buf_done(&out);
    }
}

static void body_has_fault_names_what_is_not_utf8(void **state)
{
    static const struct {
        const char *why;
        struct body_pair pair;
        bool is_value;
    } rows[] = {
        {"a lone byte", PAIR("a", "\xff"), true},
        {"a cut character", PAIR("a", "\xf0\x9f\x94"), true},
        {"a surrogate (RFC 3629, 3)", PAIR("a", "\xed\xa0\x80"), true},
        {"an overlong form", PAIR("a", "\xc0\xaf"), true},
        {"in a key", PAIR("\xff", "a"), false},
    };
    static const enum body_encoding encodings[] = {ENCODING_JSON,      ENCODING_XML,
                                                   ENCODING_RSS,       ENCODING_CSV,
                                                   ENCODING_TEXT,      ENCODING_MULTIPART_RELATED,
                                                   ENCODING_ORACLE_ADF};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows) * COUNT_OF(encodings); i++) {
        size_t row = i % COUNT_OF(rows);
        const struct body_encoder *e = body_encoder_of(encodings[i / COUNT_OF(rows)]);
        const struct body body = {.pairs = &rows[row].pair, .npairs = 1};
        struct body_fault fault = {0};

        CHECK(rows[row].why, body_has_fault(e, &body, 0, &fault));
        CHECK(rows[row].why, fault.is_value == rows[row].is_value);
        CHECK(e->media_type, fault.why != NULL);
    }
}

static void body_encode_json_keeps_to_the_cap(void **state)
{
    static const struct body_pair pair = PAIR("a", "12345"); /* {"a":"12345"} is 13 bytes */
    struct buf out;

    (void)state;
    buf_init(&out, 13);
    assert_int_equal(encode_json(&pair, 1, &out), CX_OK);
    buf_done(&out);
    buf_init(&out, 12);
    assert_int_equal(encode_json(&pair, 1, &out), CX_E_TOO_BIG);
    buf_done(&out);
}

/* What is left to give; then there is no more memory. */
static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return malloc(size);
}

static void body_encode_json_fails_cleanly_without_memory(void **state)
{
    static const struct body_pair pairs[] = {PAIR("a", "1"), PAIR("b", "2"), PAIR("a", "3"),
                                             PAIR("a", "4")};
    enum cx_err err = CX_E_NOMEM;
    size_t given = 0;

    (void)state;
    json_set_alloc_funcs(scarce_malloc, free);
    for (; err != CX_OK; given++) {
        struct buf out;

        allocations_left = given;
        buf_init(&out, 1024);
        err = encode_json(pairs, COUNT_OF(pairs), &out);
        assert_true(err == CX_OK || err == CX_E_NOMEM);
        if (err == CX_OK) {
            CHECK_TEXT("with enough", buf_view(&out), "{\"a\":[\"1\",\"3\",\"4\"],\"b\":\"2\"}");
        }
        buf_done(&out);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(given > 8);
}

static void body_is_carried_by_all_but_get_and_delete(void **state)
{
    (void)state;
    assert_true(body_is_carried_by(METHOD_POST));
    assert_true(body_is_carried_by(METHOD_PUT));
    assert_true(body_is_carried_by(METHOD_PATCH));
    assert_false(body_is_carried_by(METHOD_GET));
    assert_false(body_is_carried_by(METHOD_DELETE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_encode_json_writes_one_object),
        cmocka_unit_test(body_has_fault_names_what_is_not_utf8),
        cmocka_unit_test(body_encode_json_keeps_to_the_cap),
        cmocka_unit_test(body_encode_json_fails_cleanly_without_memory),
        cmocka_unit_test(body_is_carried_by_all_but_get_and_delete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
