#include "common/core/profile.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

/* Everything that a profile can say, with each kind of secret. */
static const char full[] =
    "{'connector': 'c1', 'tenancy': {'tenant': 'acme'}, 'mode': 'pre_authorized',"
    " 'form_fields': [{'title': 'Who', 'key': 'username', 'hint': 'you', 'required': true},"
    " {'key': 'pin', 'type': 'password', 'data_type': 'number'},"
    " {'key': 'lang', 'visibility': 'read_only', 'value': 'de'}],"
    " 'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'}, {'key': 'X', 'value': ''}],"
    " 'token_url': 'https://{tenant}.example/{r}', 'refresh_url': 'https://r.example/',"
    " 'revocation_url': 'https://v.example/', 'answer': {'expect': 'xml',"
    " 'refresh_token': '/r/ref', 'access_token': '/r/tok', 'expires_in': '/r/life', 'token_type': "
    "'/r/kind',"
    " 'success': {'is': 7, 'at': '/r/ok'}},"
    " 'auth_error_status': [403, 418], 'rotation_grace_s': 5, 'budget_ms': 1000,"
    " 'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': 'hunter2'},"
    " 'credentials': {'username': 'u', 'pin': '4711', 'password': '{{secret:pw}}'}}";

#define FULL_SHOWN_WITH(client_secret, username, pin)                                              \
    "{'name': 'p', 'type': 'oauth2_password', 'connector': 'c1',"                                  \
    " 'tenancy': {'tenant': 'acme'}, 'mode': 'pre_authorized', 'form_fields': ["                   \
    "{'title': 'Password', 'key': 'password', 'hint': '', 'type': 'password', 'required': true,"   \
    " 'data_type': 'string', 'visibility': 'visible'},"                                            \
    " {'title': 'Who', 'key': 'username', 'hint': 'you', 'type': 'text', 'required': true,"        \
    " 'data_type': 'string', 'visibility': 'visible'},"                                            \
    " {'title': 'pin', 'key': 'pin', 'hint': '', 'type': 'password', 'required': false,"           \
    " 'data_type': 'number', 'visibility': 'visible'},"                                            \
    " {'title': 'lang', 'key': 'lang', 'hint': '', 'type': 'text', 'required': false,"             \
    " 'data_type': 'string', 'visibility': 'read_only', 'value': 'de'}],"                          \
    " 'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'},"                              \
    " {'place': 'header', 'key': 'X', 'value': ''}],"                                              \
    " 'token_url': 'https://{tenant}.example/{r}', 'method': 'POST', 'content_type': 'form',"      \
    " 'refresh_url': 'https://r.example/', 'revocation_url': 'https://v.example/',"                \
    " 'answer': {'expect': 'xml', 'access_token': '/r/tok', 'refresh_token': '/r/ref',"            \
    " 'expires_in': '/r/life', 'token_type': '/r/kind', 'success': {'at': '/r/ok', 'is': 7}},"     \
    " 'auth_error_status': [403, 418], 'rotation_grace_s': 5,"                                     \
    " 'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': " client_secret "},"        \
    " 'credentials': {'username': " username ", 'pin': " pin                                       \
    ", 'password': '{{secret:pw}}'}, 'budget_ms': 1000}"

#define SET "{'set': true}"

static void check_json(const struct profile *p, bool with_secrets, const char *want_text)
{
    json_t *got = profile_to_json(p, with_secrets);
    json_t *want = profile_text_json(want_text);
    char *got_text = json_dumps(got, 0);
    char *want_dump = json_dumps(want, 0);

    assert_string_equal(got_text, want_dump); /* the order of members counts: people read it */
    free(got_text);
    free(want_dump);
    json_decref(got);
    json_decref(want);
}

static void profile_to_json_masks_secrets(void **state)
{
    struct profile p = {0};

    (void)state;
    profile_text_make(full, &p);
    check_json(&p, false, FULL_SHOWN_WITH(SET, SET, SET));
    check_json(&p, true, FULL_SHOWN_WITH("'hunter2'", "'u'", "'4711'"));
    profile_done(&p);
}

static void profile_to_json_spells_out_what_was_left_out(void **state)
{
    struct profile p = {0};

    (void)state;
    profile_text_make("{'connector': null}", &p);
    check_json(
        &p, false,
        "{'name': 'p', 'type': 'oauth2_password', 'connector': null, 'tenancy': null,"
        " 'mode': 'user', 'form_fields': ["
        "{'title': 'User name', 'key': 'username', 'hint': '', 'type': 'text', 'required': true,"
        " 'data_type': 'string', 'visibility': 'visible'},"
        " {'title': 'Password', 'key': 'password', 'hint': '', 'type': 'password', 'required': "
        "true, 'data_type': 'string', 'visibility': 'visible'}], 'fields': [],"
        " 'token_url': 'https://idp.example/token', 'method': 'POST', 'content_type': 'form',"
        " 'refresh_url': '', 'revocation_url': '', 'answer': {'expect': 'auto'},"
        " 'auth_error_status': [], 'rotation_grace_s': 0, 'client': {'method': 'none'},"
        " 'budget_ms': 30000}");
    profile_done(&p);
}

static void profile_to_json_shows_secrets_that_are_placeholders_only(void **state)
{
    static const struct {
        const char *secret;
        bool is_shown;
    } rows[] = {
        {"{{secret:a}}", true},
        {"{{secret:a}}{{secret:b}}", true},
        {"{{pin}}", true},
        {"x{{secret:a}}", false},
        {"{{secret:a}} ", false},
        {"{{{{", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char patch[160];
        struct profile p = {0};
        json_t *json;
        json_t *secret;

        (void)snprintf(patch, sizeof(patch),
                       "{'client': {'method': 'client_secret_post', 'id': 'i', 'secret': '%s'}}",
                       rows[i].secret);
        profile_text_make(patch, &p);
        json = profile_to_json(&p, false);
        secret = json_object_get(json_object_get(json, "client"), "secret");
        CHECK(rows[i].secret, json_is_string(secret) == rows[i].is_shown);
        CHECK(rows[i].secret, json_is_true(json_object_get(secret, "set")) == !rows[i].is_shown);
        json_decref(json);
        profile_done(&p);
    }
}

static void profile_read_takes_back_what_to_json_gives(void **state)
{
    struct profile p = {0};
    struct profile again = {0};
    struct faults faults;
    json_t *json;
    struct profile_input in;

    (void)state;
    profile_text_make(full, &p);
    for (int with_secrets = 0; with_secrets < 2; with_secrets++) {
        faults_init(&faults);
        json = profile_to_json(&p, with_secrets != 0);
        in = (struct profile_input){.json = json, .name = "p"};
        in.before = with_secrets != 0 ? NULL : &p;
        assert_true(profile_read(&in, &again, &faults, NULL));
        check_json(&again, true, FULL_SHOWN_WITH("'hunter2'", "'u'", "'4711'"));
        profile_done(&again);
        json_decref(json);
    }
    profile_done(&p);
}

static void profile_read_keeps_secrets_while_nothing_moves_them(void **state)
{
    static const struct {
        const char *why, *change; /* of the full profile */
        const char *named;        /* what the faults name; NULL: the secrets are kept */
    } rows[] = {
        {"nothing changed", "{}", NULL},
        {"budget", "{'budget_ms': 2000}", NULL},
        {"status", "{'auth_error_status': []}", NULL},
        {"the client's id",
         "{'client': {'method': 'client_secret_basic', 'id': 'j', 'secret': "
         "{'set': true}}}",
         NULL},
        {"token URL", "{'token_url': 'https://{tenant}.evil.example/{r}'}", "token_url"},
        {"refresh URL", "{'refresh_url': ''}", "refresh_url"},
        {"revocation URL", "{'revocation_url': ''}", "revocation_url"},
        {"a field's value",
         "{'fields': [{'place': 'path', 'key': 'r', 'value': 'en'}, {'key': 'X', 'value': ''}]}",
         "fields"},
        {"a field's key",
         "{'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'}, {'key': 'Y', 'value': "
         "''}]}",
         "fields"},
        {"a field's place",
         "{'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'}, {'place': 'query', "
         "'key': 'X', 'value': ''}]}",
         "fields"},
        {"a field more",
         "{'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'}, {'key': 'X', 'value': "
         "''}, {'key': 'Y', 'value': '{{pin}}'}]}",
         "fields"},
        {"tenant", "{'tenancy': {'tenant': 'evil'}}", "tenancy"},
        {"connector", "{'connector': 'c2'}", "connector"},
        {"no connector", "{'connector': null}", "connector"},
        {"client method",
         "{'client': {'method': 'client_secret_post', 'id': 'i', 'secret': {'set': true}}}",
         "client.method"},
    };
    struct profile before = {0};

    (void)state;
    profile_text_make(full, &before);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *json = profile_to_json(&before, false);
        json_t *change = profile_text_json(rows[i].change);
        struct profile_input in = {.json = json, .before = &before};
        struct profile p = {0};
        struct faults faults;
        bool is_read;

        faults_init(&faults);
        assert_int_equal(json_object_update(json, change), 0);
        is_read = profile_read(&in, &p, &faults, NULL);
        CHECK(rows[i].why, is_read == (rows[i].named == NULL));
        if (is_read) {
            CHECK_TEXT(rows[i].why, secret_view(&p.client_secret), "hunter2");
            CHECK_TEXT(rows[i].why, p.credentials[1].value, "4711");
        } else {
            char want[80];

            (void)snprintf(want, sizeof(want), "must be given anew, since %s has changed",
                           rows[i].named);
            CHECK(rows[i].why, faults.count == 3); /* client.secret, username, pin */
            CHECK(rows[i].why, strstr(faults.items[0].what, want) != NULL);
            CHECK(rows[i].why, strstr(faults.items[2].what, want) != NULL);
        }
        faults_done(&faults);
        profile_done(&p);
        json_decref(json);
        json_decref(change);
    }
    profile_done(&before);
}

static void profile_read_keeps_nothing_that_was_not_there(void **state)
{
    struct profile before = {0};
    struct profile p = {0};
    struct faults faults;
    char *got;

    (void)state;
    profile_text_make("{'mode': 'pre_authorized'}", &before);
    faults_init(&faults);
    assert_false(
        profile_text_read("{'mode': 'pre_authorized', 'credentials': {'username': {'set': true}}}",
                          &before, &p, &faults, NULL));
    got = profile_text_faults(&faults);
    assert_string_equal(got,
                        "credentials.username: there is no stored one to keep; give the value\n");
    free(got);
    faults_done(&faults);
    profile_done(&before);
}

static void profile_example_is_right_and_gives_no_warning(void **state)
{
    json_error_t error;
    json_t *json;
    struct profile p = {0};
    struct faults faults;
    struct faults warnings;
    struct profile_input in = {0};

    (void)state;
    json = json_load_file(PROFILE_EXAMPLE, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(json);
    in.json = json;
    faults_init(&faults);
    faults_init(&warnings);
    assert_true(profile_read(&in, &p, &faults, &warnings));
    assert_int_equal(faults_total(&warnings), 0);
    assert_string_equal(p.name, "hr-portal");
    assert_int_equal(p.nfields, 4);
    assert_int_equal(p.client_method, CLIENT_SECRET_BASIC_RAW);
    profile_done(&p);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_to_json_masks_secrets),
        cmocka_unit_test(profile_to_json_spells_out_what_was_left_out),
        cmocka_unit_test(profile_to_json_shows_secrets_that_are_placeholders_only),
        cmocka_unit_test(profile_read_takes_back_what_to_json_gives),
        cmocka_unit_test(profile_read_keeps_secrets_while_nothing_moves_them),
        cmocka_unit_test(profile_read_keeps_nothing_that_was_not_there),
        cmocka_unit_test(profile_example_is_right_and_gives_no_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
