#include "common/core/request_mask.h"

#include "tests/support/check.h"

/* The secret, which each encoding writes in another way. */
#define SECRET "p&w/ \"+\xc3\xbc"

static const struct msg_variable variables[] = {
    {{(const uint8_t *)"username", 8}, {(const uint8_t *)"ada", 3}},
    {{(const uint8_t *)"password", 8}, {(const uint8_t *)SECRET, sizeof(SECRET) - 1}},
    {{(const uint8_t *)"label", 5}, {(const uint8_t *)"s3cret", 6}},
};
static const struct slice secret_names[] = {{(const uint8_t *)"password", 8},
                                            {(const uint8_t *)"label", 5}};

static const struct msg_field fields[] = {
    {PLACE_HEADER, {(const uint8_t *)"X-Label", 7}, {(const uint8_t *)"a {{label}}", 11}},
    {PLACE_QUERY, {(const uint8_t *)"q", 1}, {(const uint8_t *)"{{password}}", 12}},
    {PLACE_PATH, {(const uint8_t *)"p", 1}, {(const uint8_t *)"{{password}}", 12}},
    {PLACE_PAYLOAD, {(const uint8_t *)"user", 4}, {(const uint8_t *)"{{username}}", 12}},
    {PLACE_PAYLOAD, {(const uint8_t *)"pass", 4}, {(const uint8_t *)"{{password}}", 12}},
};

static struct msg_job job_of(enum body_encoding encoding, enum client_method client)
{
    return (struct msg_job){
        .purpose = PURPOSE_AUTHORIZE,
        .request = {.method = METHOD_POST,
                    .url = SLICE_LIT("https://{{label}}.idp.example/{p}"),
                    .encoding = encoding,
                    .fields = fields,
                    .nfields = COUNT_OF(fields),
                    .client = {.method = client,
                               .id = SLICE_LIT("portal"),
                               .secret = SLICE_LIT("cl13nt")}},
        .variables = variables,
        .nvariables = COUNT_OF(variables),
        .secret_variables = secret_names,
        .nsecret_variables = COUNT_OF(secret_names),
    };
}

#define ACCEPT "Accept: application/json, */*;q=0.5\n"

static void request_build_masked_shows_everything_but_secrets(void **state)
{
    static const struct {
        const char *why;
        enum body_encoding encoding;
        enum client_method client;
        const char *headers, *body;
    } rows[] = {
        {"form, Basic", ENCODING_FORM, CLIENT_SECRET_BASIC,
         "X-Label: a MASKED\nAuthorization: Basic MASKED\n" ACCEPT
         "Content-Type: application/x-www-form-urlencoded\n",
         "user=ada&pass=MASKED"},
        {"form, Basic as it is", ENCODING_FORM, CLIENT_SECRET_BASIC_RAW,
         "X-Label: a MASKED\nAuthorization: Basic MASKED\n" ACCEPT
         "Content-Type: application/x-www-form-urlencoded\n",
         "user=ada&pass=MASKED"},
        {"json, the client in the payload", ENCODING_JSON, CLIENT_SECRET_POST,
         "X-Label: a MASKED\n" ACCEPT "Content-Type: application/json\n",
         "{\"user\":\"ada\",\"pass\":\"MASKED\",\"client_id\":\"portal\",\"client_secret\":"
         "\"MASKED\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_job job = job_of(rows[i].encoding, rows[i].client);
        struct request r = {0};
        struct cx_fail fail = {0};
        enum stage stage = STAGE_NONE;
        struct buf headers;

        CHECK_ERR(rows[i].why, request_build_masked(&job, &r, &stage, &fail), CX_OK);
        buf_init(&headers, SIZE_MAX);
        for (struct slice rest = buf_view(&r.headers); rest.len > 0;) {
            assert_int_equal(buf_put(&headers, request_take_header(&rest)), CX_OK);
            assert_int_equal(buf_put_byte(&headers, '\n'), CX_OK);
        }
        CHECK_TEXT(rows[i].why, buf_view(&r.url), "https://MASKED.idp.example/MASKED?q=MASKED");
        CHECK_TEXT(rows[i].why, buf_view(&headers), rows[i].headers);
        CHECK_TEXT(rows[i].why, buf_view(&r.body), rows[i].body);
        buf_done(&headers);
        request_done(&r);
    }
}

static void request_build_masked_leaves_the_job_as_it_was(void **state)
{
    struct msg_job job = job_of(ENCODING_FORM, CLIENT_SECRET_POST);
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    assert_int_equal(request_build_masked(&job, &r, &stage, NULL), CX_OK);
    request_done(&r);
    assert_int_equal(request_build(&job, NULL, &r, &stage, NULL), CX_OK);
    CHECK_TEXT("the real one", buf_view(&r.body),
               "user=ada&pass=p%26w%2F+%22%2B%C3%BC&client_id=portal&client_secret=cl13nt");
    request_done(&r);
}

static void request_build_masked_fails_as_the_real_one(void **state)
{
    struct msg_job job = job_of(ENCODING_UNKNOWN, CLIENT_NONE);
    struct request r = {0};
    enum stage stage = STAGE_NONE;

    (void)state;
    assert_int_equal(request_build_masked(&job, &r, &stage, NULL), CX_E_UNSUPPORTED);
    assert_int_equal(stage, STAGE_AGENT);
    job = job_of(ENCODING_FORM, CLIENT_NONE);
    job.nvariables = 1; /* nothing fills {{password}} */
    assert_int_equal(request_build_masked(&job, &r, &stage, NULL), CX_E_MISSING);
    assert_int_equal(stage, STAGE_TEMPLATE);
    assert_int_equal(r.nheaders, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_build_masked_shows_everything_but_secrets),
        cmocka_unit_test(request_build_masked_leaves_the_job_as_it_was),
        cmocka_unit_test(request_build_masked_fails_as_the_real_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
