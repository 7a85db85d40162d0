#include "common/core/profile.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

#define KEY_64   "k234567890123456789012345678901234567890123456789012345678901234"
#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

struct row {
    const char *why, *patch;
    const char *want; /* the whole of its one fault or warning; "" for none */
};

static void check_faults(const struct row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        struct faults faults;
        struct profile p = {0};
        bool is_read;
        char *got;

        faults_init(&faults);
        is_read = profile_text_read(rows[i].patch, NULL, &p, &faults, NULL);
        got = profile_text_faults(&faults);
        if (strcmp(got, rows[i].want) != 0 || is_read != (rows[i].want[0] == '\0')) {
            fail_msg("%s: got\n%swant\n%s", rows[i].why, got, rows[i].want);
        }
        free(got);
        faults_done(&faults);
        profile_done(&p);
    }
}

static void profile_read_takes_what_is_right(void **state)
{
    static const struct row rows[] = {
        {"as little as possible", "{'connector': null}", ""},
        {"null is absent", "{'mode': null, 'fields': null, 'client': null, 'answer': null}", ""},
        {"longest name", "{'name': '" LABEL_63 "'}", ""},
        {"tenancy without a tenant",
         "{'tenancy': {}, 'token_url': 'https://{tenant}.idp.example/t'}", ""},
        {"tenancy in a variable",
         "{'tenancy': {'tenant': 'acme'}, 'token_url': 'https://idp.example/{{tenant}}'}", ""},
        {"a field's default place is the header", "{'fields': [{'key': 'X-A', 'value': ''}]}", ""},
        {"the same key twice in payload and query",
         "{'fields': [{'place': 'payload', 'key': 'a', 'value': '1'},"
         " {'place': 'payload', 'key': 'a', 'value': '2'},"
         " {'place': 'query', 'key': 'a', 'value': '1'},"
         " {'place': 'query', 'key': 'a', 'value': '2'}]}",
         ""},
        {"a path field for the refresh URL alone",
         "{'fields': [{'place': 'path', 'key': 'r', 'value': '1'}],"
         " 'refresh_url': 'https://idp.example/{r}'}",
         ""},
        {"the grant's own values in fields",
         "{'fields': [{'key': 'X-Grant', 'value': '{{grant_type}}'}]}", ""},
        {"the refresh token in the refresh URL",
         "{'refresh_url': 'https://idp.example/{{refresh_token}}'}", ""},
        {"Authorization as a field",
         "{'fields': [{'key': 'Authorization', 'value': 'Basic {{token}}'}]}", ""},
        {"the agent's secrets in header, payload and client",
         "{'fields': [{'key': 'X-A', 'value': '{{secret:a}}'},"
         " {'place': 'payload', 'key': 'b', 'value': '{{secret:b}}'}],"
         " 'client': {'method': 'client_secret_post', 'id': '{{secret:i}}',"
         " 'secret': '{{secret:s}}'}}",
         ""},
        {"an empty client secret (RFC 6749, 2.3.1)",
         "{'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': ''}}", ""},
        {"an id with a colon, form-encoded",
         "{'client': {'method': 'client_secret_basic', 'id': 'a:b', 'secret': 's'}}", ""},
        {"a public client's id", "{'client': {'id': 'portal'}}", ""},
        {"hidden and read-only fields of every type",
         "{'form_fields': ["
         "{'key': 'a', 'visibility': 'hidden', 'value': 'x'},"
         "{'key': 'b', 'visibility': 'read_only', 'data_type': 'number', 'value': '-1.5e+3'},"
         "{'key': 'c', 'visibility': 'hidden', 'data_type': 'boolean', 'value': 'true'},"
         "{'key': 'd', 'visibility': 'hidden', 'data_type': 'date', 'value': '2024-02-29'},"
         "{'key': 'e', 'visibility': 'hidden', 'data_type': 'email', 'value': 'a@b'},"
         "{'key': 'f', 'visibility': 'hidden', 'data_type': 'url', 'value': 'https://a'}]}",
         ""},
        {"numbers at their edges",
         "{'budget_ms': 100, 'rotation_grace_s': 3600, 'auth_error_status': [400, 599]}", ""},
        {"numbers at their other edges", "{'budget_ms': 120000, 'rotation_grace_s': 0}", ""},
        {"answers this version can read", "{'answer': {'expect': 'form'}}", ""},
        {"stored credentials",
         "{'mode': 'pre_authorized', 'credentials': {'username': 'u', 'password': '{{secret:p}}'}}",
         ""},
        {"a stored password with braces",
         "{'mode': 'pre_authorized', 'credentials': {'password': 'a{{b'}}", ""},
        {"no credentials in user mode", "{'credentials': {}}", ""},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_names_the_fault_of_a_member(void **state)
{
    static const struct row rows[] = {
        {"an unknown member", "{'colour': 1}", "colour: is not known\n"},
        {"a misspelt member", "{'token_urll': 1}",
         "token_urll: is not known; did you mean \"token_url\"?\n"},
        {"no name", "{'name': null}", "name: is required\n"},
        {"name with a capital", "{'name': 'Hr'}",
         "name: must be 1 to 63 lower-case letters, digits, '.', '_' or '-', a letter or digit "
         "first\n"},
        {"name with a dot first", "{'name': '.a'}",
         "name: must be 1 to 63 lower-case letters, digits, '.', '_' or '-', a letter or digit "
         "first\n"},
        {"an empty name", "{'name': ''}",
         "name: must be 1 to 63 lower-case letters, digits, '.', '_' or '-', a letter or digit "
         "first\n"},
        {"a long name", "{'name': '" KEY_64 "'}",
         "name: must be at most 63 bytes long, found 64\n"},
        {"name of a wrong type", "{'name': 1}", "name: must be a string\n"},
        {"no type", "{'type': null}", "type: is required: oauth2_password\n"},
        {"another type", "{'type': 'oauth2_passwort'}",
         "type: must be one of: oauth2_password; found \"oauth2_passwort\", did you mean "
         "\"oauth2_password\"?\n"},
        {"no URL", "{'token_url': null}", "token_url: is required\n"},
        {"an empty URL", "{'token_url': ''}", "token_url: must not be empty\n"},
        {"connector", "{'connector': ''}",
         "connector: must be a connector's name, or null for none\n"},
        {"connector of a wrong type", "{'connector': false}", "connector: must be a string\n"},
        {"tenancy", "{'tenancy': 'acme'}",
         "tenancy: must be an object\ntoken_url: has no {tenant}, but tenancy is on\n"},
        {"tenant", "{'tenancy': {'tenant': 'a.b'}, 'token_url': 'https://{tenant}.example/'}",
         "tenancy.tenant: must be one host label: letters, digits and hyphens, 1 to 63, or null "
         "if each call gives one\n"},
        {"tenancy's member",
         "{'tenancy': {'tenent': 'a'}, 'token_url': 'https://{tenant}.example/'}",
         "tenancy.tenent: is not known; did you mean \"tenant\"?\n"},
        {"tenancy without a place", "{'tenancy': {'tenant': 'a'}}",
         "token_url: has no {tenant}, but tenancy is on\n"},
        {"pre_authorized without a tenant",
         "{'mode': 'pre_authorized', 'tenancy': {}, 'token_url': 'https://{tenant}.example/'}",
         "tenancy.tenant: is required in mode pre_authorized, or a caller would choose where the "
         "stored "
         "credentials go\n"},
        {"mode", "{'mode': 'users'}",
         "mode: must be one of: user, pre_authorized; found \"users\", did you mean \"user\"?\n"},
        {"no method", "{'method': 'post'}",
         "method: must be one of: POST, PUT, PATCH, DELETE, GET; found \"post\"\n"},
        {"no content type", "{'content_type': 5}",
         "content_type: must be one of: json, form, form_rfc3986, xml, rss, csv, text, "
         "multipart_form, multipart_related, oracle_adf\n"},
        {"answer of a wrong type", "{'answer': []}", "answer: must be an object\n"},
        {"budget too small", "{'budget_ms': 99}", "budget_ms: must be 100 to 120000, found 99\n"},
        {"budget too large", "{'budget_ms': 120001}",
         "budget_ms: must be 100 to 120000, found 120001\n"},
        {"budget with a fraction", "{'budget_ms': 1000.0}",
         "budget_ms: must be a whole number, 100 to 120000\n"},
        {"grace", "{'rotation_grace_s': 3601}",
         "rotation_grace_s: must be 0 to 3600, found 3601\n"},
        {"grace below zero", "{'rotation_grace_s': -1}",
         "rotation_grace_s: must be 0 to 3600, found -1\n"},
        {"status too small", "{'auth_error_status': [403, 399]}",
         "auth_error_status[1]: must be an HTTP status, 400 to 599\n"},
        {"status too large", "{'auth_error_status': [600]}",
         "auth_error_status[0]: must be an HTTP status, 400 to 599\n"},
        {"status as text", "{'auth_error_status': ['403']}",
         "auth_error_status[0]: must be an HTTP status, 400 to 599\n"},
        {"status twice", "{'auth_error_status': [403, 404, 403]}",
         "auth_error_status[2]: 403 occurs twice\n"},
        {"no list", "{'auth_error_status': 403}", "auth_error_status: must be a list\n"},
        {"a NUL", "{'refresh_url': 'https://idp.example/\\u0000'}",
         "refresh_url: must not hold a NUL character\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_names_the_fault_of_a_form_field(void **state)
{
    static const struct row rows[] = {
        {"no key", "{'form_fields': [{'title': 'A'}]}", "form_fields[0].key: is required\n"},
        {"no object", "{'form_fields': ['pin']}", "form_fields[0]: must be an object\n"},
        {"an unknown member", "{'form_fields': [{'key': 'a', 'requird': true}]}",
         "form_fields[0].requird: is not known; did you mean \"required\"?\n"},
        {"malformed key", "{'form_fields': [{'key': 'a b'}]}",
         "form_fields[0].key: must be 1 to 64 letters, digits, '_', '.' or '-'\n"},
        {"long key", "{'form_fields': [{'key': '" KEY_64 "5'}]}",
         "form_fields[0].key: must be at most 64 bytes long, found 65\n"},
        {"a reserved key", "{'form_fields': [{'key': 'client_id'}]}",
         "form_fields[0].key: \"client_id\" is reserved and can't be a form field\n"},
        {"all reserved keys",
         "{'form_fields': [{'key': 'tenant'}, {'key': 'grant_type'}, {'key': 'refresh_token'},"
         " {'key': 'client_secret'}]}",
         "form_fields[0].key: \"tenant\" is reserved and can't be a form field\n"
         "form_fields[1].key: \"grant_type\" is reserved and can't be a form field\n"
         "form_fields[2].key: \"refresh_token\" is reserved and can't be a form field\n"
         "form_fields[3].key: \"client_secret\" is reserved and can't be a form field\n"},
        {"a key twice", "{'form_fields': [{'key': 'a'}, {'key': 'a'}]}",
         "form_fields[1].key: \"a\" occurs twice\n"},
        {"type", "{'form_fields': [{'key': 'a', 'type': 'secret'}]}",
         "form_fields[0].type: must be one of: text, password; found \"secret\"\n"},
        {"data type", "{'form_fields': [{'key': 'a', 'data_type': 'int'}]}",
         "form_fields[0].data_type: must be one of: string, number, boolean, date, email, url; "
         "found \"int\"\n"},
        {"required", "{'form_fields': [{'key': 'a', 'required': 'yes'}]}",
         "form_fields[0].required: must be true or false\n"},
        {"visibility", "{'form_fields': [{'key': 'a', 'visibility': 'readonly', 'value': 'x'}]}",
         "form_fields[0].visibility: must be one of: visible, hidden, read_only; found "
         "\"readonly\", did you mean \"read_only\"?\n"
         "form_fields[0].value: is for hidden and read_only fields only\n"},
        {"hidden without a value", "{'form_fields': [{'key': 'a', 'visibility': 'hidden'}]}",
         "form_fields[0].value: is required, since the field is hidden\n"},
        {"visible with a value", "{'form_fields': [{'key': 'a', 'value': 'x'}]}",
         "form_fields[0].value: is for hidden and read_only fields only\n"},
        {"a hidden password",
         "{'form_fields': [{'key': 'a', 'type': 'password', 'visibility': 'hidden', 'value': "
         "'x'}]}",
         "form_fields[0].visibility: a password must be visible: its value would be readable in "
         "the profile; use credentials or client.secret\n"},
        {"a value against its type",
         "{'form_fields': [{'key': 'a', 'data_type': 'number', 'visibility': 'read_only', "
         "'value': 'x'}]}",
         "form_fields[0].value: must be a number, as JSON writes it\n"},
        {"a title with a line break", "{'form_fields': [{'key': 'a', 'title': 'a\\nb'}]}",
         "form_fields[0].title: must not hold control characters\n"},
        {"a hint with an escape", "{'form_fields': [{'key': 'a', 'hint': '\\u001b[31m'}]}",
         "form_fields[0].hint: must not hold control characters\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_gives_every_fault_at_once(void **state)
{
    static const struct row rows[] = {
        {"six parts, a fault each",
         "{'name': 'A', 'budget_ms': 1, 'form_fields': [{'key': 'tenant'}],"
         " 'fields': [{'key': 'Host', 'value': ''}], 'colour': 1, 'token_url': 'https://h/#a'}",
         "colour: is not known\n"
         "name: must be 1 to 63 lower-case letters, digits, '.', '_' or '-', a letter or digit "
         "first\n"
         "budget_ms: must be 100 to 120000, found 1\n"
         "form_fields[0].key: \"tenant\" is reserved and can't be a form field\n"
         "fields[0].key: \"Host\" belongs to the HTTP client and can't be set by a profile\n"
         "token_url: at byte 11: a token URL has no fragment ('#')\n"},
    };

    (void)state;
    check_faults(rows, COUNT_OF(rows));
}

static void profile_read_adds_username_and_password_unless_named(void **state)
{
    static const struct {
        const char *why, *patch, *keys; /* with '*' behind a password, '!' behind a required one */
    } rows[] = {
        {"none named", "{'form_fields': []}", "username! password*! "},
        {"another named", "{'form_fields': [{'key': 'pin'}]}", "username! password*! pin "},
        {"username named", "{'form_fields': [{'key': 'pin'}, {'key': 'username'}]}",
         "password*! pin username "},
        {"both named", "{'form_fields': [{'key': 'password'}, {'key': 'username'}]}",
         "password* username "},
        {"password as text", "{'form_fields': [{'key': 'password', 'type': 'text'}]}",
         "username! password "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct profile p = {0};
        char got[100] = "";

        profile_text_make(rows[i].patch, &p);
        for (size_t k = 0; k < p.nform_fields; k++) {
            size_t used = strlen(got);

            (void)snprintf(got + used, sizeof(got) - used, "%s%s%s ", p.form_fields[k].key,
                           p.form_fields[k].is_password ? "*" : "",
                           p.form_fields[k].is_required ? "!" : "");
        }
        CHECK_TEXT(rows[i].why, slice_of_str(got), rows[i].keys);
        profile_done(&p);
        profile_done(&p);
    }
}

static void profile_read_fills_in_what_is_left_out(void **state)
{
    struct profile p = {0};

    (void)state;
    profile_text_make("{'connector': null}", &p);
    assert_string_equal(p.name, "p");
    assert_null(p.connector);
    assert_false(p.has_tenancy);
    assert_null(p.tenant);
    assert_int_equal(p.mode, PROFILE_USER);
    assert_string_equal(p.form_fields[1].title, "Password");
    assert_string_equal(p.form_fields[1].hint, "");
    assert_int_equal(p.form_fields[1].data_type, PROFILE_STRING);
    assert_int_equal(p.form_fields[1].visibility, PROFILE_VISIBLE);
    assert_null(p.form_fields[1].value);
    assert_int_equal(p.nfields, 0);
    assert_string_equal(p.token_url, "https://idp.example/token");
    assert_string_equal(p.refresh_url, "");
    assert_string_equal(p.revocation_url, "");
    assert_int_equal(p.method, METHOD_POST);
    assert_int_equal(p.content_type, ENCODING_FORM);
    assert_int_equal(p.answer, ENCODING_UNKNOWN);
    assert_int_equal(p.nauth_error_status, 0);
    assert_int_equal(p.rotation_grace_s, 0);
    assert_int_equal(p.client_method, CLIENT_NONE);
    assert_null(p.client_id);
    assert_false(secret_is_set(&p.client_secret));
    assert_int_equal(p.budget_ms, 30000);
    profile_done(&p);
}

static void profile_read_compares_the_name_with_the_address(void **state)
{
    json_t *json = profile_text_json(
        "{'name': 'p', 'type': 'oauth2_password', 'token_url': 'https://idp.example/t'}");
    struct profile_input in = {.json = json, .name = "p"};
    struct profile p = {0};
    struct faults faults;
    char *got;

    (void)state;
    faults_init(&faults);
    assert_true(profile_read(&in, &p, &faults, NULL));
    profile_done(&p);
    in.name = "q";
    assert_false(profile_read(&in, &p, &faults, NULL));
    got = profile_text_faults(&faults);
    assert_string_equal(got, "name: is \"p\" here and \"q\" in the address\n");
    free(got);
    assert_null(p.name);
    assert_int_equal(json_object_del(json, "name"), 0);
    assert_true(profile_read(&in, &p, &faults, NULL)); /* the old fault is not its own */
    faults_done(&faults);
    assert_string_equal(p.name, "q");
    profile_done(&p);
    json_decref(json);
}

static void profile_read_wants_an_object(void **state)
{
    static const char *const texts[] = {"[]", "'p'", "null", "1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_t *json = profile_text_json(texts[i]);
        struct profile_input in = {.json = json};
        struct profile p = {0};
        struct faults faults;
        char *got;

        faults_init(&faults);
        assert_false(profile_read(&in, &p, &faults, NULL));
        got = profile_text_faults(&faults);
        assert_string_equal(got, ": must be an object\n");
        free(got);
        faults_done(&faults);
        json_decref(json);
    }
}

static void profile_is_name_knows_a_slug(void **state)
{
    (void)state;
    assert_true(profile_is_name(SLICE_LIT("hr-portal_2.x")));
    assert_true(profile_is_name(SLICE_LIT("0")));
    assert_true(profile_is_name(SLICE_LIT(LABEL_63)));
    assert_false(profile_is_name(SLICE_LIT(LABEL_63 "4")));
    assert_false(profile_is_name(SLICE_LIT("")));
    assert_false(profile_is_name(SLICE_LIT("-a")));
    assert_false(profile_is_name(SLICE_LIT("a/b")));
    assert_false(profile_is_name(SLICE_LIT("Ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_read_takes_what_is_right),
        cmocka_unit_test(profile_read_names_the_fault_of_a_member),
        cmocka_unit_test(profile_read_names_the_fault_of_a_form_field),
        cmocka_unit_test(profile_read_gives_every_fault_at_once),
        cmocka_unit_test(profile_read_adds_username_and_password_unless_named),
        cmocka_unit_test(profile_read_fills_in_what_is_left_out),
        cmocka_unit_test(profile_read_compares_the_name_with_the_address),
        cmocka_unit_test(profile_read_wants_an_object),
        cmocka_unit_test(profile_is_name_knows_a_slug),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
