#include "common/io/seal.h"

#include "common/io/clock.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

enum { SEAL_VERSION = 1, SEAL_PLAIN_MAX_BYTES = 1 << 30 };

void seal_key_done(struct seal_key *key)
{
    EVP_CIPHER_CTX_free(key->ready);
    key->ready = NULL;
    secret_done(&key->bytes);
}

enum cx_err seal_key_make(const char *path, struct cx_fail *fail)
{
    uint8_t bytes[SEAL_KEY_BYTES];
    enum cx_err err;

    random_fill(bytes, sizeof(bytes));
    err = file_write(path, slice_of(bytes, sizeof(bytes)), 0600, FILE_NEW, fail);
    explicit_bzero(bytes, sizeof(bytes));
    return err;
}

/* One run of AES-256-GCM, both ways. */
struct gcm {
    bool is_sealing;
    struct slice aad;
    struct slice in;
    uint8_t *at;  /* where as many bytes as `in` has go */
    uint8_t *tag; /* written when sealing, verified when opening */
};

static bool run_gcm(EVP_CIPHER_CTX *ctx, const struct gcm *g)
{
    int len = 0;
    uint8_t none[1];

    if (g->aad.len > INT_MAX || g->in.len > SEAL_PLAIN_MAX_BYTES ||
        EVP_CipherUpdate(ctx, NULL, &len, g->aad.ptr, (int)g->aad.len) != 1) {
        return false;
    }
    if (g->in.len > 0 && (EVP_CipherUpdate(ctx, g->at, &len, g->in.ptr, (int)g->in.len) != 1 ||
                          (size_t)len != g->in.len)) {
        return false;
    }
    if (!g->is_sealing &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, g->tag) != 1) {
        return false;
    }
    if (EVP_CipherFinal_ex(ctx, none, &len) != 1) {
        return false;
    }
    return !g->is_sealing ||
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, g->tag) == 1;
}

/* A context with key and nonce in place, or NULL. */
static EVP_CIPHER_CTX *begin(const struct seal_key *key, const uint8_t *nonce, bool is_sealing)
{
    struct slice bytes = secret_view(&key->bytes);
    EVP_CIPHER_CTX *ctx = bytes.len == SEAL_KEY_BYTES ? EVP_CIPHER_CTX_new() : NULL;

    /* GCM's nonce is 12 bytes unless another length is asked for. */
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), bytes.ptr, nonce,
                                          is_sealing ? 1 : 0, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

enum cx_err seal_key_read(const char *path, struct seal_key *out, struct cx_fail *fail)
{
    struct secret bytes = {0};
    enum cx_err err = file_read_secret(path, 4096, &bytes, fail);

    if (err == CX_OK && bytes.len != SEAL_KEY_BYTES) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "seal.key", "%s: must be %d bytes, found %zu", path,
                          SEAL_KEY_BYTES, bytes.len);
    }
    if (err != CX_OK) {
        secret_done(&bytes);
        return err;
    }
    seal_key_done(out);
    out->bytes = bytes;
    out->ready = begin(out, NULL, true); /* finding the cipher and expanding the key take longer
                                            than sealing a token */
    ERR_clear_error();
    return CX_OK;
}

enum cx_err seal(const struct seal_key *key, struct slice aad, struct slice plain, struct buf *out)
{
    struct gcm g = {.is_sealing = true, .aad = aad, .in = plain};
    EVP_CIPHER_CTX *ctx;
    uint8_t *at;
    enum cx_err err;

    if (aad.len == 0) {
        return CX_E_CRYPTO;
    }
    if (plain.len > SEAL_PLAIN_MAX_BYTES) {
        return CX_E_TOO_BIG;
    }
    err = buf_reserve(out, plain.len + SEAL_OVERHEAD_BYTES, &at);
    if (err != CX_OK) {
        return err;
    }
    at[0] = SEAL_VERSION;
    random_fill(at + 1, SEAL_NONCE_BYTES);
    g.at = at + 1 + SEAL_NONCE_BYTES;
    g.tag = g.at + plain.len;
    ctx = key->ready;
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, NULL, NULL, at + 1, 1, NULL) != 1) {
        ctx = begin(key, at + 1, true);
    }
    if (ctx == NULL || !run_gcm(ctx, &g)) {
        err = CX_E_CRYPTO;
    } else {
        buf_grew(out, plain.len + SEAL_OVERHEAD_BYTES);
    }
    if (ctx != key->ready) {
        EVP_CIPHER_CTX_free(ctx);
    }
    ERR_clear_error();
    return err;
}

enum cx_err seal_open(const struct seal_key *key, struct slice aad, struct slice sealed,
                      struct buf *out)
{
    struct gcm g = {.is_sealing = false, .aad = aad};
    uint8_t tag[SEAL_TAG_BYTES];
    EVP_CIPHER_CTX *ctx;
    struct slice body;
    uint8_t *at;
    enum cx_err err;

    if (sealed.len < SEAL_OVERHEAD_BYTES) {
        return CX_E_SYNTAX;
    }
    if (sealed.ptr[0] != SEAL_VERSION) {
        return CX_E_UNSUPPORTED;
    }
    body = slice_of(sealed.ptr + 1 + SEAL_NONCE_BYTES, sealed.len - SEAL_OVERHEAD_BYTES);
    memcpy(tag, body.ptr + body.len, sizeof(tag));
    err = buf_reserve(out, body.len, &at);
    if (err != CX_OK) {
        return err;
    }
    g.in = body;
    g.at = at;
    g.tag = tag;
    ctx = begin(key, sealed.ptr + 1, false);
    if (ctx == NULL || !run_gcm(ctx, &g)) {
        explicit_bzero(at, body.len); /* decrypted before the tag was known to be wrong */
        err = CX_E_CRYPTO;
    } else {
        buf_grew(out, body.len);
    }
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return err;
}
