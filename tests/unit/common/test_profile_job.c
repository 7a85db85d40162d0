#include "tests/support/check.h"
#include "tests/support/profile_row.h"
#include "tests/support/profile_text.h"

#define GRANT "payload grant_type = {{grant_type}}\n"
#define USER  "payload username = {{username}}\npayload password = {{password}}\n"
#define URL   "https://idp.example/token\n"
#define VALUES                                                                                     \
    "grant_type: password\n"                                                                       \
    "username: joe\n"                                                                              \
    "password*: pw\n"
#define REVOKE  "'revocation_url': 'https://idp.example/revoke'"
#define REVOKED "https://idp.example/revoke\npayload token = {{revoked_token}}\n"
#define JOE     "{'username': 'joe', 'password': 'pw'"

static void profile_make_job_writes_the_password_grant(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "the plainest",
         .profile = "{}",
         .variables = JOE "}",
         .want = URL GRANT USER VALUES},
        {.why = "a test is an authorization",
         .profile = "{}",
         .purpose = PURPOSE_TEST,
         .variables = JOE "}",
         .want = URL GRANT USER VALUES},
        {.why = "a form field more needs nothing else",
         .profile = "{'form_fields': [{'key': 'pin', 'type': 'password'}]}",
         .variables = JOE ", 'pin': '4711'}",
         .want = URL GRANT USER "payload pin = {{pin}}\n" VALUES "pin*: 4711\n"},
        {.why = "an optional value that is not given is not sent",
         .profile = "{'form_fields': [{'key': 'pin'}]}",
         .variables = JOE ", 'pin': null}",
         .want = URL GRANT USER VALUES},
        {.why = "an optional empty value is sent empty",
         .profile = "{'form_fields': [{'key': 'pin'}]}",
         .variables = JOE ", 'pin': ''}",
         .want = URL GRANT USER "payload pin = {{pin}}\n" VALUES "pin: \n"},
        {.why = "a value that a field refers to goes only there",
         .profile = "{'form_fields': [{'key': 'pin'}],"
                    " 'fields': [{'key': 'X-Pin', 'value': 'p {{pin}}'}]}",
         .variables = JOE ", 'pin': '4711'}",
         .want = URL GRANT USER "header X-Pin = p {{pin}}\n" VALUES "pin: 4711\n"},
        {.why = "a value that the URL refers to goes only there",
         .profile = "{'token_url': 'https://idp.example/{{pin}}',"
                    " 'form_fields': [{'key': 'pin'}]}",
         .variables = JOE ", 'pin': '4711'}",
         .want = "https://idp.example/{{pin}}\n" GRANT USER VALUES "pin: 4711\n"},
        {.why = "a value that the client refers to goes only there",
         .profile = "{'client': {'id': '{{app}}'}, 'form_fields': [{'key': 'app'}]}",
         .variables = JOE ", 'app': 'a1'}",
         .want = URL GRANT USER VALUES "app: a1\nclient {{app}} \n"},
        {.why = "another grant's URL does not count",
         .profile = "{'refresh_url': 'https://idp.example/{{pin}}',"
                    " 'form_fields': [{'key': 'pin'}]}",
         .variables = JOE ", 'pin': '4711'}",
         .want = URL GRANT USER "payload pin = {{pin}}\n" VALUES "pin: 4711\n"},
        {.why = "payload fields of the grant's keys take their place",
         .profile = "{'fields': [{'place': 'payload', 'key': 'scope', 'value': 'a'},"
                    " {'place': 'payload', 'key': 'grant_type', 'value': 'urn:x'},"
                    " {'place': 'payload', 'key': 'username', 'value': 'corp\\\\{{username}}'},"
                    " {'place': 'payload', 'key': 'password', 'value': 'fixed'}]}",
         .variables = JOE "}",
         .want = URL "payload scope = a\npayload grant_type = urn:x\n"
                     "payload username = corp\\{{username}}\npayload password = fixed\n"
                     "username: joe\n"},
        {.why = "fields of other places do not take it",
         .profile = "{'fields': [{'place': 'header', 'key': 'grant_type', 'value': 'x'}]}",
         .variables = JOE "}",
         .want = URL GRANT USER "header grant_type = x\n" VALUES},
        {.why = "hidden and read-only values come from the profile",
         .profile = "{'form_fields': ["
                    "{'key': 'app', 'visibility': 'hidden', 'value': 'hr'},"
                    "{'key': 'lang', 'visibility': 'read_only', 'value': 'de'}]}",
         .variables = JOE "}",
         .want = URL GRANT USER "payload app = {{app}}\npayload lang = {{lang}}\n" VALUES
                                "app: hr\nlang: de\n"},
        {.why = "dynamic values of the context, and of variables",
         .profile = "{'token_url': 'https://idp.example/{{session}}',"
                    " 'fields': [{'key': 'X-A', 'value': '{{a}}{{session}}'}]}",
         .variables = JOE ", 'a': '1'}",
         .context = "{'session': 's'}",
         .want = "https://idp.example/{{session}}\n" GRANT USER "header X-A = {{a}}{{session}}\n"
                 "grant_type: password\nusername: joe\npassword*: pw\nsession: s\na: 1\n"},
        {.why = "what only another URL refers to is taken and not sent",
         .profile = "{'refresh_url': 'https://idp.example/{{session}}'}",
         .variables = JOE "}",
         .context = "{'session': 's'}",
         .want = URL GRANT USER VALUES},
        {.why = "the profile's tenant",
         .profile = "{'tenancy': {'tenant': 'acme'}, 'token_url': 'https://{tenant}.example/'}",
         .variables = JOE "}",
         .want = "https://{tenant}.example/\n" GRANT USER VALUES "tenant: acme\n"},
        {.why = "the call's tenant",
         .profile = "{'tenancy': {'tenant': 'acme'}, 'token_url': 'https://{tenant}.example/',"
                    " 'fields': [{'key': 'X-T', 'value': '{{tenant}}'}]}",
         .variables = JOE "}",
         .tenant = "blue",
         .want = "https://{tenant}.example/\n" GRANT USER "header X-T = {{tenant}}\n" VALUES
                 "tenant: blue\n"},
        {.why = "values of every type",
         .profile = "{'form_fields': [{'key': 'n', 'data_type': 'number'},"
                    " {'key': 'm', 'data_type': 'number'}, {'key': 'b', 'data_type': 'boolean'},"
                    " {'key': 'c', 'data_type': 'boolean'}, {'key': 'd', 'data_type': 'date'},"
                    " {'key': 'e', 'data_type': 'email'}, {'key': 'u', 'data_type': 'url'}]}",
         .variables = JOE ", 'n': -12, 'm': '1.50', 'b': true, 'c': 'false', 'd': '2000-02-29',"
                          " 'e': 'a.b+c@d.example', 'u': 'https://a/b?c'}",
         .want = URL GRANT USER
         "payload n = {{n}}\npayload m = {{m}}\npayload b = {{b}}\npayload c = {{c}}\n"
         "payload d = {{d}}\npayload e = {{e}}\npayload u = {{u}}\n" VALUES
         "n: -12\nm: 1.50\nb: true\nc: false\nd: 2000-02-29\ne: a.b+c@d.example\n"
         "u: https://a/b?c\n"},
        {.why = "awkward values stay as they are",
         .profile = "{}",
         .variables = "{'username': '{{password}}&=+%\\n\\ud83d\\udd11', 'password': '\\\"{{{{'}",
         .want = URL GRANT USER "grant_type: password\n"
                                "username: {{password}}&=+%\n\xf0\x9f\x94\x91\n"
                                "password*: \"{{{{\n"},
        {.why = "the client as it is",
         .profile = "{'client': {'method': 'client_secret_post', 'id': 'i', 'secret': 's'}}",
         .variables = JOE "}",
         .want = URL GRANT USER VALUES "client i s\n"},
    };

    (void)state;
    profile_row_check_jobs(rows, COUNT_OF(rows));
}

static void profile_make_job_writes_the_refresh_grant(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "the plainest, with what may be given and is not needed",
         .profile = "{'form_fields': [{'key': 'pin', 'required': true}]}",
         .purpose = PURPOSE_REFRESH,
         .variables = JOE "}",
         .refresh_token = "rt",
         .want = URL GRANT "payload refresh_token = {{refresh_token}}\n"
                           "grant_type: refresh_token\nrefresh_token*: rt\n"},
        {.why = "the refresh URL, and what the fields refer to",
         .profile = "{'refresh_url': 'https://idp.example/{{session}}',"
                    " 'token_url': 'https://idp.example/{{other}}',"
                    " 'form_fields': [{'key': 'pin', 'type': 'password'}], 'fields': ["
                    "{'key': 'X-Pin', 'value': '{{pin}}'},"
                    " {'place': 'payload', 'key': 'scope', 'value': 'a'}]}",
         .purpose = PURPOSE_REFRESH,
         .variables = "{'pin': '4711'}",
         .context = "{'session': 's'}",
         .refresh_token = "rt",
         .want =
             "https://idp.example/{{session}}\n" GRANT "payload refresh_token = {{refresh_token}}\n"
             "header X-Pin = {{pin}}\npayload scope = a\n"
             "grant_type: refresh_token\nrefresh_token*: rt\nsession: s\npin*: 4711\n"},
        {.why = "a payload field in place of the refresh token",
         .profile = "{'fields': [{'place': 'payload', 'key': 'refresh_token', 'value': 'none'}]}",
         .purpose = PURPOSE_REFRESH,
         .refresh_token = "rt",
         .want = URL GRANT "payload refresh_token = none\ngrant_type: refresh_token\n"},
        {.why = "stored credentials that a field refers to",
         .profile = "{'mode': 'pre_authorized', 'credentials': {'password': 'pw'},"
                    " 'fields': [{'key': 'X-P', 'value': '{{password}}'}]}",
         .purpose = PURPOSE_REFRESH,
         .refresh_token = "rt",
         .want = URL GRANT "payload refresh_token = {{refresh_token}}\n"
                           "header X-P = {{password}}\n"
                           "grant_type: refresh_token\nrefresh_token*: rt\npassword*: pw\n"},
    };

    (void)state;
    profile_row_check_jobs(rows, COUNT_OF(rows));
}

static void profile_make_job_writes_a_revocation(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "the plainest; nothing of the password grant is asked for",
         .profile = "{" REVOKE ", 'form_fields': [{'key': 'pin', 'required': true}]}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "at",
         .want = REVOKED "revoked_token*: at\n"},
        {.why = "with a hint",
         .profile = "{" REVOKE "}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "{{rt}}",
         .hint = "refresh_token",
         .want = REVOKED "payload token_type_hint = refresh_token\nrevoked_token*: {{rt}}\n"},
        {.why = "the payload's fields stay away, all others come",
         .profile =
             "{" REVOKE ", 'token_url': 'https://idp.example/{{other}}', 'fields': ["
             "{'place': 'payload', 'key': 'scope', 'value': '{{wanted}}'},"
             " {'place': 'payload', 'key': 'token', 'value': '{{otp}}'},"
             " {'place': 'query', 'key': 'v', 'value': '2'}, {'key': 'X', 'value': '{{session}}'},"
             " {'place': 'payload', 'key': 'client_id', 'value': 'portal'}]}",
         .purpose = PURPOSE_REVOKE,
         .context = "{'session': 's'}",
         .revoked_token = "at",
         .want = REVOKED "query v = 2\nheader X = {{session}}\npayload client_id = portal\n"
                         "revoked_token*: at\nsession: s\n"},
        {.why = "no grant",
         .profile = "{" REVOKE ", 'fields': [{'key': 'X', 'value': '{{grant_type}}'}]}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "at",
         .want = REVOKED "header X = {{grant_type}}\nrevoked_token*: at\ngrant_type: \n"},
        {.why = "the client",
         .profile = "{" REVOKE ", 'client': {'method': 'client_secret_post', 'id': 'i',"
                    " 'secret': 's'}}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "at",
         .want = REVOKED "revoked_token*: at\nclient i s\n"},
        {.why = "a payload that is one text: the URL has the token",
         .profile = "{'content_type': 'text', 'fields': [{'place': 'payload', 'key': '',"
                    " 'value': '{{username}}'}],"
                    " 'revocation_url': 'https://idp.example/tokens/{{revoked_token}}'}",
         .purpose = PURPOSE_REVOKE,
         .revoked_token = "at",
         .want = "https://idp.example/tokens/{{revoked_token}}\nrevoked_token*: at\n"},
    };

    (void)state;
    profile_row_check_jobs(rows, COUNT_OF(rows));
}

static void profile_make_job_expects_no_token_of_a_revocation(void **state)
{
    const struct profile_call call = {.purpose = PURPOSE_REVOKE, .revoked_token = SLICE_LIT("at")};
    struct profile p = {0};
    struct profile_job made = {0};
    struct faults faults;

    (void)state;
    profile_text_make("{" REVOKE ", 'auth_error_status': [419], 'answer': {'access_token': '/a',"
                      " 'success': {'at': '/ok', 'is': true}}}",
                      &p);
    faults_init(&faults);
    assert_true(profile_make_job(&p, &call, &made, &faults));
    assert_true(slice_is_absent(made.job.expect.places.access_token));
    assert_true(slice_is_absent(made.job.expect.places.success_at));
    assert_int_equal(made.job.expect.nauth_error_status, 1);
    profile_job_done(&made);
    faults_done(&faults);
    profile_done(&p);
}

static void profile_make_job_uses_stored_credentials(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "all of them stored, all of them secret",
         .profile = "{'mode': 'pre_authorized',"
                    " 'credentials': {'username': 'joe', 'password': 'pw'}}",
         .want = URL GRANT USER "grant_type: password\nusername*: joe\npassword*: pw\n"},
        {.why = "one stored, one given",
         .profile = "{'mode': 'pre_authorized', 'credentials': {'password': 'pw'}}",
         .variables = "{'username': 'joe'}",
         .want = URL GRANT USER VALUES},
        {.why = "one that the agent keeps",
         .profile = "{'mode': 'pre_authorized',"
                    " 'credentials': {'username': 'joe', 'password': '{{secret:hr}}'}}",
         .want = URL GRANT "payload username = {{username}}\npayload password = {{secret:hr}}\n"
                           "grant_type: password\nusername*: joe\n"},
        {.why = "one that the agent keeps, within a field's and the client's text",
         .profile = "{'mode': 'pre_authorized',"
                    " 'credentials': {'username': '{{secret:u}}', 'password': '{{secret:hr}}'},"
                    " 'fields': [{'key': 'X-P', 'value':"
                    " '{{{{a{{password}}b{{username}}{{password}}c{d}'}],"
                    " 'client': {'method': 'client_secret_post', 'id': 'x-{{username}}',"
                    " 'secret': '{{password}}'}}",
         .want = URL GRANT "header X-P = {{{{a{{secret:hr}}b{{secret:u}}{{secret:hr}}c{d}\n"
                           "grant_type: password\n"
                           "client x-{{secret:u}} {{secret:hr}}\n"},
        {.why = "a stored text with braces is a text",
         .profile = "{'mode': 'pre_authorized',"
                    " 'credentials': {'username': 'joe', 'password': '{{username}}'}}",
         .want = URL GRANT USER "grant_type: password\nusername*: joe\n"
                                "password*: {{username}}\n"},
    };

    (void)state;
    profile_row_check_jobs(rows, COUNT_OF(rows));
}

static void profile_make_job_passes_the_rest_on(void **state)
{
    json_t *variables = json_pack("{s:s, s:s}", "username", "u", "password", "p");
    struct profile_call call = {
        .purpose = PURPOSE_TEST,
        .variables = variables,
        .budget_ms = 1234,
        .trace = true,
        .id = {{1, 2, 3}},
    };
    struct profile p = {0};
    struct profile_job made = {0};
    struct faults faults;

    (void)state;
    profile_text_make("{'auth_error_status': [403, 418],"
                      " 'answer': {'expect': 'json', 'access_token': '/a', 'refresh_token': '/r',"
                      " 'expires_in': '/e', 'token_type': '/t',"
                      " 'success': {'at': '/ok', 'is': true}},"
                      " 'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 's'}}",
                      &p);
    faults_init(&faults);
    assert_true(profile_make_job(&p, &call, &made, &faults));
    assert_true(id_eq(&made.job.id, &call.id));
    assert_int_equal(made.job.budget_ms, 1234);
    assert_int_equal(made.job.purpose, PURPOSE_TEST);
    assert_true(made.job.trace);
    assert_null(made.job.unknown);
    assert_int_equal(made.job.request.method, METHOD_POST);
    assert_int_equal(made.job.request.encoding, ENCODING_FORM);
    assert_int_equal(made.job.request.client.method, CLIENT_SECRET_BASIC);
    assert_true(slice_is_absent(made.job.request.client.key));
    assert_int_equal(made.job.expect.answer, ENCODING_JSON);
    CHECK_TEXT("access", made.job.expect.places.access_token, "/a");
    CHECK_TEXT("refresh", made.job.expect.places.refresh_token, "/r");
    CHECK_TEXT("expires", made.job.expect.places.expires_in, "/e");
    CHECK_TEXT("type", made.job.expect.places.token_type, "/t");
    CHECK_TEXT("at", made.job.expect.places.success_at, "/ok");
    CHECK_TEXT("is", made.job.expect.places.success_is, "true");
    assert_int_equal(made.job.expect.nauth_error_status, 2);
    assert_int_equal(made.job.expect.auth_error_status[1], 418);
    profile_job_done(&made);
    profile_done(&p);
    json_decref(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_make_job_writes_the_password_grant),
        cmocka_unit_test(profile_make_job_writes_the_refresh_grant),
        cmocka_unit_test(profile_make_job_writes_a_revocation),
        cmocka_unit_test(profile_make_job_expects_no_token_of_a_revocation),
        cmocka_unit_test(profile_make_job_uses_stored_credentials),
        cmocka_unit_test(profile_make_job_passes_the_rest_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
