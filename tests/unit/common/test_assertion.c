/* What a client assertion says, before it is signed. Expected texts by python3: json and base64. */
#include "common/core/assertion.h"

#include "tests/support/check.h"

static const struct cx_id jti = {{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x2a}};

static void an_assertion_has_the_claims_of_rfc_7523(void **state)
{
    const struct {
        const char *why;
        struct assertion a;
        const char *want;
    } rows[] = {
        {"RS256 without kid",
         {.alg = ALG_RS256,
          .issuer = SLICE_LIT("portal"),
          .subject = SLICE_LIT("portal"),
          .audience = SLICE_LIT("https://idp.example/token"),
          .now_unix_s = 1700000000},
         "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwb3J0YWwiLCJzdWIiOiJwb"
         "3J0YWwiLCJhdWQiOiJodHRwczovL2lkcC5leGFtcGxlL3Rva2VuIiwiaWF0IjoxNzAwMDA"
         "wMDAwLCJleHAiOjE3MDAwMDAzMDAsImp0aSI6IjAxOTAwMDAwLTAwMDAtNzAwMC04MDAwL"
         "TAwMDAwMDAwMDAyYSJ9"},
        {"ES256 with kid",
         {.alg = ALG_ES256,
          .kid = SLICE_LIT("2024-a"),
          .issuer = SLICE_LIT("portal"),
          .subject = SLICE_LIT("portal"),
          .audience = SLICE_LIT("https://idp.example/token"),
          .now_unix_s = 1700000000},
         "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIwMjQtYSJ9.eyJpc3MiOiJwb"
         "3J0YWwiLCJzdWIiOiJwb3J0YWwiLCJhdWQiOiJodHRwczovL2lkcC5leGFtcGxlL3Rva2V"
         "uIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDAsImp0aSI6IjAxOTAwMDAwL"
         "TAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAyYSJ9"},
        {"text that JSON escapes",
         {.alg = ALG_PS256,
          .kid = SLICE_LIT("k\"1"),
          .issuer = SLICE_LIT("zo\xc3\xab\\\""),
          .subject = SLICE_LIT("zo\xc3\xab\\\""),
          .audience = SLICE_LIT("urn:x y\n"),
          .now_unix_s = 0},
         "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtcIjEifQ.eyJpc3MiOiJ6b8O"
         "rXFxcIiIsInN1YiI6Inpvw6tcXFwiIiwiYXVkIjoidXJuOnggeVxuIiwiaWF0IjowLCJle"
         "HAiOjMwMCwianRpIjoiMDE5MDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDJhIn0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct assertion a = rows[i].a;
        struct buf out;

        a.jti = jti;
        buf_init(&out, 4096);
        CHECK_ERR(rows[i].why, assertion_put_input(&a, &out), CX_OK);
        CHECK_TEXT(rows[i].why, buf_view(&out), rows[i].want);
        buf_done(&out);
    }
}

static void text_that_is_not_utf_8_is_refused(void **state)
{
    const struct slice bad = {(const uint8_t *)"\xff", 1};
    const struct assertion rows[] = {
        {.alg = ALG_ES256, .kid = bad},
        {.alg = ALG_ES256, .issuer = bad},
        {.alg = ALG_ES256, .subject = bad},
        {.alg = ALG_ES256, .audience = bad},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;

        buf_init(&out, 4096);
        assert_int_equal(assertion_put_input(&rows[i], &out), CX_E_UTF8);
        assert_int_equal(out.len, 0);
        buf_done(&out);
    }
}

static void the_signature_stands_behind_a_point(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(buf_put_str(&out, "a.b"), CX_OK);
    assert_int_equal(assertion_put_signature(SLICE_LIT("\xfb\xff\xfe"), &out), CX_OK);
    CHECK_TEXT("signature", buf_view(&out), "a.b.-__-");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_has_the_claims_of_rfc_7523),
        cmocka_unit_test(text_that_is_not_utf_8_is_refused),
        cmocka_unit_test(the_signature_stands_behind_a_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
