/* What a caller is told when there is a proxy between: what ended at it was not sent. */
#include "tests/support/check.h"

#include "common/io/http_verdict.h"

#include <curl/curl.h>
#include <openssl/x509.h>

static const struct http_facts at_proxy = {.budget_ms = 700,
                                           .answer_bytes_max = 1000,
                                           .is_https = true,
                                           .has_proxy = true,
                                           .has_resolving_begun = true,
                                           .sockets = 1,
                                           .has_connected = true};

static void what_ends_at_the_proxy_was_not_sent(void **state)
{
    static const struct {
        const char *why;
        CURLcode rc;
        unsigned proxy_status;
        bool had_credentials;
        enum stage stage;
        const char *says;
    } rows[] = {
        {"refused", CURLE_RECV_ERROR, 403, false, STAGE_PROXY, "does not allow this destination"},
        {"no credentials", CURLE_RECV_ERROR, 407, false, STAGE_PROXY, "asks for a user"},
        {"wrong ones", CURLE_RECV_ERROR, 407, true, STAGE_PROXY, "does not accept"},
        {"tinyproxy's wrong ones", CURLE_RECV_ERROR, 401, true, STAGE_PROXY, "does not accept"},
        {"it can't", CURLE_RECV_ERROR, 502, false, STAGE_PROXY, "does not reach"},
        {"half an answer", CURLE_RECV_ERROR, 200, false, STAGE_PROXY, "without a whole answer"},
        {"it went away", CURLE_RECV_ERROR, 0, false, STAGE_PROXY, "closed the connection"},
        {"it sent garbage", CURLE_WEIRD_SERVER_REPLY, 0, false, STAGE_PROXY, "no HTTP proxy"},
        {"it has no name", CURLE_COULDNT_RESOLVE_PROXY, 0, false, STAGE_PROXY, "can't be resolved"},
        {"it is down", CURLE_COULDNT_CONNECT, 0, false, STAGE_PROXY, "no connection to the proxy"},
        {"TLS behind it", CURLE_SSL_CONNECT_ERROR, 200, false, STAGE_TLS, "TLS handshake"},
        {"a name behind it", CURLE_PEER_FAILED_VERIFICATION, 200, false, STAGE_TLS, "certificate"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = at_proxy;
        struct http_end end = {0};

        facts.curl_code = (int)rows[i].rc;
        facts.proxy_status = rows[i].proxy_status;
        facts.had_proxy_credentials = rows[i].had_credentials;
        http_verdict(&facts, &end);
        CHECK(rows[i].why, end.execution == EXECUTION_NOT_SENT);
        CHECK(rows[i].why, end.stage == rows[i].stage);
        CHECK(rows[i].why, end.code == VERDICT_ENDPOINT_UNREACHABLE);
        if (strstr(end.fail.detail, rows[i].says) == NULL) {
            fail_msg("%s: got \"%s\"", rows[i].why, end.fail.detail);
        }
    }
}

static void a_budget_that_ends_at_the_proxy_says_so(void **state)
{
    struct http_facts facts = at_proxy;
    struct http_end end = {0};

    (void)state;
    facts.ending = HTTP_ENDED_BUDGET;
    http_verdict(&facts, &end);
    assert_int_equal(end.execution, EXECUTION_NOT_SENT);
    assert_int_equal(end.stage, STAGE_PROXY);
    assert_int_equal(end.code, VERDICT_BUDGET_EXCEEDED);
    assert_non_null(strstr(end.fail.detail, "asking the proxy"));

    facts.proxy_status = 200;
    http_verdict(&facts, &end);
    assert_int_equal(end.stage, STAGE_TLS);
}

/* Plain HTTP: the request itself went to the proxy, and whether it passed it on is its word alone.
 */
static void a_refusal_in_place_of_the_endpoints_answer_was_sent(void **state)
{
    struct http_facts facts = at_proxy;
    struct http_end end = {0};

    (void)state;
    facts.is_https = false;
    facts.is_gate_open = true;
    facts.is_request_written = true;
    facts.has_answer_begun = true;
    facts.are_headers_whole = true;
    facts.proxy_status = 401;
    facts.had_proxy_credentials = true;
    http_verdict(&facts, &end);
    assert_int_equal(end.execution, EXECUTION_SENT);
    assert_int_equal(end.stage, STAGE_PROXY);
    assert_int_equal(end.code, VERDICT_ENDPOINT_UNREACHABLE);
    assert_non_null(strstr(end.fail.detail, "does not accept the user and password"));

    facts.curl_code = CURLE_RECV_ERROR; /* it has reset the connection */
    http_verdict(&facts, &end);
    assert_int_equal(end.stage, STAGE_PROXY);

    facts.curl_code = CURLE_OK;
    facts.proxy_status = 0;
    http_verdict(&facts, &end);
    assert_int_equal(end.execution, EXECUTION_ANSWERED);
}

static void behind_the_gate_it_is_as_without_a_proxy(void **state)
{
    struct http_facts facts = at_proxy;
    struct http_end end = {0};

    (void)state;
    facts.proxy_status = 200;
    facts.is_gate_open = true;
    facts.is_request_written = true;
    facts.curl_code = CURLE_GOT_NOTHING;
    http_verdict(&facts, &end);
    assert_int_equal(end.execution, EXECUTION_SENT);
    assert_int_equal(end.stage, STAGE_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ends_at_the_proxy_was_not_sent),
        cmocka_unit_test(a_budget_that_ends_at_the_proxy_says_so),
        cmocka_unit_test(a_refusal_in_place_of_the_endpoints_answer_was_sent),
        cmocka_unit_test(behind_the_gate_it_is_as_without_a_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
