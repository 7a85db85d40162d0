#include "common/io/seal.h"

#include "common/core/encode.h"
#include "common/io/crypto.h"
#include "tests/support/temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define AAD SLICE_LIT("profile:hr:client_secret")

static struct temp temp;
static struct seal_key key;

static int set_up(void **state)
{
    (void)state;
    temp_init(&temp);
    assert_int_equal(seal_key_make(temp_path(&temp, "k"), NULL), CX_OK);
    assert_int_equal(seal_key_read(temp_path(&temp, "k"), &key, NULL), CX_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    seal_key_done(&key);
    temp_done(&temp);
    return 0;
}

static void unhex(const char *hex, struct buf *out)
{
    assert_int_equal(decode_hex(slice_of_str(hex), out), CX_OK);
}

static void crypto_sha256_gives_the_standards_values(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = {
        /* FIPS 180-4's examples */
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    uint8_t hash[CRYPTO_SHA256_BYTES];
    uint8_t same[CRYPTO_SHA256_BYTES];
    struct crypto_hasher hasher = {0};

    (void)state;
    assert_int_equal(crypto_hasher_init(&hasher), CX_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf hex;

        buf_init(&hex, 64);
        crypto_sha256(slice_of_str(rows[i].in), hash);
        crypto_hasher_sha256(&hasher, slice_of_str(rows[i].in), same);
        assert_memory_equal(hash, same, sizeof(hash));
        assert_int_equal(encode_hex(slice_of(hash, sizeof(hash)), &hex), CX_OK);
        assert_true(slice_eq_str(buf_view(&hex), rows[i].want));
        buf_done(&hex);
    }
    crypto_hasher_done(&hasher);
    crypto_sha256((struct slice){0}, hash);
    assert_int_equal(hash[0], 0xe3);
}

/* Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), AES-256. */
static void seal_open_reads_the_standards_example(void **state)
{
    static const char plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
    struct seal_key known = {0};
    struct buf key_bytes, aad, sealed, want, got;

    (void)state;
    buf_init(&key_bytes, 100);
    buf_init(&aad, 100);
    buf_init(&sealed, 200);
    buf_init(&want, 100);
    buf_init(&got, 100);
    unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", &key_bytes);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", &aad);
    unhex("01cafebabefacedbaddecaf888"
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
          "76fc6ece0f4e1768cddf8853bb2d551b",
          &sealed);
    unhex(plain, &want);
    assert_int_equal(secret_set(&known.bytes, buf_view(&key_bytes)), CX_OK);
    assert_int_equal(seal_open(&known, buf_view(&aad), buf_view(&sealed), &got), CX_OK);
    assert_true(slice_eq(buf_view(&got), buf_view(&want)));
    seal_key_done(&known);
    buf_done(&key_bytes);
    buf_done(&aad);
    buf_done(&sealed);
    buf_done(&want);
    buf_done(&got);
}

static void seal_open_gives_back_what_was_sealed(void **state)
{
    static const char *const texts[] = {"", "x", "a secret of some length, longer than a block"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf a, b, got;

        buf_init(&a, 200);
        buf_init(&b, 200);
        buf_init(&got, 200);
        assert_int_equal(buf_put_str(&got, "before"), CX_OK);
        assert_int_equal(seal(&key, AAD, slice_of_str(texts[i]), &a), CX_OK);
        assert_int_equal(seal(&key, AAD, slice_of_str(texts[i]), &b), CX_OK);
        assert_int_equal(a.len, strlen(texts[i]) + SEAL_OVERHEAD_BYTES);
        assert_false(slice_eq(buf_view(&a), buf_view(&b))); /* another nonce each time */
        assert_int_equal(seal_open(&key, AAD, buf_view(&a), &got), CX_OK);
        assert_true(slice_eq_str(slice_from(buf_view(&got), 6), texts[i]));
        buf_done(&a);
        buf_done(&b);
        buf_done(&got);
    }
}

static void seal_open_refuses_every_changed_bit(void **state)
{
    struct buf sealed, got;

    (void)state;
    buf_init(&sealed, 100);
    buf_init(&got, 100);
    assert_int_equal(seal(&key, AAD, SLICE_LIT("s3cret"), &sealed), CX_OK);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        enum cx_err want = bit < 8 ? CX_E_UNSUPPORTED : CX_E_CRYPTO;

        sealed.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(seal_open(&key, AAD, buf_view(&sealed), &got), want);
        assert_int_equal(got.len, 0);
        sealed.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    if (got.ptr != NULL) {
        assert_memory_not_equal(got.ptr, "s3cret", 6); /* not even beyond its length */
    }
    for (size_t len = 0; len < sealed.len; len++) {
        assert_int_equal(seal_open(&key, AAD, slice_first(buf_view(&sealed), len), &got),
                         len < SEAL_OVERHEAD_BYTES ? CX_E_SYNTAX : CX_E_CRYPTO);
    }
    assert_int_equal(seal_open(&key, AAD, buf_view(&sealed), &got), CX_OK);
    buf_done(&sealed);
    buf_done(&got);
}

static void seal_binds_what_the_value_is(void **state)
{
    struct seal_key other = {0};
    struct buf sealed, got;

    (void)state;
    buf_init(&sealed, 100);
    buf_init(&got, 100);
    assert_int_equal(seal(&key, AAD, SLICE_LIT("s3cret"), &sealed), CX_OK);
    assert_int_equal(
        seal_open(&key, SLICE_LIT("profile:other:client_secret"), buf_view(&sealed), &got),
        CX_E_CRYPTO);
    assert_int_equal(seal_open(&key, SLICE_LIT(""), buf_view(&sealed), &got), CX_E_CRYPTO);
    assert_int_equal(seal(&key, SLICE_LIT(""), SLICE_LIT("s3cret"), &got), CX_E_CRYPTO);
    assert_int_equal(seal_key_make(temp_path(&temp, "k2"), NULL), CX_OK);
    assert_int_equal(seal_key_read(temp_path(&temp, "k2"), &other, NULL), CX_OK);
    assert_int_equal(seal_open(&other, AAD, buf_view(&sealed), &got), CX_E_CRYPTO);
    seal_key_done(&other);
    assert_int_equal(seal_open(&other, AAD, buf_view(&sealed), &got), CX_E_CRYPTO); /* no key */
    assert_int_equal(got.len, 0);
    buf_done(&sealed);
    buf_done(&got);
}

static void seal_leaves_a_full_buffer_as_it_was(void **state)
{
    struct buf small;

    (void)state;
    buf_init(&small, SEAL_OVERHEAD_BYTES + 5);
    assert_int_equal(seal(&key, AAD, SLICE_LIT("s3cret"), &small), CX_E_TOO_BIG);
    assert_int_equal(small.len, 0);
    buf_done(&small);
}

static void seal_key_files_are_private_and_never_replaced(void **state)
{
    struct cx_fail fail = {0};
    struct seal_key read = {0};
    struct stat st;

    (void)state;
    assert_int_equal(stat(temp_path(&temp, "k"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(seal_key_make(temp_path(&temp, "k"), &fail), CX_E_EXISTS);
    (void)temp_write(&temp, "short", "too short", 0600);
    assert_int_equal(seal_key_read(temp_path(&temp, "short"), &read, &fail), CX_E_SYNTAX);
    (void)temp_write(&temp, "open", "01234567890123456789012345678901", 0644);
    assert_int_equal(seal_key_read(temp_path(&temp, "open"), &read, &fail), CX_E_MODE);
    assert_false(secret_is_set(&read.bytes));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crypto_sha256_gives_the_standards_values),
        TEST(seal_open_reads_the_standards_example),
        TEST(seal_open_gives_back_what_was_sealed),
        TEST(seal_open_refuses_every_changed_bit),
        TEST(seal_binds_what_the_value_is),
        TEST(seal_leaves_a_full_buffer_as_it_was),
        TEST(seal_key_files_are_private_and_never_replaced),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
