#include "tests/support/check.h"
#include "tests/support/request_row.h"

#define SECRET_VALUE "s3&=\" {{pin}}"

/* What the fake keeper keeps, and for which use alone. */
static const struct {
    enum secret_place place;
    const char *key, *name, *value;
} kept[] = {
    {SECRET_IN_PAYLOAD, "password", "hr", SECRET_VALUE},
    {SECRET_IN_PAYLOAD, "broken", "line", "a\r\nb"},
    {SECRET_IN_HEADER, "X-Api-Key", "hr", SECRET_VALUE},
    {SECRET_IN_HEADER, "X-Broken", "line", "a\r\nEvil: 1"},
    {SECRET_IN_CLIENT, "id", "hr-id", "portal"},
    {SECRET_IN_CLIENT, "secret", "hr", SECRET_VALUE},
};

static enum cx_err find_secret(void *ctx, const struct keeper_use *use, struct slice *value,
                               struct cx_fail *fail)
{
    (void)ctx;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        const struct keeper_use mine = {kept[i].place, slice_of_str(kept[i].key),
                                        slice_of_str(kept[i].name)};

        if (keeper_is_same_place(use, &mine) && slice_eq(use->name, mine.name)) {
            *value = slice_of_str(kept[i].value);
            return CX_OK;
        }
    }
    return cx_fail_set(fail, CX_E_SECRET, "test", "not for %s %.*s", terms_secret_place(use->place),
                       SLICE_ARG(use->key));
}

static const struct request_keeper keeper = {.find_secret = find_secret};

#define ROW_OF    .url = REQUEST_ROW_URL, .keeper = &keeper
#define ROW       ROW_OF, .client = CLIENT_NONE
#define ROW_GET   ROW, .method = METHOD_GET
#define WANT_POST .want_url = REQUEST_ROW_URL, .want_headers = REQUEST_ROW_HEADERS

static void request_build_fills_a_secret_where_it_is_kept_for(void **state)
{
    static const struct request_row rows[] = {
        {.why = "a payload field, escaped as form wants it, and not expanded again",
         ROW,
         .fields = {{PLACE_PAYLOAD, "password", "{{secret:hr}}"}},
         WANT_POST,
         .want_body = "password=s3%26%3D%22+%7B%7Bpin%7D%7D"},
        {.why = "a payload field, as JSON",
         ROW,
         .encoding = ENCODING_JSON,
         .fields = {{PLACE_PAYLOAD, "password", "a{{secret:hr}}z"}},
         .want_url = REQUEST_ROW_URL,
         .want_headers = "Accept: application/json, */*;q=0.5\nContent-Type: application/json\n",
         .want_body = "{\"password\":\"as3&=\\\" {{pin}}z\"}"},
        {.why = "a payload field may hold a line end",
         ROW,
         .fields = {{PLACE_PAYLOAD, "broken", "{{secret:line}}"}},
         WANT_POST,
         .want_body = "broken=a%0D%0Ab"},
        {.why = "a header, whose name has no case",
         ROW_GET,
         .fields = {{PLACE_HEADER, "x-api-KEY", "k {{secret:hr}}"}},
         .want_url = REQUEST_ROW_URL,
         .want_headers = "x-api-KEY: k s3&=\" {{pin}}\nAccept: application/json, */*;q=0.5\n"},
        {.why = "the client, as Basic",
         ROW_OF,
         .client = CLIENT_SECRET_BASIC_RAW,
         .id = "{{secret:hr-id}}",
         .secret = "{{secret:hr}}",
         .want_url = REQUEST_ROW_URL,
         /* printf 'portal:s3&=" {{pin}}' | base64 */
         .want_headers = "Authorization: Basic cG9ydGFsOnMzJj0iIHt7cGlufX0=\n" REQUEST_ROW_HEADERS,
         .want_body = ""},
        {.why = "the client, in the payload",
         ROW_OF,
         .client = CLIENT_SECRET_POST,
         .id = "{{secret:hr-id}}",
         .secret = "{{secret:hr}}",
         WANT_POST,
         .want_body = "client_id=portal&client_secret=s3%26%3D%22+%7B%7Bpin%7D%7D"},
        {.why = "the client, as Basic of a GET",
         ROW_OF,
         .method = METHOD_GET,
         .client = CLIENT_SECRET_BASIC,
         .id = "i",
         .secret = "{{secret:hr}}",
         .want_url = REQUEST_ROW_URL,
         /* printf 'i:s3%%26%%3D%%22+%%7B%%7Bpin%%7D%%7D' | base64 */
         .want_headers = "Authorization: Basic aTpzMyUyNiUzRCUyMislN0IlN0JwaW4lN0QlN0Q=\n"
                         "Accept: application/json, */*;q=0.5\n"},
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

#define IN_URL  "can't stand here, since it goes into the URL, which others read"
#define REFUSED .err = CX_E_SECRET, .stage = STAGE_SECRET

static void request_build_refuses_a_secret_anywhere_else(void **state)
{
    static const struct request_row rows[] = {
        {.why = "another key of the payload",
         ROW,
         .fields = {{PLACE_PAYLOAD, "Password", "{{secret:hr}}"}},
         REFUSED,
         .says = "payload field \"Password\": {{secret:hr}}: not for payload Password"},
        {.why = "another name",
         ROW,
         .fields = {{PLACE_PAYLOAD, "password", "{{secret:HR}}"}},
         REFUSED,
         .says = "payload field \"password\": {{secret:HR}}: not for payload password"},
        {.why = "another header",
         ROW,
         .fields = {{PLACE_HEADER, "X-Api-Keys", "{{secret:hr}}"}},
         REFUSED,
         .says = "header field \"X-Api-Keys\": {{secret:hr}}: not for header X-Api-Keys"},
        {.why = "a payload field is no header",
         ROW,
         .fields = {{PLACE_PAYLOAD, "X-Api-Key", "{{secret:hr}}"}},
         REFUSED,
         .says = "not for payload X-Api-Key"},
        {.why = "a payload field called as a member of the client",
         ROW,
         .fields = {{PLACE_PAYLOAD, "secret", "{{secret:hr}}"}},
         REFUSED,
         .says = "not for payload secret"},
        {.why = "another member of the client",
         ROW_OF,
         .client = CLIENT_SECRET_BASIC,
         .id = "{{secret:hr}}",
         .secret = "{{secret:hr}}",
         REFUSED,
         .says = "client.id: {{secret:hr}}: not for client id"},
        {.why = "the query",
         ROW,
         .fields = {{PLACE_QUERY, "password", "{{secret:hr}}"}},
         REFUSED,
         .says = "query field \"password\": {{secret:hr}} " IN_URL},
        {.why = "a path field",
         ROW,
         .fields = {{PLACE_PATH, "password", "{{secret:hr}}"}},
         REFUSED,
         .says = "path field \"password\": {{secret:hr}} " IN_URL},
        {.why = "the payload of a GET",
         ROW_GET,
         .fields = {{PLACE_PAYLOAD, "password", "{{secret:hr}}"}},
         REFUSED,
         .says = "payload field \"password\": {{secret:hr}} " IN_URL},
        {.why = "the payload of a DELETE",
         ROW,
         .method = METHOD_DELETE,
         .fields = {{PLACE_PAYLOAD, "password", "{{secret:hr}}"}},
         REFUSED,
         .says = IN_URL},
        {.why = "the client's secret in the query of a GET",
         ROW_OF,
         .method = METHOD_GET,
         .client = CLIENT_SECRET_POST,
         .id = "i",
         .secret = "{{secret:hr}}",
         REFUSED,
         .says = "client.secret: {{secret:hr}} " IN_URL},
        {.why = "the client's id in the query of a GET",
         ROW_GET,
         .id = "{{secret:hr-id}}",
         REFUSED,
         .says = "client.id: {{secret:hr-id}} " IN_URL},
        {.why = "a line end in a header",
         ROW,
         .fields = {{PLACE_HEADER, "X-Broken", "{{secret:line}}"}},
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "the value of {{secret:line}} holds a control character"},
        {.why = "a variable's value is not expanded again",
         ROW,
         .fields = {{PLACE_PAYLOAD, "password", "{{secret}}"}},
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "nothing fills {{secret}}"},
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

static void request_begin_makes_the_url_alone(void **state)
{
    static const struct request_row row = {ROW,
                                           .fields = {{PLACE_PAYLOAD, "password", "{{secret:hr}}"},
                                                      {PLACE_HEADER, "X-Api-Key", "{{secret:hr}}"},
                                                      {PLACE_QUERY, "q", "{{pin}}"}}};
    struct request_row_job m;
    struct request_parts parts;
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    request_row_job(&m, &row);
    assert_int_equal(request_begin(&parts, &m.job, &r, &stage, NULL), CX_OK);
    CHECK_TEXT("final", buf_view(&r.url), REQUEST_ROW_URL "?q=4711");
    assert_int_equal(r.method, METHOD_POST);
    assert_int_equal(r.nheaders, 0);
    assert_int_equal(r.body.len, 0);
    request_drop(&parts);
    assert_null(r.url.ptr);

    assert_int_equal(request_begin(&parts, &m.job, &r, &stage, NULL), CX_OK);
    assert_int_equal(request_finish(&parts, &keeper, &stage, NULL), CX_OK);
    CHECK_TEXT("the same", buf_view(&r.url), REQUEST_ROW_URL "?q=4711");
    CHECK_TEXT("filled", buf_view(&r.body), "password=s3%26%3D%22+%7B%7Bpin%7D%7D");
    request_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_fills_a_secret_where_it_is_kept_for),
        cmocka_unit_test(request_build_refuses_a_secret_anywhere_else),
        cmocka_unit_test(request_begin_makes_the_url_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
