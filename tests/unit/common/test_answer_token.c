/* What is read out of an answer that brings a token: where providers stray and the meaning is
 * plain it is taken, where guessing would hurt it is refused. */
#include "tests/support/answer_check.h"

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

static void members_are_read_under_the_names_that_providers_use(void **state)
{
    static const struct {
        const char *why, *body, *access, *refresh, *id, *extra;
    } rows[] = {
        {"the standard's",
         "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"id_token\":\"i\",\"token_type\":"
         "\"Bearer\"}",
         "a", "r", "i", NULL},
        {"camel case", "{\"accessToken\":\"a\",\"refreshToken\":\"r\",\"idToken\":\"i\"}", "a", "r",
         "i", NULL},
        {"both, the same", "{\"access_token\":\"a\",\"accessToken\":\"a\"}", "a", NULL, NULL, NULL},
        {"one of them empty", "{\"access_token\":\"\",\"accessToken\":\"a\"}", "a", NULL, NULL,
         NULL},
        {"one of them null", "{\"access_token\":null,\"accessToken\":\"a\"}", "a", NULL, NULL,
         NULL},
        {"data", "{\"data\":{\"access_token\":\"a\",\"refresh_token\":\"r\"},\"ok\":true}", "a",
         "r", NULL, "{\"data\":{},\"ok\":true}"},
        {"result", "{\"result\":{\"accessToken\":\"a\",\"x\":1}}", "a", NULL, NULL,
         "{\"result\":{\"x\":1}}"},
        {"items[0]", "{\"items\":[{\"access_token\":\"a\"}],\"count\":1}", "a", NULL, NULL,
         "{\"items\":[{}],\"count\":1}"},
        {"inside and outside, the same",
         "{\"access_token\":\"a\",\"data\":{\"access_token\":\"a\"}}", "a", NULL, NULL,
         "{\"data\":{}}"},
        {"data that is no object", "{\"access_token\":\"a\",\"data\":\"x\"}", "a", NULL, NULL,
         "{\"data\":\"x\"}"},
        {"items that is none", "{\"access_token\":\"a\",\"items\":[]}", "a", NULL, NULL,
         "{\"items\":[]}"},
        {"an empty refresh token is none", "{\"access_token\":\"a\",\"refresh_token\":\"\"}", "a",
         NULL, NULL, NULL},
        {"a null refresh token is none", "{\"access_token\":\"a\",\"refresh_token\":null}", "a",
         NULL, NULL, NULL},
        {"a refresh token that is no string", "{\"access_token\":\"a\",\"refresh_token\":false}",
         "a", NULL, NULL, "{\"refresh_token\":false}"},
        {"an error that is none", "{\"access_token\":\"a\",\"error\":null}", "a", NULL, NULL,
         "{\"error\":null}"},
        {"an error of 0", "{\"access_token\":\"a\",\"error\":0}", "a", NULL, NULL, "{\"error\":0}"},
        {"an empty error", "{\"access_token\":\"a\",\"error\":\"\"}", "a", NULL, NULL,
         "{\"error\":\"\"}"},
        {"a false error", "{\"access_token\":\"a\",\"error\":false}", "a", NULL, NULL,
         "{\"error\":false}"},
        {"other members, as they came",
         "{\"z\":[1, 2.5, {\"b\": \"\\u00e9\\n\"}], \"access_token\":\"a\", \"iat\": 1795554531}",
         "a", NULL, NULL, "{\"z\":[1,2.5,{\"b\":\"\xc3\xa9\\n\"}],\"iat\":1795554531}"},
        {"the refresh token's life",
         "{\"access_token\":\"a\",\"refresh_expires_in\":1800,\"refresh_token_expires_in\":\"9\"}",
         "a", NULL, NULL, "{\"refresh_token_expires_in\":\"9\"}"},
        {"a refresh token that never expires, as Keycloak says it",
         "{\"access_token\":\"a\",\"refresh_expires_in\":0}", "a", NULL, NULL,
         "{\"refresh_expires_in\":0}"},
        {"a number past 64 bits elsewhere",
         "{\"access_token\":\"a\",\"expires_in\":60,\"id\":18446744073709551616}", "a", NULL, NULL,
         "{\"id\":1.8446744073709552e19}"},
        {"characters of a token", "{\"access_token\":\"a b+/=~\\\"\\\\\\u20ac\"}",
         "a b+/=~\"\\\xe2\x82\xac", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(JSON, slice_of_str(rows[i].body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_issued(rows[i].why, &a);
        answer_check_slice(rows[i].why, a.token.access_token, rows[i].access);
        answer_check_slice(rows[i].why, a.token.refresh_token, rows[i].refresh);
        answer_check_slice(rows[i].why, a.token.id_token, rows[i].id);
        answer_check_slice(rows[i].why, a.token.extra, rows[i].extra);
        CHECK(rows[i].why, !a.token.extra_omitted && slice_is_absent(a.error.message));
        answer_done(&a);
    }
}

static void a_lifetime_is_read_where_it_is_plain(void **state)
{
    static const struct {
        const char *members;
        bool has;
        uint64_t seconds;
        const char *extra;
    } rows[] = {
        {"\"expires_in\":3600", true, 3600, NULL},
        {"\"expires_in\":0", true, 0, NULL},
        {"\"expires_in\":\"3600\"", true, 3600, NULL},
        {"\"expires_in\":\" 3600 \"", true, 3600, NULL},
        {"\"expires_in\":3599.9", true, 3599, NULL},
        {"\"expires_in\":3.6e3", true, 3600, NULL},
        {"\"expires_in\":\"3599.5\"", true, 3599, NULL},
        {"\"expiresIn\":60", true, 60, NULL},
        {"\"expires\":\"5183999\"", true, 5183999, NULL},
        {"\"expires_in\":60,\"expires\":\"2030-01-01T00:00:00Z\"", true, 60,
         "{\"expires\":\"2030-01-01T00:00:00Z\"}"},
        {"\"expires_in\":null,\"expiresIn\":60", true, 60, "{\"expires_in\":null}"},
        {"\"expires\":1795554531", false, 0, "{\"expires\":1795554531}"}, /* a time, no life */
        {"\"expires_in\":9007199254740992", true, 9007199254740992, NULL},
        {"\"expires_in\":1e300", false, 0, "{\"expires_in\":1.0000000000000001e300}"},
        {"\"expires_in\":-1", false, 0, "{\"expires_in\":-1}"},
        {"\"expires_in\":\"-1\"", false, 0, "{\"expires_in\":\"-1\"}"},
        {"\"expires_in\":\"soon\"", false, 0, "{\"expires_in\":\"soon\"}"},
        {"\"expires_in\":\"1.x\"", false, 0, "{\"expires_in\":\"1.x\"}"},
        {"\"expires_in\":\"\"", false, 0, "{\"expires_in\":\"\"}"},
        {"\"expires_in\":true", false, 0, "{\"expires_in\":true}"},
        {"\"expires_in\":[60]", false, 0, "{\"expires_in\":[60]}"},
        {"\"expires_in\":99999999999999999999", false, 0, "{\"expires_in\":1e20}"},
        {"\"token_type\":\"x\"", false, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[256];
        struct answer a;

        (void)snprintf(body, sizeof(body), "{\"access_token\":\"a\",%s}", rows[i].members);
        answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_issued(rows[i].members, &a);
        CHECK(rows[i].members, a.token.has_expires_in == rows[i].has);
        CHECK(rows[i].members, a.token.expires_in == rows[i].seconds);
        answer_check_slice(rows[i].members, a.token.extra, rows[i].extra);
        answer_done(&a);
    }
}

static void a_token_type_is_bearer_in_any_case_or_when_missing(void **state)
{
    static const struct {
        const char *members, *type;
        bool is_assumed;
    } rows[] = {
        {"\"token_type\":\"Bearer\"", "Bearer", false},
        {"\"token_type\":\"bearer\"", "Bearer", false},
        {"\"token_type\":\"BEARER\"", "Bearer", false},
        {"\"tokenType\":\"bearer\"", "Bearer", false},
        {"\"token_type\":\"DPoP\"", "DPoP", false},
        {"\"token_type\":\"BearerToken\"", "BearerToken", false},
        {"\"x\":1", "Bearer", true},
        {"\"token_type\":null", "Bearer", true},
        {"\"token_type\":\"\"", "Bearer", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[256];
        struct answer a;

        (void)snprintf(body, sizeof(body), "{\"access_token\":\"a\",%s}", rows[i].members);
        answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_issued(rows[i].members, &a);
        answer_check_slice(rows[i].members, a.token.token_type, rows[i].type);
        CHECK(rows[i].members, a.is_type_assumed == rows[i].is_assumed);
        answer_done(&a);
    }
}

static void scopes_come_out_separated_by_single_spaces(void **state)
{
    static const struct {
        const char *members, *scope, *extra;
    } rows[] = {
        {"\"scope\":\"read\"", "read", NULL},
        {"\"scope\":\"read write\"", "read write", NULL},
        {"\"scope\":\"read,write\"", "read write", NULL},
        {"\"scope\":\" read,  write,\\n\"", "read write", NULL},
        {"\"scope\":[\"read\",\"write\"]", "read write", NULL},
        {"\"scope\":[\"read write\",\"\",\"x,y\"]", "read write x y", NULL},
        {"\"scope\":\"https://h.example/auth/x\"", "https://h.example/auth/x", NULL},
        {"\"scope\":\"\"", NULL, NULL},
        {"\"scope\":[]", NULL, NULL},
        {"\"scope\":null", NULL, NULL},
        {"\"x\":1", NULL, "{\"x\":1}"},
        {"\"scope\":[\"read\",7]", NULL, "{\"scope\":[\"read\",7]}"},
        {"\"scope\":{\"read\":true}", NULL, "{\"scope\":{\"read\":true}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[256];
        struct answer a;

        (void)snprintf(body, sizeof(body), "{\"access_token\":\"a\",%s}", rows[i].members);
        answer_read_body(JSON, slice_of_str(body), ENCODING_UNKNOWN, ENCODING_FORM, &a);
        answer_need_issued(rows[i].members, &a);
        answer_check_slice(rows[i].members, a.token.scope, rows[i].scope);
        answer_check_slice(rows[i].members, a.token.extra, rows[i].extra);
        answer_done(&a);
    }
}

static void what_could_be_guessed_wrongly_is_refused(void **state)
{
    static const struct {
        const char *why, *type, *body, *says;
    } rows[] = {
        {"two tokens", JSON, "{\"access_token\":\"a\",\"accessToken\":\"b\"}",
         "two different access tokens"},
        {"two tokens, inside and outside", JSON,
         "{\"access_token\":\"a\",\"data\":{\"access_token\":\"b\"}}",
         "two different access tokens"},
        {"two tokens, in two wrappers", JSON,
         "{\"data\":{\"access_token\":\"a\"},\"result\":{\"accessToken\":\"ab\"}}",
         "two different access tokens"},
        {"a name twice", JSON, "{\"access_token\":\"a\",\"access_token\":\"a\"}",
         "one name twice in an object"},
        {"a name twice, deep inside", JSON, "{\"access_token\":\"a\",\"x\":{\"y\":1,\"y\":2}}",
         "one name twice in an object"},
        {"a name twice in a form", FORM, "access_token=a&access_token=a", "one name twice"},
        {"a name twice in a form, encoded", FORM, "access_token=a&access%5Ftoken=b",
         "one name twice"},
        {"a line end in a token", JSON, "{\"access_token\":\"a\\r\\nX: y\"}",
         "its access_token contains control characters"},
        {"a DEL in a token", JSON, "{\"access_token\":\"a\\u007f\"}", "control characters"},
        {"a C1 control in a token", JSON, "{\"access_token\":\"a\\u0085\"}", "control characters"},
        {"a tab in a refresh token", JSON, "{\"access_token\":\"a\",\"refresh_token\":\"\\t\"}",
         "its refresh_token contains control characters"},
        {"a control character in an id token", JSON,
         "{\"access_token\":\"a\",\"id_token\":\"\\u0001\"}", "its id_token contains"},
        {"a control character in a type", JSON, "{\"access_token\":\"a\",\"token_type\":\"x\\n\"}",
         "its token_type contains"},
        {"a control character in a form's token", FORM, "access_token=a%0a", "control characters"},
        {"a NUL", JSON, "{\"access_token\":\"a\\u0000b\"}", "NUL character"},
        {"a NUL in a name", JSON, "{\"access_token\":\"a\",\"x\\u0000\":1}", "NUL character"},
        {"a NUL in a form", FORM, "access_token=a%00", "NUL character"},
        {"a NUL in a form's name", FORM, "access_token=a&x%00=1", "NUL character"},
        {"invalid UTF-8 in a token", JSON, "{\"access_token\":\"a\xc3\"}", "not valid UTF-8"},
        {"invalid UTF-8 elsewhere", JSON, "{\"access_token\":\"a\",\"x\":\"\xed\xa0\x80\"}",
         "not valid UTF-8"},
        {"invalid UTF-8 in a form", FORM, "access_token=a%FF", "not valid UTF-8"},
        {"invalid UTF-8 in a form's name", FORM, "access_token=a&%FF=1", "not valid UTF-8"},
        {"half a surrogate pair", JSON, "{\"access_token\":\"\\ud83d\"}", "can't be read"},
        {"a token that is a number", JSON, "{\"access_token\":12345}", "is not a string"},
        {"a token that is an object", JSON, "{\"access_token\":{\"value\":\"a\"}}",
         "is not a string"},
        {"two documents", JSON, "{\"access_token\":\"a\"}{\"access_token\":\"b\"}", "no JSON"},
        {"something behind it", JSON, "{\"access_token\":\"a\"} x", "no JSON"},
        {"a '%' alone in a form", FORM, "access_token=a%", "two hex digits"},
        {"a '%' alone in an encoded object", FORM, "%7B%22access_token%22%3A%22a%2", "hex digits"},
        {"markup in a form", FORM, "access_token=<b>", "neither JSON nor form-encoded"},
        {"UTF-8 that is not encoded, in a form", FORM, "access_token=\xc3\xa9",
         "neither JSON nor form-encoded"},
        {"a space in a form", FORM, "access_token=a b", "neither JSON nor form-encoded"},
        {"a second '{' level of encoding", FORM, "%257B%2522access_token%2522", "can't be read"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer a;

        answer_read_body(rows[i].type, slice_of_str(rows[i].body), ENCODING_UNKNOWN, ENCODING_FORM,
                         &a);
        answer_need_declined(rows[i].why, &a, VERDICT_ANSWER_UNREADABLE, rows[i].says);
        CHECK(rows[i].why, a.outcome == OUTCOME_FAILED);
        answer_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_under_the_names_that_providers_use),
        cmocka_unit_test(a_lifetime_is_read_where_it_is_plain),
        cmocka_unit_test(a_token_type_is_bearer_in_any_case_or_when_missing),
        cmocka_unit_test(scopes_come_out_separated_by_single_spaces),
        cmocka_unit_test(what_could_be_guessed_wrongly_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
