/* Which verdict an answer gets. */
#include "common/core/answer.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

#include <stdlib.h>

static const uint32_t auth_403[] = {403};
static const uint32_t auth_odd[] = {200, 302, 400, 429, 500};

struct row {
    const char *why;
    uint32_t status;
    const char *type, *body;
    enum verdict code;
    const char *says; /* part of the message */
};

static void read_row(const struct row *row, const struct msg_expect *expect, struct answer *out)
{
    const struct answer_input in = {
        .status = row->status,
        .content_type = slice_of_str(row->type),
        .body = slice_of_str(row->body),
        .is_body_whole = true,
        .sent = ENCODING_FORM,
        .purpose = PURPOSE_AUTHORIZE,
        .expect = expect,
    };

    CHECK_ERR(row->why, answer_read(&in, out), CX_OK);
}

static bool says(const struct answer *a, const char *text)
{
    struct slice m = a->error.message;

    return m.len > 0 && memmem(m.ptr, m.len, text, strlen(text)) != NULL;
}

static enum outcome outcome_of(enum verdict code)
{
    switch ((int)code) {
    case VERDICT_ISSUED:
        return OUTCOME_ISSUED;
    case VERDICT_REVOKED:
        return OUTCOME_REVOKED;
    case VERDICT_CREDENTIALS_REFUSED:
    case VERDICT_CLIENT_REFUSED:
    case VERDICT_REQUEST_REFUSED:
        return OUTCOME_REFUSED;
    default:
        return OUTCOME_FAILED;
    }
}

static void check_rows(const struct row *rows, size_t n, const struct msg_expect *expect)
{
    for (size_t i = 0; i < n; i++) {
        struct answer a;

        read_row(&rows[i], expect, &a);
        if (a.code != rows[i].code) {
            fail_msg("%s: got %s (%.*s), want %s", rows[i].why, terms_verdict(a.code),
                     SLICE_ARG(a.error.message), terms_verdict(rows[i].code));
        }
        CHECK(rows[i].why, a.outcome == outcome_of(rows[i].code));
        if (a.code == VERDICT_ISSUED) {
            CHECK(rows[i].why, a.stage == STAGE_NONE && a.token.access_token.len > 0);
        } else {
            CHECK(rows[i].why, a.stage == STAGE_PARSE && a.error.stage == STAGE_PARSE);
            if (!says(&a, rows[i].says)) {
                fail_msg("%s: \"%.*s\" doesn't say \"%s\"", rows[i].why, SLICE_ARG(a.error.message),
                         rows[i].says);
            }
        }
        answer_done(&a);
    }
}

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

/* Bodies as the servers sent them; the ids are shortened. */
static void answers_of_real_servers_get_their_verdict(void **state)
{
    static const struct row rows[] = {
        {"glewlwyd, issued", 200, JSON,
         "{\"token_type\":\"bearer\",\"access_token\":\"eyJ0.eyJp.1PDo\",\"refresh_token\":"
         "\"aF0mVie5\",\"iat\":1795554531,\"expires_in\":3600,\"scope\":\"hr.read\"}",
         VERDICT_ISSUED, NULL},
        {"glewlwyd, wrong password, not told so by the profile", 403, NULL, "",
         VERDICT_ENDPOINT_FAILED,
         "(HTTP 403, empty body); if that is how it refuses a wrong "
         "password, add 403 to the profile's auth_error_status"},
        {"glewlwyd, wrong client", 400, NULL, "", VERDICT_REQUEST_REFUSED,
         "without saying why (HTTP 400, empty body)"},
        {"node-oauth, issued", 200, "application/json; charset=utf-8",
         "{\"access_token\":\"85402fd5\",\"token_type\":\"Bearer\",\"expires_in\":3600,"
         "\"refresh_token\":\"37c94734\",\"scope\":\"hr.read\"}",
         VERDICT_ISSUED, NULL},
        {"node-oauth, wrong password", 400, "application/json; charset=utf-8",
         "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid grant: user credentials "
         "are invalid\"}",
         VERDICT_CREDENTIALS_REFUSED,
         "the token endpoint refused the user name or password (HTTP 400, invalid_grant)"},
        {"node-oauth, wrong client", 401, "application/json; charset=utf-8",
         "{\"error\":\"invalid_client\",\"error_description\":\"Invalid client: client is "
         "invalid\"}",
         VERDICT_CLIENT_REFUSED, "refused the client (HTTP 401, invalid_client)"},
        {"node-oauth, another grant", 400, "application/json; charset=utf-8",
         "{\"error\":\"unsupported_grant_type\",\"error_description\":\"Unsupported grant type: "
         "`grant_type` is invalid\"}",
         VERDICT_REQUEST_REFUSED, "does not offer this grant"},
        {"node-oauth, wrong scope", 400, "application/json; charset=utf-8",
         "{\"error\":\"invalid_scope\",\"error_description\":\"Invalid scope: Requested scope is "
         "invalid\"}",
         VERDICT_REQUEST_REFUSED, "refused the scope"},
        {"oidc-provider, wrong password", 400, "application/json; charset=utf-8",
         "{\"error\":\"invalid_grant\",\"error_description\":\"grant request is invalid\"}",
         VERDICT_CREDENTIALS_REFUSED, "(HTTP 400, invalid_grant)"},
        {"oidc-provider, wrong client", 401, "application/json; charset=utf-8",
         "{\"error\":\"invalid_client\",\"error_description\":\"client authentication failed\"}",
         VERDICT_CLIENT_REFUSED, "refused the client"},
        {"Doorkeeper, issued", 200, "application/json; charset=utf-8",
         "{\"access_token\":\"hfx0\",\"token_type\":\"Bearer\",\"expires_in\":7200,"
         "\"refresh_token\":\"q1\",\"scope\":\"public write\",\"created_at\":1700000000}",
         VERDICT_ISSUED, NULL},
        {"Doorkeeper, wrong password", 400, "application/json; charset=utf-8",
         "{\"error\":\"invalid_grant\",\"error_description\":\"The provided authorization grant is "
         "invalid, expired, revoked, does not match the redirection URI used in the authorization "
         "request, or was issued to another client.\"}",
         VERDICT_CREDENTIALS_REFUSED, "user name or password"},
        {"authlib, wrong password", 400, JSON,
         "{\"error\": \"invalid_request\", \"error_description\": \"Invalid \\\"username\\\" or "
         "\\\"password\\\" in request.\"}",
         VERDICT_REQUEST_REFUSED, "refused the request (HTTP 400, invalid_request)"},
        {"OAuth::Lite2, wrong password", 401, "application/json; charset=utf-8",
         "{\"error\":\"invalid_grant\"}", VERDICT_CREDENTIALS_REFUSED, "(HTTP 401, invalid_grant)"},
        {"GitHub answers in a form, and 200 to errors", 200, FORM,
         "error=incorrect_client_credentials&error_description=The+client_id+is+incorrect",
         VERDICT_REQUEST_REFUSED, "(HTTP 200, incorrect_client_credentials)"},
        {"Spring's own page for a path that isn't there", 404, JSON,
         "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"status\":404,\"error\":\"Not Found\","
         "\"path\":\"/t\"}",
         VERDICT_ENDPOINT_FAILED, "is not there (HTTP 404, Not Found)"},
        {"Spring's own page for a fault", 500, JSON,
         "{\"status\":500,\"error\":\"Internal Server Error\"}", VERDICT_ENDPOINT_FAILED,
         "failed (HTTP 500, Internal Server Error)"},
        {"Auth0, wrong password", 403, JSON,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Wrong email or password.\"}",
         VERDICT_CREDENTIALS_REFUSED, "(HTTP 403, invalid_grant)"},
        {"Auth0 wants a second factor", 403, JSON,
         "{\"error\":\"mfa_required\",\"error_description\":\"Multifactor authentication "
         "required\"}",
         VERDICT_REQUEST_REFUSED, "(HTTP 403, mfa_required)"},
        {"Facebook's error is an object", 400, "text/javascript; charset=UTF-8",
         "{\"error\":{\"message\":\"Invalid\",\"type\":\"OAuthException\",\"code\":190}}",
         VERDICT_REQUEST_REFUSED, "without saying why (HTTP 400)"},
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows), NULL);
}

static void each_row_of_the_table_of_answers_has_its_verdict(void **state)
{
    static const struct row rows[] = {
        {"a token", 200, JSON, "{\"access_token\":\"t\"}", VERDICT_ISSUED, NULL},
        {"201 with a token", 201, JSON, "{\"access_token\":\"t\"}", VERDICT_ISSUED, NULL},
        {"invalid_grant", 400, JSON, "{\"error\":\"invalid_grant\"}", VERDICT_CREDENTIALS_REFUSED,
         "user name or password"},
        {"invalid_grant, whatever the status", 500, JSON, "{\"error\":\"invalid_grant\"}",
         VERDICT_CREDENTIALS_REFUSED, "user name or password"},
        {"invalid_grant says more than 429", 429, JSON, "{\"error\":\"invalid_grant\"}",
         VERDICT_CREDENTIALS_REFUSED, "user name or password"},
        {"invalid_grant inside 200", 200, JSON, "{\"error\":\"invalid_grant\"}",
         VERDICT_CREDENTIALS_REFUSED, "user name or password"},
        {"401, empty", 401, NULL, "", VERDICT_CREDENTIALS_REFUSED, "(HTTP 401, empty body)"},
        {"401, HTML", 401, "text/html", "<html>no</html>", VERDICT_CREDENTIALS_REFUSED,
         "(HTTP 401, unreadable body)"},
        {"401, another error", 401, JSON, "{\"error\":\"invalid_request\"}",
         VERDICT_CREDENTIALS_REFUSED, "(HTTP 401, invalid_request)"},
        {"401, a token is no token", 401, JSON, "{\"access_token\":\"t\"}",
         VERDICT_CREDENTIALS_REFUSED, "(HTTP 401)"},
        {"invalid_client", 400, JSON, "{\"error\":\"invalid_client\"}", VERDICT_CLIENT_REFUSED,
         "client id, secret and method"},
        {"invalid_client, 401", 401, JSON, "{\"error\":\"invalid_client\"}", VERDICT_CLIENT_REFUSED,
         "client id, secret and method"},
        {"invalid_client inside 200", 200, JSON, "{\"error\":\"invalid_client\"}",
         VERDICT_CLIENT_REFUSED, "refused the client"},
        {"unauthorized_client", 400, JSON, "{\"error\":\"unauthorized_client\"}",
         VERDICT_CLIENT_REFUSED, "does not let this client use this grant"},
        {"unauthorized_client, 401", 401, JSON, "{\"error\":\"unauthorized_client\"}",
         VERDICT_CLIENT_REFUSED, "does not let this client use this grant"},
        {"invalid_request", 400, JSON, "{\"error\":\"invalid_request\"}", VERDICT_REQUEST_REFUSED,
         "compare the profile's fields"},
        {"invalid_scope", 400, JSON, "{\"error\":\"invalid_scope\"}", VERDICT_REQUEST_REFUSED,
         "check the profile's scope"},
        {"a standard error beside 500", 500, JSON, "{\"error\":\"invalid_scope\"}",
         VERDICT_REQUEST_REFUSED, "check the profile's scope"},
        {"an error inside 200", 200, JSON, "{\"error\":\"slow down\"}", VERDICT_REQUEST_REFUSED,
         "(HTTP 200, slow down)"},
        {"an error inside 200 that is no string", 200, JSON, "{\"error\":{\"code\":7}}",
         VERDICT_REQUEST_REFUSED, "without saying why (HTTP 200)"},
        {"an error number inside 200", 200, JSON, "{\"error\":-1}", VERDICT_REQUEST_REFUSED,
         "(HTTP 200)"},
        {"an error inside 200 outweighs a token", 200, JSON,
         "{\"access_token\":\"t\",\"error\":\"invalid_grant\"}", VERDICT_CREDENTIALS_REFUSED,
         "user name or password"},
        {"400 without an error", 400, JSON, "{\"message\":\"no\"}", VERDICT_REQUEST_REFUSED,
         "without saying why (HTTP 400)"},
        {"400, HTML", 400, "text/html", "<html>", VERDICT_REQUEST_REFUSED,
         "(HTTP 400, unreadable body)"},
        {"400, a name twice", 400, JSON, "{\"error\":\"a\",\"error\":\"b\"}",
         VERDICT_REQUEST_REFUSED, "(HTTP 400, unreadable body)"},
        {"an OAuth code of another registry", 422, JSON, "{\"error\":\"interaction_required\"}",
         VERDICT_REQUEST_REFUSED, "(HTTP 422, interaction_required)"},
        {"a code that no OAuth registry has beside 404", 404, JSON, "{\"error\":\"Gone\"}",
         VERDICT_ENDPOINT_FAILED, "is not there"},
        {"429", 429, NULL, "", VERDICT_ENDPOINT_BUSY, "is busy (HTTP 429, empty body); try again"},
        {"503", 503, "text/html", "<html>", VERDICT_ENDPOINT_BUSY, "is busy (HTTP 503"},
        {"429 with another error", 429, JSON, "{\"error\":\"invalid_request\"}",
         VERDICT_ENDPOINT_BUSY, "is busy (HTTP 429, invalid_request)"},
        {"500", 500, NULL, "", VERDICT_ENDPOINT_FAILED, "failed (HTTP 500, empty body)"},
        {"502, HTML", 502, "text/html", "<html>bad gateway", VERDICT_ENDPOINT_FAILED,
         "failed (HTTP 502, unreadable body)"},
        {"500 with a code", 500, JSON, "{\"error\":\"server_error\"}", VERDICT_ENDPOINT_FAILED,
         "failed (HTTP 500, server_error)"},
        {"403 without an error", 403, "text/html", "<html>", VERDICT_ENDPOINT_FAILED,
         "auth_error_status"},
        {"404", 404, "text/html", "<html>", VERDICT_ENDPOINT_FAILED, "check the path"},
        {"405", 405, NULL, "", VERDICT_ENDPOINT_FAILED, "does not take this method"},
        {"415", 415, NULL, "", VERDICT_ENDPOINT_FAILED, "content_type"},
        {"407", 407, NULL, "", VERDICT_ENDPOINT_FAILED, "a proxy asks"},
        {"418", 418, NULL, "", VERDICT_ENDPOINT_FAILED, "neither a token nor an OAuth error"},
        {"status 0", 0, NULL, "", VERDICT_ENDPOINT_FAILED, "(HTTP 0"},
        {"200 without a token", 200, JSON, "{\"hello\":1}", VERDICT_ENDPOINT_FAILED,
         "without an access token (HTTP 200)"},
        {"200, empty", 200, JSON, "", VERDICT_ENDPOINT_FAILED,
         "without an access token (HTTP 200, empty body)"},
        {"200, only white space", 200, JSON, " \r\n\t ", VERDICT_ENDPOINT_FAILED, "empty body"},
        {"204", 204, NULL, "", VERDICT_ENDPOINT_FAILED, "without an access token"},
        {"200, an empty token", 200, JSON, "{\"access_token\":\"\"}", VERDICT_ENDPOINT_FAILED,
         "without an access token"},
        {"200, a null token", 200, JSON, "{\"access_token\":null}", VERDICT_ENDPOINT_FAILED,
         "without an access token"},
        {"200, an array", 200, JSON, "[{\"access_token\":\"t\"}]", VERDICT_ENDPOINT_FAILED,
         "without an access token"},
        {"200, a JSON string", 200, JSON, "\"t\"", VERDICT_ENDPOINT_FAILED, "without an access"},
        {"200, JSON null", 200, JSON, "null", VERDICT_ENDPOINT_FAILED, "without an access"},
        {"200, a form without a token", 200, FORM, "a=b", VERDICT_ENDPOINT_FAILED,
         "without an access token"},
        {"a token beside a status that is no success", 199, JSON, "{\"access_token\":\"t\"}",
         VERDICT_ENDPOINT_FAILED, "neither a token nor an OAuth error"},
        {"a token beside a redirect", 300, JSON, "{\"access_token\":\"t\"}", VERDICT_REDIRECTED,
         "redirects"},
        {"JSON null under a media type of its own", 200, "application/problem+json", "null",
         VERDICT_ENDPOINT_FAILED, "without an access token"},
        {"302", 302, NULL, "", VERDICT_REDIRECTED, "redirects to another place on its host"},
        {"a redirect's body doesn't count", 302, JSON, "{\"error\":\"invalid_grant\"}",
         VERDICT_REDIRECTED, "redirects"},
        {"304", 304, NULL, "", VERDICT_REDIRECTED, "redirects"},
        {"HTML", 200, "text/html", "<!DOCTYPE html><html>", VERDICT_ANSWER_UNREADABLE,
         "(HTTP 200, text/html): it is HTML"},
        {"HTML under a JSON label", 200, JSON, "<html><body>", VERDICT_ANSWER_UNREADABLE,
         "it is HTML"},
        {"a page in XHTML", 200, "application/xhtml+xml",
         "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'></html>",
         VERDICT_ANSWER_UNREADABLE, "it is HTML"},
        {"XML that ends too early", 200, "application/xml", "<r><access_token>t</access_token>",
         VERDICT_ANSWER_UNREADABLE, "it is no XML (line 1, column 34)"},
        {"XML under a wrong label", 200, "application/json", "<r><a></r>",
         VERDICT_ANSWER_UNREADABLE, "it is no XML"},
        {"XML without a token", 200, "application/xml", "<r/>", VERDICT_ENDPOINT_FAILED,
         "answered without an access token (HTTP 200)"},
        {"multipart", 200, "multipart/form-data; boundary=b",
         "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\nt\r\n--b--",
         VERDICT_ANSWER_UNREADABLE, "it is labelled multipart_form, which is not read"},
        {"prose", 200, "text/plain", "Welcome to the token server", VERDICT_ANSWER_UNREADABLE,
         "neither JSON nor form-encoded"},
        {"prose without a label", 200, NULL, "It works = fine", VERDICT_ANSWER_UNREADABLE,
         "(HTTP 200, no content type): it is neither JSON nor form-encoded"},
        {"JSON cut short", 200, JSON, "{\"access_token\":\"t\"", VERDICT_ANSWER_UNREADABLE,
         "it is JSON that ends too early"},
        {"JSON that is none", 200, JSON, "{\"access_token\": secret-42}", VERDICT_ANSWER_UNREADABLE,
         "it is no JSON (line 1, column "},
        {"UTF-16", 200, "text/plain", "\xff\xfe{", VERDICT_ANSWER_UNREADABLE,
         "it is not valid UTF-8"},
        {"invalid UTF-8", 200, JSON, "{\"access_token\":\"\xff\"}", VERDICT_ANSWER_UNREADABLE,
         "it is not valid UTF-8"},
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows), NULL);
}

static void a_status_of_the_profile_means_wrong_credentials(void **state)
{
    static const struct row only_403[] = {
        {"403, empty, as glewlwyd", 403, NULL, "", VERDICT_CREDENTIALS_REFUSED,
         "the token endpoint refused the user name or password (HTTP 403, empty body)"},
        {"403, HTML", 403, "text/html", "<html>", VERDICT_CREDENTIALS_REFUSED, "unreadable body"},
        {"403, another error", 403, JSON, "{\"error\":\"access_denied\"}",
         VERDICT_CREDENTIALS_REFUSED, "(HTTP 403, access_denied)"},
        {"403, the client", 403, JSON, "{\"error\":\"invalid_client\"}", VERDICT_CLIENT_REFUSED,
         "the client"},
        {"404 is none of them", 404, NULL, "", VERDICT_ENDPOINT_FAILED, "is not there"},
    };
    static const struct row odd[] = {
        {"200 with a token is one", 200, JSON, "{\"access_token\":\"t\"}", VERDICT_ISSUED, NULL},
        {"200 without one", 200, "text/html", "<html>", VERDICT_CREDENTIALS_REFUSED, "HTTP 200"},
        {"302", 302, NULL, "", VERDICT_CREDENTIALS_REFUSED, "HTTP 302"},
        {"400 as authlib", 400, JSON, "{\"error\":\"invalid_request\"}",
         VERDICT_CREDENTIALS_REFUSED, "HTTP 400"},
        {"429", 429, NULL, "", VERDICT_CREDENTIALS_REFUSED, "HTTP 429"},
        {"500", 500, NULL, "", VERDICT_CREDENTIALS_REFUSED, "HTTP 500"},
        {"503 is none of them", 503, NULL, "", VERDICT_ENDPOINT_BUSY, "HTTP 503"},
    };

    (void)state;
    check_rows(only_403, COUNT_OF(only_403),
               &(struct msg_expect){.auth_error_status = auth_403, .nauth_error_status = 1});
    check_rows(odd, COUNT_OF(odd),
               &(struct msg_expect){.auth_error_status = auth_odd,
                                    .nauth_error_status = COUNT_OF(auth_odd)});
}

static void a_body_that_is_not_whole_is_not_read(void **state)
{
    static const struct {
        uint32_t status;
        enum verdict code;
        const char *says;
    } rows[] = {
        {200, VERDICT_ANSWER_UNREADABLE, "longer than the limit, or was cut short"},
        {400, VERDICT_REQUEST_REFUSED, "unreadable body"},
        {401, VERDICT_CREDENTIALS_REFUSED, "unreadable body"},
        {500, VERDICT_ENDPOINT_FAILED, "unreadable body"},
    };
    static const uint32_t auth[] = {200};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct msg_expect expect = {.auth_error_status = auth, .nauth_error_status = 1};
        const struct answer_input in = {.status = rows[i].status,
                                        .content_type = SLICE_LIT(JSON),
                                        .body = SLICE_LIT("{\"access_token\":\"t\"}"),
                                        .expect = &expect};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        CHECK(rows[i].says, a.code == rows[i].code);
        CHECK(rows[i].says, a.stage == STAGE_RECEIVE && a.error.stage == STAGE_RECEIVE);
        CHECK(rows[i].says, says(&a, rows[i].says));
        answer_done(&a);
    }
}

static void answer_read_survives_running_out_of_memory(void **state)
{
    static const struct row rows[] = {
        {"a token", 200, JSON, "{\"access_token\":\"t\",\"scope\":[\"a\",\"b\"],\"x\":1}",
         VERDICT_ISSUED, NULL},
        {"a form", 200, FORM, "access_token=t&scope=a,b", VERDICT_ISSUED, NULL},
        {"an encoded object", 200, FORM, "%7B%22access_token%22%3A%22t%22%7D", VERDICT_ISSUED,
         NULL},
        {"an error", 400, JSON, "{\"error\":\"invalid_grant\",\"error_description\":\"d\"}",
         VERDICT_CREDENTIALS_REFUSED, "user name"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t nth = 1;; nth++) {
            const struct answer_input in = {.status = rows[i].status,
                                            .content_type = slice_of_str(rows[i].type),
                                            .body = slice_of_str(rows[i].body),
                                            .is_body_whole = true};
            struct answer a = {.code = VERDICT_CANCELLED};
            enum cx_err err;

            alloc_fail_at(nth);
            err = answer_read(&in, &a);
            if (!alloc_fail_end()) {
                assert_int_equal(err, CX_OK);
                assert_int_equal(a.code, rows[i].code);
                answer_done(&a);
                break;
            }
            CHECK_ERR(rows[i].why, err, CX_E_NOMEM);
            assert_int_equal(a.code, VERDICT_CANCELLED); /* untouched */
        }
    }
}

static void a_revocation_is_told_by_its_status(void **state)
{
    static const struct row rows[] = {
        {"the standard's", 200, NULL, "", VERDICT_REVOKED, NULL},
        {"no content", 204, NULL, "", VERDICT_REVOKED, NULL},
        {"whatever the body", 200, "application/json", "{\"error\":\"x\"}", VERDICT_REVOKED, NULL},
        {"a page", 200, "text/html", "<html>", VERDICT_REVOKED, NULL},
        {"unsupported_token_type", 400, NULL, "{\"error\":\"unsupported_token_type\"}",
         VERDICT_REQUEST_REFUSED,
         "the revocation endpoint does not revoke tokens of this type (HTTP 400, "
         "unsupported_token_type)"},
        {"invalid_request", 400, NULL, "{\"error\":\"invalid_request\"}", VERDICT_REQUEST_REFUSED,
         "the revocation endpoint refused the request"},
        {"invalid_client", 401, NULL, "{\"error\":\"invalid_client\"}", VERDICT_CLIENT_REFUSED,
         "the revocation endpoint refused the client (HTTP 401, invalid_client)"},
        {"401 alone is about the client", 401, NULL, "", VERDICT_CLIENT_REFUSED,
         "refused the client (HTTP 401, empty body)"},
        {"and so is a status of auth_error_status", 403, NULL, "", VERDICT_CLIENT_REFUSED,
         "refused the client (HTTP 403, empty body)"},
        {"unauthorized_client", 400, NULL, "{\"error\":\"unauthorized_client\"}",
         VERDICT_CLIENT_REFUSED, "does not let this client revoke tokens"},
        {"another's token", 400, NULL, "{\"error\":\"invalid_grant\"}", VERDICT_CREDENTIALS_REFUSED,
         "refused the token (HTTP 400, invalid_grant)"},
        {"busy", 503, NULL, "", VERDICT_ENDPOINT_BUSY, "the revocation endpoint is busy (HTTP 503"},
        {"a redirect", 302, NULL, "", VERDICT_REDIRECTED, "the revocation endpoint redirects"},
        {"not there", 404, NULL, "", VERDICT_ENDPOINT_FAILED, "the profile's revocation_url"},
        {"another method", 405, NULL, "", VERDICT_ENDPOINT_FAILED, "does not take this request"},
        {"broken", 500, NULL, "", VERDICT_ENDPOINT_FAILED, "the token may still be good"},
    };
    static const struct msg_expect expect = {.auth_error_status = auth_403,
                                             .nauth_error_status = 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct answer_input in = {.status = rows[i].status,
                                        .content_type = slice_of_str(rows[i].type),
                                        .body = slice_of_str(rows[i].body),
                                        .is_body_whole = rows[i].code != VERDICT_REVOKED,
                                        .purpose = PURPOSE_REVOKE,
                                        .expect = &expect};
        struct answer a;

        assert_int_equal(answer_read(&in, &a), CX_OK);
        if (a.code != rows[i].code) {
            fail_msg("%s: %s", rows[i].why, terms_verdict(a.code));
        }
        CHECK(rows[i].why, a.outcome == outcome_of(rows[i].code));
        CHECK(rows[i].why, rows[i].says == NULL ? a.error.message.len == 0 && a.stage == STAGE_NONE
                                                : says(&a, rows[i].says));
        answer_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revocation_is_told_by_its_status),
        cmocka_unit_test(answers_of_real_servers_get_their_verdict),
        cmocka_unit_test(each_row_of_the_table_of_answers_has_its_verdict),
        cmocka_unit_test(a_status_of_the_profile_means_wrong_credentials),
        cmocka_unit_test(a_body_that_is_not_whole_is_not_read),
        cmocka_unit_test(answer_read_survives_running_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
