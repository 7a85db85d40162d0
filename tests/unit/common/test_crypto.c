#include "common/io/crypto.h"

#include "common/core/encode.h"
#include "tests/support/check.h"

static void expect_hex(const uint8_t digest[CRYPTO_SHA256_BYTES], const char *want)
{
    struct buf hex;

    buf_init(&hex, 2 * CRYPTO_SHA256_BYTES + 1);
    assert_int_equal(encode_hex(slice_of(digest, CRYPTO_SHA256_BYTES), &hex), CX_OK);
    assert_string_equal(buf_cstr(&hex), want);
    buf_done(&hex);
}

/* FIPS 180-4's example, and that of the empty string. */
static void sha256_is_what_its_standard_says(void **state)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];

    (void)state;
    crypto_sha256(SLICE_LIT("abc"), digest);
    expect_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256((struct slice){0}, digest);
    expect_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, test cases 2 and 6 (a key that is longer than a block). */
static void hmac_sha256_is_what_its_rfc_says(void **state)
{
    uint8_t long_key[131];
    uint8_t digest[CRYPTO_SHA256_BYTES];

    (void)state;
    crypto_hmac_sha256(SLICE_LIT("Jefe"), SLICE_LIT("what do ya want for nothing?"), digest);
    expect_hex(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof(long_key));
    crypto_hmac_sha256(slice_of(long_key, sizeof(long_key)),
                       SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), digest);
    expect_hex(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_what_its_standard_says),
        cmocka_unit_test(hmac_sha256_is_what_its_rfc_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
