#include "common/io/crypto.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

void crypto_sha256(struct slice in, uint8_t out[CRYPTO_SHA256_BYTES])
{
    const uint8_t *ptr = in.ptr != NULL ? in.ptr : (const uint8_t *)"";

    if (EVP_Digest(ptr, in.len, out, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* a wrong hash must never be taken for a right one */
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
