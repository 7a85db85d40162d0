#ifndef CONNECTOR_COMMON_CORE_REQUEST_H
#define CONNECTOR_COMMON_CORE_REQUEST_H

#include "common/core/buf.h"
#include "common/core/keeper.h"
#include "common/core/message.h"

enum {
    REQUEST_HEADERS_MAX = 64,             /* lines, Accept and the like included */
    REQUEST_HEADER_BYTES_MAX = 16 * 1024, /* all lines together */
    REQUEST_BODY_BYTES_MAX = 256 * 1024,
    REQUEST_PEM_BYTES_MAX = 64 * 1024, /* a client certificate, or a key */
    REQUEST_FEW_ITEMS = 16,            /* of most profiles */
};

/* The HTTP request that a job asks for, ready to be sent. Owns its bytes, wiped when done. */
struct request {
    enum http_method method;
    struct buf url;     /* absolute, final */
    struct buf headers; /* lines, a NUL behind each: "Name: value", or "Name:" if it is empty.
                           Accept, Content-Type and Authorization included */
    size_t nheaders;
    bool has_body;
    struct buf body;
    /* The client certificate to be shown and its key, PEM (tls_client_auth); empty: the profile has
     * none of its own. */
    struct buf certificate, key;
};

/* A path, query or payload field whose value is expanded, but not escaped yet. */
struct request_item {
    enum field_place place;
    struct slice key; /* borrowed from the job */
    size_t at;        /* where in request_parts.values: that buffer moves while it grows */
    size_t len;
};

/* A request between its two steps. On the caller's stack; its members are request*.c's alone. */
struct request_parts {
    const struct msg_job *job;
    struct request *made; /* the caller's */
    const struct request_keeper *keeper;
    struct request_item *items; /* as many as the job has fields, and the client's three */
    size_t nitems;
    struct request_item few[REQUEST_FEW_ITEMS]; /* where these are enough */
    struct buf values;
    struct cx_fail *fail;
    struct cx_fail secret_fail; /* why a secret was not given */
};

/* Build it in two steps, since the policy decides on the final URL, and the rule that allows it on
 * the agent's secrets that may be filled in: request_begin makes method and URL, request_finish the
 * rest. Nothing that the job holds is trusted; nothing from `variables` is sent by itself.
 *
 * URL: {tenant} is variables["tenant"], any other {name} the `path` field of that key (a template
 * itself; what it gives is one value). The query fields follow the URL's own query.
 * Headers: the header fields in order; Accept (the answer that is expected, else the payload's
 * encoding, first) and, with a body, Content-Type, unless a field sets them. No header twice.
 * Payload: the payload fields in order, then the client's authentication: of POST, PUT and PATCH
 * the body, encoded; of GET and DELETE, which have no body, behind the query fields. Client (RFC
 * 6749, 2.3.1): client_secret_basic sends id and secret form-encoded, client_secret_basic_raw as
 * they are (an id with ':' or a control character in either is refused, RFC 7617), unless a field
 * sets Authorization. client_secret_post adds client_id and client_secret; with `none`, an id is
 * sent as client_id (3.2.1); private_key_jwt (RFC 7523, 2.2) adds client_id, client_assertion_type
 * and client_assertion, which the keeper signs, to a payload that is a body; tls_client_auth (RFC
 * 8705, 2.1) adds client_id and gives `certificate` and `key`; each unless a payload or query field
 * has that key.
 * Secrets: {{secret:name}} is what the keeper gives for its place and key; in header fields,
 * payload fields and the client alone, and not where these go into the URL (payload and
 * client_secret_post of GET and DELETE), which others read.
 *
 * Errors of both, with `stage` set: CX_E_MISSING (STAGE_TEMPLATE: nothing fills a name; fail names
 * field and name), CX_E_SECRET (STAGE_SECRET: the keeper does not give {{secret:…}}, or it can't
 * stand there), CX_E_SYNTAX (STAGE_TEMPLATE: a template is malformed, a value can't stand in its
 * place or its encoding can't hold it, a header is not allowed or there twice), CX_E_TOO_BIG
 * (STAGE_TEMPLATE), CX_E_DENIED (STAGE_POLICY: the keeper's look), CX_E_UNSUPPORTED, CX_E_NOMEM
 * (STAGE_AGENT). `fail` never shows a value. After
 * an error `out` is empty and `parts` is done with. Pure.
 *
 * job, out: borrowed until the request is finished or dropped. keeper: for the call; NULL keeps
 * nothing. */
enum cx_err request_begin(struct request_parts *parts, const struct msg_job *job,
                          struct request *out, enum stage *stage,
                          struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err request_finish(struct request_parts *parts, const struct request_keeper *keeper,
                           enum stage *stage, struct cx_fail *fail) CX_MUST_CHECK;

/* Give up a request that was begun: `out` is then empty. */
void request_drop(struct request_parts *parts);

/* Both steps at once, for a request that no policy is asked about. */
enum cx_err request_build(const struct msg_job *job, const struct request_keeper *keeper,
                          struct request *out, enum stage *stage,
                          struct cx_fail *fail) CX_MUST_CHECK;

/* Take the first of these lines (a view of request.headers) away, and give it without its NUL. */
struct slice request_take_header(struct slice *lines);

/* Wipe and free; safe on a zeroed struct and on a second call. */
void request_done(struct request *r);

/* True if a profile may set this header: a token (RFC 9110, 5.6.2) of at most 256 bytes that is
 * neither owned by the HTTP client (Host, Content-Length, Transfer-Encoding, Connection and the
 * other hop-by-hop ones, Proxy-*, Expect, Accept-Encoding …) nor overrides the method
 * (X-HTTP-Method-Override and its kin) or the URL's path (X-Original-URL and its kin), which the
 * policy has looked at. Case does not matter, and '_' counts as '-' there, since many servers take
 * one for the other. `why` (may be NULL) gets a static sentence if not. */
bool request_allows_header(struct slice name, const char **why);

#endif
