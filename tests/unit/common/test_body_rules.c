#include "common/core/body.h"

#include "tests/support/alloc_any.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdlib.h>

/* The standards' own examples, and what each encoding does with keys. */

enum { PAIRS_MAX = 12 };

#define PAIR(key, value)                                                                           \
    {                                                                                              \
        {(const uint8_t *)(key), sizeof(key) - 1},                                                 \
        {                                                                                          \
            (const uint8_t *)(value), sizeof(value) - 1                                            \
        }                                                                                          \
    }

struct example {
    const char *why;
    enum body_encoding encoding;
    struct body_pair pairs[PAIRS_MAX];
    const char *want;
};

static struct body body_of(const struct body_pair *pairs)
{
    struct body body = {.pairs = pairs};

    while (body.npairs < PAIRS_MAX && !slice_is_absent(pairs[body.npairs].key)) {
        body.npairs++;
    }
    return body;
}

static void check_examples(const struct example *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        struct body body = body_of(rows[i].pairs);
        const struct body_encoder *e = body_encoder_of(rows[i].encoding);
        struct body_fault fault;
        struct buf out;
        struct buf media_type;

        buf_init(&out, 4096);
        buf_init(&media_type, 4096);
        for (size_t k = 0; k < body.npairs; k++) {
            CHECK(rows[i].why, !body_has_fault(e, &body, k, &fault));
        }
        CHECK_ERR(rows[i].why, body_encode(e, &body, &out, &media_type), CX_OK);
        CHECK_TEXT(rows[i].why, buf_view(&out), rows[i].want);
        buf_done(&out);
        buf_done(&media_type);
    }
}

#define B "connector-00000000000000000000000000000000"

static void body_encode_writes_the_examples_of_the_standards(void **state)
{
    static const struct example rows[] = {
        {"RFC 5849, 3.4.1.3.2",
         ENCODING_FORM_RFC3986,
         {PAIR("b5", "=%3D"), PAIR("a3", "a"), PAIR("c@", ""), PAIR("a2", "r b"),
          PAIR("oauth_consumer_key", "9djdj82h48djs9d2"), PAIR("oauth_token", "kkk9d7dh3k39sjv7"),
          PAIR("oauth_signature_method", "HMAC-SHA1"), PAIR("oauth_timestamp", "137131201"),
          PAIR("oauth_nonce", "7d8f3e4a"), PAIR("c2", ""), PAIR("a3", "2 q")},
         "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2&"
         "oauth_nonce=7d8f3e4a&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&"
         "oauth_token=kkk9d7dh3k39sjv7"},
        {"RFC 5849, 3.6: what is sorted is encoded",
         ENCODING_FORM_RFC3986,
         {PAIR("~", "1"), PAIR("\xc3\xbc", "2"), PAIR("a", ""), PAIR("a-b", ""), PAIR("a b", "")},
         "%C3%BC=2&a=&a%20b=&a-b=&~=1"},
        {"RFC 4180, 2.3 and 2.6",
         ENCODING_CSV,
         {PAIR("field_name", "aaa"), PAIR("b", "b \r\nbb"), PAIR("c", "ccc")},
         "field_name,b,c\r\naaa,\"b \r\nbb\",ccc\r\n"},
        {"RFC 4180, 2.7", ENCODING_CSV, {PAIR("a,", "b\"bb")}, "\"a,\"\r\n\"b\"\"bb\"\r\n"},
        {"one field, empty, is a row", ENCODING_CSV, {PAIR("a", "")}, "a\r\n\"\"\r\n"},
        {"RFC 7578, 4.2, in a browser's bytes",
         ENCODING_MULTIPART_FORM,
         {PAIR("a\"b\r\nc", "x"), PAIR("\xc3\xbc%22\\", "")},
         "--" B "\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"\r\n\r\nx\r\n"
         "--" B "\r\nContent-Disposition: form-data; name=\"\xc3\xbc%22\\\"\r\n\r\n\r\n"
         "--" B "--\r\n"},
        {"HTML, 4.10.21.8: text/plain",
         ENCODING_TEXT,
         {PAIR("a b", "c=d"), PAIR("e", "")},
         "a b=c=d\r\ne=\r\n"},
        {"a whole text", ENCODING_TEXT, {PAIR("", "a=b\n\x01\r\n")}, "a=b\n\x01\r\n"},
        {"a key twice, in XML",
         ENCODING_XML,
         {PAIR("s", "2"), PAIR("t", ""), PAIR("s", "1")},
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
         "<request><s>2</s><t></t><s>1</s></request>"},
        {"a key twice, in CSV", ENCODING_CSV, {PAIR("s", "2"), PAIR("s", "1")}, "s,s\r\n2,1\r\n"},
        {"a key twice, in text", ENCODING_TEXT, {PAIR("s", "2"), PAIR("s", "1")}, "s=2\r\ns=1\r\n"},
    };

    (void)state;
    check_examples(rows, COUNT_OF(rows));
}

static void body_encode_xml_names_its_element(void **state)
{
    static const struct body_pair pair = PAIR("a", "1");
    const struct body body = {.pairs = &pair, .npairs = 1, .root = SLICE_LIT("login")};
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(body_encode(body_encoder_of(ENCODING_XML), &body, &out, NULL), CX_OK);
    CHECK_TEXT("root", buf_view(&out),
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?><login><a>1</a></login>");
    buf_done(&out);
}

static void body_has_fault_knows_which_keys_can_be_sent(void **state)
{
    static const struct {
        const char *why;
        enum body_encoding encoding;
        struct body_pair pairs[PAIRS_MAX];
        size_t index;     /* of the pair that is asked about */
        const char *says; /* NULL: no fault */
    } rows[] = {
        {"a name", ENCODING_XML, {PAIR("_a-1.b", "")}, 0, NULL},
        {"no name", ENCODING_XML, {PAIR("", "")}, 0, "must be an XML name"},
        {"a digit first", ENCODING_XML, {PAIR("1", "")}, 0, "must be an XML name"},
        {"a hyphen first", ENCODING_RSS, {PAIR("-", "")}, 0, "must be an XML name"},
        {"a prefix", ENCODING_XML, {PAIR("a:b", "")}, 0, "must be an XML name"},
        {"markup", ENCODING_RSS, {PAIR("a></a", "")}, 0, "must be an XML name"},
        {"U+00D7 is no letter", ENCODING_XML, {PAIR("\xc3\x97", "")}, 0, "must be an XML name"},
        {"U+1F511 is a NameStartChar", ENCODING_XML, {PAIR("\xf0\x9f\x94\x91", "")}, 0, NULL},
        {"U+0301 may not be first", ENCODING_XML, {PAIR("\xcc\x81", "")}, 0, "must be an XML name"},
        {"U+0301 may follow", ENCODING_XML, {PAIR("a\xcc\x81", "")}, 0, NULL},
        {"reserved", ENCODING_XML, {PAIR("xMl", "")}, 0, "must not begin with \"xml\""},
        {"not reserved", ENCODING_XML, {PAIR("xm", "")}, 0, NULL},
        {"a control character", ENCODING_CSV, {PAIR("a\x01", "")}, 0, "holds a control character"},
        {"a comma", ENCODING_CSV, {PAIR("a,b", "")}, 0, NULL},
        {"a line break", ENCODING_TEXT, {PAIR("a\nb", "")}, 0, "holds a line break"},
        {"'='", ENCODING_TEXT, {PAIR("a=b", "")}, 0, "holds a '='"},
        {"no key, alone", ENCODING_TEXT, {PAIR("", "a\nb")}, 0, NULL},
        {"no key, among others", ENCODING_TEXT, {PAIR("a", ""), PAIR("", "b")}, 1, "is empty"},
        {"the other one", ENCODING_TEXT, {PAIR("a", ""), PAIR("", "b")}, 0, NULL},
        {"twice", ENCODING_ORACLE_ADF, {PAIR("a", ""), PAIR("a", "")}, 1, "occurs twice"},
        {"once", ENCODING_ORACLE_ADF, {PAIR("a", ""), PAIR("a", "")}, 0, NULL},
        {"any", ENCODING_FORM, {PAIR("\xff\n", "")}, 0, NULL},
        {"any, in a part", ENCODING_MULTIPART_FORM, {PAIR("\xff\n", "")}, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct body body = body_of(rows[i].pairs);
        struct body_fault fault = {0};
        bool has = body_has_fault(body_encoder_of(rows[i].encoding), &body, rows[i].index, &fault);

        CHECK(rows[i].why, has == (rows[i].says != NULL));
        CHECK(rows[i].why, !has || strncmp(fault.why, rows[i].says, strlen(rows[i].says)) == 0);
        CHECK(rows[i].why, !fault.is_value);
    }
}

/* The value has every boundary that could be chosen with up to one letter, so that it takes two. */
static void body_encode_lengthens_the_boundary_until_it_is_none_of_the_value(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    struct body_pair pair = PAIR("k", "");
    const struct body body = {.pairs = &pair, .npairs = 1};
    struct buf value;
    struct buf out;
    struct buf media_type;

    (void)state;
    buf_init(&value, 8192);
    buf_init(&out, 8192);
    buf_init(&media_type, 256);
    for (const char *letter = letters; *letter != '\0'; letter++) {
        assert_int_equal(buf_put_str(&value, "\r\n--" B), CX_OK);
        assert_int_equal(buf_put_byte(&value, (uint8_t)*letter), CX_OK);
        if (*letter != 'q') { /* the rarest letter but one that is there */
            assert_int_equal(buf_put_str(&value, "\r\n--" B), CX_OK);
            assert_int_equal(buf_put_byte(&value, (uint8_t)*letter), CX_OK);
        }
    }
    assert_int_equal(buf_put_str(&value, "a"), CX_OK); /* behind "9" */
    pair.value = buf_view(&value);
    assert_int_equal(
        body_encode(body_encoder_of(ENCODING_MULTIPART_FORM), &body, &out, &media_type), CX_OK);
    CHECK_TEXT("two letters", buf_view(&media_type), "multipart/form-data; boundary=" B "qa");
    buf_done(&value);
    buf_done(&out);
    buf_done(&media_type);
}

static const struct body_pair some[] = {PAIR("b", "a,\"b\"<&>\r"), PAIR("c", "2")};
static const struct body_pair some_line[] = {PAIR("b", "x=1"), PAIR("c", "2")};

static struct body some_of(enum body_encoding encoding)
{
    return (struct body){.pairs = encoding == ENCODING_TEXT ? some_line : some, .npairs = 2};
}

static void body_encode_keeps_to_the_cap(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ENCODING_COUNT; i++) {
        const struct body_encoder *e = body_encoder_of((enum body_encoding)i);
        struct body body = some_of(e->encoding);
        struct buf out;
        struct buf media_type;
        size_t len;

        buf_init(&out, 4096);
        buf_init(&media_type, 4096);
        CHECK_ERR(e->media_type, body_encode(e, &body, &out, &media_type), CX_OK);
        len = out.len;
        buf_done(&out);
        for (size_t cap = 0; cap <= len; cap++) {
            buf_init(&out, cap);
            CHECK_ERR(e->media_type, body_encode(e, &body, &out, &media_type),
                      cap == len ? CX_OK : CX_E_TOO_BIG);
            buf_done(&out);
            buf_clear(&media_type);
        }
        buf_done(&media_type);
    }
}

static void body_encode_fails_cleanly_without_memory(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ENCODING_COUNT; i++) {
        const struct body_encoder *e = body_encoder_of((enum body_encoding)i);
        struct body body = some_of(e->encoding);
        bool was_short = true;

        for (size_t nth = 1; was_short; nth++) {
            struct buf out;
            struct buf media_type;
            enum cx_err err;

            buf_init(&out, 4096);
            buf_init(&media_type, 4096);
            alloc_fail_at(nth);
            err = body_encode(e, &body, &out, &media_type);
            was_short = alloc_fail_end();
            CHECK_ERR(e->media_type, err, was_short ? CX_E_NOMEM : CX_OK);
            buf_done(&out);
            buf_done(&media_type);
        }
    }
}

/* What jansson gives back, an allocator of the programs wipes: test_json_memory. */
static bool is_json(enum body_encoding encoding)
{
    return encoding == ENCODING_JSON || encoding == ENCODING_ORACLE_ADF ||
           encoding == ENCODING_MULTIPART_RELATED;
}

static void body_encode_wipes_what_it_gives_back(void **state)
{
    static const struct body_pair pairs[] = {PAIR("a", "hunter2"), PAIR("b", "\xc3\xbc")};
    const struct body body = {.pairs = pairs, .npairs = 2};

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    for (unsigned i = 1; i < ENCODING_COUNT; i++) {
        const struct body_encoder *e = body_encoder_of((enum body_encoding)i);
        struct buf out;
        struct buf media_type;
        struct alloc_seen seen;
        enum cx_err err;

        buf_init(&out, 4096);
        buf_init(&media_type, 4096);
        alloc_any_start(0);
        alloc_any_watch("hunter2");
        err = body_encode(e, &body, &out, &media_type);
        buf_done(&out);
        buf_done(&media_type);
        seen = alloc_any_stop();
        CHECK_ERR(e->media_type, err, CX_OK);
        CHECK(e->media_type, seen.freed == seen.calls && seen.calls > 0);
        CHECK(e->media_type, seen.unwiped == 0 || is_json(e->encoding));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_encode_writes_the_examples_of_the_standards),
        cmocka_unit_test(body_encode_xml_names_its_element),
        cmocka_unit_test(body_has_fault_knows_which_keys_can_be_sent),
        cmocka_unit_test(body_encode_lengthens_the_boundary_until_it_is_none_of_the_value),
        cmocka_unit_test(body_encode_keeps_to_the_cap),
        cmocka_unit_test(body_encode_fails_cleanly_without_memory),
        cmocka_unit_test(body_encode_wipes_what_it_gives_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
