/* Signatures of client assertions: RFC 7515's own examples, and keys that don't fit. */
#include "common/io/jws.h"

#include "tests/support/check.h"

#include "common/core/encode.h"
#include "common/io/cert.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* The payload of RFC 7515, A.2.1 and A.3.1, behind either header. */
#define PAYLOAD                                                                                    \
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV" \
    "l"                                                                                            \
    "fQ"
#define RSA_INPUT "eyJhbGciOiJSUzI1NiJ9" PAYLOAD
#define EC_INPUT  "eyJhbGciOiJFUzI1NiJ9" PAYLOAD

/* The published keys of A.2.1 and A.3.1, as PEM. */
#define RSA_PEM                                                                                    \
    "-----BEGIN RSA PRIVATE KEY-----\n"                                                            \
    "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd/wWJcyQoTbji9k0\n"                           \
    "l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL+yRT+SFd2lZS+pC\n"                           \
    "gNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb/7OMg0LOL+bSf63kpaSHSX\n"                           \
    "ndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\n"                           \
    "Zlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxXFvUK+DWNmoudF8NAco9/h9iaGNj8\n"                           \
    "q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQABAoIBABKucaRpzQorw35S\n"                           \
    "bEUAVx8dYXUdZOlJcHtiWQ+dC6V8ljxAHj/PLyzTveyI5QO/xkObCyjIL303l2cf\n"                           \
    "UhPu2MFaJdjVzqACXuOrLot/eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1O\n"                           \
    "n95fZCXxTUtxNEG1Xcc7m0rtzJKs45J+N/V9DP1edYH6USyPSWGp6wuA+KgHRnKK\n"                           \
    "Vf9GRx80JQY7nVNkL17eHoTWEwga+lwi0FEoW9Y7lDtWXYmKBWhUE+U8PGxlJf8f\n"                           \
    "40493HDw1WRQ/aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\n"                           \
    "bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH/5IB3jw3bcxGn6QLvnE\n"                           \
    "tfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw/Py5PJdTJNPY8cQn7ouZ2KKDcmnPG\n"                           \
    "BY5t7yLc1QlQ5xHdwW1VhvKn+nXqhJTBgIPgtldC+KDV5z+y2XDwGUcCgYEAuQPE\n"                           \
    "fgmVtjL0Uyyx88GZFF1fOunH3+7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYs\n"                           \
    "p1ZSe7zFYHj7C6ul7TjeLQeZD/YwD66t62wDmpe/HlB+TnBA+njbglfIsRLtXlnD\n"                           \
    "zQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7\n"                           \
    "DOX4IKjzdahm+ctDAJN4O/y7OW5FKebvUjdAIt2GuoTZ71iTG+7F0F+lP88jtjP4\n"                           \
    "U4qe7VHoewl4MKOfXZKTe+YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q+d5PCsDzqtm\n"                           \
    "27kxuvULVeya+TEdAB1ijQKBgQCH/3r6YrVH/uCWGy6bzV1nGNOdjKc9tmkfOJmN\n"                           \
    "54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYjagqvo3cOj1TRqNocX40omfCC\n"                           \
    "Mx3bD1yPPf/6TI2XECva/ggqEY2mYzmIiA5LVVmc5nrybr+lssFKneeyxN2Wq93S\n"                           \
    "0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1Z\n"                           \
    "NqMtuhdBJqUnBi6tjKMF+34Xf0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE\n"                           \
    "6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZLkN1\n"                                       \
    "-----END RSA PRIVATE KEY-----\n"
#define EC_PEM                                                                                     \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"                           \
    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"                           \
    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"                                   \
    "-----END PRIVATE KEY-----\n"
/* A.2.1 */
#define RSA_SIGNATURE                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF"             \
    "5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK"             \
    "5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt"             \
    "FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"             \
    "p0igcN_IoypGlUPQGe77Rw"

static void rs256_gives_the_signature_of_rfc_7515(void **state)
{
    struct buf signature;
    struct buf text;

    (void)state;
    buf_init(&signature, 4096);
    buf_init(&text, 4096);
    assert_int_equal(
        jws_sign(ALG_RS256, SLICE_LIT(RSA_PEM), SLICE_LIT(RSA_INPUT), &signature, NULL), CX_OK);
    assert_int_equal(encode_base64url(buf_view(&signature), &text), CX_OK);
    CHECK_TEXT("A.2.1", buf_view(&text), RSA_SIGNATURE);
    buf_done(&signature);
    buf_done(&text);
}

/* OpenSSL's verification of r and s, wrapped anew. */
static bool verifies_as_es256(struct slice signature, struct slice input)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    int len;
    bool holds;

    assert_int_equal(signature.len, 64);
    assert_int_equal(cert_key_from_pem(SLICE_LIT(EC_PEM), &key, NULL), CX_OK);
    assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(signature.ptr, 32, NULL),
                                    BN_bin2bn(signature.ptr + 32, 32, NULL)),
                     1);
    len = i2d_ECDSA_SIG(sig, &der);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    holds = EVP_DigestVerify(ctx, der, (size_t)len, input.ptr, input.len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return holds;
}

/* A hundred, so that one with a leading zero in r or s, which must stay, is likely among them. */
static void es256_gives_r_and_s_that_verify(void **state)
{
    struct slice input = SLICE_LIT(EC_INPUT);
    struct buf signature;

    (void)state;
    buf_init(&signature, 4096);
    assert_int_equal(decode_base64url(SLICE_LIT("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTj"
                                                "Dxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
                                      &signature),
                     CX_OK);
    assert_true(verifies_as_es256(buf_view(&signature), input)); /* A.3.1's own */
    for (int i = 0; i < 100; i++) {
        buf_clear(&signature);
        assert_int_equal(jws_sign(ALG_ES256, SLICE_LIT(EC_PEM), input, &signature, NULL), CX_OK);
        assert_true(verifies_as_es256(buf_view(&signature), input));
    }
    buf_done(&signature);
}

static void ps256_gives_a_signature_with_a_salt_of_32_bytes(void **state)
{
    struct slice input = SLICE_LIT(RSA_INPUT);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key = NULL;
    EVP_PKEY *key = NULL;
    struct buf signature;

    (void)state;
    buf_init(&signature, 4096);
    assert_int_equal(jws_sign(ALG_PS256, SLICE_LIT(RSA_PEM), input, &signature, NULL), CX_OK);
    assert_int_equal(cert_key_from_pem(SLICE_LIT(RSA_PEM), &key, NULL), CX_OK);
    assert_int_equal(EVP_DigestVerifyInit(ctx, &of_key, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, 32), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature.ptr, signature.len, input.ptr, input.len), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    buf_done(&signature);
}

/* The PEM of a key that is made here, appended to `out`; the key is freed. */
static struct slice pem_of(EVP_PKEY *key, struct buf *out)
{
    buf_init(out, 4096);
    assert_non_null(key);
    assert_int_equal(cert_key_to_pem(key, out, NULL), CX_OK);
    EVP_PKEY_free(key);
    return buf_view(out);
}

static void a_key_that_does_not_fit_is_named_and_not_shown(void **state)
{
    struct buf weak, other_curve;
    const struct {
        const char *why;
        enum client_alg alg;
        struct slice pem;
        enum cx_err err;
        const char *says;
    } rows[] = {
        {"EC for RS256", ALG_RS256, SLICE_LIT(EC_PEM), CX_E_CERT, "RSA key of 2048 bits"},
        {"EC for PS256", ALG_PS256, SLICE_LIT(EC_PEM), CX_E_CERT, "RSA key of 2048 bits"},
        {"1,024 bits", ALG_RS256, pem_of(EVP_RSA_gen(1024), &weak), CX_E_CERT,
         "RSA key of 2048 bits"},
        {"RSA for ES256", ALG_ES256, SLICE_LIT(RSA_PEM), CX_E_CERT, "P-256"},
        {"P-384 for ES256", ALG_ES256, pem_of(EVP_EC_gen("P-384"), &other_curve), CX_E_CERT,
         "P-256"},
        {"no key", ALG_ES256, SLICE_LIT("MIIEow"), CX_E_CERT, "no private key in it"},
        {"empty", ALG_ES256, SLICE_LIT(""), CX_E_CERT, "no private key in it"},
        {"no alg", ALG_UNKNOWN, SLICE_LIT(EC_PEM), CX_E_UNSUPPORTED, "no alg"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cx_fail fail = {0};
        struct buf out;

        buf_init(&out, 4096);
        CHECK_ERR(rows[i].why, jws_check_key(rows[i].alg, rows[i].pem, NULL), rows[i].err);
        CHECK_ERR(rows[i].why, jws_sign(rows[i].alg, rows[i].pem, SLICE_LIT("x"), &out, &fail),
                  rows[i].err);
        CHECK(rows[i].why, out.len == 0);
        CHECK(fail.detail, strstr(fail.detail, rows[i].says) != NULL);
        CHECK(fail.detail, strstr(fail.detail, "MIIEow") == NULL);
        buf_done(&out);
    }
    buf_done(&weak);
    buf_done(&other_curve);
    assert_int_equal(jws_check_key(ALG_RS256, SLICE_LIT(RSA_PEM), NULL), CX_OK);
    assert_int_equal(jws_check_key(ALG_PS256, SLICE_LIT(RSA_PEM), NULL), CX_OK);
    assert_int_equal(jws_check_key(ALG_ES256, SLICE_LIT(EC_PEM), NULL), CX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rs256_gives_the_signature_of_rfc_7515),
        cmocka_unit_test(es256_gives_r_and_s_that_verify),
        cmocka_unit_test(ps256_gives_a_signature_with_a_salt_of_32_bytes),
        cmocka_unit_test(a_key_that_does_not_fit_is_named_and_not_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
