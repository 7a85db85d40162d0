#include "platform/core/enroll_request.h"

#include "tests/support/check.h"

static void an_enrolment_is_an_object_with_token_and_csr(void **state)
{
    static const struct {
        const char *why, *body;
        enum cx_err err;
        const char *says;
    } rows[] = {
        {"as it should be", "{\"token\":\"t-1\",\"csr\":\"PEM\"}", CX_OK, NULL},
        {"a later agent may say more", "{\"csr\":\"PEM\",\"x\":[1],\"token\":\"t-1\"}", CX_OK,
         NULL},
        {"no csr", "{\"token\":\"t-1\"}", CX_E_MISSING, "csr is missing"},
        {"no token", "{\"csr\":\"PEM\"}", CX_E_MISSING, "token is missing"},
        {"null is absent", "{\"token\":null,\"csr\":\"PEM\"}", CX_E_MISSING, "token is missing"},
        {"a number", "{\"token\":5,\"csr\":\"PEM\"}", CX_E_TYPE, "token must be a string"},
        {"an object", "{\"token\":\"t-1\",\"csr\":{}}", CX_E_TYPE, "csr must be a string"},
        {"a member twice", "{\"token\":\"t-1\",\"token\":\"t-2\",\"csr\":\"PEM\"}", CX_E_SYNTAX,
         "one JSON object"},
        {"cut short", "{\"token\":\"t-1\"", CX_E_SYNTAX, "one JSON object"},
        {"something behind it", "{\"token\":\"t-1\",\"csr\":\"PEM\"} x", CX_E_SYNTAX,
         "one JSON object"},
        {"a list", "[\"t-1\",\"PEM\"]", CX_E_SYNTAX, "one JSON object"},
        {"empty", "", CX_E_SYNTAX, "one JSON object"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct enroll_request r = {0};
        struct cx_fail fail = {0};
        enum cx_err err = enroll_request_read(slice_of_str(rows[i].body), &r, &fail);

        CHECK_ERR(rows[i].why, err, rows[i].err);
        if (err == CX_OK) {
            CHECK_TEXT(rows[i].why, r.token, "t-1");
            CHECK_TEXT(rows[i].why, r.csr, "PEM");
        } else {
            CHECK(rows[i].why, strstr(cx_fail_text(&fail), rows[i].says) != NULL);
            CHECK(rows[i].why, strstr(cx_fail_text(&fail), "t-1") == NULL);
            CHECK(rows[i].why, r.json == NULL);
        }
        enroll_request_done(&r);
    }
}

static void an_enrolment_is_bounded(void **state)
{
    static char body[ENROLL_BODY_BYTES_MAX + 2];
    struct enroll_request r = {0};
    struct cx_fail fail;

    (void)state;
    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"token\":\"t\",\"csr\":\"c\"}", 23);
    assert_int_equal(enroll_request_read(slice_of(body, ENROLL_BODY_BYTES_MAX), &r, &fail), CX_OK);
    enroll_request_done(&r);
    assert_int_equal(enroll_request_read(slice_of(body, ENROLL_BODY_BYTES_MAX + 1), &r, &fail),
                     CX_E_TOO_BIG);
    assert_int_equal(enroll_request_read((struct slice){0}, &r, &fail), CX_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_enrolment_is_an_object_with_token_and_csr),
        cmocka_unit_test(an_enrolment_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
