#include "common/core/discovery.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"

#include <stdlib.h>

/* The example of RFC 8414, 3.2, but for its line breaks and its "...". */
#define RFC8414_EXAMPLE                                                                            \
    "{\"issuer\": \"https://server.example.com\",\n"                                               \
    "\"authorization_endpoint\": \"https://server.example.com/authorize\",\n"                      \
    "\"token_endpoint\": \"https://server.example.com/token\",\n"                                  \
    "\"token_endpoint_auth_methods_supported\": [\"client_secret_basic\", \"private_key_jwt\"],\n" \
    "\"token_endpoint_auth_signing_alg_values_supported\": [\"RS256\", \"ES256\"],\n"              \
    "\"userinfo_endpoint\": \"https://server.example.com/userinfo\",\n"                            \
    "\"jwks_uri\": \"https://server.example.com/jwks.json\",\n"                                    \
    "\"scopes_supported\": [\"openid\", \"profile\"],\n"                                           \
    "\"response_types_supported\": [\"code\", \"code token\"]}"
#define EXAMPLE_KEPT                                                                               \
    "{\"issuer\":\"https://server.example.com\","                                                  \
    "\"token_endpoint\":\"https://server.example.com/token\","                                     \
    "\"token_endpoint_auth_methods_supported\":[\"client_secret_basic\",\"private_key_jwt\"],"     \
    "\"token_endpoint_auth_signing_alg_values_supported\":[\"RS256\",\"ES256\"]}"

static void discovery_read_keeps_what_a_profile_is_filled_from(void **state)
{
    static const struct {
        const char *why, *body, *want;
    } rows[] = {
        {"RFC 8414's example", RFC8414_EXAMPLE, EXAMPLE_KEPT},
        {"a byte order mark, and white space", "\xef\xbb\xbf \r\n{\"issuer\":\"https://a\"}\n",
         "{\"issuer\":\"https://a\"}"},
        {"all of them",
         "{\"grant_types_supported\":[\"password\"],\"revocation_endpoint\":\"https://a/r\","
         "\"issuer\":\"https://a\"}",
         "{\"issuer\":\"https://a\",\"revocation_endpoint\":\"https://a/r\","
         "\"grant_types_supported\":[\"password\"]}"},
        {"members of another type are none of RFC 8414's",
         "{\"issuer\":\"https://a\",\"token_endpoint\":5,\"revocation_endpoint\":null,"
         "\"grant_types_supported\":\"password\","
         "\"token_endpoint_auth_methods_supported\":[\"none\",7]}",
         "{\"issuer\":\"https://a\"}"},
        {"other members stay where they are", "{\"issuer\":\"https://a\",\"secret\":\"s3\"}",
         "{\"issuer\":\"https://a\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer_input in = {
            .status = 200, .is_body_whole = true, .body = slice_of_str(rows[i].body)};
        struct answer a = {0};

        CHECK_ERR(rows[i].why, discovery_read(&in, &a), CX_OK);
        CHECK(rows[i].why, a.outcome == OUTCOME_ISSUED && a.code == VERDICT_ISSUED);
        CHECK_TEXT(rows[i].why, a.document, rows[i].want);
        CHECK(rows[i].why, slice_is_absent(a.token.access_token));
        answer_done(&a);
    }
}

static void discovery_read_says_why_it_is_no_metadata(void **state)
{
    static const struct {
        const char *why;
        uint32_t status;
        bool is_cut;
        const char *body;
        enum verdict code;
        const char *says;
    } rows[] = {
        {"no such page", 404, false, "<html>", VERDICT_ENDPOINT_FAILED,
         "there is none at this URL"},
        {"one that a 404 came with", 404, false, RFC8414_EXAMPLE, VERDICT_ENDPOINT_FAILED, "404"},
        {"forbidden", 403, false, "", VERDICT_ENDPOINT_FAILED, "answered 403"},
        {"broken", 500, false, "", VERDICT_ENDPOINT_FAILED, "answered 500"},
        {"busy", 503, false, "", VERDICT_ENDPOINT_BUSY, "try again later"},
        {"asked too often", 429, false, "", VERDICT_ENDPOINT_BUSY, "try again later"},
        {"a redirect", 302, false, "", VERDICT_REDIRECTED, "is not followed"},
        {"cut short", 200, true, "{\"issuer\":\"https://a\"}", VERDICT_ANSWER_UNREADABLE, "whole"},
        {"a login page", 200, false, "<html>", VERDICT_ANSWER_UNREADABLE, "it is no JSON"},
        {"empty", 200, false, "", VERDICT_ANSWER_UNREADABLE, "ends too early"},
        {"a list", 200, false, "[1]", VERDICT_ANSWER_UNREADABLE, "no JSON object"},
        {"another object", 200, false, "{\"a\":\"b\"}", VERDICT_ANSWER_UNREADABLE, "no issuer"},
        {"an issuer that is none", 200, false, "{\"issuer\":\"\"}", VERDICT_ANSWER_UNREADABLE,
         "no issuer"},
        {"one name twice", 200, false, "{\"issuer\":\"https://a\",\"issuer\":\"https://b\"}",
         VERDICT_ANSWER_UNREADABLE, "twice"},
        {"not UTF-8", 200, false, "{\"issuer\":\"\xff\"}", VERDICT_ANSWER_UNREADABLE, "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer_input in = {.status = rows[i].status,
                                  .is_body_whole = !rows[i].is_cut,
                                  .body = slice_of_str(rows[i].body)};
        struct answer a = {0};
        char message[512];

        CHECK_ERR(rows[i].why, discovery_read(&in, &a), CX_OK);
        CHECK(rows[i].why, a.outcome == OUTCOME_FAILED && a.code == rows[i].code);
        CHECK(rows[i].why, slice_is_absent(a.document));
        CHECK(rows[i].why, a.stage == (rows[i].is_cut ? STAGE_RECEIVE : STAGE_PARSE));
        (void)snprintf(message, sizeof(message), "%.*s", SLICE_ARG(a.error.message));
        CHECK(rows[i].why, strstr(message, rows[i].says) != NULL);
        answer_done(&a);
    }
}

static void discovery_read_refuses_what_the_tunnel_would_not_carry(void **state)
{
    char *body = malloc(2 * MSG_DOCUMENT_BYTES_MAX);

    (void)state;
    for (int over = 0; over < 2; over++) {
        /* {"issuer":"…"} has 13 bytes around its value */
        int fill = MSG_DOCUMENT_BYTES_MAX - 13 + over;
        int len = snprintf(body, 2 * MSG_DOCUMENT_BYTES_MAX, "{\"issuer\":\"%0*d\"}", fill, 1);
        struct answer_input in = {
            .status = 200, .is_body_whole = true, .body = slice_of(body, (size_t)len)};
        struct answer a = {0};

        assert_int_equal(len, MSG_DOCUMENT_BYTES_MAX + over);
        CHECK_ERR("long", discovery_read(&in, &a), CX_OK);
        CHECK("long", a.code == (over == 0 ? VERDICT_ISSUED : VERDICT_ANSWER_UNREADABLE));
        answer_done(&a);
    }
    free(body);
}

static void discovery_read_survives_the_lack_of_memory(void **state)
{
    struct answer_input in = {
        .status = 200, .is_body_whole = true, .body = slice_of_str(RFC8414_EXAMPLE)};
    size_t nth = 1;

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    for (;; nth++) {
        struct answer a = {0};
        struct alloc_seen seen;
        enum cx_err err;

        alloc_any_start(nth);
        err = discovery_read(&in, &a);
        answer_done(&a);
        seen = alloc_any_stop();
        if (!seen.has_failed) {
            break;
        }
        assert_true(err == CX_E_NOMEM || err == CX_OK); /* jansson overlooks some */
        assert_int_equal(seen.freed, seen.calls - 1);
    }
    assert_in_range(nth, 10, 1000);
}

static void discovery_read_tells_where_a_redirect_leads_unless_that_is_hidden(void **state)
{
    (void)state;
    for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
        struct answer_input in = {.status = 301,
                                  .is_body_whole = true,
                                  .is_location_hidden = is_hidden != 0,
                                  .location = SLICE_LIT("https://login.example/?token=s3")};
        struct answer a = {0};
        char message[512];

        CHECK_ERR("redirect", discovery_read(&in, &a), CX_OK);
        (void)snprintf(message, sizeof(message), "%.*s", SLICE_ARG(a.error.message));
        CHECK("redirect", (strstr(message, "redirect to login.example is") == NULL) == is_hidden);
        CHECK("redirect", strstr(message, "s3") == NULL);
        answer_done(&a);
    }
}

static void discovery_read_tells_when_to_ask_again(void **state)
{
    struct answer_input in = {.status = 503, .is_body_whole = true, .retry_after = SLICE_LIT("7")};
    struct answer a = {0};

    (void)state;
    CHECK_ERR("busy", discovery_read(&in, &a), CX_OK);
    assert_true(a.error.has_retry_after);
    assert_int_equal(a.error.retry_after_ms, 7000);
    answer_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discovery_read_keeps_what_a_profile_is_filled_from),
        cmocka_unit_test(discovery_read_says_why_it_is_no_metadata),
        cmocka_unit_test(discovery_read_refuses_what_the_tunnel_would_not_carry),
        cmocka_unit_test(discovery_read_tells_where_a_redirect_leads_unless_that_is_hidden),
        cmocka_unit_test(discovery_read_tells_when_to_ask_again),
        cmocka_unit_test(discovery_read_survives_the_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
