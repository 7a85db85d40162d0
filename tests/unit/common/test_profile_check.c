#include "common/core/profile.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

struct row {
    const char *why, *patch;
    const char *want; /* all faults, or all warnings */
};

#define FIELD(place, key, value)                                                                   \
    "{'fields': [{'place': '" place "', 'key': '" key "', 'value': '" value "'}]}"

static void check_faults(const struct row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        struct faults faults;
        struct profile p = {0};
        char *got;

        faults_init(&faults);
        CHECK(rows[i].why, !profile_text_read(rows[i].patch, NULL, &p, &faults, NULL));
        got = profile_text_faults(&faults);
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: got\n%swant\n%s", rows[i].why, got, rows[i].want);
        }
        free(got);
        faults_done(&faults);
        CHECK(rows[i].why, p.name == NULL && p.form_fields == NULL);
    }
}

static void check_warnings(const struct row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        struct faults faults;
        struct faults warnings;
        struct profile p = {0};
        char *got;

        faults_init(&faults);
        faults_init(&warnings);
        CHECK(rows[i].why, profile_text_read(rows[i].patch, NULL, &p, &faults, &warnings));
        got = profile_text_faults(&warnings);
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: got\n%swant\n%s", rows[i].why, got, rows[i].want);
        }
        free(got);
        faults_done(&warnings);
        profile_done(&p);
    }
}

static void profile_read_names_the_fault_of_a_field(void **state)
{
    static const struct row rows[] = {
        {"no object", "{'fields': [1]}", "fields[0]: must be an object\n"},
        {"no list", "{'fields': {}}", "fields: must be a list\n"},
        {"an unknown member", "{'fields': [{'key': 'X-A', 'value': '', 'plase': 'header'}]}",
         "fields[0].plase: is not known; did you mean \"place\"?\n"},
        {"no key", "{'fields': [{'value': ''}]}", "fields[0].key: is required\n"},
        {"no value", "{'fields': [{'key': 'X-A'}]}",
         "fields[0].value: is required; \"\" sends an empty value\n"},
        {"a number as value", "{'fields': [{'key': 'X-A', 'value': 1}]}",
         "fields[0].value: must be a string\n"},
        {"place", FIELD("heder", "X-A", ""),
         "fields[0].place: must be one of: header, payload, query, path; found \"heder\", did you "
         "mean \"header\"?\n"},
        {"an empty key in the payload", FIELD("payload", "", ""),
         "fields[0].key: must be 1 to 256 bytes without control characters\n"},
        {"a line break in a key of the query", FIELD("query", "a\\nb", ""),
         "fields[0].key: must be 1 to 256 bytes without control characters\n"},
        {"a header that is no token", FIELD("header", "X A", ""),
         "fields[0].key: \"X A\" is no header name (RFC 9110, 5.6.2: letters, digits and "
         "!#$%&'*+-.^_`|~)\n"},
        {"a header of the HTTP client", FIELD("header", "transfer-encoding", ""),
         "fields[0].key: \"transfer-encoding\" belongs to the HTTP client and can't be set by a "
         "profile\n"},
        {"a header that overrides the method", FIELD("header", "X-HTTP-Method-Override", "PUT"),
         "fields[0].key: \"X-HTTP-Method-Override\" makes servers act on another method or URL "
         "than the one that the policy allowed\n"},
        {"a header twice", "{'fields': [{'key': 'X-A', 'value': ''}, {'key': 'x-a', 'value': ''}]}",
         "fields[1].key: \"x-a\" occurs twice; a header is sent once\n"},
        {"a line break in a header", FIELD("header", "X-A", "a\\r\\nEvil: 1"),
         "fields[0].value: the text holds a control character, which a header can't carry\n"},
        {"a malformed template", FIELD("payload", "a", "x{{pin"),
         "fields[0].value: at byte 2: \"{{\" begins a placeholder that does not end; a literal "
         "\"{{\" is written \"{{{{\"\n"},
        {"a malformed name", FIELD("payload", "a", "{{ pin }}"),
         "fields[0].value: at byte 1: a placeholder's name is 1 to 64 letters, digits, '_', '.' "
         "or '-'; a literal \"{{\" is written \"{{{{\"\n"},
        {"the agent's secret in a query", FIELD("query", "a", "{{secret:x}}"),
         "fields[0].value: {{secret:x}} may stand in header and payload fields and in client "
         "only: others log URLs\n"},
        {"the agent's secret in a path",
         "{'token_url': 'https://idp.example/{a}', 'fields': [{'place': 'path', 'key': 'a', "
         "'value': '{{secret:x}}'}]}",
         "fields[0].value: {{secret:x}} may stand in header and payload fields and in client "
         "only: others log URLs\n"},
        {"the refresh token in a field", FIELD("payload", "rt", "{{refresh_token}}"),
         "fields[0].value: {{refresh_token}} is known in a refresh only, and this is used by the "
         "password grant too\n"},
        {"the revoked token in a field", FIELD("payload", "t", "{{revoked_token}}"),
         "fields[0].value: {{revoked_token}} is known in a revocation only, and this is used by "
         "the password grant too\n"},
        {"the tenant without tenancy", FIELD("header", "X-Tenant", "{{tenant}}"),
         "fields[0].value: refers to {{tenant}}, but tenancy is off\n"},
        {"a path field that no URL has", FIELD("path", "realm", "staff"),
         "fields[0].key: no URL has {realm} for this path field to fill\n"},
        {"a path field with a malformed key", FIELD("path", "re alm", "staff"),
         "fields[0].key: must be 1 to 64 letters, digits, '_', '.' or '-'\n"
         "fields[0].key: no URL has {re alm} for this path field to fill\n"},
        {"a path field for the tenant",
         "{'tenancy': {'tenant': 'a'}, 'token_url': 'https://{tenant}.example/',"
         " 'fields': [{'place': 'path', 'key': 'tenant', 'value': 'b'}]}",
         "fields[0].key: {tenant} is filled by tenancy\n"},
        {"a path field twice",
         "{'token_url': 'https://idp.example/{a}', 'fields': ["
         "{'place': 'path', 'key': 'a', 'value': '1'}, {'place': 'path', 'key': 'a', 'value': "
         "'2'}]}",
         "fields[1].key: \"a\" occurs twice; a placeholder is filled once\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_names_the_fault_of_a_url(void **state)
{
    static const struct row rows[] = {
        {"a name that nothing fills", "{'token_url': 'https://idp.example/{realm}'}",
         "token_url: nothing fills {realm}: add a field with place path and that key\n"},
        {"a form field in single braces", "{'token_url': 'https://idp.example/{username}'}",
         "token_url: nothing fills {username}; the form field is {{username}}\n"},
        {"a payload field is no path field",
         "{'token_url': 'https://idp.example/{a}', 'fields': [{'place': 'payload', 'key': 'a', "
         "'value': '1'}]}",
         "token_url: nothing fills {a}: add a field with place path and that key\n"},
        {"tenant without tenancy", "{'token_url': 'https://{tenant}.example/'}",
         "token_url: refers to {tenant}, but tenancy is off\n"},
        {"tenant without tenancy in the refresh URL",
         "{'refresh_url': 'https://idp.example/{{tenant}}'}",
         "refresh_url: refers to {{tenant}}, but tenancy is off\n"},
        {"the refresh token in the token URL",
         "{'token_url': 'https://idp.example/{{refresh_token}}'}",
         "token_url: {{refresh_token}} is known in a refresh only, and this is used by the "
         "password grant too\n"},
        {"the refresh token in the revocation URL",
         "{'revocation_url': 'https://idp.example/{{refresh_token}}'}",
         "revocation_url: {{refresh_token}} is not known there; what is known is "
         "{{revoked_token}}\n"},
        {"the revoked token in the refresh URL",
         "{'refresh_url': 'https://idp.example/{{revoked_token}}'}",
         "refresh_url: {{revoked_token}} is not known there; what is known is "
         "{{refresh_token}}\n"},
        {"the agent's secret", "{'revocation_url': 'https://idp.example/{{secret:a}}'}",
         "revocation_url: at byte 21: {{secret:...}} can't stand in a URL, which others read; put "
         "it in a header or the payload\n"},
        {"a placeholder in the port", "{'token_url': 'https://idp.example:{{port}}/'}",
         "token_url: at byte 21: a placeholder of a URL may stand in host labels, path and query "
         "only\n"},
        {"a malformed URL may have had the path field",
         "{'token_url': 'https://idp.example/{r}#', 'fields': [{'place': 'path', 'key': 'r', "
         "'value': ''}]}",
         "token_url: at byte 24: a token URL has no fragment ('#')\n"},
        {"user and password", "{'token_url': 'https://u:p@idp.example/'}",
         "token_url: at byte 12: a URL must not hold user name or password ('@')\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

/* What url_read says of the filled URL is its own; here counts that it is asked. */
static void profile_read_refuses_what_no_url_can_be(void **state)
{
    static const char *const urls[] = {"ftp://idp.example/",    "https://idp.example/a b",
                                       "https:///token",        "https://idp.example/../token",
                                       "https://0x7f.1/",       "https://{{h}}..example/",
                                       "https://idp.example:0/"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        char patch[128];
        struct faults faults;
        struct profile p = {0};

        faults_init(&faults);
        (void)snprintf(patch, sizeof(patch), "{'refresh_url': '%s'}", urls[i]);
        CHECK(urls[i], !profile_text_read(patch, NULL, &p, &faults, NULL));
        CHECK(urls[i], faults.count == 1);
        CHECK_TEXT(urls[i], slice_of_str(faults.items[0].field), "refresh_url");
        faults_done(&faults);
    }
}

static void profile_read_names_the_fault_of_the_client(void **state)
{
    static const struct row rows[] = {
        {"no object", "{'client': 'none'}", "client: must be an object\n"},
        {"an unknown member", "{'client': {'mehtod': 'none'}}",
         "client.mehtod: is not known; did you mean \"method\"?\n"},
        {"no method", "{'client': {'method': 'client_secret', 'id': 'i', 'secret': 's'}}",
         "client.method: must be one of: none, client_secret_basic, client_secret_basic_raw, "
         "client_secret_post, private_key_jwt, tls_client_auth; found \"client_secret\", did you "
         "mean \"client_secret_post\"?\n"},
        {"Basic without id and secret", "{'client': {'method': 'client_secret_basic'}}",
         "client.id: is required by client_secret_basic\n"
         "client.secret: is required by client_secret_basic\n"},
        {"post without a secret", "{'client': {'method': 'client_secret_post', 'id': 'i'}}",
         "client.secret: is required by client_secret_post\n"},
        {"an empty id", "{'client': {'id': ''}}", "client.id: must not be empty\n"},
        {"none with a secret", "{'client': {'method': 'none', 'id': 'i', 'secret': 's'}}",
         "client.secret: is not used by none\n"},
        {"a key for Basic",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 's', 'key': 'k'}}",
         "client.key: is not used by client_secret_basic\n"},
        {"a certificate for none", "{'client': {'certificate': 'c'}}",
         "client.certificate: is not used by none\n"},
        {"a colon in a raw id",
         "{'client': {'method': 'client_secret_basic_raw', 'id': 'a:b', 'secret': 's'}}",
         "client.id: client_secret_basic_raw can't carry a ':' in the id (RFC 7617)\n"},
        {"a secret of a wrong type",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 5}}",
         "client.secret: must be a string, or {\"set\": true} to keep the stored one\n"},
        {"a secret that is not set",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': {'set': false}}}",
         "client.secret: must be a string, or {\"set\": true} to keep the stored one\n"},
        {"a secret with a NUL",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 'a\\u0000'}}",
         "client.secret: must be at most 8192 bytes long, without NUL\n"},
        {"a secret with braces, never shown",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 'hunter2{{'}}",
         "client.secret: at byte 8: \"{{\" begins a placeholder that does not end; a literal "
         "\"{{\" is written \"{{{{\"\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_names_the_fault_of_a_credential(void **state)
{
    static const struct row rows[] = {
        {"in user mode", "{'credentials': {'username': 'u'}}",
         "credentials: are for mode pre_authorized only\n"},
        {"no object", "{'mode': 'pre_authorized', 'credentials': ['u']}",
         "credentials: must be an object\n"},
        {"no form field", "{'mode': 'pre_authorized', 'credentials': {'user': 'u'}}",
         "credentials.user: is no form field\n"},
        {"of a hidden field",
         "{'mode': 'pre_authorized', 'credentials': {'a': 'x'}, 'form_fields': "
         "[{'key': 'a', 'visibility': 'hidden', 'value': 'y'}]}",
         "credentials.a: has its value in form_fields already\n"},
        {"against its type",
         "{'mode': 'pre_authorized', 'credentials': {'pin': 'x'}, 'form_fields': "
         "[{'key': 'pin', 'data_type': 'number'}]}",
         "credentials.pin: must be a number, as JSON writes it\n"},
        {"empty, though required", "{'mode': 'pre_authorized', 'credentials': {'password': ''}}",
         "credentials.password: must not be empty\n"},
        {"of a wrong type", "{'mode': 'pre_authorized', 'credentials': {'password': 1}}",
         "credentials.password: must be a string, or {\"set\": true} to keep the stored one\n"},
        {"nothing to keep",
         "{'mode': 'pre_authorized', 'credentials': {'password': {'set': true}}}",
         "credentials.password: there is no stored one to keep; give the value\n"},
        {"half a secret of the agent",
         "{'mode': 'pre_authorized', 'credentials': {'password': 'x{{secret:p}}'}}",
         "credentials.password: must be a value as it is, or {{secret:name}} and nothing else\n"},
        {"a secret of the agent that goes into a URL",
         "{'mode': 'pre_authorized', 'credentials': {'password': '{{secret:p}}'},"
         " 'token_url': 'https://idp.example/?p={{password}}'}",
         "token_url: puts credentials.password, a secret of the agent, into a URL, which others "
         "log\n"},
        {"a secret of the agent that GET would put into the URL, since nothing refers to it",
         "{'mode': 'pre_authorized', 'method': 'GET',"
         " 'credentials': {'username': 'u', 'password': '{{secret:p}}'}}",
         "credentials.password: is a secret of the agent, and GET would put it into the URL, which "
         "others log\n"},
        {"a secret of the agent in a payload field of DELETE",
         "{'mode': 'pre_authorized', 'method': 'DELETE', 'credentials': {'password': "
         "'{{secret:p}}'},"
         " 'fields': [{'place': 'payload', 'key': 'pw', 'value': '{{password}}'}]}",
         "fields[0].value: puts credentials.password, a secret of the agent, into a URL, which "
         "others log\n"},
        {"{{secret:…}} in the payload of GET",
         "{'method': 'GET', 'fields': [{'place': 'payload', 'key': 'a', 'value': '{{secret:p}}'}]}",
         "fields[0].value: {{secret:p}} may not stand in the payload of GET, which goes into the "
         "URL: others log URLs\n"},
        {"the client's in the payload of GET",
         "{'method': 'GET', 'client': {'method': 'client_secret_post', 'id': 'i', 'secret': "
         "'{{secret:p}}'}}",
         "client.secret: {{secret:p}} may not stand in the payload of GET, which goes into the "
         "URL: others log URLs\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_keeps_its_limits(void **state)
{
    static const struct {
        const char *why, *member, *want;
        size_t n;
    } rows[] = {
        {"62 form fields", "form_fields", "", 62},
        {"63 form fields", "form_fields", "form_fields: must have at most 62 elements, found 63\n",
         63},
        {"128 fields", "fields", "", 128},
        {"129 fields", "fields", "fields: must have at most 128 elements, found 129\n", 129},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf patch;
        struct faults faults;
        struct profile p = {0};
        char *got;

        faults_init(&faults);
        buf_init(&patch, SIZE_MAX);
        assert_int_equal(buf_put_str(&patch, "{'"), CX_OK);
        assert_int_equal(buf_put_str(&patch, rows[i].member), CX_OK);
        assert_int_equal(buf_put_str(&patch, "': ["), CX_OK);
        for (size_t k = 0; k < rows[i].n; k++) {
            char text[64];

            (void)snprintf(text, sizeof(text), "%s{'key': 'k%zu'%s}", k > 0 ? ", " : "", k,
                           strcmp(rows[i].member, "fields") == 0 ? ", 'value': ''" : "");
            assert_int_equal(buf_put_str(&patch, text), CX_OK);
        }
        assert_int_equal(buf_put_str(&patch, "]}"), CX_OK);
        (void)profile_text_read(buf_cstr(&patch), NULL, &p, &faults, NULL);
        got = profile_text_faults(&faults);
        CHECK_TEXT(rows[i].why, slice_of_str(got), rows[i].want);
        free(got);
        buf_done(&patch);
        faults_done(&faults);
        profile_done(&p);
    }
}

static void profile_read_bounds_all_templates_together(void **state)
{
    struct profile p = {0};
    struct faults faults;
    json_t *json = profile_text_json(
        "{'name': 'p', 'type': 'oauth2_password', 'token_url': 'https://idp.example/t'}");
    json_t *list = json_array();
    char *value = malloc(8192);
    struct profile_input in = {.json = json};
    char *got;

    (void)state;
    assert_non_null(value);
    memset(value, 'a', 8192);
    for (size_t i = 0; i < 12; i++) { /* 98,304 bytes, and the URL's 21 */
        assert_int_equal(
            json_array_append_new(list, json_pack("{s:s, s:s, s:s%}", "place", "payload", "key",
                                                  "k", "value", value, (size_t)8192)),
            0);
    }
    assert_int_equal(json_object_set_new(json, "fields", list), 0);
    faults_init(&faults);
    assert_false(profile_read(&in, &p, &faults, NULL));
    got = profile_text_faults(&faults);
    assert_string_equal(got, ": URLs, client and the fields' values have 98325 bytes together, at "
                             "most 98304 are allowed\n");
    free(got);
    faults_done(&faults);
    assert_int_equal(json_array_remove(list, 11), 0);
    faults_init(&faults);
    assert_true(profile_read(&in, &p, &faults, NULL));
    profile_done(&p);
    free(value);
    json_decref(json);
}

static void profile_read_warns_of_what_is_unwise(void **state)
{
    static const struct row rows[] = {
        {"nothing", "{}", ""},
        {"no connector", "{'connector': null}",
         "connector: none is set: the platform asks the token URL by itself, as far as `policy` "
         "in platform.conf allows it\n"},
        {"http", "{'token_url': 'http://idp.example/'}",
         "token_url: http shows password and token to everybody on the way\n"},
        {"http in the refresh URL", "{'refresh_url': 'http://idp.example/'}",
         "refresh_url: http shows password and token to everybody on the way\n"},
        {"PUT", "{'method': 'PUT'}",
         "method: token endpoints take POST (RFC 6749, 3.2), not PUT\n"},
        {"GET", "{'method': 'GET'}",
         "method: GET puts the payload, with passwords and tokens, into the query of the URL, "
         "which others log; token endpoints take POST (RFC 6749, 3.2)\n"},
        {"JSON", "{'content_type': 'json'}", ""},
        {"GET with a secret of the agent in a header",
         "{'method': 'GET', 'mode': 'pre_authorized', 'credentials': {'password': "
         "'{{secret:p}}'}, 'fields': [{'key': 'X-P', 'value': '{{password}}'}]}",
         "method: GET puts the payload, with passwords and tokens, into the query of the URL, "
         "which others log; token endpoints take POST (RFC 6749, 3.2)\n"},
        {"a password in a query field", FIELD("query", "p", "{{password}}"),
         "fields[0].value: puts the secret {{password}} into a URL, which others log (RFC 6749, "
         "2.3.1 advises against it)\n"},
        {"a password in the URL", "{'token_url': 'https://idp.example/{{password}}'}",
         "token_url: puts the secret {{password}} into a URL, which others log (RFC 6749, 2.3.1 "
         "advises against it)\n"},
        {"a user name in the URL", "{'token_url': 'https://idp.example/{{username}}'}", ""},
        {"a stored user name in the URL",
         "{'token_url': 'https://idp.example/{{username}}', 'mode': 'pre_authorized',"
         " 'credentials': {'username': 'u'}}",
         "token_url: puts the secret {{username}} into a URL, which others log (RFC 6749, 2.3.1 "
         "advises against it)\n"},
        {"the refresh token in a URL", "{'refresh_url': 'https://idp.example/{{refresh_token}}'}",
         "refresh_url: puts the refresh token into a URL, which others log\n"},
        {"the revoked token in a URL",
         "{'revocation_url': 'https://idp.example/{{revoked_token}}'}",
         "revocation_url: puts the revoked token into a URL, which others log\n"},
        {"the agent's secret", FIELD("header", "X-A", "{{secret:a}}"), ""},
        {"the agent's secret as a credential",
         "{'mode': 'pre_authorized', 'credentials': {'password': '{{secret:a}}'}}", ""},
        {"secrets of an agent without a connector",
         "{'connector': null, 'fields': [{'key': 'X-A', 'value': '{{secret:a}}'}],"
         " 'mode': 'pre_authorized', 'credentials': {'password': '{{secret:b}}'}}",
         "connector: none is set: the platform asks the token URL by itself, as far as `policy` "
         "in platform.conf allows it\n"
         "fields[0].value: refers to {{secret:a}}, which an agent keeps: without a connector "
         "exchanges fail as profile_incomplete\n"
         "credentials.password: is kept by an agent: without a connector exchanges fail as "
         "profile_incomplete\n"},
        {"the password as text", "{'form_fields': [{'key': 'password', 'type': 'text'}]}",
         "form_fields[0].type: as text, the password is shown in traces; \"password\" masks it\n"},
        {"Basic beside Authorization",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 's'},"
         " 'fields': [{'key': 'authorization', 'value': 'x'}]}",
         "client.method: is not used, since a header field sets Authorization itself\n"},
        {"an answer that is the token", "{'answer': {'expect': 'text', 'access_token': ''}}",
         "answer.access_token: \"\" takes whatever one word a 2xx holds for the token, and nothing "
         "tells it from a word like \"Unauthorized\"\n"},
        {"a caller's host for stored credentials",
         "{'mode': 'pre_authorized', 'token_url': 'https://{{where}}.example/{{what}}'}",
         "token_url: whoever calls chooses with {{where}} to which host the stored credentials "
         "go\n"},
    };

    (void)state;
    check_warnings(rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_read_names_the_fault_of_a_field),
        cmocka_unit_test(profile_read_names_the_fault_of_a_url),
        cmocka_unit_test(profile_read_refuses_what_no_url_can_be),
        cmocka_unit_test(profile_read_names_the_fault_of_the_client),
        cmocka_unit_test(profile_read_names_the_fault_of_a_credential),
        cmocka_unit_test(profile_read_keeps_its_limits),
        cmocka_unit_test(profile_read_bounds_all_templates_together),
        cmocka_unit_test(profile_read_warns_of_what_is_unwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
