#ifndef CONNECTOR_COMMON_IO_TLS_IDENTITY_H
#define CONNECTOR_COMMON_IO_TLS_IDENTITY_H

#include "common/core/tls_terms.h"

/* Client certificates, checked before they are used. A connection is shared by requests with the
 * same certificate, and the key is not compared (http.h): so none comes into a struct tls_identity
 * without a key that was found to be its own. */

/* From PEM texts: a certificate with what is above it, and the private key of the first one, not
 * encrypted. Errors: CX_E_CERT, CX_E_NOMEM; `out` (overwritten, not freed) is untouched then. */
enum cx_err tls_identity_make(struct slice chain_pem, struct slice key_pem,
                              struct tls_identity *out, struct cx_fail *fail) CX_MUST_CHECK;

/* The same from two files, that of the key with mode 0600. Both NULL: none. *field: the setting
 * that is wrong, "certificate" or "key". Errors besides: CX_E_MISSING (one without the other),
 * CX_E_MODE, CX_E_NOT_FOUND and others of a file. */
struct tls_identity_files { /* paths, borrowed */
    const char *certificate, *key;
};
enum cx_err tls_identity_read(const struct tls_identity_files *files, struct tls_identity *out,
                              const char **field, struct cx_fail *fail) CX_MUST_CHECK;

/* Is there a file with at least one CA in it, as libcurl will read it later? Errors: CX_E_CERT,
 * CX_E_NOT_FOUND and others of a file. */
enum cx_err tls_ca_check(const char *path, struct cx_fail *fail) CX_MUST_CHECK;

/* "CN=...; ends in 20 days" of the certificate, printable. Returns `out`. */
enum { TLS_IDENTITY_TEXT_BYTES = 192 };
const char *tls_identity_text(const struct tls_identity *id, uint64_t now_unix_s,
                              char out[TLS_IDENTITY_TEXT_BYTES]);

#endif
