#ifndef CONNECTOR_COMMON_IO_JWS_H
#define CONNECTOR_COMMON_IO_JWS_H

#include "common/core/buf.h"
#include "common/core/terms.h"

/* Signatures of RFC 7515 by the algorithms of RFC 7518: RS256, PS256 (RSA keys of 2,048 bits at
 * least, 3.3 and 3.5) and ES256 (P-256 keys, 3.4). */

/* Append the signature of `input` by the private key (PEM, not encrypted). ES256's is r and s, 32
 * bytes each. Errors: CX_E_CERT (no key, or one that does not fit `alg`), CX_E_UNSUPPORTED (an alg
 * that is unknown), CX_E_CRYPTO, CX_E_NOMEM, CX_E_TOO_BIG. `fail` never shows the key. */
enum cx_err jws_sign(enum client_alg alg, struct slice key_pem, struct slice input, struct buf *out,
                     struct cx_fail *fail) CX_MUST_CHECK;

/* Could jws_sign use the key? Errors: CX_E_CERT, CX_E_UNSUPPORTED. */
enum cx_err jws_check_key(enum client_alg alg, struct slice key_pem,
                          struct cx_fail *fail) CX_MUST_CHECK;

#endif
