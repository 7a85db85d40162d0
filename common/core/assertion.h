#ifndef CONNECTOR_COMMON_CORE_ASSERTION_H
#define CONNECTOR_COMMON_CORE_ASSERTION_H

#include "common/core/buf.h"
#include "common/core/id.h"
#include "common/core/terms.h"

/* A JWT by which a client authenticates itself (RFC 7521, 4.2; RFC 7523, 2.2 and 3), before it is
 * signed. Pure. */

/* The value of client_assertion_type. */
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* From iat to exp: more than the longest budget and the usual difference of two clocks. */
enum { ASSERTION_LIFE_S = 300 };

struct assertion {
    enum client_alg alg;
    struct slice kid; /* absent: none */
    struct slice issuer, subject, audience;
    struct cx_id jti; /* never used before: a server refuses one that it has seen */
    uint64_t now_unix_s;
};

/* Append what is signed: base64url(header) "." base64url(claims) (RFC 7515, 5.1).
 * Errors: CX_E_UTF8 (a text is not valid UTF-8), CX_E_TOO_BIG, CX_E_NOMEM; `out` may then hold a
 * part of it. */
enum cx_err assertion_put_input(const struct assertion *a, struct buf *out) CX_MUST_CHECK;

/* Append "." and the signature. Errors: buf_put's. */
enum cx_err assertion_put_signature(struct slice signature, struct buf *out) CX_MUST_CHECK;

#endif
