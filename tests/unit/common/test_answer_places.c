/* Answers that don't name things as RFC 6749 does: the profile says where they stand. */
#include "tests/support/answer_check.h"

#define JSON "application/json"
#define XML  "application/xml"
#define FORM "application/x-www-form-urlencoded"
#define TEXT "text/plain"
#define AT(place)                                                                                  \
    {                                                                                              \
        (const uint8_t *)(place), sizeof(place) - 1                                                \
    }

static void members_are_read_where_the_profile_says(void **state)
{
    static const struct {
        const char *why, *type, *body;
        struct msg_places places;
        const char *access, *refresh, *token_type, *extra;
        int64_t expires; /* -1: unknown */
    } rows[] = {
        {"all of JSON",
         JSON,
         "{\"auth\":{\"tok\":\"t\",\"ref\":\"r\",\"life\":\"60\",\"kind\":\"bearer\",\"x\":1}}",
         {.access_token = AT("/auth/tok"),
          .refresh_token = AT("/auth/ref"),
          .expires_in = AT("/auth/life"),
          .token_type = AT("/auth/kind")},
         "t",
         "r",
         "Bearer",
         "{\"auth\":{\"x\":1}}",
         60},
        {"the rest beside it, under the standard's names",
         JSON,
         "{\"auth\":{\"tok\":\"t\",\"refresh_token\":\"r\",\"expires_in\":60},\"token_type\":"
         "\"x\"}",
         {.access_token = AT("/auth/tok")},
         "t",
         "r",
         "x",
         "{\"auth\":{}}",
         60},
        {"one in a list",
         JSON,
         "{\"list\":[\"t\",\"r\",\"x\"]}",
         {.access_token = AT("/list/0"), .refresh_token = AT("/list/1")},
         "t",
         "r",
         "Bearer",
         "{\"list\":[null,null,\"x\"]}",
         -1},
        {"the place wins over the name",
         JSON,
         "{\"access_token\":\"other\",\"jwt\":\"t\"}",
         {.access_token = AT("/jwt")},
         "t",
         NULL,
         "Bearer",
         "{\"access_token\":\"other\"}",
         -1},
        {"a refresh token alone",
         JSON,
         "{\"access_token\":\"t\",\"refresh_token\":\"other\",\"session\":{\"id\":\"r\"}}",
         {.refresh_token = AT("/session/id")},
         "t",
         "r",
         "Bearer",
         "{\"refresh_token\":\"other\",\"session\":{}}",
         -1},
        {"a life alone",
         JSON,
         "{\"access_token\":\"t\",\"expires_in\":1,\"ttl\":60}",
         {.expires_in = AT("/ttl")},
         "t",
         NULL,
         "Bearer",
         "{\"expires_in\":1}",
         60},
        {"what need not be there",
         JSON,
         "{\"jwt\":\"t\",\"refresh_token\":\"other\"}",
         {.access_token = AT("/jwt"),
          .refresh_token = AT("/ref"),
          .expires_in = AT("/life"),
          .token_type = AT("/kind")},
         "t",
         NULL,
         "Bearer",
         "{\"refresh_token\":\"other\"}",
         -1},
        {"a name with a slash",
         JSON,
         "{\"a/b\":\"t\"}",
         {.access_token = AT("/a~1b")},
         "t",
         NULL,
         "Bearer",
         NULL,
         -1},
        {"elements",
         XML,
         "<s:Envelope xmlns:s='http://s'><s:Body><auth kind='x'><token>t</token><life>60</life>"
         "</auth></s:Body></s:Envelope>",
         {.access_token = AT("/Envelope/Body/auth/token"),
          .expires_in = AT("/Envelope/Body/auth/life")},
         "t",
         NULL,
         "Bearer",
         "{\"Body\":{\"auth\":{}}}",
         60},
        {"an element in a list",
         XML,
         "<r><entry><token>no</token></entry><entry><token>t</token></entry></r>",
         {.access_token = AT("/r/entry/1/token")},
         "t",
         NULL,
         "Bearer",
         "{\"entry\":[{\"token\":\"no\"},{}]}",
         -1},
        {"the document's element itself",
         XML,
         "<token> t </token>",
         {.access_token = AT("/token")},
         "t",
         NULL,
         "Bearer",
         NULL,
         -1},
        {"RSS, beside the first item",
         "application/rss+xml",
         "<rss><channel><guid>t</guid><item><title>x</title></item></channel></rss>",
         {.access_token = AT("/rss/channel/guid")},
         "t",
         NULL,
         "Bearer",
         "{\"title\":\"x\"}",
         -1},
        {"RSS, in it",
         "application/rss+xml",
         "<rss><channel><item><guid>t</guid><expires_in>60</expires_in></item><item/></channel>"
         "</rss>",
         {.access_token = AT("/rss/channel/item/guid")},
         "t",
         NULL,
         "Bearer",
         NULL,
         60},
        {"a form",
         FORM,
         "Auth=t&ttl=60&x=1",
         {.access_token = AT("/Auth"), .expires_in = AT("/ttl")},
         "t",
         NULL,
         "Bearer",
         "{\"x\":\"1\"}",
         60},
        {"lines of text",
         TEXT,
         "SID=no\nAuth=t\n",
         {.access_token = AT("/Auth")},
         "t",
         NULL,
         "Bearer",
         "{\"SID\":\"no\"}",
         -1},
        {"CSV",
         "text/csv",
         "id,jwt\n7,t",
         {.access_token = AT("/jwt")},
         "t",
         NULL,
         "Bearer",
         "{\"id\":\"7\"}",
         -1},
        {"a JSON string that is the answer",
         JSON,
         "\"t\"",
         {.access_token = AT("")},
         "t",
         NULL,
         "Bearer",
         NULL,
         -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct msg_expect expect = {.places = rows[i].places};
        struct answer a;

        answer_read_expected(rows[i].type, rows[i].body, &expect, &a);
        answer_need_issued(rows[i].why, &a);
        answer_check_slice(rows[i].why, a.token.access_token, rows[i].access);
        answer_check_slice(rows[i].why, a.token.refresh_token, rows[i].refresh);
        answer_check_slice(rows[i].why, a.token.token_type, rows[i].token_type);
        answer_check_slice(rows[i].why, a.token.extra, rows[i].extra);
        CHECK(rows[i].why, a.token.has_expires_in == (rows[i].expires >= 0));
        CHECK(rows[i].why,
              !a.token.has_expires_in || a.token.expires_in == (uint64_t)rows[i].expires);
        answer_done(&a);
    }
}

static void what_the_profile_says_and_the_answer_has_not_is_named(void **state)
{
    static const struct {
        const char *why, *type, *body;
        struct msg_places places;
        enum verdict code;
        const char *says;
    } rows[] = {
        {"nothing there",
         JSON,
         "{\"access_token\":\"t\"}",
         {.access_token = AT("/data/tok")},
         VERDICT_ENDPOINT_FAILED,
         "without an access token (HTTP 200): nothing stands at \"/data/tok\", where the profile's "
         "answer.access_token says"},
        {"null there",
         JSON,
         "{\"tok\":null}",
         {.access_token = AT("/tok")},
         VERDICT_ENDPOINT_FAILED,
         "nothing stands at \"/tok\""},
        {"an empty text there",
         XML,
         "<r><tok/></r>",
         {.access_token = AT("/r/tok")},
         VERDICT_ENDPOINT_FAILED,
         "nothing stands at \"/r/tok\""},
        {"the document's element is left out",
         XML,
         "<r><tok>t</tok></r>",
         {.access_token = AT("/tok")},
         VERDICT_ENDPOINT_FAILED,
         "nothing stands at \"/tok\""},
        {"a place that is none",
         JSON,
         "{\"tok\":\"t\"}",
         {.access_token = AT("tok")},
         VERDICT_ENDPOINT_FAILED,
         "nothing stands at \"tok\""},
        {"an object there",
         JSON,
         "{\"tok\":{}}",
         {.access_token = AT("/tok")},
         VERDICT_ANSWER_UNREADABLE,
         "its access token is not a string"},
        {"a number there",
         JSON,
         "{\"tok\":1}",
         {.access_token = AT("/tok")},
         VERDICT_ANSWER_UNREADABLE,
         "its access token is not a string"},
        {"two elements there",
         XML,
         "<r><tok>t</tok><tok>u</tok></r>",
         {.access_token = AT("/r/tok")},
         VERDICT_ANSWER_UNREADABLE,
         "is given more than once"},
        {"a control character there",
         JSON,
         "{\"tok\":\"t\\n\"}",
         {.access_token = AT("/tok")},
         VERDICT_ANSWER_UNREADABLE,
         "its access token contains control characters"},
        {"a control character in the refresh token",
         JSON,
         "{\"tok\":\"t\",\"ref\":\"\\u0000\"}",
         {.access_token = AT("/tok"), .refresh_token = AT("/ref")},
         VERDICT_ANSWER_UNREADABLE,
         "NUL character"},
        {"a refresh token that is none",
         JSON,
         "{\"tok\":\"t\",\"ref\":7}",
         {.access_token = AT("/tok"), .refresh_token = AT("/ref")},
         VERDICT_ANSWER_UNREADABLE,
         "its refresh token is not a string"},
        {"a document that is a lifetime and nothing else",
         XML,
         "<ttl>60</ttl>",
         {.expires_in = AT("/ttl")},
         VERDICT_ENDPOINT_FAILED,
         "without an access token"},
        {"an error says more",
         JSON,
         "{\"error\":\"invalid_grant\"}",
         {.access_token = AT("/tok")},
         VERDICT_CREDENTIALS_REFUSED,
         "invalid_grant"},
        {"another answer than the text",
         TEXT,
         "Please log in",
         {.access_token = AT("")},
         VERDICT_ANSWER_UNREADABLE,
         "can't be read"},
        {"pairs where the text should be",
         TEXT,
         "error=invalid_grant",
         {.access_token = AT("")},
         VERDICT_CREDENTIALS_REFUSED,
         "invalid_grant"},
        {"a page where the text should be",
         "text/html",
         "<html></html>",
         {.access_token = AT("")},
         VERDICT_ANSWER_UNREADABLE,
         "it is HTML"},
        {"no success",
         JSON,
         "{\"access_token\":\"t\",\"ok\":false}",
         {.success_at = AT("/ok"), .success_is = AT("true")},
         VERDICT_REQUEST_REFUSED,
         "is no success (HTTP 200): what stands at \"/ok\" is not \"true\", as the profile's "
         "answer.success asks"},
        {"no word of success",
         JSON,
         "{\"access_token\":\"t\"}",
         {.success_at = AT("/ok"), .success_is = AT("true")},
         VERDICT_REQUEST_REFUSED,
         "\"/ok\" is not \"true\""},
        {"no success, and an error that says why",
         JSON,
         "{\"ok\":false,\"error\":\"invalid_grant\"}",
         {.success_at = AT("/ok"), .success_is = AT("true")},
         VERDICT_CREDENTIALS_REFUSED,
         "invalid_grant"},
        {"success without a token",
         JSON,
         "{\"ok\":true}",
         {.success_at = AT("/ok"), .success_is = AT("true")},
         VERDICT_ENDPOINT_FAILED,
         "without an access token"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct msg_expect expect = {.places = rows[i].places};
        struct answer a;

        answer_read_expected(rows[i].type, rows[i].body, &expect, &a);
        answer_need_declined(rows[i].why, &a, rows[i].code, rows[i].says);
        answer_done(&a);
    }
}

static void success_is_compared_as_text(void **state)
{
    static const struct {
        const char *type, *body, *is;
        bool is_success;
    } rows[] = {
        {JSON, "{\"access_token\":\"t\",\"ok\":true}", "true", true},
        {JSON, "{\"access_token\":\"t\",\"ok\":\"true\"}", "true", true},
        {JSON, "{\"access_token\":\"t\",\"ok\":\"True\"}", "true", false},
        {JSON, "{\"access_token\":\"t\",\"ok\":false}", "false", true},
        {JSON, "{\"access_token\":\"t\",\"ok\":0}", "0", true},
        {JSON, "{\"access_token\":\"t\",\"ok\":-12}", "-12", true},
        {JSON, "{\"access_token\":\"t\",\"ok\":1}", "true", false},
        {JSON, "{\"access_token\":\"t\",\"ok\":null}", "null", false},
        {JSON, "{\"access_token\":\"t\",\"ok\":[true]}", "true", false},
        {JSON, "{\"access_token\":\"t\",\"ok\":\"\"}", "", true},
        {FORM, "access_token=t&ok=1", "1", true},
        {"text/csv", "access_token,ok\nt,yes", "yes", true},
        {"text/csv", "access_token,ok\nt,yes", "no", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct msg_expect expect = {
            .places = {.success_at = AT("/ok"), .success_is = slice_of_str(rows[i].is)}};
        struct answer a;

        answer_read_expected(rows[i].type, rows[i].body, &expect, &a);
        CHECK(rows[i].body,
              a.code == (rows[i].is_success ? VERDICT_ISSUED : VERDICT_REQUEST_REFUSED));
        answer_done(&a);
    }
}

static void a_token_stands_alone_only_where_the_profile_says_so(void **state)
{
    static const struct {
        const char *type, *body;
        bool is_mapped, is_token;
    } rows[] = {
        {TEXT, "eyJhbGciOi.J9~_-+/x==", true, true},
        {TEXT, "eyJhbGciOi.J9~_-+/x==", false, false},
        {"text/html", "abc\r\n", true, true},
        {NULL, "abc", true, true},
        {"application/octet-stream", "abc", true, true},
        {FORM, "abc", true, false}, /* its label says otherwise */
        {JSON, "abc", true, false},
        {TEXT, "abc def", true, false},
        {TEXT, "a=b", true, false},
        {TEXT, "===", true, false},
        {TEXT, "a\nb", true, false},
        {TEXT, "<abc>", true, false},
        {TEXT, "caf\xc3\xa9", true, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_expect expect = {.answer = ENCODING_TEXT};
        struct answer a;

        if (rows[i].is_mapped) {
            expect.places.access_token = SLICE_LIT("");
        }
        answer_read_expected(rows[i].type, rows[i].body, &expect, &a);
        CHECK(rows[i].body, (a.code == VERDICT_ISSUED) == rows[i].is_token);
        answer_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_where_the_profile_says),
        cmocka_unit_test(what_the_profile_says_and_the_answer_has_not_is_named),
        cmocka_unit_test(success_is_compared_as_text),
        cmocka_unit_test(a_token_stands_alone_only_where_the_profile_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
