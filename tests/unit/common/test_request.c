#include "common/core/body.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/request_row.h"

#define BASIC_6749 "Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\n" /* RFC 6749, 2.3.1 */

static void request_build_writes_the_examples_of_rfc_6749(void **state)
{
    static const struct request_row rows[] = {
        {
            .why = "4.3.2, the password grant",
            .url = "https://server.example.com/token",
            .fields = {{PLACE_PAYLOAD, "grant_type", "{{grant_type}}"},
                       {PLACE_PAYLOAD, "username", "{{username}}"},
                       {PLACE_PAYLOAD, "password", "{{password}}"}},
            .client = CLIENT_SECRET_BASIC,
            .id = "s6BhdRkqt3",
            .secret = "gX1fBat3bV",
            .want_url = "https://server.example.com/token",
            .want_headers = BASIC_6749 REQUEST_ROW_HEADERS,
            .want_body = "grant_type=password&username=johndoe&password=A3ddj3w",
        },
        {
            .why = "6, the refresh",
            .url = "https://server.example.com/token",
            .fields = {{PLACE_PAYLOAD, "grant_type", "refresh_token"},
                       {PLACE_PAYLOAD, "refresh_token", "{{refresh_token}}"}},
            .client = CLIENT_SECRET_BASIC_RAW,
            .id = "s6BhdRkqt3",
            .secret = "gX1fBat3bV",
            .want_url = "https://server.example.com/token",
            .want_headers = BASIC_6749 REQUEST_ROW_HEADERS,
            .want_body = "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA",
        },
        {
            .why = "2.3.1, the client in the body, behind the fields",
            .url = "https://server.example.com/token",
            .fields = {{PLACE_PAYLOAD, "grant_type", "refresh_token"},
                       {PLACE_PAYLOAD, "refresh_token", "{{refresh_token}}"}},
            .client = CLIENT_SECRET_POST,
            .id = "s6BhdRkqt3",
            .secret = "7Fjfp0ZBr1KtDRbnfVdmIw",
            .want_url = "https://server.example.com/token",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"
                         "&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw",
        },
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

static void request_build_puts_each_field_in_its_place(void **state)
{
    static const struct request_row rows[] = {
        {
            .why = "all places at once",
            .url = "https://{tenant}.idp.example:8443/{realm}/token/{{session}}",
            .fields = {{PLACE_HEADER, "X-Pin", "{{pin}}"},
                       {PLACE_PAYLOAD, "scope", "hr.read hr.write"},
                       {PLACE_QUERY, "v", "1"},
                       {PLACE_PATH, "realm", "staff"}},
            .client = CLIENT_NONE,
            .want_url = "https://acme.idp.example:8443/staff/token/s%2F1%202?v=1",
            .want_headers = "X-Pin: 4711\n" REQUEST_ROW_HEADERS,
            .want_body = "scope=hr.read+hr.write",
        },
        {
            .why = "nothing of the variables goes by itself",
            .url = REQUEST_ROW_URL,
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "the same key twice in payload and query, in order",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_PAYLOAD, "a", "2"},
                       {PLACE_QUERY, "q", "2"},
                       {PLACE_PAYLOAD, "a", "1"},
                       {PLACE_QUERY, "q", "1"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL "?q=2&q=1",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "a=2&a=1",
        },
        {
            .why = "query fields follow the URL's own query",
            .url = REQUEST_ROW_URL "?api-version=2",
            .fields = {{PLACE_QUERY, "a", ""}, {PLACE_QUERY, "b", "1"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL "?api-version=2&a=&b=1",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "a query that has only begun",
            .url = REQUEST_ROW_URL "?",
            .fields = {{PLACE_QUERY, "a", "1"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL "?a=1",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "a query that ends with '&'",
            .url = REQUEST_ROW_URL "?x=1&",
            .fields = {{PLACE_QUERY, "a", "1"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL "?x=1&a=1",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "keys and values of the query are data",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_QUERY, "k&=", "{{nasty}}"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL "?k%26%3D=a%26b%3Dc%20d%25%2B%22%27%0D%0A%F0%9F%94%91",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "keys and values of the payload are data",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_PAYLOAD, "k&= ", "{{nasty}}"},
                       {PLACE_PAYLOAD, "u", "{{umlaut}}{{unreserved}}"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "k%26%3D+=a%26b%3Dc+d%25%2B%22%27%0D%0A%F0%9F%94%91"
                         "&u=%C3%BCAZaz09*-._%7E",
        },
        {
            .why = "a path field may be made of a variable; its value is one segment",
            .url = "https://idp.example/{a}/{b}/token",
            .fields = {{PLACE_PATH, "b", "x-{{pin}}"}, {PLACE_PATH, "a", "{{session}}?#"}},
            .client = CLIENT_NONE,
            .want_url = "https://idp.example/s%2F1%202%3F%23/x-4711/token",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "a path field that no URL names goes nowhere",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_PATH, "realm", "staff"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "values are not expanded again, in no place",
            .url = "https://idp.example/{p}",
            .fields = {{PLACE_HEADER, "X-B", "{{braces}}"},
                       {PLACE_PAYLOAD, "b", "{{braces}}"},
                       {PLACE_QUERY, "b", "{{braces}}"},
                       {PLACE_PATH, "p", "{{braces}}"}},
            .client = CLIENT_NONE,
            .want_url = "https://idp.example/%7B%7Bpin%7D%7D%7B%7B%7B%7B%20%7Btenant%7D"
                        "?b=%7B%7Bpin%7D%7D%7B%7B%7B%7B%20%7Btenant%7D",
            .want_headers = "X-B: {{pin}}{{{{ {tenant}\n" REQUEST_ROW_HEADERS,
            .want_body = "b=%7B%7Bpin%7D%7D%7B%7B%7B%7B+%7Btenant%7D",
        },
        {
            .why = "empty values are sent empty",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_HEADER, "X-Empty", ""},
                       {PLACE_HEADER, "X-Var", "{{empty}}"},
                       {PLACE_HEADER, "X-Blanks", "{{blanks}}"},
                       {PLACE_PAYLOAD, "a", ""},
                       {PLACE_PAYLOAD, "b", "{{empty}}"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = "X-Empty:\nX-Var:\nX-Blanks:\n" REQUEST_ROW_HEADERS,
            .want_body = "a=&b=",
        },
        {
            .why = "white space around a header's value is none of it",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_HEADER, "X-Padded", "{{padded}}"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = "X-Padded: a b\n" REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "the profile's Accept and Content-Type win, whatever their case",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_HEADER, "accept", "text/plain"},
                       {PLACE_HEADER, "CONTENT-TYPE", "application/x-www-form-urlencoded; v=2"}},
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers =
                "accept: text/plain\nCONTENT-TYPE: application/x-www-form-urlencoded; v=2\n",
            .want_body = "",
        },
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

static void request_build_authenticates_the_client(void **state)
{
    static const struct request_row rows[] = {
        {
            .why = "form-encoded first: a+b%3A%25%C3%BC:p%26w+1",
            .url = REQUEST_ROW_URL,
            .client = CLIENT_SECRET_BASIC,
            .id = "{{basic_id}}",
            .secret = "p&w 1",
            .want_url = REQUEST_ROW_URL,
            .want_headers =
                "Authorization: Basic YStiJTNBJTI1JUMzJUJDOnAlMjZ3KzE=\n" REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "raw, as they are: a b%:p&w:1",
            .url = REQUEST_ROW_URL,
            .client = CLIENT_SECRET_BASIC_RAW,
            .id = "a b%",
            .secret = "p&w:1",
            .want_url = REQUEST_ROW_URL,
            .want_headers = "Authorization: Basic YSBiJTpwJnc6MQ==\n" REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "raw with an empty secret: s6BhdRkqt3:",
            .url = REQUEST_ROW_URL,
            .client = CLIENT_SECRET_BASIC_RAW,
            .id = "s6BhdRkqt3",
            .secret = "",
            .want_url = REQUEST_ROW_URL,
            .want_headers = "Authorization: Basic czZCaGRSa3F0Mzo=\n" REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "a public client tells its id (RFC 6749, 3.2.1)",
            .url = REQUEST_ROW_URL,
            .client = CLIENT_NONE,
            .id = "portal",
            .want_url = REQUEST_ROW_URL,
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "client_id=portal",
        },
        {
            .why = "a header field Authorization wins over Basic",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_HEADER, "authorization", "Bearer {{pin}}"}},
            .client = CLIENT_SECRET_BASIC,
            .id = "portal",
            .secret = "{{secret:kept}}",
            .want_url = REQUEST_ROW_URL,
            .want_headers = "authorization: Bearer 4711\n" REQUEST_ROW_HEADERS,
            .want_body = "",
        },
        {
            .why = "payload fields win over client_secret_post",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_PAYLOAD, "client_secret", "other"}, {PLACE_PAYLOAD, "z", "1"}},
            .client = CLIENT_SECRET_POST,
            .id = "portal",
            .secret = "s",
            .want_url = REQUEST_ROW_URL,
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "client_secret=other&z=1&client_id=portal",
        },
        {
            .why = "so do query fields: no parameter twice",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_QUERY, "client_id", "other"}},
            .client = CLIENT_NONE,
            .id = "portal",
            .want_url = REQUEST_ROW_URL "?client_id=other",
            .want_headers = REQUEST_ROW_HEADERS,
            .want_body = "",
        },
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

#define LONG "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"

static void request_build_fails_cleanly_without_memory(void **state)
{
    static const struct request_row row = {
        .url = "https://idp.example/{p}",
        .fields = {{PLACE_HEADER, "X-Pin", "{{pin}}"},
                   {PLACE_PAYLOAD, "a", "{{pin}}"},
                   {PLACE_QUERY, "a", "{{pin}}"},
                   {PLACE_PATH, "p", "{{pin}}"}},
        .client = CLIENT_SECRET_BASIC,
        .id = "i",
        .secret = LONG LONG LONG LONG, /* so that buffers have to grow */
    };
    struct request_row_job m;
    size_t nth = 1;

    (void)state;
    request_row_job(&m, &row);
    while (m.job.request.nfields < 20) { /* more than there is room for without memory */
        m.fields[m.job.request.nfields++] =
            (struct msg_field){PLACE_PAYLOAD, SLICE_LIT("b"), SLICE_LIT("1")};
    }
    for (;; nth++) {
        struct request r = {0};
        enum stage stage = STAGE_NONE;
        struct cx_fail fail = {0};
        enum cx_err err;

        alloc_fail_at(nth);
        err = request_build(&m.job, NULL, &r, &stage, &fail);
        if (!alloc_fail_end()) {
            assert_int_equal(err, CX_OK);
            request_done(&r);
            break;
        }
        assert_int_equal(err, CX_E_NOMEM);
        assert_int_equal(fail.code, CX_E_NOMEM);
        assert_int_equal(stage, STAGE_AGENT);
        assert_int_equal(r.nheaders, 0);
    }
    assert_true(nth > 10);
}

static void body_encoder_of_knows_what_can_be_sent(void **state)
{
    (void)state;
    for (int encoding = 1; encoding < ENCODING_COUNT; encoding++) {
        assert_int_equal(body_encoder_of((enum body_encoding)encoding)->encoding, encoding);
    }
    assert_null(body_encoder_of(ENCODING_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_writes_the_examples_of_rfc_6749),
        cmocka_unit_test(request_build_puts_each_field_in_its_place),
        cmocka_unit_test(request_build_authenticates_the_client),
        cmocka_unit_test(request_build_fails_cleanly_without_memory),
        cmocka_unit_test(body_encoder_of_knows_what_can_be_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
