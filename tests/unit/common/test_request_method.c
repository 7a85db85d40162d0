#include "tests/support/check.h"
#include "tests/support/request_row.h"

/* Every method with every encoding: where the payload goes. */

#define FIELDS                                                                                     \
    {                                                                                              \
        {PLACE_QUERY, "v", "1"}, {PLACE_PAYLOAD, "u&", "{{nasty}}"}, {PLACE_PAYLOAD, "e", ""},     \
        {                                                                                          \
            PLACE_PAYLOAD, "u&", "{{umlaut}}"                                                      \
        }                                                                                          \
    }
/* "nasty" is a&b=c d%+"' CR LF U+1F511; "umlaut" is U+00FC */
#define FORM                                                                                       \
    "u%26=a%26b%3Dc+d%25%2B%22%27%0D%0A%F0%9F%94%91&e=&u%26=%C3%BC"                                \
    "&client_id=portal&client_secret=s+3"
#define JSON                                                                                       \
    "{\"u&\":[\"a&b=c d%+\\\"'\\r\\n\xf0\x9f\x94\x91\",\"\xc3\xbc\"],\"e\":\"\","                  \
    "\"client_id\":\"portal\",\"client_secret\":\"s 3\"}"
#define QUERY                                                                                      \
    "&u%26=a%26b%3Dc%20d%25%2B%22%27%0D%0A%F0%9F%94%91&e=&u%26=%C3%BC"                             \
    "&client_id=portal&client_secret=s%203"
#define ACCEPT      "Accept: application/json, */*;q=0.5\n"
#define JSON_HEADER "Content-Type: application/json\n"

static void request_build_puts_the_payload_where_the_method_carries_it(void **state)
{
    static const struct {
        enum http_method method;
        bool has_body;
    } methods[] = {
        {METHOD_POST, true}, {METHOD_PUT, true},     {METHOD_PATCH, true},
        {METHOD_GET, false}, {METHOD_DELETE, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        bool has_body = methods[i].has_body;
        struct request_row rows[] = {
            {
                .why = "form",
                .url = REQUEST_ROW_URL,
                .fields = FIELDS,
                .method = methods[i].method,
                .encoding = ENCODING_FORM,
                .client = CLIENT_SECRET_POST,
                .id = "portal",
                .secret = "s 3",
                .want_url = has_body ? REQUEST_ROW_URL "?v=1" : REQUEST_ROW_URL "?v=1" QUERY,
                .want_headers = has_body ? REQUEST_ROW_HEADERS : ACCEPT,
                .want_body = has_body ? FORM : NULL,
            },
            {
                .why = "json",
                .url = REQUEST_ROW_URL,
                .fields = FIELDS,
                .method = methods[i].method,
                .encoding = ENCODING_JSON,
                .client = CLIENT_SECRET_POST,
                .id = "portal",
                .secret = "s 3",
                .want_url = has_body ? REQUEST_ROW_URL "?v=1" : REQUEST_ROW_URL "?v=1" QUERY,
                .want_headers = has_body ? ACCEPT JSON_HEADER : ACCEPT,
                .want_body = has_body ? JSON : NULL,
            },
            {
                .why = "no payload",
                .url = REQUEST_ROW_URL,
                .method = methods[i].method,
                .encoding = ENCODING_JSON,
                .client = CLIENT_NONE,
                .want_url = REQUEST_ROW_URL,
                .want_headers = has_body ? ACCEPT JSON_HEADER : ACCEPT,
                .want_body = has_body ? "{}" : NULL,
            },
        };

        request_row_check(rows, COUNT_OF(rows));
    }
}

static void request_build_keeps_a_content_type_of_the_profile(void **state)
{
    static const struct request_row rows[] = {
        {
            .why = "a field's own",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_HEADER, "content-type", "application/vnd.x+json"}},
            .encoding = ENCODING_JSON,
            .client = CLIENT_NONE,
            .want_url = REQUEST_ROW_URL,
            .want_headers = "content-type: application/vnd.x+json\n" ACCEPT,
            .want_body = "{}",
        },
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

static void request_build_refuses_a_payload_that_no_url_has_room_for(void **state)
{
    static char value[9000]; /* a URL has 8192 bytes at most */
    struct request_row row = {
        .why = "too long",
        .url = REQUEST_ROW_URL,
        .fields = {{PLACE_PAYLOAD, "long", value}},
        .method = METHOD_GET,
        .client = CLIENT_NONE,
        .err = CX_E_TOO_BIG,
        .stage = STAGE_TEMPLATE,
        .says = "payload field \"long\": no room in the URL",
    };

    (void)state;
    memset(value, 'a', sizeof(value) - 1);
    request_row_check(&row, 1);
}

static void request_build_refuses_a_json_payload_that_is_not_utf8(void **state)
{
    static const struct request_row rows[] = {
        {
            .why = "a lone byte",
            .url = REQUEST_ROW_URL,
            .fields = {{PLACE_PAYLOAD, "a", "\xff"}},
            .encoding = ENCODING_JSON,
            .client = CLIENT_NONE,
            .err = CX_E_SYNTAX,
            .stage = STAGE_TEMPLATE,
            .says = "payload field \"a\": is not UTF-8",
        },
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_puts_the_payload_where_the_method_carries_it),
        cmocka_unit_test(request_build_keeps_a_content_type_of_the_profile),
        cmocka_unit_test(request_build_refuses_a_payload_that_no_url_has_room_for),
        cmocka_unit_test(request_build_refuses_a_json_payload_that_is_not_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
