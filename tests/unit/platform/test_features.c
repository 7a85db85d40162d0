#include "platform/core/features.h"

#include "tests/support/check.h"

/* What agents name, and which jobs they may be given. */

static struct msg_hello hello_of(struct slice *words, const char *text)
{
    struct msg_hello hello = {.features = words};

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        words[hello.nfeatures++] = slice_of(text, len);
        text += len + (text[len] != '\0');
    }
    return hello;
}

static void a_job_goes_to_an_agent_that_names_what_it_needs(void **state)
{
    static const struct {
        const char *why, *features;
        enum job_purpose purpose;
        enum http_method method;
        enum body_encoding encoding;
        bool can;
    } rows[] = {
        {"all is named", "encoding:form method:POST", PURPOSE_AUTHORIZE, METHOD_POST, ENCODING_FORM,
         true},
        {"another encoding", "encoding:form method:POST", PURPOSE_AUTHORIZE, METHOD_POST,
         ENCODING_JSON, false},
        {"another method", "encoding:form method:POST", PURPOSE_REFRESH, METHOD_PUT, ENCODING_FORM,
         false},
        {"nothing is named: all of version 1", "", PURPOSE_AUTHORIZE, METHOD_DELETE,
         ENCODING_ORACLE_ADF, true},
        {"no encoding is named: all of them", "method:GET", PURPOSE_AUTHORIZE, METHOD_GET,
         ENCODING_CSV, true},
        {"no method is named: all of them", "encoding:csv", PURPOSE_AUTHORIZE, METHOD_PATCH,
         ENCODING_CSV, true},
        {"only one that is not known here", "encoding:cbor", PURPOSE_AUTHORIZE, METHOD_POST,
         ENCODING_FORM, false},
        {"to discover is nobody's by default", "", PURPOSE_DISCOVER, METHOD_GET, ENCODING_FORM,
         false},
        {"it discovers", "discover", PURPOSE_DISCOVER, METHOD_GET, ENCODING_FORM, true},
        {"to revoke neither", "discover", PURPOSE_REVOKE, METHOD_POST, ENCODING_FORM, false},
        {"it revokes", "teleport revoke", PURPOSE_REVOKE, METHOD_POST, ENCODING_FORM, true},
        {"a test needs no word", "", PURPOSE_TEST, METHOD_POST, ENCODING_XML, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice words[8];
        struct msg_hello hello = hello_of(words, rows[i].features);
        struct msg_job job = {.purpose = rows[i].purpose,
                              .request = {.method = rows[i].method, .encoding = rows[i].encoding}};
        uint32_t needs = features_of_job(&job);

        CHECK(rows[i].why, ((features_of_hello(&hello) & needs) == needs) == rows[i].can);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_goes_to_an_agent_that_names_what_it_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
