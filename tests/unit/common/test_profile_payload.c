#include "tests/support/check.h"
#include "tests/support/profile_row.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

/* What a content type can hold is checked when the profile is put. */

#define FIELD(key, value) "{'place': 'payload', 'key': '" key "', 'value': '" value "'}"
#define TYPE(type, rest)  "{'content_type': '" type "'" rest "}"
#define XML_NAME                                                                                   \
    "must be an XML name without ':': letters, digits, '_', '-' and '.', a letter or '_' first"
#define XML_TEXT "holds a control character, which XML can't hold in any form"
#define CSV_TEXT "holds a control character, which CSV can't hold (RFC 4180)"
#define OTHER_LINE                                                                                 \
    "holds a line break or another control character, which would make it another line"

struct row {
    const char *why, *patch;
    const char *want; /* all faults, and then all warnings */
};

static void check(const struct row *row)
{
    struct faults faults;
    struct faults warnings;
    struct profile p = {0};
    char *found;
    char *warned;
    char got[2048];

    faults_init(&faults);
    faults_init(&warnings);
    CHECK(row->why, profile_text_read(row->patch, NULL, &p, &faults, &warnings) ==
                        (faults_total(&faults) == 0));
    found = profile_text_faults(&faults);
    warned = profile_text_faults(&warnings);
    (void)snprintf(got, sizeof(got), "%s%s", found, faults_total(&faults) == 0 ? warned : "");
    if (strcmp(got, row->want) != 0) {
        fail_msg("%s: got\n%swant\n%s", row->why, got, row->want);
    }
    free(found);
    free(warned);
    faults_done(&faults);
    faults_done(&warnings);
    profile_done(&p);
}

#define CHECK_ALL(rows)                                                                            \
    for (size_t row = 0; row < COUNT_OF(rows); row++) {                                            \
        check(&(rows)[row]);                                                                       \
    }

static void profile_read_takes_every_content_type(void **state)
{
    static const struct row rows[] = {
        {"json", TYPE("json", ""), ""},
        {"form", TYPE("form", ""), ""},
        {"form_rfc3986", TYPE("form_rfc3986", ""), ""},
        {"xml", TYPE("xml", ""), ""},
        {"rss", TYPE("rss", ""), ""},
        {"csv", TYPE("csv", ""), ""},
        {"text", TYPE("text", ""), ""},
        {"multipart_form", TYPE("multipart_form", ""), ""},
        {"multipart_related", TYPE("multipart_related", ""), ""},
        {"oracle_adf", TYPE("oracle_adf", ""), ""},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void profile_read_refuses_keys_that_are_no_xml_names(void **state)
{
    static const struct row rows[] = {
        {"a digit first", TYPE("xml", ", 'fields': [" FIELD("1a", "") "]"),
         "fields[0].key: " XML_NAME " (content_type xml)\n"},
        {"a prefix", TYPE("xml", ", 'fields': [" FIELD("a:b", "") "]"),
         "fields[0].key: " XML_NAME " (content_type xml)\n"},
        {"a blank", TYPE("rss", ", 'fields': [" FIELD("a b", "") "]"),
         "fields[0].key: " XML_NAME " (content_type rss)\n"},
        {"markup", TYPE("rss", ", 'fields': [" FIELD("a><b", "") "]"),
         "fields[0].key: " XML_NAME " (content_type rss)\n"},
        {"reserved", TYPE("xml", ", 'fields': [" FIELD("XmlId", "") "]"),
         "fields[0].key: must not begin with \"xml\", which XML reserves (content_type xml)\n"},
        {"of a form field",
         TYPE("xml", ", 'form_fields': [{'key': 'pin'}, {'key': '2nd', 'type': 'password'}]"),
         "form_fields[1].key: " XML_NAME " (content_type xml)\n"},
        {"of several",
         TYPE("xml", ", 'fields': [" FIELD("-a", "") ", " FIELD("b", "") ", " FIELD(".c", "") "]"),
         "fields[0].key: " XML_NAME " (content_type xml)\n"
         "fields[2].key: " XML_NAME " (content_type xml)\n"},
        {"of a form field that goes into a header",
         TYPE("xml", ", 'form_fields': [{'key': '2nd'}],"
                     " 'fields': [{'key': 'X-Second', 'value': '{{2nd}}'}]"),
         ""},
        {"of a query field",
         TYPE("xml", ", 'fields': [{'place': 'query', 'key': '1', 'value': ''}]"), ""},
        {"letters of any script",
         TYPE("xml", ", 'fields': [" FIELD("\xc3\xa9\xe6\x97\xa5-1.b_", "") "]"), ""},
        {"of a GET, which has no XML",
         TYPE("xml", ", 'method': 'GET', 'fields': [" FIELD("1a", "") "]"),
         "method: GET puts the payload, with passwords and tokens, into the query of the URL, "
         "which others log; token endpoints take POST (RFC 6749, 3.2)\n"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void profile_read_refuses_what_a_content_type_cannot_hold(void **state)
{
    static const struct row rows[] = {
        {"a control character in XML", TYPE("xml", ", 'fields': [" FIELD("a", "x\\u0001") "]"),
         "fields[0].value: " XML_TEXT " (content_type xml)\n"},
        {"beside a placeholder", TYPE("rss", ", 'fields': [" FIELD("a", "{{username}}\\u0001") "]"),
         "fields[0].value: " XML_TEXT " (content_type rss)\n"},
        {"in a hidden field",
         TYPE("xml", ", 'form_fields': [{'key': 'a', 'visibility': 'hidden', 'value': '\\u0001'}]"),
         "form_fields[0].value: " XML_TEXT " (content_type xml)\n"},
        {"in the client's id", TYPE("xml", ", 'client': {'id': '\\u0001'}"),
         "client.id: " XML_TEXT " (content_type xml)\n"},
        {"in the client's secret",
         TYPE("csv",
              ", 'client': {'method': 'client_secret_post', 'id': 'i', 'secret': '\\u0001'}"),
         "client.secret: " CSV_TEXT " (content_type csv)\n"},
        {"in a secret that is not in the payload",
         TYPE("csv",
              ", 'client': {'method': 'client_secret_basic', 'id': 'i', 'secret': '\\u0001'}"),
         ""},
        {"line breaks in XML, CSV and JSON",
         TYPE("xml", ", 'fields': [" FIELD("a", "x\\r\\ny") "]"), ""},
        {"line breaks in CSV", TYPE("csv", ", 'fields': [" FIELD("a", "x\\r\\ny") "]"), ""},
        {"a line break in a line of text", TYPE("text", ", 'fields': [" FIELD("a", "x\\ny=1") "]"),
         "fields[0].value: " OTHER_LINE " (content_type text)\n"},
        {"'=' in a line's key", TYPE("text", ", 'fields': [" FIELD("a=b", "") "]"),
         "fields[0].key: holds a '=', which ends the key in its line (content_type text)\n"},
        {"an attribute twice",
         TYPE("oracle_adf", ", 'fields': [" FIELD("a", "1") ", " FIELD("a", "2") "]"),
         "fields[1].key: occurs twice; an attribute of an Oracle ADF resource item has one value "
         "(content_type oracle_adf)\n"},
        {"a field in place of the client's id",
         TYPE("oracle_adf",
              ", 'client': {'id': 'i'}, 'fields': [" FIELD("client_id", "{{username}}") "]"),
         ""},
        {"a key twice elsewhere",
         TYPE("xml", ", 'fields': [" FIELD("a", "1") ", " FIELD("a", "2") "]"), ""},
        {"a media type without the boundary",
         TYPE("multipart_form",
              ", 'fields': [{'key': 'content-type', 'value': 'multipart/mixed'}]"),
         "fields[0].key: Content-Type is set by multipart_form, which chooses a boundary for each "
         "request\n"},
        {"a media type of one's own elsewhere",
         TYPE("xml", ", 'fields': [{'key': 'Content-Type', 'value': 'text/xml'}]"), ""},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void profile_read_takes_the_root_of_xml(void **state)
{
    static const struct row rows[] = {
        {"a name", TYPE("xml", ", 'root': 'login'"), ""},
        {"null", TYPE("form", ", 'root': null"), ""},
        {"of no XML", TYPE("rss", ", 'root': 'login'"), "root: is for content_type xml only\n"},
        {"no name", TYPE("xml", ", 'root': '<a'"), "root: " XML_NAME "\n"},
        {"empty", TYPE("xml", ", 'root': ''"), "root: " XML_NAME "\n"},
        {"no text", TYPE("xml", ", 'root': 1"), "root: must be a string\n"},
    };

    (void)state;
    CHECK_ALL(rows);
}

#define NOT_SENT(key)                                                                              \
    "form_fields: \"" key "\" is not sent: nothing refers to {{" key                               \
    "}}, and the payload is one text\n"

static void profile_read_takes_one_text_as_the_whole_payload(void **state)
{
    static const struct row rows[] = {
        {"a text", TYPE("text", ", 'fields': [" FIELD("", "{{username}}\\n{{password}}\\n") "]"),
         ""},
        {"a value that is not sent", TYPE("text", ", 'fields': [" FIELD("", "{{password}}") "]"),
         NOT_SENT("username")},
        {"a field beside it", TYPE("text", ", 'fields': [" FIELD("", "") ", " FIELD("a", "") "]"),
         "fields[0].key: is empty: the value would be the whole body, and there are other fields "
         "(content_type text)\n"},
        {"the client's id beside it",
         TYPE("text", ", 'client': {'id': 'i'}, 'fields': [" FIELD("", "") "]"),
         "fields[0].key: is empty: the value would be the whole body, and there are other fields "
         "(content_type text)\n"},
        {"another content type", TYPE("xml", ", 'fields': [" FIELD("", "") "]"),
         "fields[0].key: must be 1 to 256 bytes without control characters\n"
         "fields[0].key: " XML_NAME " (content_type xml)\n"},
        {"form", "{'fields': [" FIELD("", "") "]}",
         "fields[0].key: must be 1 to 256 bytes without control characters\n"},
        {"no body", TYPE("text", ", 'method': 'GET', 'fields': [" FIELD("", "") "]"),
         "fields[0].key: must not be empty: GET has no body that the value could be\n"},
    };

    (void)state;
    CHECK_ALL(rows);
}

static void profile_make_job_sends_one_text_alone(void **state)
{
    static const struct profile_row rows[] = {
        {.why = "a text",
         .profile =
             TYPE("text", ", 'fields': [" FIELD(
                              "", "{{username}} {{password}}") ","
                                                               " {'key': 'X-A', 'value': 'b'}]"),
         .variables = "{'username': 'joe', 'password': 'pw'}",
         .want = "https://idp.example/token\npayload  = {{username}} {{password}}\n"
                 "header X-A = b\nusername: joe\npassword*: pw\n"},
        {.why = "the root of XML",
         .profile =
             TYPE("xml", ", 'root': 'login', 'fields': [" FIELD(
                             "username", "{{username}}") "," FIELD("password", "{{password}}") "]"),
         .variables = "{'username': 'joe', 'password': 'pw'}",
         .want = "https://idp.example/token\npayload grant_type = {{grant_type}}\n"
                 "payload username = {{username}}\npayload password = {{password}}\n"
                 "grant_type: password\nusername: joe\npassword*: pw\nroot login\n"},
        {.why = "a refresh whose token is in the URL",
         .profile = TYPE("text", ", 'refresh_url': 'https://idp.example/{{refresh_token}}',"
                                 " 'fields': [" FIELD("", "{{username}}") "]"),
         .purpose = PURPOSE_REFRESH,
         .variables = "{'username': 'joe'}",
         .refresh_token = "rt",
         .want = "https://idp.example/{{refresh_token}}\npayload  = {{username}}\n"
                 "refresh_token*: rt\nusername: joe\n"},
    };
    static const struct profile_row faults[] = {
        {.why = "a refresh",
         .profile = TYPE("text", ", 'fields': [" FIELD("", "{{username}}") "]"),
         .purpose = PURPOSE_REFRESH,
         .variables = "{'username': 'joe'}",
         .refresh_token = "rt",
         .want = "refresh_token: can't be sent: the profile's payload is one text, that of the "
                 "password grant\n"},
    };

    (void)state;
    profile_row_check_jobs(rows, COUNT_OF(rows));
    profile_row_check_faults(faults, COUNT_OF(faults));
}

static void profile_to_json_shows_the_root_of_xml(void **state)
{
    static const struct {
        const char *patch, *want;
    } rows[] = {
        {TYPE("xml", ""), "request"},
        {TYPE("xml", ", 'root': 'login'"), "login"},
        {TYPE("rss", ""), NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct profile p = {0};
        struct profile again = {0};
        struct profile_input in = {0};
        struct faults faults;
        const char *root;

        profile_text_make(rows[i].patch, &p);
        faults_init(&faults);
        in.json = profile_to_json(&p, true);
        root = json_string_value(json_object_get(in.json, "root"));
        CHECK(rows[i].patch, rows[i].want == NULL
                                 ? root == NULL
                                 : root != NULL && strcmp(root, rows[i].want) == 0);
        CHECK(rows[i].patch, profile_read(&in, &again, &faults, NULL));
        json_decref((json_t *)in.json);
        profile_done(&p);
        profile_done(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_read_takes_every_content_type),
        cmocka_unit_test(profile_read_refuses_keys_that_are_no_xml_names),
        cmocka_unit_test(profile_read_refuses_what_a_content_type_cannot_hold),
        cmocka_unit_test(profile_read_takes_the_root_of_xml),
        cmocka_unit_test(profile_read_takes_one_text_as_the_whole_payload),
        cmocka_unit_test(profile_make_job_sends_one_text_alone),
        cmocka_unit_test(profile_to_json_shows_the_root_of_xml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
