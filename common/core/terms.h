#ifndef CONNECTOR_COMMON_CORE_TERMS_H
#define CONNECTOR_COMMON_CORE_TERMS_H

#include "common/core/slice.h"

/* The words that stand on the wire, in profiles and in the API, once each. Value 0 of every
 * enumeration is "unknown" (a word this version does not have) or "none"; its name is "". */

#define TERMS_PURPOSE(X)                                                                           \
    X(PURPOSE_UNKNOWN, "")                                                                         \
    X(PURPOSE_AUTHORIZE, "authorize")                                                              \
    X(PURPOSE_REFRESH, "refresh")                                                                  \
    X(PURPOSE_REVOKE, "revoke")                                                                    \
    X(PURPOSE_TEST, "test")                                                                        \
    X(PURPOSE_DISCOVER, "discover")

#define TERMS_METHOD(X)                                                                            \
    X(METHOD_UNKNOWN, "")                                                                          \
    X(METHOD_POST, "POST")                                                                         \
    X(METHOD_PUT, "PUT")                                                                           \
    X(METHOD_PATCH, "PATCH")                                                                       \
    X(METHOD_DELETE, "DELETE")                                                                     \
    X(METHOD_GET, "GET")

/* How a payload is encoded, and what an answer is taken for. */
#define TERMS_ENCODING(X)                                                                          \
    X(ENCODING_UNKNOWN, "")                                                                        \
    X(ENCODING_JSON, "json")                                                                       \
    X(ENCODING_FORM, "form")                                                                       \
    X(ENCODING_FORM_RFC3986, "form_rfc3986")                                                       \
    X(ENCODING_XML, "xml")                                                                         \
    X(ENCODING_RSS, "rss")                                                                         \
    X(ENCODING_CSV, "csv")                                                                         \
    X(ENCODING_TEXT, "text")                                                                       \
    X(ENCODING_MULTIPART_FORM, "multipart_form")                                                   \
    X(ENCODING_MULTIPART_RELATED, "multipart_related")                                             \
    X(ENCODING_ORACLE_ADF, "oracle_adf")

#define TERMS_PLACE(X)                                                                             \
    X(PLACE_UNKNOWN, "")                                                                           \
    X(PLACE_HEADER, "header")                                                                      \
    X(PLACE_PAYLOAD, "payload")                                                                    \
    X(PLACE_QUERY, "query")                                                                        \
    X(PLACE_PATH, "path")

/* Where a secret of the agent may stand in a request. */
#define TERMS_SECRET_PLACE(X)                                                                      \
    X(SECRET_NOWHERE, "")                                                                          \
    X(SECRET_IN_HEADER, "header")                                                                  \
    X(SECRET_IN_PAYLOAD, "payload")                                                                \
    X(SECRET_IN_CLIENT, "client")

/* How the OAuth client authenticates (RFC 6749 2.3, RFC 7523, RFC 8705). */
#define TERMS_CLIENT(X)                                                                            \
    X(CLIENT_UNKNOWN, "")                                                                          \
    X(CLIENT_NONE, "none")                                                                         \
    X(CLIENT_SECRET_BASIC, "client_secret_basic")                                                  \
    X(CLIENT_SECRET_BASIC_RAW, "client_secret_basic_raw")                                          \
    X(CLIENT_SECRET_POST, "client_secret_post")                                                    \
    X(CLIENT_PRIVATE_KEY_JWT, "private_key_jwt")                                                   \
    X(CLIENT_TLS, "tls_client_auth")

/* How a client assertion is signed (RFC 7518, 3.1). */
#define TERMS_ALG(X)                                                                               \
    X(ALG_UNKNOWN, "")                                                                             \
    X(ALG_RS256, "RS256")                                                                          \
    X(ALG_PS256, "PS256")                                                                          \
    X(ALG_ES256, "ES256")

#define TERMS_OUTCOME(X)                                                                           \
    X(OUTCOME_UNKNOWN, "")                                                                         \
    X(OUTCOME_ISSUED, "issued")                                                                    \
    X(OUTCOME_REFUSED, "refused")                                                                  \
    X(OUTCOME_FAILED, "failed")                                                                    \
    X(OUTCOME_CANCELLED, "cancelled")                                                              \
    X(OUTCOME_REVOKED, "revoked")

/* What is certain about the request: no byte left the agent; bytes may have left and no whole
 * answer came; the endpoint answered. */
#define TERMS_EXECUTION(X)                                                                         \
    X(EXECUTION_UNKNOWN, "")                                                                       \
    X(EXECUTION_NOT_SENT, "not_sent")                                                              \
    X(EXECUTION_SENT, "sent")                                                                      \
    X(EXECUTION_ANSWERED, "answered")

/* Where an exchange failed. */
#define TERMS_STAGE(X)                                                                             \
    X(STAGE_NONE, "")                                                                              \
    X(STAGE_POLICY, "policy")                                                                      \
    X(STAGE_TEMPLATE, "template")                                                                  \
    X(STAGE_SECRET, "secret")                                                                      \
    X(STAGE_RESOLVE, "resolve")                                                                    \
    X(STAGE_PROXY, "proxy")                                                                        \
    X(STAGE_CONNECT, "connect")                                                                    \
    X(STAGE_TLS, "tls")                                                                            \
    X(STAGE_SEND, "send")                                                                          \
    X(STAGE_WAIT, "wait")                                                                          \
    X(STAGE_RECEIVE, "receive")                                                                    \
    X(STAGE_PARSE, "parse")                                                                        \
    X(STAGE_BUDGET, "budget")                                                                      \
    X(STAGE_AGENT, "agent")                                                                        \
    X(STAGE_PLATFORM, "platform")

/* The `code` of a result or problem; the number is the API's HTTP status for it. */
#define TERMS_VERDICT(X)                                                                           \
    X(VERDICT_UNKNOWN, "", 500)                                                                    \
    X(VERDICT_ISSUED, "issued", 200)                                                               \
    X(VERDICT_CREDENTIALS_REFUSED, "credentials_refused", 422)                                     \
    X(VERDICT_CLIENT_REFUSED, "client_refused", 422)                                               \
    X(VERDICT_REQUEST_REFUSED, "request_refused", 422)                                             \
    X(VERDICT_ENDPOINT_BUSY, "endpoint_busy", 502)                                                 \
    X(VERDICT_ENDPOINT_FAILED, "endpoint_failed", 502)                                             \
    X(VERDICT_REDIRECTED, "redirected", 502)                                                       \
    X(VERDICT_ANSWER_UNREADABLE, "answer_unreadable", 502)                                         \
    X(VERDICT_ENDPOINT_UNREACHABLE, "endpoint_unreachable", 502)                                   \
    X(VERDICT_POLICY_REFUSED, "policy_refused", 422)                                               \
    X(VERDICT_PROFILE_INCOMPLETE, "profile_incomplete", 422)                                       \
    X(VERDICT_BUDGET_EXCEEDED, "budget_exceeded", 504)                                             \
    X(VERDICT_CONNECTOR_OFFLINE, "connector_offline", 503)                                         \
    X(VERDICT_CONNECTOR_FULL, "connector_full", 429)                                               \
    X(VERDICT_AGENT_LOST, "agent_lost", 504)                                                       \
    X(VERDICT_AGENT_UNAVAILABLE, "agent_unavailable", 503)                                         \
    X(VERDICT_PLATFORM_FAILED, "platform_failed", 500)                                             \
    X(VERDICT_CANCELLED, "cancelled", 499)                                                         \
    X(VERDICT_REVOKED, "revoked", 200)

#define TERMS_AS_ENUM(name, text)          name,
#define TERMS_AS_ENUM3(name, text, status) name,
enum job_purpose { TERMS_PURPOSE(TERMS_AS_ENUM) PURPOSE_COUNT };
enum http_method { TERMS_METHOD(TERMS_AS_ENUM) METHOD_COUNT };
enum body_encoding { TERMS_ENCODING(TERMS_AS_ENUM) ENCODING_COUNT };
enum field_place { TERMS_PLACE(TERMS_AS_ENUM) PLACE_COUNT };
enum secret_place { TERMS_SECRET_PLACE(TERMS_AS_ENUM) SECRET_PLACE_COUNT };
enum client_method { TERMS_CLIENT(TERMS_AS_ENUM) CLIENT_COUNT };
enum client_alg { TERMS_ALG(TERMS_AS_ENUM) ALG_COUNT };
enum outcome { TERMS_OUTCOME(TERMS_AS_ENUM) OUTCOME_COUNT };
enum execution { TERMS_EXECUTION(TERMS_AS_ENUM) EXECUTION_COUNT };
enum stage { TERMS_STAGE(TERMS_AS_ENUM) STAGE_COUNT };
enum verdict { TERMS_VERDICT(TERMS_AS_ENUM3) VERDICT_COUNT };
#undef TERMS_AS_ENUM
#undef TERMS_AS_ENUM3

/* Static strings; "" for the value 0 and for numbers out of range. */
const char *terms_purpose(enum job_purpose v);
const char *terms_method(enum http_method v);
const char *terms_encoding(enum body_encoding v);
const char *terms_place(enum field_place v);
const char *terms_secret_place(enum secret_place v);
const char *terms_client(enum client_method v);
const char *terms_alg(enum client_alg v);
const char *terms_outcome(enum outcome v);
const char *terms_execution(enum execution v);
const char *terms_stage(enum stage v);
const char *terms_verdict(enum verdict v);

/* Exact, case-sensitive; value 0 for any other word. */
enum job_purpose terms_purpose_of(struct slice word);
enum http_method terms_method_of(struct slice word);
enum body_encoding terms_encoding_of(struct slice word);
enum field_place terms_place_of(struct slice word);
enum secret_place terms_secret_place_of(struct slice word);
enum client_method terms_client_of(struct slice word);
enum client_alg terms_alg_of(struct slice word);
enum outcome terms_outcome_of(struct slice word);
enum execution terms_execution_of(struct slice word);
enum stage terms_stage_of(struct slice word);
enum verdict terms_verdict_of(struct slice word);

/* The HTTP status that the API answers with for this verdict. */
unsigned terms_verdict_status(enum verdict v);

/* What was asked for was done: a token was issued, or one revoked. */
bool terms_is_success(enum outcome v);

#endif
