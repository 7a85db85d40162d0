#include "common/io/http_verdict.h"

#include <openssl/x509.h>
#include <string.h>

#define SET_RULE                                                                                   \
    "set `certificate` and `key` in the policy's rule, or tls_client_auth in the profile"

/* The part behind the last ':' of OpenSSL's error line is its reason: a fixed text, no name.
 * Absent if there is none. */
static struct slice tls_reason(const char *curl_text)
{
    const char *at = curl_text != NULL ? strstr(curl_text, "error:") : NULL;
    struct slice reason = slice_of_str(at != NULL ? strrchr(at, ':') + 1 : NULL);

    return slice_first(reason, slice_find(reason, 0, ',')); /* without ", errno 0" */
}

static bool holds(struct slice reason, const char *words)
{
    return reason.len > 0 && memmem(reason.ptr, reason.len, words, strlen(words)) != NULL;
}

/* What RFC 8446, 6.2 and RFC 5246, 7.2.2 let a server say of a certificate that it was shown. */
static bool is_about_our_certificate(struct slice reason)
{
    static const char *const words[] = {"bad certificate",     "unsupported certificate",
                                        "certificate revoked", "certificate expired",
                                        "certificate unknown", "unknown ca",
                                        "access denied",       "decrypt error"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (holds(reason, words[i])) {
            return true;
        }
    }
    return false;
}

/* An alert, or a version that can't be agreed on, as a person would say it. False: nothing is known
 * of this reason. */
static bool say_reason(const struct http_facts *f, struct slice reason, struct cx_fail *fail)
{
    const char *when = f->is_gate_open ? ", told after the request was written" : "";

    if (holds(reason, "certificate required")) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint demands a client certificate (%.*s%s): " SET_RULE,
                          SLICE_ARG(reason), when);
    } else if (f->has_identity && holds(reason, "alert") && is_about_our_certificate(reason)) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint does not accept the client certificate (%.*s%s)",
                          SLICE_ARG(reason), when);
    } else if (holds(reason, "handshake failure")) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint refused TLS (%.*s%s): it %s, or has no cipher in common",
                          SLICE_ARG(reason), when,
                          f->has_identity ? "does not accept the client certificate"
                                          : "demands a client certificate");
    } else if (holds(reason, "protocol version") || holds(reason, "unsupported protocol")) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint speaks no version of TLS that is taken here, %s (%.*s%s)",
                          f->is_1_3_asked ? "1.3 at least by `tls_min` of the policy's rule"
                                          : "1.2 at least",
                          SLICE_ARG(reason), when);
    } else {
        return false;
    }
    return true;
}

void http_verdict_handshake(const struct http_facts *f, struct cx_fail *fail)
{
    struct slice reason = tls_reason(f->curl_text);

    if (say_reason(f, reason, fail)) {
        return;
    }
    if (reason.len > 0) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls", "TLS with the endpoint failed: %.*s",
                          SLICE_ARG(reason));
    } else {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint closed the connection in the TLS handshake, or does not "
                          "speak TLS");
    }
}

bool http_verdict_alert(const struct http_facts *f, struct cx_fail *fail)
{
    struct slice reason = tls_reason(f->curl_text);

    if (!holds(reason, "alert")) {
        return false;
    }
    if (!say_reason(f, reason, fail)) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint ended TLS after the request was written: %.*s",
                          SLICE_ARG(reason));
    }
    return true;
}

/* libcurl 7.88 takes the alert "certificate expired", which speaks of our certificate, for a
 * failure of its own verification. It has these words only then: else they say what was found
 * wrong. */
static bool is_alert_about_ours(const struct http_facts *f)
{
    return f->curl_text != NULL && strcmp(f->curl_text, "SSL certificate verification failed") == 0;
}

void http_verdict_certificate(const struct http_facts *f, struct cx_fail *fail)
{
    const char *why = X509_verify_cert_error_string(f->verify_result);

    if (is_alert_about_ours(f)) {
        (void)cx_fail_set(fail, CX_E_CONNECT, "http.tls",
                          "the endpoint does not accept the client certificate: it has expired");
        return;
    }
    switch (f->verify_result) {
    case X509_V_OK: /* libcurl compares the names itself, before it asks about the chain */
    case X509_V_ERR_UNSPECIFIED:
        (void)cx_fail_set(fail, CX_E_TRUST, "http.tls",
                          "the endpoint's certificate is for another name (name mismatch)");
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        (void)cx_fail_set(fail, CX_E_TRUST, "http.tls",
                          "the endpoint's certificate is signed by itself (%s), and is not in the "
                          "`ca` file of the policy's rule",
                          why);
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        (void)cx_fail_set(fail, CX_E_TRUST, "http.tls",
                          "the endpoint's certificate comes from an unknown issuer (%s); is its CA "
                          "in the `ca` file of the policy's rule?",
                          why);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        (void)cx_fail_set(fail, CX_E_TRUST, "http.tls",
                          "%s: the endpoint's, one above it, or this machine's clock is wrong",
                          why);
        break;
    default:
        (void)cx_fail_set(fail, CX_E_TRUST, "http.tls",
                          "the endpoint's certificate is not accepted: %s", why);
        break;
    }
}
