#include "common/io/jws.h"

#include "common/io/cert.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048, P256_BYTES = 32, SIGNATURE_BYTES_MAX = 2048 };

static bool is_p256(const EVP_PKEY *key)
{
    char name[32] = "";

    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name),
                                          NULL) == 1 &&
           strcmp(name, "prime256v1") == 0;
}

static enum cx_err fits(enum client_alg alg, const EVP_PKEY *key, struct cx_fail *fail)
{
    switch (alg) {
    case ALG_RS256:
    case ALG_PS256:
        if (EVP_PKEY_is_a(key, "RSA") != 1 || EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
            return cx_fail_set(fail, CX_E_CERT, "jws.key",
                               "%s signs with an RSA key of %d bits at least, and this is none",
                               terms_alg(alg), RSA_BITS_MIN);
        }
        return CX_OK;
    case ALG_ES256:
        return is_p256(key) ? CX_OK
                            : cx_fail_set(fail, CX_E_CERT, "jws.key",
                                          "ES256 signs with a key on P-256, and this is none");
    case ALG_UNKNOWN:
    case ALG_COUNT:
        break;
    }
    return cx_fail_set(fail, CX_E_UNSUPPORTED, "jws.key", "no alg is set");
}

static enum cx_err key_read(enum client_alg alg, struct slice pem, EVP_PKEY **out,
                            struct cx_fail *fail)
{
    EVP_PKEY *key = NULL;
    enum cx_err err = cert_key_from_pem(pem, &key, fail);

    if (err == CX_OK) {
        err = fits(alg, key, fail);
    }
    if (err != CX_OK) {
        EVP_PKEY_free(key);
        return err;
    }
    *out = key;
    return CX_OK;
}

enum cx_err jws_check_key(enum client_alg alg, struct slice key_pem, struct cx_fail *fail)
{
    EVP_PKEY *key = NULL;
    enum cx_err err = key_read(alg, key_pem, &key, fail);

    EVP_PKEY_free(key);
    return err;
}

/* RSASSA-PSS with a salt as long as the hash (RFC 7518, 3.5). */
static bool set_padding(enum client_alg alg, EVP_PKEY_CTX *ctx)
{
    return alg != ALG_PS256 || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                                EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool sign(enum client_alg alg, EVP_PKEY *key, struct slice input,
                 uint8_t out[SIGNATURE_BYTES_MAX], size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key = NULL; /* ctx owns it */
    bool is_done;

    *len = SIGNATURE_BYTES_MAX;
    is_done = ctx != NULL && EVP_PKEY_get_size(key) <= SIGNATURE_BYTES_MAX &&
              EVP_DigestSignInit(ctx, &of_key, EVP_sha256(), NULL, key) == 1 &&
              set_padding(alg, of_key) && EVP_DigestSign(ctx, out, len, input.ptr, input.len) == 1;
    EVP_MD_CTX_free(ctx);
    return is_done;
}

/* From the DER of RFC 3279, 2.2.3 to r and s as they are (RFC 7518, 3.4). */
static bool unwrap(const uint8_t *der, size_t len, uint8_t out[2 * P256_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool is_done = sig != NULL &&
                   BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, P256_BYTES) == P256_BYTES &&
                   BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + P256_BYTES, P256_BYTES) == P256_BYTES;

    ECDSA_SIG_free(sig);
    return is_done;
}

enum cx_err jws_sign(enum client_alg alg, struct slice key_pem, struct slice input, struct buf *out,
                     struct cx_fail *fail)
{
    uint8_t made[SIGNATURE_BYTES_MAX];
    uint8_t pair[2 * P256_BYTES];
    struct slice signature = {made, 0};
    EVP_PKEY *key = NULL;
    enum cx_err err = key_read(alg, key_pem, &key, fail);

    if (err != CX_OK) {
        return err;
    }
    if (!sign(alg, key, input, made, &signature.len)) {
        err = crypto_fail(fail, CX_E_CRYPTO, "jws.sign", "the assertion can't be signed");
    } else if (alg == ALG_ES256) {
        err = unwrap(made, signature.len, pair)
                  ? CX_OK
                  : crypto_fail(fail, CX_E_CRYPTO, "jws.sign", "the assertion can't be signed");
        signature = slice_of(pair, sizeof(pair));
    }
    EVP_PKEY_free(key);
    if (err == CX_OK) {
        err = buf_put(out, signature);
        err = err == CX_OK ? err : cx_fail_set(fail, err, "jws.sign", "%s", cx_err_text(err));
    }
    return err;
}
