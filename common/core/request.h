#ifndef CONNECTOR_COMMON_CORE_REQUEST_H
#define CONNECTOR_COMMON_CORE_REQUEST_H

#include "common/core/buf.h"
#include "common/core/message.h"

enum {
    REQUEST_HEADERS_MAX = 64,
    REQUEST_HEADER_BYTES_MAX = 16 * 1024,
    REQUEST_BODY_BYTES_MAX = 256 * 1024,
};

/* The HTTP request that a job asks for, ready to be sent. Owns its bytes, wiped when done. */
struct request {
    enum http_method method;
    struct buf url;                          /* absolute, final */
    struct buf headers[REQUEST_HEADERS_MAX]; /* "Name: value" each; "Name:" if it is empty.
                                                Accept, Content-Type and Authorization included */
    size_t nheaders;
    bool has_body;
    struct buf body;
};

/* Build it: path and dynamic placeholders, the fields by place and in order, the body's encoding,
 * the client's authentication (unless a field has its key already; RFC 6749 2.3.1), nothing from
 * `variables` by itself. This version knows the method POST and the encoding `form`, and the client
 * methods none, client_secret_basic, client_secret_basic_raw and client_secret_post.
 * Errors, with `stage` set: CX_E_MISSING (STAGE_TEMPLATE: nothing fills a name; fail names it),
 * CX_E_SECRET (STAGE_SECRET: {{secret:…}}, this agent keeps none), CX_E_SYNTAX (STAGE_TEMPLATE: a
 * value can't stand in its place), CX_E_UNSUPPORTED (STAGE_AGENT), CX_E_TOO_BIG, CX_E_NOMEM.
 * A header the HTTP client must own is CX_E_SYNTAX as well, whatever the platform sent. Pure. */
enum cx_err request_build(const struct msg_job *job, struct request *out, enum stage *stage,
                          struct cx_fail *fail) CX_MUST_CHECK;

void request_done(struct request *r);

/* True if a profile may set this header: a token (RFC 9110 5.6.2) that is neither owned by the HTTP
 * client (Host, Content-Length, Transfer-Encoding, Connection and the other hop-by-hop ones,
 * Proxy-*, Expect …) nor overrides the method (X-HTTP-Method-Override and its kin). `why` (may be
 * NULL) gets a static sentence if not. */
bool request_allows_header(struct slice name, const char **why);

#endif
