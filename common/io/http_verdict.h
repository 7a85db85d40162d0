#ifndef CONNECTOR_COMMON_IO_HTTP_VERDICT_H
#define CONNECTOR_COMMON_IO_HTTP_VERDICT_H

#include "common/io/http.h"

/* From what libcurl said and what was seen on the way to what a caller is told: execution, stage,
 * code and a sentence. Pure. */

/* Who ended the call. */
enum http_ending {
    HTTP_ENDED_ITSELF, /* libcurl is through with it, `curl_code` says how */
    HTTP_ENDED_BUDGET,
    HTTP_ENDED_CANCEL,
    HTTP_ENDED_CLOSING /* the engine is being freed */
};

/* What made us stop reading an answer that libcurl would have taken. */
enum http_flaw {
    HTTP_FLAW_NONE,
    HTTP_FLAW_BODY_TOO_BIG,
    HTTP_FLAW_HEADERS_TOO_BIG,
    HTTP_FLAW_LENGTH /* Content-Length is no number, or occurs twice with two values */
};

struct http_facts {
    enum http_ending ending;
    int curl_code;         /* CURLcode */
    long os_errno;         /* of the last connect that failed; 0: none */
    long verify_result;    /* X509_V_…; of use when curl_code is about the peer's certificate */
    const char *curl_text; /* libcurl's own words: searched for an alert, never passed on, since
                              they name hosts and addresses */
    uint32_t budget_ms;
    size_t answer_bytes_max; /* the limit that HTTP_FLAW_BODY_TOO_BIG speaks of */
    bool is_https;
    bool has_identity; /* a client certificate was ready to be shown */
    bool is_1_3_asked; /* TLS 1.3 at least, else 1.2 */
    bool has_proxy;
    bool had_proxy_credentials;
    unsigned proxy_status; /* what the proxy itself answered: to CONNECT, or to a request that it
                              did not pass on; 0: nothing */
    bool is_proxys_own;    /* the answer's headers say that the proxy wrote it */
    unsigned addresses_refused; /* by the policy, before connecting */
    unsigned sockets;           /* opened, each for an address */
    bool has_resolving_begun;
    bool has_connected;      /* TCP */
    bool is_gate_refused;    /* by the policy, right before the request */
    bool is_gate_open;       /* bytes may have left */
    bool is_repeat_stopped;  /* libcurl wanted to send the request once more */
    bool is_request_written; /* to the last byte */
    bool is_first_request;   /* on its connection */
    bool has_answer_begun;   /* a status line came */
    bool are_headers_whole;  /* of the final answer, not of an interim one (1xx) */
    enum http_flaw flaw;
    const struct cx_fail *refusal; /* the policy's sentence; NULL: none */
};

/* The sentences about TLS (http_verdict_tls.c): of a handshake that failed; of a peer whose
 * certificate is not accepted; of an alert that ended the connection after the handshake (false: it
 * was none, `fail` is untouched). */
void http_verdict_handshake(const struct http_facts *facts, struct cx_fail *fail);
void http_verdict_certificate(const struct http_facts *facts, struct cx_fail *fail);
bool http_verdict_alert(const struct http_facts *facts, struct cx_fail *fail);

/* Set execution, stage, code and fail of `end`, nothing else. */
void http_verdict(const struct http_facts *facts, struct http_end *end);

#endif
