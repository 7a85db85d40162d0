#ifndef CONNECTOR_COMMON_IO_SEAL_H
#define CONNECTOR_COMMON_IO_SEAL_H

#include "common/core/buf.h"
#include "common/io/file.h"

/* Sealing what is stored: AES-256-GCM (NIST SP 800-38D) under a key in a file of its own.
 *
 * sealed = version (1 byte, 0x01) | nonce (12 bytes, random) | ciphertext | tag (16 bytes)
 *
 * The associated data says what the value is and whose ("profile:hr-portal:client_secret"), so that
 * one sealed value can't be put in place of another. Random nonces: a key may seal 2^32 values. */

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 12,
    SEAL_TAG_BYTES = 16,
    SEAL_OVERHEAD_BYTES = 1 + SEAL_NONCE_BYTES + SEAL_TAG_BYTES,
};

struct evp_cipher_ctx_st; /* EVP_CIPHER_CTX */

/* A zeroed key is not set. */
struct seal_key {
    struct secret bytes;
    struct evp_cipher_ctx_st *ready; /* for sealing, with the key in place; NULL: made each time */
};
void seal_key_done(struct seal_key *key);

/* Make a key's file: 32 random bytes, mode 0600, never over an existing one (CX_E_EXISTS). */
enum cx_err seal_key_make(const char *path, struct cx_fail *fail) CX_MUST_CHECK;

/* Read it. Errors: file_read_secret's; CX_E_SYNTAX (not 32 bytes). */
enum cx_err seal_key_read(const char *path, struct seal_key *out,
                          struct cx_fail *fail) CX_MUST_CHECK;

/* Append the sealed form of `plain` to `out`. Unchanged on error. `aad` must not be empty.
 * Errors: CX_E_TOO_BIG (cap of out, or 1 GiB), CX_E_CRYPTO, CX_E_NOMEM. */
enum cx_err seal(const struct seal_key *key, struct slice aad, struct slice plain,
                 struct buf *out) CX_MUST_CHECK;

/* Append what was sealed. Unchanged on error; nothing of an altered value is ever given.
 * Errors: CX_E_CRYPTO (altered, another key, another `aad`), CX_E_UNSUPPORTED (version),
 * CX_E_SYNTAX (too short), CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err seal_open(const struct seal_key *key, struct slice aad, struct slice sealed,
                      struct buf *out) CX_MUST_CHECK;

#endif
