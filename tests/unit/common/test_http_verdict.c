/* From libcurl's words and what was seen on the way to what a caller is told. */
#include "tests/support/check.h"

#include "common/io/http_verdict.h"

#include <curl/curl.h>
#include <openssl/x509.h>

/* How far it got, in the order in which it gets there. */
enum far { QUEUED, RESOLVING, CONNECTING, CONNECTED, SENDING, WRITTEN, ANSWERED, WHOLE };

static struct http_facts facts_at(enum far far)
{
    return (struct http_facts){.budget_ms = 700,
                               .answer_bytes_max = 1000,
                               .is_https = true,
                               .has_resolving_begun = far >= RESOLVING,
                               .sockets = far >= CONNECTING ? 1 : 0,
                               .has_connected = far >= CONNECTED,
                               .is_gate_open = far >= SENDING,
                               .is_request_written = far >= WRITTEN,
                               .has_answer_begun = far >= ANSWERED,
                               .are_headers_whole = far >= WHOLE};
}

static void check(const char *why, const struct http_facts *facts, enum stage stage,
                  enum verdict code, const char *sentence)
{
    struct http_end end = {.status = 204};

    http_verdict(facts, &end);
    CHECK(why, end.stage == stage);
    CHECK(why, end.code == code);
    CHECK(why, end.execution == (facts->is_gate_open ? EXECUTION_SENT : EXECUTION_NOT_SENT));
    CHECK(why, end.fail.code != CX_OK && end.fail.op != NULL);
    if (strstr(end.fail.detail, sentence) == NULL) {
        fail_msg("%s: got \"%s\", want \"%s\"", why, end.fail.detail, sentence);
    }
    CHECK(why, end.status == 204); /* nothing else is touched */
}

static void http_verdict_answered_only_if_libcurl_is_content_and_the_headers_are_whole(void **state)
{
    struct http_facts facts = facts_at(WHOLE);
    struct http_end end = {0};

    (void)state;
    http_verdict(&facts, &end);
    assert_int_equal(end.execution, EXECUTION_ANSWERED);
    assert_int_equal(end.stage, STAGE_NONE);
    assert_int_equal(end.code, VERDICT_UNKNOWN);
    assert_int_equal(end.fail.code, CX_OK);
    facts.are_headers_whole = false;
    check("an end in the headers", &facts, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE, "whole");
}

static void http_verdict_reads_libcurls_codes(void **state)
{
    static const struct {
        const char *why;
        CURLcode rc;
        enum far far;
        enum stage stage;
        enum verdict code;
        const char *sentence;
    } rows[] = {
        {"unknown name", CURLE_COULDNT_RESOLVE_HOST, RESOLVING, STAGE_RESOLVE,
         VERDICT_ENDPOINT_UNREACHABLE, "can't be resolved"},
        {"no connection", CURLE_COULDNT_CONNECT, CONNECTING, STAGE_CONNECT,
         VERDICT_ENDPOINT_UNREACHABLE, "can't connect"},
        {"libcurl's own timeout", CURLE_OPERATION_TIMEDOUT, CONNECTING, STAGE_CONNECT,
         VERDICT_BUDGET_EXCEEDED, "700 ms ended while connecting"},
        {"TLS", CURLE_SSL_CONNECT_ERROR, CONNECTED, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE,
         "TLS handshake"},
        {"no CA file", CURLE_SSL_CACERT_BADFILE, CONNECTED, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE,
         "can't be read"},
        {"write failed", CURLE_SEND_ERROR, SENDING, STAGE_SEND, VERDICT_ENDPOINT_UNREACHABLE,
         "while sending the request"},
        {"another key", CURLE_SSL_PINNEDPUBKEYNOTMATCH, CONNECTED, STAGE_TLS,
         VERDICT_ENDPOINT_UNREACHABLE, "its key is none that the policy's rule pins"},
        {"no client certificate", CURLE_SSL_CERTPROBLEM, CONNECTED, STAGE_TLS,
         VERDICT_ENDPOINT_UNREACHABLE, "client certificate"},
        {"closed, nothing came", CURLE_GOT_NOTHING, WRITTEN, STAGE_WAIT,
         VERDICT_ENDPOINT_UNREACHABLE, "while waiting"},
        {"reset, nothing came", CURLE_RECV_ERROR, WRITTEN, STAGE_WAIT, VERDICT_ENDPOINT_UNREACHABLE,
         "while waiting"},
        {"closed within the body", CURLE_PARTIAL_FILE, WHOLE, STAGE_RECEIVE,
         VERDICT_ANSWER_UNREADABLE, "before the answer was whole"},
        {"reset within the body", CURLE_RECV_ERROR, WHOLE, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE,
         "before the answer was whole"},
        {"HTTP/0.9", CURLE_UNSUPPORTED_PROTOCOL, WRITTEN, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE,
         "not HTTP"},
        {"bad headers", CURLE_WEIRD_SERVER_REPLY, ANSWERED, STAGE_RECEIVE,
         VERDICT_ANSWER_UNREADABLE, "malformed"},
        {"bad encoding", CURLE_BAD_CONTENT_ENCODING, WHOLE, STAGE_RECEIVE,
         VERDICT_ANSWER_UNREADABLE, "Content-Encoding"},
        {"endless header", CURLE_OUT_OF_MEMORY, WRITTEN, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE,
         "too long"},
        {"no memory", CURLE_OUT_OF_MEMORY, QUEUED, STAGE_AGENT, VERDICT_AGENT_UNAVAILABLE,
         "memory"},
        {"no memory for the answer", CURLE_WRITE_ERROR, WHOLE, STAGE_AGENT,
         VERDICT_AGENT_UNAVAILABLE, "memory"},
        {"a code nobody thought of, early", CURLE_FAILED_INIT, CONNECTING, STAGE_CONNECT,
         VERDICT_ENDPOINT_UNREACHABLE, "while connecting"},
        {"the same, late", CURLE_FAILED_INIT, WHOLE, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = facts_at(rows[i].far);

        facts.curl_code = (int)rows[i].rc;
        check(rows[i].why, &facts, rows[i].stage, rows[i].code, rows[i].sentence);
    }
}

static void http_verdict_says_where_it_was_when_it_was_ended(void **state)
{
    static const struct {
        const char *why;
        enum far far;
        enum stage stage;
        const char *sentence;
    } rows[] = {
        {"queued", QUEUED, STAGE_CONNECT, "while waiting for a free connection"},
        {"resolving", RESOLVING, STAGE_RESOLVE, "while resolving the endpoint's name"},
        {"connecting", CONNECTING, STAGE_CONNECT, "while connecting to the endpoint"},
        {"TLS", CONNECTED, STAGE_TLS, "while in the TLS handshake"},
        {"sending", SENDING, STAGE_SEND, "while sending the request"},
        {"waiting", WRITTEN, STAGE_WAIT, "while waiting for the endpoint's answer"},
        {"receiving", ANSWERED, STAGE_RECEIVE, "while receiving the endpoint's answer"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = facts_at(rows[i].far);

        facts.ending = HTTP_ENDED_BUDGET;
        check(rows[i].why, &facts, rows[i].stage, VERDICT_BUDGET_EXCEEDED, rows[i].sentence);
        facts.ending = HTTP_ENDED_CANCEL;
        check(rows[i].why, &facts, rows[i].stage, VERDICT_CANCELLED, rows[i].sentence);
        facts.ending = HTTP_ENDED_CLOSING;
        check(rows[i].why, &facts, STAGE_AGENT, VERDICT_AGENT_UNAVAILABLE, rows[i].sentence);
    }
}

static void http_verdict_tells_policy_from_network(void **state)
{
    struct http_facts facts = facts_at(RESOLVING);
    struct cx_fail refusal;

    (void)state;
    facts.curl_code = CURLE_COULDNT_CONNECT;
    facts.addresses_refused = 2;
    check("all refused", &facts, STAGE_POLICY, VERDICT_POLICY_REFUSED, "does not allow");
    (void)cx_fail_set(&refusal, CX_E_DENIED, "policy", "rule 7 says no");
    facts.refusal = &refusal;
    check("with the policy's sentence", &facts, STAGE_POLICY, VERDICT_POLICY_REFUSED,
          "rule 7 says no");
    facts.sockets = 1;
    facts.os_errno = 111; /* ECONNREFUSED */
    check("one was tried", &facts, STAGE_CONNECT, VERDICT_ENDPOINT_UNREACHABLE,
          "connection refused");
    facts = facts_at(CONNECTED);
    facts.curl_code = CURLE_ABORTED_BY_CALLBACK;
    facts.is_gate_refused = true;
    check("at the gate", &facts, STAGE_POLICY, VERDICT_POLICY_REFUSED, "does not allow");
}

static void http_verdict_knows_that_a_stopped_repeat_was_sent(void **state)
{
    struct http_facts facts = facts_at(WRITTEN);

    (void)state;
    facts.curl_code = CURLE_ABORTED_BY_CALLBACK;
    facts.is_repeat_stopped = true;
    check("the answer was awaited", &facts, STAGE_WAIT, VERDICT_ENDPOINT_UNREACHABLE,
          "not sent again");
    facts.is_request_written = false;
    check("it was being sent", &facts, STAGE_SEND, VERDICT_ENDPOINT_UNREACHABLE, "not sent again");
}

static void http_verdict_names_what_is_wrong_with_a_certificate(void **state)
{
    static const struct {
        long result;
        const char *sentence;
    } rows[] = {
        {X509_V_OK, "name mismatch"},
        {X509_V_ERR_UNSPECIFIED, "name mismatch"},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "unknown issuer"},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "signed by itself"},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "unknown issuer"},
        {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
        {X509_V_ERR_CERT_NOT_YET_VALID, "not yet valid"},
        {X509_V_ERR_CERT_REVOKED, "revoked"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = facts_at(CONNECTED);

        facts.curl_code = CURLE_PEER_FAILED_VERIFICATION;
        facts.verify_result = rows[i].result;
        facts.curl_text = "SSL: no alternative name matches target host name 'secret.internal'";
        check(rows[i].sentence, &facts, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE, rows[i].sentence);
    }
}

static void http_verdict_knows_the_servers_word_on_an_expired_client_certificate(void **state)
{
    struct http_facts facts = facts_at(CONNECTED);

    (void)state;
    facts.curl_code = CURLE_PEER_FAILED_VERIFICATION;
    facts.verify_result = X509_V_ERR_UNSPECIFIED;
    facts.curl_text = "SSL certificate verification failed";
    check("expired", &facts, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE, "client certificate: it has");
}

/* libcurl's words name hosts and addresses, which a virtual name may stand for. */
static void http_verdict_takes_an_alert_and_no_names_from_libcurls_words(void **state)
{
    static const struct {
        const char *text;
        CURLcode rc;
        enum far far;
        enum stage stage;
        const char *sentence;
    } rows[] = {
        {"OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to secret.internal:443 ",
         CURLE_SSL_CONNECT_ERROR, CONNECTED, STAGE_TLS, "closed the connection"},
        {"error:0A00010B:SSL routines::wrong version number", CURLE_SSL_CONNECT_ERROR, CONNECTED,
         STAGE_TLS, "failed: wrong version number"},
        {"OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno "
         "0",
         CURLE_RECV_ERROR, WRITTEN, STAGE_TLS,
         "(tlsv13 alert certificate required, told after the"},
        {"OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
         CURLE_RECV_ERROR, WRITTEN, STAGE_WAIT, "closed the connection"},
        {"Recv failure: Connection reset by secret.internal", CURLE_RECV_ERROR, WRITTEN, STAGE_WAIT,
         "closed the connection"},
        {"error:", CURLE_SSL_CONNECT_ERROR, CONNECTED, STAGE_TLS, "closed the connection"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = facts_at(rows[i].far);
        struct http_end end;

        facts.curl_code = (int)rows[i].rc;
        facts.curl_text = rows[i].text;
        check(rows[i].text, &facts, rows[i].stage, VERDICT_ENDPOINT_UNREACHABLE, rows[i].sentence);
        http_verdict(&facts, &end);
        CHECK(rows[i].text, strstr(end.fail.detail, "internal") == NULL);
        CHECK(rows[i].text, strstr(end.fail.detail, "errno") == NULL);
    }
}

/* What OpenSSL calls the alerts of RFC 8446, 6.2, and what a person is told of them. */
static void http_verdict_tells_what_a_refusal_of_tls_is_about(void **state)
{
    static const struct {
        const char *reason;
        bool has_identity, is_1_3_asked;
        const char *sentence;
    } rows[] = {
        {"tlsv13 alert certificate required", false, false, "demands a client certificate ("},
        {"sslv3 alert handshake failure", false, false, "it demands a client certificate, or"},
        {"sslv3 alert handshake failure", true, false, "it does not accept the client cert"},
        {"tlsv1 alert unknown ca", true, false, "does not accept the client certificate ("},
        {"sslv3 alert bad certificate", true, false, "does not accept the client certificate ("},
        {"sslv3 alert certificate unknown", true, false, "does not accept the client certificate"},
        {"sslv3 alert certificate expired", true, false, "does not accept the client certificate"},
        {"sslv3 alert certificate revoked", true, false, "does not accept the client certificate"},
        {"tlsv1 alert unknown ca", false, false, "failed: tlsv1 alert unknown ca"},
        {"tlsv1 alert protocol version", false, false, "no version of TLS that is taken here, 1.2"},
        {"unsupported protocol", false, true, "here, 1.3 at least by `tls_min`"},
        {"tlsv1 alert internal error", true, false, "failed: tlsv1 alert internal error"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_facts facts = facts_at(CONNECTED);
        char text[128];

        (void)snprintf(text, sizeof(text), "error:0A000000:SSL routines::%s", rows[i].reason);
        facts.curl_code = CURLE_SSL_CONNECT_ERROR;
        facts.curl_text = text;
        facts.has_identity = rows[i].has_identity;
        facts.is_1_3_asked = rows[i].is_1_3_asked;
        check(rows[i].reason, &facts, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE, rows[i].sentence);
    }
}

static void http_verdict_thinks_of_tls_where_the_first_request_is_cut_off(void **state)
{
    struct http_facts facts = facts_at(SENDING);

    (void)state;
    facts.curl_code = CURLE_SEND_ERROR;
    facts.is_first_request = true;
    check("the first", &facts, STAGE_SEND, VERDICT_ENDPOINT_UNREACHABLE, "client certificate");
    facts.is_https = false;
    check("no TLS", &facts, STAGE_SEND, VERDICT_ENDPOINT_UNREACHABLE, "while sending the request");
}

static void http_verdict_says_what_was_too_much(void **state)
{
    struct http_facts facts = facts_at(WHOLE);

    (void)state;
    facts.curl_code = CURLE_WRITE_ERROR;
    facts.flaw = HTTP_FLAW_BODY_TOO_BIG;
    check("body", &facts, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE, "longer than 1000 bytes");
    facts.flaw = HTTP_FLAW_HEADERS_TOO_BIG;
    check("headers", &facts, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE, "headers are too long");
    facts.flaw = HTTP_FLAW_LENGTH;
    check("length", &facts, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE, "Content-Length");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            http_verdict_answered_only_if_libcurl_is_content_and_the_headers_are_whole),
        cmocka_unit_test(http_verdict_reads_libcurls_codes),
        cmocka_unit_test(http_verdict_says_where_it_was_when_it_was_ended),
        cmocka_unit_test(http_verdict_tells_policy_from_network),
        cmocka_unit_test(http_verdict_knows_that_a_stopped_repeat_was_sent),
        cmocka_unit_test(http_verdict_names_what_is_wrong_with_a_certificate),
        cmocka_unit_test(http_verdict_knows_the_servers_word_on_an_expired_client_certificate),
        cmocka_unit_test(http_verdict_takes_an_alert_and_no_names_from_libcurls_words),
        cmocka_unit_test(http_verdict_tells_what_a_refusal_of_tls_is_about),
        cmocka_unit_test(http_verdict_thinks_of_tls_where_the_first_request_is_cut_off),
        cmocka_unit_test(http_verdict_says_what_was_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
