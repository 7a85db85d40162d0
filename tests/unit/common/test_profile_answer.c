/* The profile's member `answer`. */
#include "common/core/profile.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

#define NOT_A_PLACE                                                                                \
    "must be a place in the answer, a JSON Pointer (RFC 6901) or an element's path, as "           \
    "\"/data/token\"\n"

static void each_fault_is_named(void **state)
{
    static const struct {
        const char *answer, *want;
    } rows[] = {
        {"{}", ""},
        {"{'expect': 'auto', 'access_token': null, 'success': null}", ""},
        {"{'expect': 'xml', 'access_token': '/response/auth/token'}", ""},
        {"{'expect': 'rss'}", ""},
        {"{'expect': 'csv', 'access_token': '/token', 'success': {'at': '/ok', 'is': '1'}}", ""},
        {"{'expect': 'text', 'access_token': ''}", ""},
        {"{'expect': 'form_rfc3986', 'refresh_token': '/data/r~1~0'}", ""},
        {"{'expect': 'oracle_adf', 'token_type': '/items/0/kind', 'expires_in': '/ttl'}", ""},
        {"{'success': {'at': '/ok', 'is': true}}", ""},
        {"{'success': {'at': '/ok', 'is': false}}", ""},
        {"{'success': {'at': '/ok', 'is': -7}}", ""},
        {"{'success': {'at': '/ok', 'is': ''}}", ""},
        {"{'expect': 'multipart_form'}",
         "answer.expect: multipart_form answers are not read; take auto\n"},
        {"{'expect': 'multipart_related'}",
         "answer.expect: multipart_related answers are not read; take auto\n"},
        {"{'expects': 'json'}", "answer.expects: is not known; did you mean \"expect\"?\n"},
        {"{'access_token': 'data.tok'}", "answer.access_token: " NOT_A_PLACE},
        {"{'refresh_token': '/a~2'}", "answer.refresh_token: " NOT_A_PLACE},
        {"{'expires_in': '/a\\n'}", "answer.expires_in: " NOT_A_PLACE},
        {"{'token_type': 7}", "answer.token_type: must be a string\n"},
        {"{'access_token': ''}",
         "answer.access_token: \"\" takes the whole answer for the token, which needs \"expect\": "
         "\"text\"\n"},
        {"{'expect': 'text', 'expires_in': ''}",
         "answer.expires_in: must name a place, as \"/data/expires_in\"\n"},
        {"{'expect': 'text', 'access_token': '/a/b'}",
         "answer.access_token: must be one name, as \"/token\": an answer in text has no levels\n"},
        {"{'expect': 'csv', 'success': {'at': '/a/b', 'is': 1}}",
         "answer.success.at: must be one name, as \"/token\": an answer in csv has no levels\n"},
        {"{'success': true}", "answer.success: must be an object\n"
                              "answer.success.at: is required: a place in the answer, as \"/ok\"\n"
                              "answer.success.is: is required: text, true, false or a whole "
                              "number\n"},
        {"{'success': {'at': '/ok'}}",
         "answer.success.is: is required: text, true, false or a whole number\n"},
        {"{'success': {'is': true}}",
         "answer.success.at: is required: a place in the answer, as \"/ok\"\n"},
        {"{'success': {'at': '/ok', 'is': 1.5}}",
         "answer.success.is: must be text of at most 256 bytes, true, false or a whole number\n"},
        {"{'success': {'at': '/ok', 'is': [true]}}",
         "answer.success.is: must be text of at most 256 bytes, true, false or a whole number\n"},
        {"{'success': {'at': 'ok', 'is': true, 'unless': 1}}",
         "answer.success.unless: is not known\nanswer.success.at: " NOT_A_PLACE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char patch[512];
        struct faults faults;
        struct profile p = {0};
        bool is_read;
        char *got;

        (void)snprintf(patch, sizeof(patch), "{'answer': %s}", rows[i].answer);
        faults_init(&faults);
        is_read = profile_text_read(patch, NULL, &p, &faults, NULL);
        got = profile_text_faults(&faults);
        if (strcmp(got, rows[i].want) != 0 || is_read != (rows[i].want[0] == '\0')) {
            fail_msg("%s: got\n%swant\n%s", rows[i].answer, got, rows[i].want);
        }
        free(got);
        faults_done(&faults);
        profile_done(&p);
    }
}

static void a_condition_is_kept_as_text_and_as_it_was_written(void **state)
{
    static const struct {
        const char *is, *text;
        json_type type;
    } rows[] = {
        {"true", "true", JSON_TRUE}, {"false", "false", JSON_FALSE},
        {"'ok'", "ok", JSON_STRING}, {"'true'", "true", JSON_STRING},
        {"0", "0", JSON_INTEGER},    {"-9223372036854775808", "-9223372036854775808", JSON_INTEGER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char patch[128];
        struct profile p = {0};

        (void)snprintf(patch, sizeof(patch), "{'answer': {'success': {'at': '/ok', 'is': %s}}}",
                       rows[i].is);
        profile_text_make(patch, &p);
        assert_string_equal(p.places.success_at, "/ok");
        assert_string_equal(p.places.success_is, rows[i].text);
        assert_int_equal(json_typeof(p.places.success_value), rows[i].type);
        profile_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(a_condition_is_kept_as_text_and_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
