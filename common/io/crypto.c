#include "common/io/crypto.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

void crypto_sha256(struct slice in, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const uint8_t *ptr = in.ptr != NULL ? in.ptr : (const uint8_t *)"";

    if (EVP_Digest(ptr, in.len, out, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* a wrong hash must never be taken for a right one */
    }
}

void crypto_hmac_sha256(struct slice key, struct slice in, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const uint8_t *ptr = in.ptr != NULL ? in.ptr : (const uint8_t *)"";

    if (HMAC(EVP_sha256(), key.ptr, (int)key.len, ptr, in.len, out, NULL) == NULL) {
        abort(); /* as above */
    }
}

enum cx_err crypto_hasher_init(struct crypto_hasher *h)
{
    h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->sha256 != NULL && h->ctx != NULL) {
        return CX_OK;
    }
    crypto_hasher_done(h);
    ERR_clear_error();
    return CX_E_NOMEM;
}

void crypto_hasher_done(struct crypto_hasher *h)
{
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->sha256);
    *h = (struct crypto_hasher){0};
}

void crypto_hasher_sha256(const struct crypto_hasher *h, struct slice in,
                          uint8_t out[CRYPTO_SHA256_BYTES])
{
    if (EVP_DigestInit_ex2(h->ctx, h->sha256, NULL) != 1 ||
        EVP_DigestUpdate(h->ctx, in.ptr, in.len) != 1 ||
        EVP_DigestFinal_ex(h->ctx, out, NULL) != 1) {
        abort(); /* as above */
    }
}

enum cx_err crypto_fail(struct cx_fail *fail, enum cx_err code, const char *op, const char *what)
{
    unsigned long number = ERR_peek_last_error();
    const char *reason = number != 0 ? ERR_reason_error_string(number) : NULL;

    (void)cx_fail_set(fail, code, op, "%s%s%s", what, reason != NULL ? ": " : "",
                      reason != NULL ? reason : "");
    ERR_clear_error();
    return code;
}
