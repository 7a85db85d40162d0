#ifndef CONNECTOR_COMMON_IO_CRYPTO_H
#define CONNECTOR_COMMON_IO_CRYPTO_H

#include "common/core/slice.h"

enum { CRYPTO_SHA256_BYTES = 32 };

/* SHA-256 (FIPS 180-4). It can't fail but for want of memory, which stops the program. */
void crypto_sha256(struct slice in, uint8_t out[CRYPTO_SHA256_BYTES]);

/* HMAC with SHA-256 (RFC 2104). Likewise. */
void crypto_hmac_sha256(struct slice key, struct slice in, uint8_t out[CRYPTO_SHA256_BYTES]);

/* SHA-256 for who hashes often: OpenSSL takes longer to find the algorithm than to hash a key. */
struct crypto_hasher {
    struct evp_md_st *sha256;
    struct evp_md_ctx_st *ctx;
};
enum cx_err crypto_hasher_init(struct crypto_hasher *h) CX_MUST_CHECK; /* CX_E_NOMEM */
void crypto_hasher_done(struct crypto_hasher *h); /* wipes; safe on a zeroed one */
void crypto_hasher_sha256(const struct crypto_hasher *h, struct slice in,
                          uint8_t out[CRYPTO_SHA256_BYTES]);

/* cx_fail_set with OpenSSL's own reason behind `what` ("bad key: wrong tag"); empties OpenSSL's
 * error queue, which would otherwise be blamed on the next operation. Returns `code`. */
enum cx_err crypto_fail(struct cx_fail *fail, enum cx_err code, const char *op, const char *what);

#endif
