#include "agent/core/enrolment.h"

#include "common/core/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void make(const char *json, struct buf *out)
{
    buf_init(out, 10000);
    assert_int_equal(buf_put_str(out, "cx1."), CX_OK);
    assert_int_equal(encode_base64url(slice_of_str(json), out), CX_OK);
}

static void enrolment_read_takes_a_string_and_white_space_around_it(void **state)
{
    struct enrolment e;
    struct cx_fail fail = {0};
    struct buf text;
    struct buf spaced;

    (void)state;
    make("{\"url\":\"https://platform.example.com:8443/\",\"token\":\"tok\",\"pin\":\"" PIN "\"}",
         &text);
    buf_init(&spaced, 10000);
    assert_int_equal(buf_put_str(&spaced, "  \n"), CX_OK);
    assert_int_equal(buf_put(&spaced, buf_view(&text)), CX_OK);
    assert_int_equal(buf_put_str(&spaced, "\r\n"), CX_OK);
    assert_int_equal(enrolment_read(buf_view(&spaced), &e, &fail), CX_OK);
    assert_string_equal(e.url, "https://platform.example.com:8443");
    assert_string_equal(e.host, "platform.example.com");
    assert_true(slice_eq_str(secret_view(&e.token), "tok"));
    assert_int_equal(e.pin[1], 0x11);
    assert_int_equal(e.pin[31], 0xff);
    enrolment_done(&e);
    buf_done(&text);
    buf_done(&spaced);
}

static void enrolment_read_refuses_what_is_damaged_without_showing_it(void **state)
{
    static const struct {
        const char *why, *json;
    } rows[] = {
        {"no token", "{\"url\":\"https://p.example\",\"pin\":\"" PIN "\"}"},
        {"empty token", "{\"url\":\"https://p.example\",\"token\":\"\",\"pin\":\"" PIN "\"}"},
        {"short pin", "{\"url\":\"https://p.example\",\"token\":\"sesame\",\"pin\":\"0011\"}"},
        {"no hex", "{\"url\":\"https://p.example\",\"token\":\"sesame\",\"pin\":\"zz\"}"},
        {"http", "{\"url\":\"http://p.example\",\"token\":\"sesame\",\"pin\":\"" PIN "\"}"},
        {"path", "{\"url\":\"https://p.example/x\",\"token\":\"sesame\",\"pin\":\"" PIN "\"}"},
        {"userinfo", "{\"url\":\"https://a@p.example\",\"token\":\"sesame\",\"pin\":\"" PIN "\"}"},
        {"IPv6 can't be verified",
         "{\"url\":\"https://[::1]\",\"token\":\"sesame\",\"pin\":\"" PIN "\"}"},
        {"token twice", "{\"url\":\"https://p.example\",\"token\":\"sesame\",\"token\":\"x\","
                        "\"pin\":\"" PIN "\"}"},
        {"not an object", "[]"},
        {"not JSON", "sesame"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct enrolment e;
        struct cx_fail fail = {0};
        struct buf text;

        make(rows[i].json, &text);
        if (enrolment_read(buf_view(&text), &e, &fail) == CX_OK) {
            fail_msg("%s: taken", rows[i].why);
        }
        assert_true(fail.detail[0] != '\0');
        assert_null(strstr(fail.detail, "sesame"));
        enrolment_done(&e);
        buf_done(&text);
    }
}

static void enrolment_read_knows_its_version(void **state)
{
    static const struct {
        const char *text;
        enum cx_err want;
    } rows[] = {
        {"cx2.AAAA", CX_E_UNSUPPORTED}, {"hello", CX_E_SYNTAX}, {"", CX_E_SYNTAX},
        {"cx1.", CX_E_SYNTAX},          {"cx1.A", CX_E_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct enrolment e;
        struct cx_fail fail = {0};

        assert_int_equal(enrolment_read(slice_of_str(rows[i].text), &e, &fail), rows[i].want);
        enrolment_done(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enrolment_read_takes_a_string_and_white_space_around_it),
        cmocka_unit_test(enrolment_read_refuses_what_is_damaged_without_showing_it),
        cmocka_unit_test(enrolment_read_knows_its_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
