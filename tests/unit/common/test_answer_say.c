/* What the person is told about an answer without a token, and what of the peer's own words. */
#include "common/core/answer.h"

#include "tests/support/check.h"

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

/* Thu, 15 Nov 1990 08:12:31 GMT is 658656751 (by `date -u -d`); a minute before it. */
enum { NOW = 658656691 };

static bool says(const struct answer *a, const char *text)
{
    struct slice m = a->error.message;

    return m.len > 0 && memmem(m.ptr, m.len, text, strlen(text)) != NULL;
}

static void a_busy_endpoint_says_when_to_come_back(void **state)
{
    static const struct {
        const char *header;
        bool has;
        uint64_t ms;
    } rows[] = {
        {"120", true, 120000},
        {"0", true, 0},
        {"1000000000", true, 1000000000000},
        {"1000000001", false, 0},
        {"99999999999999999999999", false, 0},
        {"-1", false, 0},
        {"1.5", false, 0},
        {"soon", false, 0},
        {"", false, 0},
        {NULL, false, 0},
        /* the three forms of RFC 9110 5.6.7, for the instant a minute after NOW */
        {"Thu, 15 Nov 1990 08:12:31 GMT", true, 60000},
        {"Thursday, 15-Nov-90 08:12:31 GMT", true, 60000},
        {"Thu Nov 15 08:12:31 1990", true, 60000},
        {"Thu, 15 Nov 1990 08:11:30 GMT", true, 0}, /* past */
        {"Thu, 99 Nov 1990 08:12:31 GMT", false, 0},
        {"Thu, 15 Nov 1990 08:12:31 GMT Thu, 15 Nov 1990 08:12:31 GMT xxxx", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct answer_input in = {.status = 503,
                                        .retry_after = slice_of_str(rows[i].header),
                                        .is_body_whole = true,
                                        .now_unix_s = NOW};
        const char *why = rows[i].header == NULL ? "(none)" : rows[i].header;
        char told[64];
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        CHECK(why, a.code == VERDICT_ENDPOINT_BUSY);
        CHECK(why, a.error.has_retry_after == rows[i].has);
        CHECK(why, a.error.retry_after_ms == rows[i].ms);
        (void)snprintf(told, sizeof(told), "asks to wait %llu s",
                       (unsigned long long)rows[i].ms / 1000);
        CHECK(why, says(&a, rows[i].has ? told : "try again later"));
        answer_done(&a);
    }
}

static void a_redirect_names_its_host_and_nothing_else(void **state)
{
    static const struct {
        const char *location, *says;
    } rows[] = {
        {"https://login.example/sso?token=hunter2",
         "redirects to the host login.example (HTTP 302); credentials never follow"},
        {"//login.example/hunter2", "redirects to the host login.example"},
        {"https://hunter2:hunter2@login.example/", "redirects to the host login.example"},
        {"/hunter2", "redirects to another place on its host"},
        {"", "redirects to another place on its host"},
        {"https://b\xc3\xbc"
         "cher.example/",
         "redirects to the host b??cher.example"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct answer_input in = {
            .status = 302, .location = slice_of_str(rows[i].location), .is_body_whole = true};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        CHECK(rows[i].location, a.code == VERDICT_REDIRECTED);
        CHECK(rows[i].location, says(&a, rows[i].says) && !says(&a, "hunter2"));
        answer_done(&a);
    }
}

static void a_hidden_redirect_names_no_host(void **state)
{
    const struct answer_input in = {.status = 307,
                                    .location = SLICE_LIT("https://idp-3.internal:8443/login"),
                                    .is_location_hidden = true,
                                    .is_body_whole = true};
    struct answer a;

    (void)state;
    assert_int_equal(answer_read(&in, &a), CX_OK);
    assert_int_equal(a.code, VERDICT_REDIRECTED);
    assert_true(says(&a, "redirects (HTTP 307)"));
    assert_false(says(&a, "idp-3"));
    answer_done(&a);
}

static void an_error_is_passed_on_as_far_as_it_can_be_shown(void **state)
{
    static const struct {
        const char *why, *body, *error, *description; /* NULL: absent */
    } rows[] = {
        {"both", "{\"error\":\"invalid_scope\",\"error_description\":\"no such scope\"}",
         "invalid_scope", "no such scope"},
        {"no description", "{\"error\":\"invalid_scope\"}", "invalid_scope", NULL},
        {"an empty description", "{\"error\":\"invalid_scope\",\"error_description\":\"\"}",
         "invalid_scope", NULL},
        {"a description that is no string", "{\"error\":\"x\",\"error_description\":7}", "x", NULL},
        {"a code with a space", "{\"error\":\"bad request!\"}", "bad request!", NULL},
        {"a code with a quote", "{\"error\":\"a\\\"b\",\"error_description\":\"d\"}", NULL, "d"},
        {"a code with a backslash", "{\"error\":\"a\\\\b\"}", NULL, NULL},
        {"a code with a control character", "{\"error\":\"a\\nb\"}", NULL, NULL},
        {"a code outside ASCII", "{\"error\":\"\\u00e9\"}", NULL, NULL},
        {"control characters in a description",
         "{\"error\":\"x\",\"error_description\":\"a\\u001b[2J\\r\\nb\\u007f\\u0085\\u009fc\"}",
         "x", "a?[2J??b???c"},
        {"other characters stay",
         "{\"error\":\"x\",\"error_description\":\"\\u00a0\\u00e9\\u20ac\\ud83d\\ude00\"}", "x",
         "\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"no error, then no description", "{\"error_description\":\"d\"}", NULL, NULL},
        {"an error that is none", "{\"error\":false,\"error_description\":\"d\"}", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct answer_input in = {
            .status = 400, .body = slice_of_str(rows[i].body), .is_body_whole = true};
        struct answer a;

        CHECK_ERR(rows[i].why, answer_read(&in, &a), CX_OK);
        CHECK(rows[i].why, slice_is_absent(a.error.oauth_error) == (rows[i].error == NULL));
        CHECK(rows[i].why,
              slice_is_absent(a.error.oauth_description) == (rows[i].description == NULL));
        CHECK_TEXT(rows[i].why, a.error.oauth_error, rows[i].error == NULL ? "" : rows[i].error);
        CHECK_TEXT(rows[i].why, a.error.oauth_description,
                   rows[i].description == NULL ? "" : rows[i].description);
        answer_done(&a);
    }
}

static void a_long_description_is_cut_at_a_character(void **state)
{
    static const struct {
        const char *unit;
        size_t repeats, bytes;
    } rows[] = {
        {"a", 512, 512},
        {"a", 513, 512},
        {"\xc3\xa9", 256, 512},
        {"\xe2\x82\xac", 171, 510},
        {"\xf0\x9f\x98\x80", 129, 512},
        {"a\xc3\xa9", 171, 511},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[2048] = "{\"error\":\"x\",\"error_description\":\"";
        struct answer a;
        struct answer_input in = {.status = 400, .is_body_whole = true};

        for (size_t n = 0; n < rows[i].repeats; n++) {
            strncat(body, rows[i].unit, sizeof(body) - strlen(body) - 1);
        }
        strncat(body, "\"}", sizeof(body) - strlen(body) - 1);
        in.body = slice_of_str(body);
        assert_int_equal(answer_read(&in, &a), CX_OK);
        assert_int_equal(a.error.oauth_description.len, rows[i].bytes);
        assert_true(slice_is_utf8(a.error.oauth_description));
        answer_done(&a);
    }
}

static void a_code_that_is_too_long_is_dropped(void **state)
{
    static const size_t lens[] = {512, 513};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        char body[600] = "";
        struct answer a;
        struct answer_input in = {.status = 400, .is_body_whole = true};

        memset(body, 'x', lens[i] + 10);
        memcpy(body, "{\"error\":\"", 10);
        strncat(body, "\"}", 3);
        in.body = slice_of_str(body);
        assert_int_equal(answer_read(&in, &a), CX_OK);
        assert_int_equal(a.error.oauth_error.len, lens[i] == 512 ? 512 : 0);
        answer_done(&a);
    }
}

static void the_first_reader_that_was_believed_says_why(void **state)
{
    const struct answer_input in = {.status = 200,
                                    .content_type = SLICE_LIT(FORM),
                                    .body = SLICE_LIT("access_token=a%"),
                                    .is_body_whole = true,
                                    .sent = ENCODING_JSON};
    struct answer a;

    (void)state;
    assert_int_equal(answer_read(&in, &a), CX_OK);
    assert_true(says(&a, "two hex digits"));
    answer_done(&a);
}

static void a_message_never_shows_the_body(void **state)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"hunter2\",\"accessToken\":\"hunter3\"}",
        "{\"access_token\":\"hunter2\\n\"}",
        "{\"access_token\":hunter2}",
        "{\"access_token\":\"hunter2\"",
        "{\"access_token\":\"hunter2\",\"access_token\":\"hunter2\"}",
        "access_token=hunter2&access_token=hunter2",
        "access_token=hunter2%zz",
        "<hunter2>",
        "hunter2",
        "{\"access_token\":[\"hunter2\"]}",
        "{\"error\":\"x\",\"hunter2\":\"hunter2\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const struct answer_input in = {.status = 200,
                                        .content_type = SLICE_LIT(JSON),
                                        .body = slice_of_str(bodies[i]),
                                        .is_body_whole = true,
                                        .sent = ENCODING_FORM};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        CHECK(bodies[i], a.outcome != OUTCOME_ISSUED && a.error.message.len > 0);
        CHECK(bodies[i], !says(&a, "hunter"));
        answer_done(&a);
    }
}

static void a_strange_label_is_not_shown(void **state)
{
    static const char *const labels[] = {"text/\x1b[2Jplain", "a b", "text/pl\xc3\xa4in"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        const struct answer_input in = {.status = 200,
                                        .content_type = slice_of_str(labels[i]),
                                        .body = SLICE_LIT("x"),
                                        .is_body_whole = true};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        assert_true(says(&a, "(HTTP 200, no content type)"));
        answer_done(&a);
    }
}

static void a_refused_refresh_is_told_as_one(void **state)
{
    static const struct {
        enum job_purpose purpose;
        const char *says;
    } rows[] = {
        {PURPOSE_REFRESH, "refused the refresh token (HTTP 400, invalid_grant)"},
        {PURPOSE_TEST, "refused the user name or password"},
        {PURPOSE_UNKNOWN, "refused the credentials"},
        {PURPOSE_REVOKE,
         "the revocation endpoint refused the token (HTTP 400, invalid_grant): it is "
         "none of this provider's"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct answer_input in = {.status = 400,
                                        .body = SLICE_LIT("{\"error\":\"invalid_grant\"}"),
                                        .is_body_whole = true,
                                        .purpose = rows[i].purpose};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        CHECK(rows[i].says, says(&a, rows[i].says));
        answer_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_endpoint_says_when_to_come_back),
        cmocka_unit_test(a_redirect_names_its_host_and_nothing_else),
        cmocka_unit_test(a_hidden_redirect_names_no_host),
        cmocka_unit_test(an_error_is_passed_on_as_far_as_it_can_be_shown),
        cmocka_unit_test(a_long_description_is_cut_at_a_character),
        cmocka_unit_test(a_code_that_is_too_long_is_dropped),
        cmocka_unit_test(the_first_reader_that_was_believed_says_why),
        cmocka_unit_test(a_message_never_shows_the_body),
        cmocka_unit_test(a_strange_label_is_not_shown),
        cmocka_unit_test(a_refused_refresh_is_told_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
