#include "tests/support/check.h"
#include "tests/support/request_row.h"

#include <stdlib.h>

#define REFUSED(field_place, field_key, field_value, code, at, sentence)                           \
    .url = REQUEST_ROW_URL, .fields = {{field_place, field_key, field_value}},                     \
    .client = CLIENT_NONE, .err = code, .stage = at, .says = sentence

static void request_build_refuses_what_a_platform_must_not_send(void **state)
{
    static const struct request_row rows[] = {
        {.why = "nothing fills a header",
         REFUSED(PLACE_HEADER, "X-Pin", "{{nobody}}", CX_E_MISSING, STAGE_TEMPLATE,
                 "header field \"X-Pin\": nothing fills {{nobody}}")},
        {.why = "nothing fills a payload field",
         REFUSED(PLACE_PAYLOAD, "a", "{{nobody}}", CX_E_MISSING, STAGE_TEMPLATE,
                 "payload field \"a\": nothing fills {{nobody}}")},
        {.why = "nothing fills a query field",
         REFUSED(PLACE_QUERY, "a", "{{nobody}}", CX_E_MISSING, STAGE_TEMPLATE, "{{nobody}}")},
        {.why = "nothing fills a path field",
         REFUSED(PLACE_PATH, "a", "{{nobody}}", CX_E_MISSING, STAGE_TEMPLATE,
                 "path field \"a\": nothing fills {{nobody}}")},
        {.why = "a field without a value",
         REFUSED(PLACE_PAYLOAD, "a", NULL, CX_E_MISSING, STAGE_TEMPLATE, "has no value")},
        {.why = "a secret that this agent does not keep",
         REFUSED(PLACE_PAYLOAD, "a", "{{secret:hr}}", CX_E_SECRET, STAGE_SECRET, "{{secret:hr}}")},
        {.why = "a secret in a query",
         REFUSED(PLACE_QUERY, "a", "{{secret:hr}}", CX_E_SECRET, STAGE_SECRET, "{{secret:hr}}")},
        {.why = "a malformed template",
         REFUSED(PLACE_PAYLOAD, "a", "{{pin", CX_E_SYNTAX, STAGE_TEMPLATE, "does not end")},
        {.why = "a line break in a header's value",
         REFUSED(PLACE_HEADER, "X-A", "{{crlf}}", CX_E_SYNTAX, STAGE_TEMPLATE, "{{crlf}}")},
        {.why = "a line break in a header's name",
         REFUSED(PLACE_HEADER, "X-A\r\nEvil", "1", CX_E_SYNTAX, STAGE_TEMPLATE,
                 "is no header name")},
        {.why = "a header's name with a colon",
         REFUSED(PLACE_HEADER, "X-A: 1, Evil", "1", CX_E_SYNTAX, STAGE_TEMPLATE,
                 "is no header name")},
        {.why = "a header that the HTTP client must own",
         REFUSED(PLACE_HEADER, "Content-length", "0", CX_E_SYNTAX, STAGE_TEMPLATE,
                 "belongs to the HTTP client")},
        {.why = "a header that overrides the method",
         REFUSED(PLACE_HEADER, "X-HTTP-Method-Override", "DELETE", CX_E_SYNTAX, STAGE_TEMPLATE,
                 "another method")},
        {.why = "a header twice",
         .url = REQUEST_ROW_URL,
         .fields = {{PLACE_HEADER, "X-A", "1"}, {PLACE_HEADER, "x-a", "2"}},
         .client = CLIENT_NONE,
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "occurs twice"},
        {.why = "a path field twice",
         .url = REQUEST_ROW_URL,
         .fields = {{PLACE_PATH, "a", "1"}, {PLACE_PATH, "a", "2"}},
         .client = CLIENT_NONE,
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "occurs twice"},
        {.why = "nothing fills the URL",
         .url = "https://idp.example/{realm}",
         .client = CLIENT_NONE,
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "url: nothing fills {realm}"},
        {.why = "a variable is no path field",
         .url = "https://idp.example/{pin}",
         .client = CLIENT_NONE,
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "url: nothing fills {pin}"},
        {.why = "a secret in the URL",
         .url = "https://idp.example/{{secret:hr}}",
         .client = CLIENT_NONE,
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "can't stand in a URL"},
        {.why = "a path field that leaves its segment",
         .url = "https://idp.example/{p}/token",
         .fields = {{PLACE_PATH, "p", "{{dots}}"}},
         .client = CLIENT_NONE,
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "{p}"},
        {.why = "a host value that is more than a label",
         .url = "https://{{host}}.example/token",
         .client = CLIENT_NONE,
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "one label"},
        {.why = "no URL",
         .client = CLIENT_NONE,
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "url: has no value"},
        {.why = "Basic without an id",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_BASIC,
         .secret = "s",
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "client.id: has no value"},
        {.why = "Basic without a secret",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_BASIC_RAW,
         .id = "i",
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "client.secret: has no value"},
        {.why = "client_secret_post without a secret",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_POST,
         .id = "i",
         .err = CX_E_MISSING,
         .stage = STAGE_TEMPLATE,
         .says = "client.secret"},
        {.why = "raw Basic with a colon in the id",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_BASIC_RAW,
         .id = "{{basic_id}}",
         .secret = "s",
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "client.id"},
        {.why = "raw Basic with a line break in the secret",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_BASIC_RAW,
         .id = "i",
         .secret = "s\n",
         .err = CX_E_SYNTAX,
         .stage = STAGE_TEMPLATE,
         .says = "client.secret"},
        {.why = "a client's secret that this agent does not keep",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_SECRET_BASIC,
         .id = "i",
         .secret = "{{secret:hr-client}}",
         .err = CX_E_SECRET,
         .stage = STAGE_SECRET,
         .says = "client.secret: {{secret:hr-client}}: no secrets are kept here"},
        {.why = "a client method that is not known",
         .url = REQUEST_ROW_URL,
         .client = CLIENT_UNKNOWN,
         .err = CX_E_UNSUPPORTED,
         .stage = STAGE_AGENT,
         .says = "client.method"},
    };

    (void)state;
    request_row_check(rows, COUNT_OF(rows));
}

static void request_build_refuses_methods_encodings_and_places_it_lacks(void **state)
{
    static const struct request_row plain = {.url = REQUEST_ROW_URL, .client = CLIENT_NONE};
    struct request_row_job m;
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    request_row_job(&m, &plain);
    m.job.request.method = METHOD_UNKNOWN;
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_E_UNSUPPORTED);
    assert_int_equal(stage, STAGE_AGENT);
    request_row_job(&m, &plain);
    m.job.request.encoding = ENCODING_UNKNOWN;
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_E_UNSUPPORTED);
    request_row_job(&m, &plain);
    m.job.request.nfields = 1; /* a field whose place is PLACE_UNKNOWN */
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_E_UNSUPPORTED);
    assert_int_equal(stage, STAGE_AGENT);
}

/* One field with a value of `len` bytes. */
static enum cx_err build_long(enum field_place place, size_t len, struct request *r)
{
    static const struct request_row plain = {.url = REQUEST_ROW_URL, .client = CLIENT_NONE};
    struct request_row_job m;
    enum stage stage = STAGE_NONE;
    char *value = malloc(len + 1);
    enum cx_err err;

    assert_non_null(value);
    memset(value, 'a', len);
    request_row_job(&m, &plain);
    m.fields[0] = (struct msg_field){place, SLICE_LIT("K"), slice_of(value, len)};
    m.job.request.nfields = 1;
    err = request_build(&m.job, NULL, r, &stage, NULL);
    if (err != CX_OK) {
        assert_int_equal(stage, STAGE_TEMPLATE);
    } else {
        request_done(r);
    }
    free(value);
    return err;
}

static void request_build_bounds_id_and_secret_of_basic_each(void **state)
{
    static const struct request_row plain = {.url = REQUEST_ROW_URL, .client = CLIENT_SECRET_BASIC};
    static const struct {
        const char *why, *says;
        size_t id_bytes, secret_bytes;
        enum cx_err err;
    } rows[] = {
        {"an id of 8 KiB", "", 8192, 1, CX_OK},
        {"an id of 8 KiB and a byte", "client.id: ", 8193, 1, CX_E_TOO_BIG},
        {"a secret of 8 KiB", "", 1, 8192, CX_OK},
        {"a secret of 8 KiB and a byte", "client.secret: ", 1, 8193, CX_E_TOO_BIG},
        {"both of 8 KiB", "client: ", 8192, 8192, CX_E_TOO_BIG},
    };
    static char text[8193];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_row_job m;
        struct request r = {0};
        enum stage stage = STAGE_NONE;
        struct cx_fail fail = {0};

        request_row_job(&m, &plain);
        m.job.request.client.id = slice_of(text, rows[i].id_bytes);
        m.job.request.client.secret = slice_of(text, rows[i].secret_bytes);
        CHECK_ERR(rows[i].why, request_build(&m.job, NULL, &r, &stage, &fail), rows[i].err);
        CHECK(rows[i].why, strncmp(fail.detail, rows[i].says, strlen(rows[i].says)) == 0);
        request_done(&r);
    }
}

static void request_build_keeps_its_limits(void **state)
{
    static const struct {
        const char *why;
        enum field_place place;
        size_t len;
        enum cx_err err;
    } rows[] = {
        /* "K: " and the two default headers take 3 + 35 + 47 bytes */
        {"headers of 16 KiB", PLACE_HEADER, 16384 - 85, CX_OK},
        {"headers of 16 KiB and a byte", PLACE_HEADER, 16384 - 84, CX_E_TOO_BIG},
        /* "https://idp.example/token?K=" takes 28 bytes */
        {"a URL of 8 KiB", PLACE_QUERY, 8192 - 28, CX_OK},
        {"a URL of 8 KiB and a byte", PLACE_QUERY, 8192 - 27, CX_E_TOO_BIG},
        /* "K=" */
        {"a body of 256 KiB", PLACE_PAYLOAD, 262144 - 2, CX_OK},
        {"a body of 256 KiB and a byte", PLACE_PAYLOAD, 262144 - 1, CX_E_TOO_BIG},
    };
    struct request r = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_ERR(rows[i].why, build_long(rows[i].place, rows[i].len, &r), rows[i].err);
    }
}

static void request_build_counts_header_lines(void **state)
{
    static const struct request_row plain = {.url = REQUEST_ROW_URL, .client = CLIENT_NONE};
    char names[REQUEST_ROW_FIELDS_MAX][8];
    struct request_row_job m;
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    request_row_job(&m, &plain);
    for (size_t i = 0; i < REQUEST_ROW_FIELDS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x-%zu", i);
        m.fields[i] = (struct msg_field){PLACE_HEADER, slice_of_str(names[i]), SLICE_LIT("1")};
    }
    m.job.request.nfields =
        REQUEST_HEADERS_MAX - 2; /* Accept and Content-Type come by themselves */
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_OK);
    assert_int_equal(r.nheaders, REQUEST_HEADERS_MAX);
    request_done(&r);
    m.job.request.nfields++;
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_E_TOO_BIG);
    m.job.request.nfields = REQUEST_HEADERS_MAX + 1;
    assert_int_equal(request_build(&m.job, NULL, &r, &stage, NULL), CX_E_TOO_BIG);
    assert_int_equal(stage, STAGE_TEMPLATE);
}

static void request_build_never_shows_a_value(void **state)
{
    static const struct request_row rows[] = {
        {.url = REQUEST_ROW_URL,
         .fields = {{PLACE_HEADER, "X", "{{crlf}}"}},
         .client = CLIENT_NONE},
        {.url = REQUEST_ROW_URL, .fields = {{PLACE_PAYLOAD, "X", "Evil{{"}}, .client = CLIENT_NONE},
        {.url = "https://{{crlf}}/", .client = CLIENT_NONE},
        {.url = REQUEST_ROW_URL, .client = CLIENT_SECRET_BASIC_RAW, .id = "i", .secret = "Evil\n"},
        {.url = REQUEST_ROW_URL, .client = CLIENT_SECRET_POST, .id = "i", .secret = "Evil{{"},
    };
    struct request_row_job m;
    struct request r;
    enum stage stage;
    struct cx_fail fail;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        request_row_job(&m, &rows[i]);
        assert_int_equal(request_build(&m.job, NULL, &r, &stage, &fail), CX_E_SYNTAX);
        assert_null(strstr(fail.detail, "Evil"));
    }
}

static void request_allows_header_knows_whose_header_it_is(void **state)
{
    static const struct {
        const char *name;
        bool is_allowed;
    } rows[] = {
        {"X-Pin", true},
        {"Authorization", true},
        {"Content-Type", true},
        {"Accept", true},
        {"Cookie", true},
        {"!#$%&'*+-.^_`|~09azAZ", true},
        {"Tenant", true},
        {"Hosts", true},
        {"X-Proxy-Authorization", true},
        {"", false},
        {"X Pin", false},
        {"X-Pin:", false},
        {"X-Pin\n", false},
        {"X(Pin)", false},
        {"X-P\xc3\xbc", false},
        {"Host", false},
        {"HOST", false},
        {"Content-Length", false},
        {"Content_Length", false},
        {"Transfer-Encoding", false},
        {"Connection", false},
        {"Keep-Alive", false},
        {"TE", false},
        {"Trailer", false},
        {"Upgrade", false},
        {"HTTP2-Settings", false},
        {"Proxy-Authorization", false},
        {"proxy-", false},
        {"Proxy_Connection", false},
        {"Expect", false},
        {"Accept-Encoding", false},
        {"X-HTTP-Method-Override", false},
        {"X_HTTP_METHOD_OVERRIDE", false},
        {"X-HTTP-Method", false},
        {"X-Method-Override", false},
        {"X-Original-Method", false},
        {"X-Original-URL", false},
        {"X-Rewrite-URL", false},
    };
    char longest[257];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = NULL;

        CHECK(rows[i].name,
              request_allows_header(slice_of_str(rows[i].name), &why) == rows[i].is_allowed);
        CHECK(rows[i].name, (why == NULL) == rows[i].is_allowed);
    }
    memset(longest, 'a', sizeof(longest));
    assert_true(request_allows_header(slice_of(longest, 256), NULL));
    assert_false(request_allows_header(slice_of(longest, 257), NULL));
    assert_false(request_allows_header(slice_of("a\0b", 3), NULL));
    assert_false(request_allows_header((struct slice){0}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_refuses_what_a_platform_must_not_send),
        cmocka_unit_test(request_build_refuses_methods_encodings_and_places_it_lacks),
        cmocka_unit_test(request_build_bounds_id_and_secret_of_basic_each),
        cmocka_unit_test(request_build_keeps_its_limits),
        cmocka_unit_test(request_build_counts_header_lines),
        cmocka_unit_test(request_build_never_shows_a_value),
        cmocka_unit_test(request_allows_header_knows_whose_header_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
