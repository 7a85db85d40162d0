/* How a body is read: which encoding it is in, and how much of it. */
#include "tests/support/answer_check.h"

#include <stdlib.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static void an_answer_is_read_in_the_encoding_it_is_in(void **state)
{
    static const char object[] = "{\"access_token\":\"a+b\",\"expires_in\":60}";
    static const char pairs[] = "access_token=a%2Bb&expires_in=60";
    static const struct {
        const char *why, *type, *body;
        enum body_encoding expect, sent;
    } rows[] = {
        {"JSON", JSON, object, 0, ENCODING_FORM},
        {"JSON with a parameter", "application/json;charset=UTF-8", object, 0, ENCODING_FORM},
        {"JSON in capitals", " APPLICATION/JSON ; charset=utf-8", object, 0, ENCODING_FORM},
        {"JSON under a media type of its own", "application/vnd.oracle.adf.resourceitem+json",
         object, 0, ENCODING_FORM},
        {"JSON as text", "text/plain", object, 0, ENCODING_FORM},
        {"JSON as HTML", "text/html; charset=utf-8", object, 0, ENCODING_FORM},
        {"JSON as javascript", "text/javascript", object, 0, ENCODING_FORM},
        {"JSON without a label", NULL, object, 0, ENCODING_FORM},
        {"JSON as bytes", "application/octet-stream", object, 0, ENCODING_FORM},
        {"JSON as XML", "text/xml", object, 0, ENCODING_FORM},
        {"JSON as a form", FORM, object, 0, ENCODING_FORM},
        {"JSON, percent-encoded, as a form", FORM,
         "%7B%22access_token%22%3A%22a%2Bb%22%2C%22expires_in%22%3A60%7D", 0, ENCODING_FORM},
        {"the same, in part and in small letters", FORM,
         "%7b\"access_token\":\"a%2bb\",\"expires_in\":+60}", 0, ENCODING_FORM},
        {"the same, as text", "text/plain",
         "%7B%22access_token%22%3A%22a%2Bb%22%2C%22expires_in%22%3A60%7D", 0, ENCODING_JSON},
        {"a form", FORM, pairs, 0, ENCODING_FORM},
        {"a form with a parameter", FORM "; charset=utf-8", pairs, 0, ENCODING_FORM},
        {"a form as text", "text/plain", pairs, 0, ENCODING_JSON},
        {"a form as HTML", "text/html", pairs, 0, ENCODING_JSON},
        {"a form as JSON", JSON, pairs, 0, ENCODING_JSON},
        {"a form without a label", NULL, pairs, 0, ENCODING_UNKNOWN},
        {"a form, by what the profile expects", NULL, "0=1&access_token=a%2Bb&expires_in=60",
         ENCODING_FORM_RFC3986, ENCODING_JSON},
        {"a form, by what was sent", NULL, "0=1&access_token=a%2Bb&expires_in=60", 0,
         ENCODING_FORM},
        {"a form with a line end", FORM, "access_token=a%2Bb&expires_in=60\r\n", 0, ENCODING_FORM},
        {"a form with empty pairs", FORM, "access_token=a%2Bb&&&expires_in=60&", 0, ENCODING_FORM},
        {"a byte order mark", JSON, "\xef\xbb\xbf{\"access_token\":\"a+b\",\"expires_in\":60}", 0,
         ENCODING_FORM},
        {"a byte order mark before a form", "text/plain",
         "\xef\xbb\xbf"
         "access_token=a%2Bb&expires_in=60",
         0, ENCODING_JSON},
        {"white space around", JSON, "\r\n {\"access_token\":\"a+b\",\"expires_in\":60}\n", 0,
         ENCODING_FORM},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, slice_of_str(rows[i].body), rows[i].expect, rows[i].sent,
                         &a);
        answer_need_issued(rows[i].why, &a);
        answer_check_slice(rows[i].why, a.token.access_token, "a+b");
        CHECK(rows[i].why, a.token.has_expires_in && a.token.expires_in == 60);
        answer_done(&a);
    }
}

static void a_form_is_decoded_as_rfc_6749_encodes_it(void **state)
{
    struct answer a;

    (void)state;
    answer_read_body(FORM,
                     SLICE_LIT("access_token=%E2%82%AC/a==&token_type=bearer&scope=read+write%2Cx&"
                               "expires_in=3600&refresh_token=r%20r&state=&flag"),
                     ENCODING_UNKNOWN, ENCODING_FORM, &a);
    answer_need_issued("a form", &a);
    answer_check_slice("access", a.token.access_token, "\xe2\x82\xac/a==");
    answer_check_slice("type", a.token.token_type, "Bearer");
    answer_check_slice("scope", a.token.scope, "read write x");
    answer_check_slice("refresh", a.token.refresh_token, "r r");
    answer_check_slice("extra", a.token.extra, "{\"state\":\"\",\"flag\":\"\"}");
    answer_done(&a);
}

/* A buffer of `open` n times, `middle`, `close` n times. */
static char *nested(const char *open, const char *middle, const char *close, size_t n)
{
    size_t size = (strlen(open) + strlen(close)) * n + strlen(middle) + 1;
    char *text = calloc(1, size);

    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        strncat(text, open, size - strlen(text) - 1);
    }
    strncat(text, middle, size - strlen(text) - 1);
    for (size_t i = 0; i < n; i++) {
        strncat(text, close, size - strlen(text) - 1);
    }
    return text;
}

static void nesting_is_bounded(void **state)
{
    static const struct {
        size_t deep;
        enum verdict code;
    } rows[] = {{63, VERDICT_ISSUED}, {64, VERDICT_ANSWER_UNREADABLE}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *inner = nested("[", "\"[[[[{\\\"[\"", "]", rows[i].deep);
        char body[512];
        struct answer a;

        (void)snprintf(body, sizeof(body), "{\"access_token\":\"a\",\"x\":%s}", inner);
        answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        assert_int_equal(a.code, rows[i].code);
        answer_done(&a);
        free(inner);
    }
}

static void nesting_counts_what_is_open_and_no_neighbours(void **state)
{
    char *many = nested("[],", "[]", "", 100);
    char body[512];
    struct answer a;

    (void)state;
    (void)snprintf(body, sizeof(body), "{\"access_token\":\"a\",\"x\":[%s]}", many);
    answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
    answer_need_issued("neighbours", &a);
    answer_done(&a);
    free(many);
}

static void a_form_has_a_bounded_number_of_pairs(void **state)
{
    static const struct {
        size_t more;
        enum verdict code;
    } rows[] = {{255, VERDICT_ISSUED}, {256, VERDICT_ANSWER_UNREADABLE}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[4096] = "access_token=a";
        struct answer a;

        for (size_t n = 0; n < rows[i].more; n++) {
            size_t len = strlen(body);

            (void)snprintf(body + len, sizeof(body) - len, "&x%zu=", n);
        }
        answer_read_body(FORM, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        assert_int_equal(a.code, rows[i].code);
        answer_done(&a);
    }
}

static void a_body_full_of_nul_is_no_string(void **state)
{
    static const char body[] = "{\"access_token\":\"a\"}\0{\"access_token\":\"b\"}";
    struct answer a;

    (void)state;
    answer_read_body(JSON, slice_of(body, sizeof(body) - 1), ENCODING_UNKNOWN, ENCODING_FORM, &a);
    assert_int_equal(a.code, VERDICT_ANSWER_UNREADABLE);
    answer_done(&a);
    answer_read_body(NULL, SLICE_LIT("\0\0\0\0"), ENCODING_UNKNOWN, ENCODING_FORM, &a);
    assert_int_equal(a.code, VERDICT_ANSWER_UNREADABLE);
    answer_done(&a);
}

static void too_much_extra_is_left_out_and_the_token_kept(void **state)
{
    /* {"x":"…"} is 8 bytes around the text */
    static const struct {
        size_t text;
        bool is_omitted;
    } rows[] = {{MSG_EXTRA_BYTES_MAX - 8, false}, {MSG_EXTRA_BYTES_MAX - 7, true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *x = nested("x", "", "", rows[i].text);
        char *body = calloc(1, rows[i].text + 64);
        struct answer a;

        assert_non_null(body);
        (void)snprintf(body, rows[i].text + 64, "{\"access_token\":\"a\",\"x\":\"%s\"}", x);
        answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_issued("much extra", &a);
        answer_check_slice("much extra", a.token.access_token, "a");
        assert_true(a.token.extra_omitted == rows[i].is_omitted);
        assert_int_equal(a.token.extra.len, rows[i].is_omitted ? 0 : MSG_EXTRA_BYTES_MAX);
        answer_done(&a);
        free(body);
        free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_in_the_encoding_it_is_in),
        cmocka_unit_test(a_form_is_decoded_as_rfc_6749_encodes_it),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nesting_counts_what_is_open_and_no_neighbours),
        cmocka_unit_test(a_form_has_a_bounded_number_of_pairs),
        cmocka_unit_test(a_body_full_of_nul_is_no_string),
        cmocka_unit_test(too_much_extra_is_left_out_and_the_token_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
