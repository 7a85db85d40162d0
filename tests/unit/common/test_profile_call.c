#include "tests/support/check.h"
#include "tests/support/profile_row.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

#define JOE "{'username': 'joe', 'password': 'pw'"

static void profile_make_job_names_every_fault(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "all that is missing, at once",
         .profile = "{'tenancy': {}, 'token_url': 'https://{tenant}.example/{{session}}',"
                    " 'form_fields': [{'key': 'pin', 'required': true}]}",
         .want = "variables.username: is required\nvariables.password: is required\n"
                 "variables.pin: is required\ntenant: is required by the profile's tenancy\n"
                 "context.session: is required, since token_url refers to it\n"},
        {.why = "a missing value is named once",
         .profile = "{'token_url': 'https://idp.example/{{session}}',"
                    " 'fields': [{'key': 'X-A', 'value': '{{session}}{{pin}}'},"
                    " {'key': 'X-B', 'value': '{{pin}}'}], 'form_fields': [{'key': 'pin'}]}",
         .variables = JOE "}",
         .want = "context.session: is required, since token_url refers to it\n"
                 "variables.pin: is required, since fields[0].value refers to it\n"},
        {.why = "empty, though required",
         .profile = "{}",
         .variables = "{'username': 'joe', 'password': ''}",
         .want = "variables.password: is required and must not be empty\n"},
        {.why = "names that nothing knows",
         .profile = "{'form_fields': [{'key': 'pin'}]}",
         .variables = JOE ", 'pinn': '1', 'colour': '2'}",
         .context = "{'session': 's'}",
         .want = "variables.pinn: is neither a form field nor referred to by the profile; did you "
                 "mean \"pin\"?\n"
                 "variables.colour: is neither a form field nor referred to by the profile\n"
                 "context.session: is neither a form field nor referred to by the profile\n"},
        {.why = "names that the job fills itself",
         .profile = "{'tenancy': {}, 'token_url': 'https://{tenant}.example/'}",
         .variables = JOE ", 'grant_type': 'x', 'tenant': 'x'}",
         .context = "{'refresh_token': 'x'}",
         .tenant = "acme",
         .want = "variables.grant_type: is set by the kind of call\n"
                 "variables.tenant: is no variable; give the call's tenant\n"
                 "context.refresh_token: is no variable; give the call's refresh_token, to "
                 "refresh\n"},
        {.why = "a form field in the context",
         .profile = "{}",
         .variables = "{'username': 'joe'}",
         .context = "{'password': 'pw'}",
         .want = "context.password: is a form field; give it in variables\n"
                 "variables.password: is required\n"},
        {.why = "a name in both",
         .profile = "{'token_url': 'https://idp.example/{{session}}'}",
         .variables = JOE ", 'session': 'a'}",
         .context = "{'session': 'b'}",
         .want = "context.session: is in variables too\n"},
        {.why = "types broken, all of them, values never shown",
         .profile = "{'form_fields': [{'key': 'n', 'data_type': 'number'},"
                    " {'key': 'b', 'data_type': 'boolean'}, {'key': 'd', 'data_type': 'date'},"
                    " {'key': 'e', 'data_type': 'email'}, {'key': 'u', 'data_type': 'url'},"
                    " {'key': 's'}, {'key': 'f', 'data_type': 'number'}]}",
         .variables = JOE ", 'n': '01', 'b': 'yes', 'd': '2023-02-29', 'e': 'a b@c',"
                          " 'u': '//a', 's': 5, 'f': 1.5}",
         .want = "variables.n: must be a number, as JSON writes it\n"
                 "variables.b: must be true or false\n"
                 "variables.d: must be a date, YYYY-MM-DD\n"
                 "variables.e: must be an e-mail address\n"
                 "variables.u: must be a URL with https:// or http://\n"
                 "variables.s: must be a string\n"
                 "variables.f: must be a string, since it has a fraction or exponent, whose digits "
                 "would not survive\n"},
        {.why = "a NUL",
         .profile = "{'token_url': 'https://idp.example/{{session}}'}",
         .variables = "{'username': 'a\\u0000b', 'password': 'pw'}",
         .context = "{'session': '\\u0000'}",
         .want = "context.session: must not hold a NUL character\n"
                 "variables.username: must not hold a NUL character\n"},
        {.why = "dynamic values of wrong types",
         .profile = "{'fields': [{'key': 'X', 'value': '{{a}}{{b}}'}]}",
         .variables = JOE ", 'b': true}",
         .context = "{'a': 1}",
         .want = "variables.b: must be a string\ncontext.a: must be a string\n"},
        {.why = "no objects",
         .profile = "{}",
         .variables = "[]",
         .context = "'x'",
         .want = "variables: must be an object\ncontext: must be an object\n"
                 "variables.username: is required\nvariables.password: is required\n"},
        {.why = "a value that the profile sets",
         .profile = "{'form_fields': [{'key': 'a', 'visibility': 'hidden', 'value': 'x'},"
                    " {'key': 'b', 'visibility': 'read_only', 'value': 'x'}]}",
         .variables = JOE ", 'a': 'x', 'b': 'y'}",
         .want = "variables.a: is set by the profile and can't be given\n"
                 "variables.b: is set by the profile and can't be given\n"},
        {.why = "a value that is stored",
         .profile = "{'mode': 'pre_authorized',"
                    " 'credentials': {'username': 'joe', 'password': 'pw'}}",
         .variables = "{'username': 'eve'}",
         .want = "variables.username: is stored with the profile and can't be given\n"},
        {.why = "a tenant without tenancy",
         .profile = "{}",
         .variables = JOE "}",
         .tenant = "acme",
         .want = "tenant: the profile's tenancy is off\n"},
        {.why = "a tenant that is no label",
         .profile = "{'tenancy': {}, 'token_url': 'https://{tenant}.example/'}",
         .variables = JOE "}",
         .tenant = "evil.example/",
         .want = "tenant: must be one host label: letters, digits and hyphens, 1 to 63\n"},
        {.why = "another tenant for stored credentials",
         .profile = "{'tenancy': {'tenant': 'acme'}, 'token_url': 'https://{tenant}.example/',"
                    " 'mode': 'pre_authorized',"
                    " 'credentials': {'username': 'joe', 'password': 'pw'}}",
         .tenant = "evil",
         .want = "tenant: must be the profile's: its credentials go nowhere else\n"},
        {.why = "no refresh token",
         .profile = "{}",
         .purpose = PURPOSE_REFRESH,
         .refresh_token = "",
         .want = "refresh_token: is required\n"},
        {.why = "what a refresh refers to",
         .profile = "{'form_fields': [{'key': 'pin'}],"
                    " 'fields': [{'key': 'X', 'value': '{{pin}}'}]}",
         .purpose = PURPOSE_REFRESH,
         .refresh_token = "rt",
         .want = "variables.pin: is required, since fields[0].value refers to it\n"},
        {.why = "a refresh token that is not UTF-8",
         .profile = "{}",
         .purpose = PURPOSE_REFRESH,
         .refresh_token = "rt\xff",
         .want = "refresh_token: must be UTF-8\n"},
        {.why = "no token to revoke, and a hint that RFC 7009 doesn't have",
         .profile = "{'revocation_url': 'https://idp.example/r'}",
         .purpose = PURPOSE_REVOKE,
         .hint = "id_token",
         .want = "token: is required\n"
                 "token_type_hint: must be access_token or refresh_token\n"},
        {.why = "the token to revoke as a variable",
         .profile = "{'revocation_url': 'https://idp.example/r'}",
         .purpose = PURPOSE_REVOKE,
         .variables = "{'revoked_token': 'a'}",
         .revoked_token = "a",
         .want = "variables.revoked_token: is no variable; give the call's token, to revoke it\n"},
        {.why = "a token that a payload of one text has no room for",
         .profile = "{'revocation_url': 'https://idp.example/r', 'content_type': 'text',"
                    " 'fields': [{'place': 'payload', 'key': '', 'value': 'x'}]}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "a",
         .want = "token: can't be sent: the profile's payload is one text, that of the password "
                 "grant; revocation_url may hold {{revoked_token}}\n"},
    };

    (void)state;
    profile_row_check_faults(rows, COUNT_OF(rows));
}

static void profile_make_job_checks_values_by_type(void **state)
{
    static const struct {
        const char *type, *value;
        bool is_right;
    } rows[] = {
        {"number", "0", true},
        {"number", "-0", true},
        {"number", "-1.5e+10", true},
        {"number", "1E3", true},
        {"number", "123456789012345678901234567890", true},
        {"number", "", false},
        {"number", "-", false},
        {"number", "+1", false},
        {"number", ".5", false},
        {"number", "1.", false},
        {"number", "1e", false},
        {"number", "1e+", false},
        {"number", "00", false},
        {"number", "1 ", false},
        {"number", "0x1", false},
        {"number", "NaN", false},
        {"boolean", "true", true},
        {"boolean", "True", false},
        {"boolean", "1", false},
        {"date", "2024-02-29", true},
        {"date", "0001-01-01", true},
        {"date", "9999-12-31", true},
        {"date", "2000-02-29", true},
        {"date", "1900-02-29", false},
        {"date", "2023-02-29", false},
        {"date", "0000-01-01", false},
        {"date", "2023-04-31", false},
        {"date", "2023-13-01", false},
        {"date", "2023-00-01", false},
        {"date", "2023-01-00", false},
        {"date", "2023-1-1", false},
        {"date", "2023/01/01", false},
        {"date", "2023-01-01T", false},
        {"date", "+023-01-01", false},
        {"email", "a@b", true},
        {"email", "\xc3\xbc.x@\xc3\xbc.example", true},
        {"email", "@b", false},
        {"email", "a@", false},
        {"email", "a", false},
        {"email", "a@b@c", false},
        {"email", "a@b c", false},
        {"email", "a@b\t", false},
        {"url", "https://a", true},
        {"url", "HTTP://a:1/b?c#d", true},
        {"url", "https://", false},
        {"url", "https:///a", false},
        {"url", "https://?a", false},
        {"url", "https://:80", false},
        {"url", "ftp://a", false},
        {"url", "a/b", false},
        {"url", "https://a b", false},
        {"url", "https://a\n", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char patch[128];
        struct profile p = {0};
        json_t *variables =
            json_pack("{s:s, s:s, s:s}", "username", "u", "password", "p", "v", rows[i].value);
        struct profile_call call = {.purpose = PURPOSE_AUTHORIZE, .variables = variables};
        struct profile_job made = {0};
        struct faults faults;

        (void)snprintf(patch, sizeof(patch), "{'form_fields': [{'key': 'v', 'data_type': '%s'}]}",
                       rows[i].type);
        profile_text_make(patch, &p);
        faults_init(&faults);
        if (profile_make_job(&p, &call, &made, &faults) != rows[i].is_right) {
            fail_msg("%s \"%s\"", rows[i].type, rows[i].value);
        }
        profile_job_done(&made);
        faults_done(&faults);
        profile_done(&p);
        json_decref(variables);
    }
}

static void profile_make_job_keeps_its_limits(void **state)
{
    static const struct {
        const char *why;
        size_t nvalues, bytes;
        const char *want;
    } rows[] = {
        {"a value of 16 KiB", 1, 16384, ""},
        {"a value of 16 KiB and a byte", 1, 16385,
         "variables.v0: must be at most 16384 bytes long\n"},
        {"96 KiB together", 6, 16000, ""},
        {"more than 96 KiB together", 6, 16384,
         "variables: are too many: at most 256, with 98304 bytes of names and values\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *variables = json_pack("{s:s, s:s}", "username", "u", "password", "p");
        struct profile_call call = {.purpose = PURPOSE_AUTHORIZE, .variables = variables};
        struct profile p = {0};
        struct profile_job made = {0};
        struct faults faults;
        char *value = malloc(rows[i].bytes);
        char *got;

        assert_non_null(value);
        memset(value, 'a', rows[i].bytes);
        for (size_t k = 0; k < rows[i].nvalues; k++) {
            const char name[] = {'v', (char)('0' + k), '\0'};

            assert_int_equal(
                json_object_set_new(variables, name, json_stringn(value, rows[i].bytes)), 0);
        }
        profile_text_make("{'form_fields': [{'key': 'v0'}, {'key': 'v1'}, {'key': 'v2'},"
                          " {'key': 'v3'}, {'key': 'v4'}, {'key': 'v5'}]}",
                          &p);
        faults_init(&faults);
        (void)profile_make_job(&p, &call, &made, &faults);
        got = profile_text_faults(&faults);
        CHECK_TEXT(rows[i].why, slice_of_str(got), rows[i].want);
        free(got);
        free(value);
        faults_done(&faults);
        profile_job_done(&made);
        profile_done(&p);
        json_decref(variables);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_make_job_names_every_fault),
        cmocka_unit_test(profile_make_job_checks_values_by_type),
        cmocka_unit_test(profile_make_job_keeps_its_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
