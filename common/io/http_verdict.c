#include "common/io/http_verdict.h"

#include "common/core/proxy.h"

#include <curl/curl.h>
#include <uv.h>

static bool has_tunnel(const struct http_facts *f)
{
    return f->is_https && f->proxy_status >= 200 && f->proxy_status < 300;
}

/* How far it got. */
static enum stage stage_reached(const struct http_facts *f)
{
    if (f->has_answer_begun) {
        return STAGE_RECEIVE;
    }
    if (f->is_gate_open) {
        return f->is_request_written ? STAGE_WAIT : STAGE_SEND;
    }
    if (f->has_proxy && (f->sockets > 0 || f->has_resolving_begun) && !has_tunnel(f)) {
        return STAGE_PROXY;
    }
    if (f->has_connected) {
        return f->is_https ? STAGE_TLS : STAGE_CONNECT;
    }
    if (f->sockets > 0 || !f->has_resolving_begun) {
        return STAGE_CONNECT;
    }
    return STAGE_RESOLVE;
}

static const char *doing(const struct http_facts *f)
{
    switch (stage_reached(f)) {
    case STAGE_RESOLVE:
        return "resolving the endpoint's name";
    case STAGE_PROXY:
        return "asking the proxy for a connection to the endpoint";
    case STAGE_CONNECT:
        return f->sockets > 0 ? "connecting to the endpoint"
                              : "waiting for a free connection to the endpoint";
    case STAGE_TLS:
        return "in the TLS handshake with the endpoint";
    case STAGE_SEND:
        return "sending the request";
    case STAGE_WAIT:
        return "waiting for the endpoint's answer";
    default:
        return "receiving the endpoint's answer";
    }
}

/* `code` and the sentence go together; stage and execution are set before. */
static struct cx_fail *conclude(struct http_end *end, enum stage stage, enum verdict code)
{
    end->stage = stage;
    end->code = code;
    return &end->fail;
}

static void conclude_over_budget(const struct http_facts *f, struct http_end *end)
{
    (void)cx_fail_set(conclude(end, stage_reached(f), VERDICT_BUDGET_EXCEEDED), CX_E_TIMEOUT,
                      "http.budget", "the budget of %u ms ended while %s", f->budget_ms, doing(f));
}

static void conclude_refused(const struct http_facts *f, struct http_end *end)
{
    struct cx_fail *fail = conclude(end, STAGE_POLICY, VERDICT_POLICY_REFUSED);

    if (f->refusal != NULL) {
        *fail = *f->refusal;
    } else {
        (void)cx_fail_set(fail, CX_E_DENIED, "http.policy",
                          "the policy does not allow the endpoint's address");
    }
}

static void conclude_unreadable(struct http_end *end, const char *what)
{
    (void)cx_fail_set(conclude(end, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE), CX_E_SYNTAX,
                      "http.receive", "%s", what);
}

static void conclude_flaw(const struct http_facts *f, struct http_end *end)
{
    switch (f->flaw) {
    case HTTP_FLAW_BODY_TOO_BIG:
        (void)cx_fail_set(conclude(end, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE), CX_E_TOO_BIG,
                          "http.receive", "the answer is longer than %zu bytes",
                          f->answer_bytes_max);
        break;
    case HTTP_FLAW_HEADERS_TOO_BIG:
        (void)cx_fail_set(conclude(end, STAGE_RECEIVE, VERDICT_ANSWER_UNREADABLE), CX_E_TOO_BIG,
                          "http.receive", "the answer's headers are too long");
        break;
    case HTTP_FLAW_LENGTH:
    case HTTP_FLAW_NONE:
        conclude_unreadable(end, "the answer's Content-Length is no number, or has two values");
        break;
    }
}

static void conclude_no_connection(const struct http_facts *f, struct http_end *end)
{
    char why[80] = "no address of it could be tried";

    if (f->addresses_refused > 0 && f->sockets == 0) {
        conclude_refused(f, end);
        return;
    }
    if (f->sockets > 0 && f->os_errno != 0) { /* else it speaks of an earlier call */
        (void)uv_strerror_r(uv_translate_sys_error((int)f->os_errno), why, sizeof(why));
    }
    (void)cx_fail_set(conclude(end, STAGE_CONNECT, VERDICT_ENDPOINT_UNREACHABLE), CX_E_CONNECT,
                      "http.connect", "can't connect to the endpoint: %s", why);
}

static void conclude_proxy(const struct http_facts *f, struct http_end *end)
{
    struct cx_fail *fail = conclude(end, STAGE_PROXY, VERDICT_ENDPOINT_UNREACHABLE);
    const struct proxy_answer answer = {.status = f->proxy_status};
    char why[80] = "no address of it could be tried";

    if (f->proxy_status >= 300) {
        (void)proxy_refused(&answer, f->had_proxy_credentials, fail);
    } else if (f->curl_code == CURLE_COULDNT_RESOLVE_PROXY) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.proxy", "the proxy's name can't be resolved");
    } else if (f->curl_code == CURLE_COULDNT_CONNECT) {
        if (f->os_errno != 0) {
            (void)uv_strerror_r(uv_translate_sys_error((int)f->os_errno), why, sizeof(why));
        }
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.proxy", "no connection to the proxy: %s", why);
    } else {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.proxy",
                          "the proxy closed the connection without a whole answer, or what answers "
                          "there is no HTTP proxy");
    }
}

/* Before the request, at the proxy; what is no fault of the proxy's own is said elsewhere. An error
 * in reading is the proxy's even when its status has come: in the TLS handshake libcurl has another
 * code for it. */
static bool ended_at_proxy(const struct http_facts *f)
{
    return f->has_proxy && !f->is_gate_open && f->curl_code != CURLE_OPERATION_TIMEDOUT &&
           f->curl_code != CURLE_OUT_OF_MEMORY &&
           (stage_reached(f) == STAGE_PROXY || f->curl_code == CURLE_RECV_ERROR);
}

/* Plain HTTP: it has refused in place of the endpoint, and perhaps reset the connection then, since
 * it leaves the request's body unread. */
static bool proxy_has_answered(const struct http_facts *f)
{
    return f->has_proxy && f->are_headers_whole && f->proxy_status >= 300;
}

/* The connection failed under way. Under TLS 1.3 the peer's refusal of our certificate (or of our
 * having none) comes as an alert after the request was written. */
static void conclude_lost(const struct http_facts *f, struct http_end *end)
{
    enum stage stage = stage_reached(f);
    /* A reset right behind the alert takes it away. */
    bool may_be_tls = f->is_https && f->is_first_request && stage == STAGE_SEND;
    struct cx_fail alert;

    if (f->has_answer_begun) {
        conclude_unreadable(end, "the connection ended before the answer was whole");
    } else if (http_verdict_alert(f, &alert)) {
        *conclude(end, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE) = alert;
    } else {
        (void)cx_fail_set(conclude(end, stage, VERDICT_ENDPOINT_UNREACHABLE), CX_E_CONNECT,
                          "http.transfer", "the endpoint closed the connection while %s%s",
                          doing(f),
                          may_be_tls ? ", right after the TLS handshake: perhaps it demands a "
                                       "client certificate, or another one"
                                     : "");
    }
}

static void conclude_no_memory(struct http_end *end)
{
    (void)cx_fail_set(conclude(end, STAGE_AGENT, VERDICT_AGENT_UNAVAILABLE), CX_E_NOMEM,
                      "http.memory", "out of memory");
}

static void conclude_other(const struct http_facts *f, struct http_end *end)
{
    if (f->has_answer_begun) {
        conclude_unreadable(end, curl_easy_strerror((CURLcode)f->curl_code));
        return;
    }
    (void)cx_fail_set(conclude(end, stage_reached(f), VERDICT_ENDPOINT_UNREACHABLE), CX_E_CONNECT,
                      "http.transfer", "%s (while %s)", curl_easy_strerror((CURLcode)f->curl_code),
                      doing(f));
}

/* What is wrong in TLS before the request. False: something else is wrong. */
static bool conclude_tls(const struct http_facts *f, struct http_end *end)
{
    struct cx_fail fail;

    switch ((CURLcode)f->curl_code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        http_verdict_certificate(f, &fail);
        break;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        (void)cx_fail_set(&fail, CX_E_TRUST, "http.tls",
                          "the endpoint's certificate is good, but its key is none that the "
                          "policy's rule pins (`pins`): another server, or a new key");
        break;
    case CURLE_SSL_CERTPROBLEM:
        (void)cx_fail_set(&fail, CX_E_CERT, "http.tls",
                          "the client certificate or its key can't be used");
        break;
    case CURLE_SSL_CACERT_BADFILE:
        (void)cx_fail_set(&fail, CX_E_CERT, "http.tls",
                          "the file with the CAs for this endpoint can't be read");
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CLIENTCERT:
        http_verdict_handshake(f, &fail);
        break;
    default:
        return false;
    }
    *conclude(end, STAGE_TLS, VERDICT_ENDPOINT_UNREACHABLE) = fail;
    return true;
}

static void conclude_from_curl(const struct http_facts *f, struct http_end *end)
{
    switch ((CURLcode)f->curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        (void)cx_fail_set(conclude(end, STAGE_RESOLVE, VERDICT_ENDPOINT_UNREACHABLE), CX_E_CONNECT,
                          "http.resolve", "the endpoint's name can't be resolved");
        break;
    case CURLE_COULDNT_CONNECT:
        conclude_no_connection(f, end);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        conclude_over_budget(f, end);
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        conclude_lost(f, end);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: what libcurl takes an answer without a status
                                        line for */
    case CURLE_WEIRD_SERVER_REPLY:
        conclude_unreadable(end, f->has_answer_begun ? "the answer's headers are malformed"
                                                     : "what the endpoint answered is not HTTP");
        break;
    case CURLE_BAD_CONTENT_ENCODING:
        conclude_unreadable(end, "the answer's Content-Encoding is unknown, or the body is not "
                                 "encoded as it says");
        break;
    case CURLE_OUT_OF_MEMORY:
        if (f->is_gate_open) { /* what libcurl 7.88 says to a header line above 100 KB */
            conclude_unreadable(end, "a header of the answer is too long, or memory is out");
        } else {
            conclude_no_memory(end);
        }
        break;
    case CURLE_WRITE_ERROR: /* a buffer of ours could not grow */
        conclude_no_memory(end);
        break;
    default:
        if (!conclude_tls(f, end)) {
            conclude_other(f, end);
        }
        break;
    }
}

static void conclude_ended_by_us(const struct http_facts *f, struct http_end *end)
{
    switch (f->ending) {
    case HTTP_ENDED_BUDGET:
        conclude_over_budget(f, end);
        break;
    case HTTP_ENDED_CANCEL:
        (void)cx_fail_set(conclude(end, stage_reached(f), VERDICT_CANCELLED), CX_E_CLOSED,
                          "http.cancel", "cancelled while %s", doing(f));
        break;
    case HTTP_ENDED_CLOSING:
    case HTTP_ENDED_ITSELF:
        (void)cx_fail_set(conclude(end, STAGE_AGENT, VERDICT_AGENT_UNAVAILABLE), CX_E_CLOSED,
                          "http.close", "stopped while %s", doing(f));
        break;
    }
}

void http_verdict(const struct http_facts *facts, struct http_end *end)
{
    end->execution = facts->is_gate_open ? EXECUTION_SENT : EXECUTION_NOT_SENT;
    end->fail.code = CX_OK;
    end->fail.op = NULL;
    end->fail.detail[0] = '\0';
    if (facts->ending != HTTP_ENDED_ITSELF) {
        conclude_ended_by_us(facts, end);
    } else if (facts->is_gate_refused) {
        conclude_refused(facts, end);
    } else if (facts->is_repeat_stopped) {
        (void)cx_fail_set(conclude(end, facts->is_request_written ? STAGE_WAIT : STAGE_SEND,
                                   VERDICT_ENDPOINT_UNREACHABLE),
                          CX_E_CONNECT, "http.repeat",
                          "the endpoint closed the kept connection while %s; it may have acted, so "
                          "the request was not sent again",
                          facts->is_request_written ? "its answer was awaited"
                                                    : "the request was being sent");
    } else if (facts->flaw != HTTP_FLAW_NONE) {
        conclude_flaw(facts, end);
    } else if (facts->curl_code == CURLE_OK && !facts->are_headers_whole) {
        conclude_lost(facts, end); /* libcurl takes an end in the headers for their end */
    } else if (facts->curl_code == CURLE_OK && !proxy_has_answered(facts)) {
        end->execution = EXECUTION_ANSWERED;
        end->stage = STAGE_NONE;
        end->code = VERDICT_UNKNOWN;
    } else if (ended_at_proxy(facts) || proxy_has_answered(facts)) {
        conclude_proxy(facts, end);
    } else {
        conclude_from_curl(facts, end);
    }
}
