/* A profile's client: what each method takes, what of it is kept, shown and sent. */
#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

#define KEY    "-----BEGIN PRIVATE KEY-----\\nMIGH\\n-----END PRIVATE KEY-----\\n"
#define CERT   "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
#define JWT    "'method': 'private_key_jwt', 'id': 'portal', 'key': '" KEY "'"
#define TLS    "'method': 'tls_client_auth', 'id': 'portal'"
#define SECRET "{{secret:k}}"

static void each_method_has_members_of_its_own(void **state)
{
    static const struct {
        const char *why, *patch, *faults;
    } rows[] = {
        {"an assertion", "{'client': {" JWT "}}", ""},
        {"an assertion with all",
         "{'client': {" JWT ", 'alg': 'ES256', 'kid': 'k1', 'aud': 'u:x'}}", ""},
        {"a key of the agent's",
         "{'client': {'method': 'private_key_jwt', 'id': 'portal', 'key': '" SECRET "'}}", ""},
        {"a certificate", "{'client': {" TLS ", 'key': '" KEY "', 'certificate': '" CERT "'}}", ""},
        {"the agent's certificate",
         "{'client': {" TLS ", 'key': '" SECRET "', 'certificate': '" SECRET "'}}", ""},
        {"the rule's certificate", "{'client': {" TLS "}}", ""},
        {"a certificate where there is no TLS",
         "{'token_url': 'http://idp.example/t', 'refresh_url': 'http://idp.example/r', 'client': "
         "{" TLS "}}",
         "token_url: must be https: tls_client_auth shows its certificate in TLS\n"
         "refresh_url: must be https: tls_client_auth shows its certificate in TLS\n"},
        {"an assertion without anything", "{'client': {'method': 'private_key_jwt'}}",
         "client.id: is required by private_key_jwt\n"
         "client.key: is required by private_key_jwt\n"},
        {"a secret for an assertion", "{'client': {" JWT ", 'secret': 's'}}",
         "client.secret: is not used by private_key_jwt\n"},
        {"a certificate for an assertion", "{'client': {" JWT ", 'certificate': '" CERT "'}}",
         "client.certificate: is not used by private_key_jwt\n"},
        {"an alg for a certificate",
         "{'client': {" TLS ", 'alg': 'RS256', 'kid': 'k', 'aud': 'a'}}",
         "client.alg: is not used by tls_client_auth\n"
         "client.kid: is not used by tls_client_auth\n"
         "client.aud: is not used by tls_client_auth\n"},
        {"an alg that is none of ours", "{'client': {" JWT ", 'alg': 'HS256'}}",
         "client.alg: must be one of: RS256, PS256, ES256; found \"HS256\", did you mean "
         "\"RS256\"?\n"},
        {"an empty kid and aud", "{'client': {" JWT ", 'kid': '', 'aud': ''}}",
         "client.kid: must not be empty\n"
         "client.aud: must not be empty\n"},
        {"a key that is none",
         "{'client': {'method': 'private_key_jwt', 'id': 'i', 'key': 'hunter2'}}",
         "client.key: must be a private key (PEM), or {{secret:name}} of the agent\n"},
        {"a key of two halves",
         "{'client': {'method': 'private_key_jwt', 'id': 'i', 'key': '{{secret:a}}{{secret:b}}'}}",
         "client.key: must be a private key (PEM), or {{secret:name}} of the agent\n"},
        {"a key of the caller's",
         "{'client': {'method': 'private_key_jwt', 'id': 'i', 'key': '{{password}}'}}",
         "client.key: must be a private key (PEM), or {{secret:name}} of the agent\n"},
        {"a certificate for a key",
         "{'client': {'method': 'private_key_jwt', 'id': 'i', 'key': '" CERT "'}}",
         "client.key: must be a private key (PEM), or {{secret:name}} of the agent\n"},
        {"an encrypted key",
         "{'client': {'method': 'private_key_jwt', 'id': 'i', 'key': '-----BEGIN ENCRYPTED PRIVATE "
         "KEY-----'}}",
         "client.key: must not be encrypted: it is stored encrypted here\n"},
        {"a key without its certificate", "{'client': {" TLS ", 'key': '" SECRET "'}}",
         "client.certificate: is required with key\n"},
        {"a certificate without its key", "{'client': {" TLS ", 'certificate': '" SECRET "'}}",
         "client.key: is required with certificate\n"},
        {"a certificate that is none",
         "{'client': {" TLS ", 'key': '" SECRET "', 'certificate': 'c'}}",
         "client.certificate: must be a certificate (PEM), or {{secret:name}} of the agent\n"},
        {"an assertion in a URL", "{'method': 'GET', 'client': {" JWT "}}",
         "client.method: private_key_jwt needs a payload that is a body: method POST, PUT or PATCH "
         "(RFC 7521, 4.2)\n"},
        {"a secret as aud", "{'client': {" JWT ", 'aud': '{{secret:a}}'}}",
         "client.aud: {{secret:a}} may not stand there: an aud is no secret\n"},
        {"a form field that would be the assertion",
         "{'form_fields': [{'key': 'client_assertion'}, {'key': 'client_assertion_type'}]}",
         "form_fields[0].key: \"client_assertion\" is reserved and can't be a form field\n"
         "form_fields[1].key: \"client_assertion_type\" is reserved and can't be a form field\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct profile p = {0};
        struct faults faults;
        char *got;

        faults_init(&faults);
        (void)profile_text_read(rows[i].patch, NULL, &p, &faults, NULL);
        got = profile_text_faults(&faults);
        CHECK_TEXT(rows[i].why, slice_of_str(got), rows[i].faults);
        free(got);
        faults_done(&faults);
        profile_done(&p);
    }
}

/* Only a secret that goes, and signs, as before is kept. */
static void a_key_is_kept_while_it_signs_the_same(void **state)
{
#define KEPT(more) "{'client': {'method': 'private_key_jwt', 'key': {'set': true}, " more "}}"
#define FAULT(what)                                                                                \
    "client.key: must be given anew, since " what                                                  \
    " has changed: a stored secret is not sent to where it was not meant for\n"
    static const struct {
        const char *patch, *faults;
    } rows[] = {
        {KEPT("'id': 'portal', 'aud': 'a'"), ""},
        {KEPT("'id': 'portal', 'aud': 'a', 'kid': 'k2', 'alg': 'PS256'"), ""},
        {KEPT("'id': 'other', 'aud': 'a'"), FAULT("client.id")},
        {KEPT("'id': 'portal', 'aud': 'b'"), FAULT("client.aud")},
        {KEPT("'id': 'portal'"), FAULT("client.aud")},
        {"{'client': {'method': 'tls_client_auth', 'id': 'portal', 'certificate': '" CERT
         "', 'key': {'set': true}}}",
         FAULT("client.method")},
        {"{'token_url': 'https://evil.example/t', 'client': {'method': 'private_key_jwt', 'id': "
         "'portal', 'aud': 'a', 'key': {'set': true}}}",
         FAULT("token_url")},
    };
    struct profile before;

    (void)state;
    profile_text_make("{'client': {" JWT ", 'aud': 'a'}}", &before);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct profile p = {0};
        struct faults faults;
        char *got;

        faults_init(&faults);
        if (profile_text_read(rows[i].patch, &before, &p, &faults, NULL)) {
            assert_true(slice_eq(secret_view(&p.client_key), secret_view(&before.client_key)));
        }
        got = profile_text_faults(&faults);
        CHECK_TEXT(rows[i].patch, slice_of_str(got), rows[i].faults);
        free(got);
        faults_done(&faults);
        profile_done(&p);
    }
    profile_done(&before);
}

static void the_key_alone_is_not_shown(void **state)
{
    static const struct {
        const char *patch;
        bool with_secrets;
        const char *client;
    } rows[] = {
        {"{'client': {" JWT ", 'alg': 'ES256', 'kid': 'k1', 'aud': 'a'}}", false,
         "{'method': 'private_key_jwt', 'id': 'portal', 'key': {'set': true}, 'alg': 'ES256', "
         "'kid': 'k1', 'aud': 'a'}"},
        {"{'client': {" JWT "}}", true,
         "{'method': 'private_key_jwt', 'id': 'portal', 'key': '" KEY "', 'alg': 'RS256'}"},
        {"{'client': {" TLS ", 'key': '" KEY "', 'certificate': '" CERT "'}}", false,
         "{'method': 'tls_client_auth', 'id': 'portal', 'key': {'set': true}, 'certificate': '" CERT
         "'}"},
        {"{'client': {" TLS ", 'key': '" SECRET "', 'certificate': '" SECRET "'}}", false,
         "{'method': 'tls_client_auth', 'id': 'portal', 'key': '" SECRET "', 'certificate': "
         "'" SECRET "'}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *want = profile_text_json(rows[i].client);
        struct profile p;
        json_t *got;

        profile_text_make(rows[i].patch, &p);
        got = profile_to_json(&p, rows[i].with_secrets);
        CHECK(rows[i].patch, json_equal(json_object_get(got, "client"), want) == 1);
        json_decref(got);
        json_decref(want);
        profile_done(&p);
    }
}

static void a_job_carries_what_signs(void **state)
{
    struct profile_call call = {.purpose = PURPOSE_AUTHORIZE, .budget_ms = 1000};
    struct profile_job made;
    struct profile p;
    struct faults faults;

    (void)state;
    profile_text_make("{'tenancy': {}, 'token_url': 'https://{tenant}.example/t', 'client': {" JWT
                      ", 'alg': 'ES256', 'kid': 'k1', 'aud': 'https://{{tenant}}.example'}}",
                      &p);
    call.tenant = SLICE_LIT("acme");
    call.variables = profile_text_json("{'username': 'u', 'password': 'p'}");
    faults_init(&faults);
    assert_true(profile_make_job(&p, &call, &made, &faults));
    assert_int_equal(made.job.request.client.method, CLIENT_PRIVATE_KEY_JWT);
    assert_int_equal(made.job.request.client.alg, ALG_ES256);
    CHECK_TEXT("kid", made.job.request.client.kid, "k1");
    CHECK_TEXT("aud", made.job.request.client.aud, "https://{{tenant}}.example");
    assert_true(slice_eq(made.job.request.client.key, secret_view(&p.client_key)));
    assert_true(slice_is_absent(made.job.request.client.certificate));
    profile_job_done(&made);
    json_decref((json_t *)(uintptr_t)call.variables);
    faults_done(&faults);
    profile_done(&p);
}

/* What cryptography says of it. */
static bool refuses_certificates(const struct profile_pem *pem, const char **member,
                                 struct cx_fail *fail)
{
    if (slice_is_absent(pem->certificate)) {
        return true;
    }
    *member = "certificate";
    (void)cx_fail_set(fail, CX_E_CERT, "test", "is too short");
    return false;
}

static void what_only_cryptography_knows_is_asked(void **state)
{
    json_t *json = profile_text_json(
        "{'name': 'p', 'type': 'oauth2_password', 'token_url': 'https://idp.example/t', 'client': "
        "{" TLS ", 'key': '" KEY "', 'certificate': '" CERT "'}}");
    const struct profile_input in = {.json = json, .check_pem = refuses_certificates};
    struct profile p = {0};
    struct faults faults;
    char *got;

    (void)state;
    faults_init(&faults);
    assert_false(profile_read(&in, &p, &faults, NULL));
    got = profile_text_faults(&faults);
    assert_string_equal(got, "client.certificate: is too short\n");
    free(got);
    faults_done(&faults);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_method_has_members_of_its_own),
        cmocka_unit_test(a_key_is_kept_while_it_signs_the_same),
        cmocka_unit_test(the_key_alone_is_not_shown),
        cmocka_unit_test(a_job_carries_what_signs),
        cmocka_unit_test(what_only_cryptography_knows_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
