#ifndef CONNECTOR_COMMON_CORE_MESSAGE_H
#define CONNECTOR_COMMON_CORE_MESSAGE_H

#include "common/core/id.h"
#include "common/core/slice.h"
#include "common/core/terms.h"

/* The tunnel protocol, version 1: one WebSocket message carries one or more protocol messages, each
 * a msgpack array [type, body]. These structs are the bodies. All slices and arrays are borrowed:
 * from the encoder's caller on the way out, from the received bytes and from struct msg on the way
 * in (see wire.h). An absent slice means that the key is absent. */

#define MSG_SUBPROTOCOL "connector.v1.msgpack"
#define MSG_TUNNEL_PATH "/v1/tunnel"
#define MSG_ENROLL_PATH "/v1/enroll"

enum {
    MSG_MESSAGE_BYTES_MAX = 256 * 1024,    /* one protocol message */
    MSG_MESSAGE_BYTES_MIN = 64 * 1024,     /* `welcome` may lower the limit to this, no further */
    MSG_WEBSOCKET_BYTES_MAX = 1024 * 1024, /* one WebSocket message */
    MSG_WEBSOCKET_PACK_BYTES = 64 * 1024,  /* a sender packs what is ready up to this */
    MSG_NESTING_MAX = 8,                   /* the outer array is level 1 */
    MSG_MAP_MAX = 256,                     /* entries */
    MSG_ARRAY_MAX = 4096,                  /* elements */
    MSG_CAPACITY_MAX = 2048,               /* jobs held at once on one tunnel, at least 1 */
    MSG_TUNNELS_MAX = 16,                  /* tunnels of one instance, numbered from 0 */
    MSG_HEARTBEAT_MS_MIN = 1000,
    MSG_HEARTBEAT_MS_MAX = 60000,
    MSG_EXTRA_BYTES_MAX = 64 * 1024,    /* token.extra */
    MSG_DOCUMENT_BYTES_MAX = 64 * 1024, /* result.document */
    MSG_TRACE_ID_CHARS = 32,            /* job.trace_id */
};

/* Close codes of RFC 6455 and of ours (4000 to 4999 are for private use, RFC 6455 7.4.2). */
enum msg_close {
    MSG_CLOSE_DONE = 1000,
    MSG_CLOSE_BAD_UTF8 = 1007,
    MSG_CLOSE_TOO_BIG = 1009,
    MSG_CLOSE_PROTOCOL = 4400,
    MSG_CLOSE_UNKNOWN_IDENTITY = 4401,
    MSG_CLOSE_NO_HELLO = 4408,
    MSG_CLOSE_REPLACED = 4409,
    MSG_CLOSE_VERSION = 4426,
};

enum msg_type {
    MSG_NONE = 0, /* a type this version does not know; its number is in msg.type_number */
    MSG_HELLO = 1,
    MSG_WELCOME = 2,
    MSG_JOB = 3,
    MSG_RESULT = 4,
    MSG_ACK = 5,
    MSG_CANCEL = 6,
    MSG_DRAIN = 7,
    MSG_RENEW = 8,
    MSG_RENEWED = 9,
    MSG_ERROR = 10,
    MSG_POLICY = 11,
    MSG_TYPE_COUNT
};

/* What the agent tells of its policy, for the admin's page; a rule may hide its URL or all. */
struct msg_rule {
    struct slice name;
    struct slice url;
    const struct slice *methods;
    size_t nmethods;
};

struct msg_policy {
    const struct msg_rule *rules;
    size_t nrules;
};

struct msg_hello {
    struct slice agent_version;
    struct cx_id instance;
    uint32_t tunnel;
    struct cx_id ledger;
    uint64_t ledger_seq;
    struct slice host;
    uint32_t capacity;
    const struct cx_id *known;
    size_t nknown;
    struct msg_policy policy;
    const struct slice *features;
    size_t nfeatures;
};

struct msg_welcome {
    struct slice platform_version;
    struct cx_id session;
    uint32_t heartbeat_ms;
    uint64_t now_ms; /* the platform's wall clock; for a warning about clock skew only */
    uint32_t message_bytes;
    uint32_t websocket_bytes;
};

struct msg_field {
    enum field_place place;
    struct slice key;
    struct slice value; /* template */
};

struct msg_client {
    enum client_method method; /* CLIENT_NONE when the key is absent */
    struct slice id;
    struct slice secret;
    struct slice key;
    struct slice certificate;
    enum client_alg alg; /* private_key_jwt; ALG_UNKNOWN when the key is absent */
    struct slice kid;    /* as it is; absent: none */
    struct slice aud;    /* template; absent: the URL */
};

struct msg_request {
    enum http_method method;
    struct slice url; /* template */
    enum body_encoding encoding;
    struct slice root; /* xml: name of the document's element */
    const struct msg_field *fields;
    size_t nfields;
    struct msg_client client;
};

struct msg_variable {
    struct slice name;
    struct slice value;
};

/* Where the members stand in an answer that does not call them what RFC 6749 does; place.h says how
 * that is written. Absent: under the standard's names. */
struct msg_places {
    struct slice access_token;
    struct slice refresh_token;
    struct slice expires_in;
    struct slice token_type;
    struct slice
        success_at; /* what stands there must be `success_is`, or the answer is a refusal */
    struct slice success_is; /* compared as text; there with success_at, and only then */
};

struct msg_expect {
    const uint32_t *auth_error_status;
    size_t nauth_error_status;
    enum body_encoding answer; /* ENCODING_UNKNOWN: auto */
    struct msg_places places;
};

struct msg_job {
    struct cx_id id;
    uint32_t budget_ms; /* from arrival to result */
    enum job_purpose purpose;
    struct msg_request request;
    const struct msg_variable *variables;
    size_t nvariables;
    const struct slice *secret_variables; /* names of the variables that are masked */
    size_t nsecret_variables;
    struct msg_expect expect;
    bool trace;
    struct slice trace_id; /* 32 lower-case hex digits, for the logs of both ends; absent if there
                              is none, or one of another form */
    const char *unknown;   /* NULL, or the static name of the first key whose word is not known
                              ("purpose", "request.client.method", ...): such a job is answered
                              `failed`, `not_sent`, stage `agent` */
};

struct msg_token {
    struct slice access_token;
    struct slice token_type;
    bool has_expires_in;
    uint64_t expires_in; /* seconds */
    struct slice refresh_token;
    struct slice scope;
    struct slice id_token;
    struct slice extra; /* the answer's other members as JSON text */
    bool extra_omitted; /* it was longer than MSG_EXTRA_BYTES_MAX */
    bool has_refresh_expires_in;
    uint64_t refresh_expires_in; /* seconds: the refresh token's life */
};

struct msg_failure {
    enum stage stage;
    struct slice message;
    struct slice oauth_error;
    struct slice oauth_description;
    bool has_retry_after;
    uint64_t retry_after_ms;
};

struct msg_timing { /* microseconds */
    uint64_t queued, policy, resolve, connect, tls, wait, receive, total;
};

/* A row of a trace: what happened at one hop. */
struct msg_hop {
    struct slice hop; /* "template", "connect" … */
    uint64_t us;      /* how long it took; 0: not measured */
    struct slice text;
    const struct slice *detail; /* lines */
    size_t ndetail;
    bool is_failed;      /* it ended here */
    struct slice advice; /* what to change, if so; absent: nothing */
};

struct msg_result {
    struct cx_id id;
    enum outcome outcome;
    enum verdict code;
    enum execution execution;
    uint32_t status; /* HTTP status, 0 if none */
    bool has_token;  /* issued only */
    struct msg_token token;
    struct slice document; /* of a discovery: JSON text, at most MSG_DOCUMENT_BYTES_MAX */
    bool has_error;
    struct msg_failure error;
    bool has_age;
    uint64_t age_ms; /* since the answer came, when the result had to wait */
    bool has_timing;
    struct msg_timing timing;
    const struct msg_hop *trace; /* when it was asked for */
    size_t ntrace;
    const char *unknown; /* as in msg_job: answered with `error` that names the id */
};

struct msg_ack {
    const struct cx_id *ids;
    size_t nids;
};

struct msg_cancel {
    struct cx_id id;
};

struct msg_drain {
    struct slice reason;
    uint32_t grace_ms;
};

struct msg_renew {
    struct slice csr; /* PKCS#10, DER */
};

struct msg_renewed {
    struct slice certificate; /* PEM chain; absent if there is an error */
    struct slice error_code;  /* present if there is an error */
    struct slice error_message;
};

struct msg_error {
    struct slice code; /* protocol, unsupported, too_big, not_stored */
    struct slice message;
    bool has_id;
    struct cx_id id;
};

struct msg {
    enum msg_type type;
    uint64_t type_number; /* as received */
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_job job;
        struct msg_result result;
        struct msg_ack ack;
        struct msg_cancel cancel;
        struct msg_drain drain;
        struct msg_renew renew;
        struct msg_renewed renewed;
        struct msg_error error;
        struct msg_policy policy;
    } body;
    void *arena; /* owns the arrays of a decoded message; NULL in one made by hand, and where they
                    are in a struct wire_arena */
};

#endif
