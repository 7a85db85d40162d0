#include "common/io/cert_make.h"

#include "common/io/clock.h"
#include "tests/support/temp.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DAY_S = 86400 };

static struct temp temp;
static struct cert_ca ca;
static EVP_PKEY *key;
static uint64_t now_s;
static const struct cert_agent_name who = {"0190-agent", "datacenter-1"};

static int set_up(void **state)
{
    struct cx_fail fail = {0};

    (void)state;
    temp_init(&temp);
    now_s = clock_wall_s();
    assert_int_equal(cert_ca_make("Test CA", now_s, &ca, &fail), CX_OK);
    assert_int_equal(cert_key_make(&key, &fail), CX_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    cert_ca_done(&ca);
    temp_done(&temp);
    return 0;
}

static X509 *issue_agent(uint64_t from_s, uint32_t days)
{
    struct cert_order order = {&ca, key, from_s, days};
    X509 *cert = NULL;

    assert_int_equal(cert_issue_agent(&order, &who, &cert, NULL), CX_OK);
    return cert;
}

/* OpenSSL's verdict with its strictest reading of RFC 5280, for a purpose and host (or NULL). */
static int verify(X509 *cert, int purpose, const char *host)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int verdict;

    assert_int_equal(X509_STORE_add_cert(store, ca.cert), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
    param = X509_STORE_CTX_get0_param(ctx);
    assert_int_equal(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
                                                            X509_V_FLAG_CHECK_SS_SIGNATURE),
                     1);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, purpose), 1);
    if (host != NULL && X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1) {
        assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    }
    (void)X509_verify_cert(ctx);
    verdict = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return verdict;
}

static void cert_ca_make_makes_a_ca_and_nothing_else(void **state)
{
    (void)state;
    assert_true(X509_check_ca(ca.cert) == 1);
    assert_int_equal(X509_get_pathlen(ca.cert), 0);
    assert_int_equal(X509_get_key_usage(ca.cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_verify(ca.cert, ca.key), 1);
    assert_true(cert_has_key(ca.cert, ca.key));
    assert_false(cert_has_key(ca.cert, key));
    assert_true(cert_not_before_s(ca.cert) == now_s - 3600);
    assert_int_equal(cert_days_left(ca.cert, now_s), 3650);
    assert_int_equal(EVP_PKEY_get_bits(ca.key), 256);
    assert_int_equal(verify(ca.cert, X509_PURPOSE_ANY, NULL), X509_V_OK);
}

static void cert_issue_agent_names_agent_and_connector(void **state)
{
    X509 *cert = issue_agent(now_s, 30);
    X509 *other = issue_agent(now_s, 30);
    struct cert_agent_name name;
    char serial[CERT_SERIAL_TEXT_BYTES];
    char other_serial[CERT_SERIAL_TEXT_BYTES];
    struct cx_fail fail = {0};

    (void)state;
    assert_int_equal(cert_agent_name(cert, &name, &fail), CX_OK);
    assert_string_equal(name.agent, who.agent);
    assert_string_equal(name.connector, who.connector);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
    assert_true(cert_has_key(cert, key));
    assert_true(cert_not_before_s(cert) == now_s - 3600);
    assert_true(cert_not_after_s(cert) == now_s + 30 * (uint64_t)DAY_S);
    assert_int_equal(verify(cert, X509_PURPOSE_SSL_CLIENT, NULL), X509_V_OK);
    assert_int_equal(verify(cert, X509_PURPOSE_SSL_SERVER, NULL), X509_V_ERR_INVALID_PURPOSE);
    assert_int_equal(strlen(cert_serial_text(cert, serial)), 32); /* 128 bits */
    assert_string_not_equal(serial, cert_serial_text(other, other_serial));
    assert_int_equal(cert_agent_name(ca.cert, &name, &fail), CX_E_CERT); /* it has no OU */
    X509_free(cert);
    X509_free(other);
}

static void cert_issue_agent_refuses_odd_orders(void **state)
{
    static char long_name[CERT_NAME_MAX_BYTES];
    struct cert_agent_name bad[] = {{"", "c"}, {"a", ""}, {"a\nb", "c"}, {"a\xff", "c"}};
    struct cert_agent_name full = {"", "c"};
    struct cert_order order = {&ca, key, now_s, 1};
    struct cert_order expired = {&ca, key, now_s + 3651 * (uint64_t)DAY_S, 1};
    X509 *cert = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(cert_issue_agent(&order, &bad[i], &cert, NULL), CX_E_RANGE);
    }
    assert_int_equal(cert_issue_agent(&expired, &who, &cert, NULL), CX_E_CERT);
    order.days = 0;
    assert_int_equal(cert_issue_agent(&order, &who, &cert, NULL), CX_E_RANGE);
    assert_null(cert);
    memset(long_name, 'a', 64);
    (void)snprintf(full.agent, sizeof(full.agent), "%s", long_name);
    order.days = 10000; /* it never outlives its CA */
    assert_int_equal(cert_issue_agent(&order, &full, &cert, NULL), CX_OK);
    assert_true(cert_not_after_s(cert) == cert_not_after_s(ca.cert));
    X509_free(cert);
}

static void cert_issue_server_is_good_for_its_names_alone(void **state)
{
    static const char *const names[] = {"platform.example.com", "*.apps.example.com", "127.0.0.1",
                                        "::1"};
    static const struct {
        const char *host;
        int verdict;
    } rows[] = {
        {"platform.example.com", X509_V_OK},
        {"PLATFORM.example.com", X509_V_OK},
        {"a.apps.example.com", X509_V_OK},
        {"127.0.0.1", X509_V_OK},
        {"::1", X509_V_OK},
        {"example.com", X509_V_ERR_HOSTNAME_MISMATCH},
        {"a.b.apps.example.com", X509_V_ERR_HOSTNAME_MISMATCH},
        {"127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH},
        {"::2", X509_V_ERR_IP_ADDRESS_MISMATCH},
    };
    struct cert_order order = {&ca, key, now_s, 30};
    X509 *cert = NULL;

    (void)state;
    assert_int_equal(
        cert_issue_server(&order, (struct cert_server_names){names, COUNT(names)}, &cert, NULL),
        CX_OK);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
    assert_int_equal(verify(cert, X509_PURPOSE_SSL_CLIENT, NULL), X509_V_ERR_INVALID_PURPOSE);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(verify(cert, X509_PURPOSE_SSL_SERVER, rows[i].host), rows[i].verdict);
    }
    X509_free(cert);
}

static void cert_issue_server_refuses_what_is_no_name(void **state)
{
    static const char *const bad[] = {"", "a b", "https://a", "a,DNS:b", "a\nb", "a/b"};
    struct cert_order order = {&ca, key, now_s, 30};
    X509 *cert = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(
            cert_issue_server(&order, (struct cert_server_names){&bad[i], 1}, &cert, NULL),
            CX_E_RANGE);
    }
    assert_int_equal(cert_issue_server(&order, (struct cert_server_names){bad, 0}, &cert, NULL),
                     CX_E_RANGE);
}

static void cert_days_left_counts_whole_days(void **state)
{
    X509 *cert = issue_agent(now_s, 30);
    uint64_t end_s = cert_not_after_s(cert);

    (void)state;
    assert_int_equal(cert_days_left(cert, end_s - DAY_S), 1);
    assert_int_equal(cert_days_left(cert, end_s - DAY_S + 1), 0);
    assert_int_equal(cert_days_left(cert, end_s), 0);
    assert_int_equal(cert_days_left(cert, end_s + 1), -1);
    assert_int_equal(cert_days_left(cert, end_s + DAY_S), -1);
    assert_int_equal(cert_days_left(cert, end_s + DAY_S + 1), -2);
    X509_free(cert);
}

static void cert_hashes_are_of_key_and_certificate(void **state)
{
    X509 *cert = issue_agent(now_s, 30);
    uint8_t spki[CRYPTO_SHA256_BYTES];
    uint8_t of_key[CRYPTO_SHA256_BYTES];
    uint8_t whole[CRYPTO_SHA256_BYTES];
    uint8_t want[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    (void)state;
    cert_spki_sha256(cert, spki);
    cert_key_spki_sha256(key, of_key);
    assert_memory_equal(spki, of_key, sizeof(spki));
    cert_sha256(cert, whole);
    assert_int_equal(X509_digest(cert, EVP_sha256(), want, &len), 1);
    assert_memory_equal(whole, want, sizeof(whole));
    assert_memory_not_equal(whole, spki, sizeof(whole));
    X509_free(cert);
}

/* The hash that `openssl x509 -pubkey | openssl pkey -pubin -outform der | sha256sum` gives. */
static void cert_spki_sha256_is_what_others_compute(void **state)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBNDCB56ADAgECAhRn1XYqsIx+u1GrYneVElKWPnEqXjAFBgMrZXAwDzENMAsG\n"
                              "A1UEAwwEc3BraTAgFw0yNjExMjQyMTA1MjBaGA8yMTI2MTAzMTIxMDUyMFowDzEN\n"
                              "MAsGA1UEAwwEc3BraTAqMAUGAytlcAMhAOtRZRbiR/zJOSUCpdt17j3puO4vE5sI\n"
                              "lKFIBGvKoxIro1MwUTAdBgNVHQ4EFgQUogXJ788Icy7vQILGX77ItCBP9TgwHwYD\n"
                              "VR0jBBgwFoAUogXJ788Icy7vQILGX77ItCBP9TgwDwYDVR0TAQH/BAUwAwEB/zAF\n"
                              "BgMrZXADQQBl9b7hVbjkpZivCodcTNru6GSIrpI7euyBCHKYZVHVjxYzLdr4+mAd\n"
                              "zrugQGGjmKRwgwvbB3nVILHJDyblyyUJ\n"
                              "-----END CERTIFICATE-----\n";
    static const uint8_t want[CRYPTO_SHA256_BYTES] = {
        0x26, 0x4e, 0x6f, 0x35, 0xa1, 0x41, 0x1e, 0x30, 0x1c, 0xca, 0x99,
        0x4f, 0x1a, 0x8c, 0x10, 0xc9, 0x45, 0x8a, 0xe8, 0xe8, 0x06, 0xd0,
        0xe1, 0x2a, 0x21, 0x3a, 0x45, 0xfe, 0x0c, 0x84, 0x2f, 0x60};
    uint8_t got[CRYPTO_SHA256_BYTES];
    struct cert_chain chain;

    (void)state;
    assert_int_equal(cert_chain_from_pem(slice_of_str(pem), &chain, NULL), CX_OK);
    cert_spki_sha256(chain.items[0], got);
    assert_memory_equal(got, want, sizeof(got));
    cert_chain_done(&chain);
}

static void cert_chain_survives_pem(void **state)
{
    struct cert_chain chain = {.items = {issue_agent(now_s, 30), ca.cert}, .count = 2};
    struct cert_chain back;
    struct cx_fail fail = {0};
    struct buf pem;

    (void)state;
    assert_int_equal(X509_up_ref(ca.cert), 1);
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(buf_put_str(&pem, "some text\n"), CX_OK);
    assert_int_equal(cert_chain_to_pem(&chain, &pem, &fail), CX_OK);
    assert_int_equal(cert_key_to_pem(key, &pem, &fail), CX_OK); /* passed over */
    assert_int_equal(cert_chain_from_pem(buf_view(&pem), &back, &fail), CX_OK);
    assert_int_equal(back.count, 2);
    assert_int_equal(X509_cmp(back.items[0], chain.items[0]), 0);
    assert_int_equal(X509_cmp(back.items[1], ca.cert), 0);
    cert_chain_done(&back);
    cert_chain_done(&back);

    assert_int_equal(
        cert_chain_read(temp_write(&temp, "c.pem", buf_cstr(&pem), 0644), &back, &fail), CX_OK);
    assert_int_equal(back.count, 2);
    cert_chain_done(&back);
    cert_chain_done(&chain);
    buf_done(&pem);
}

static void cert_chain_from_pem_refuses_what_is_none(void **state)
{
    static const char *const bad[] = {
        "", "nonsense", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n"};
    struct cert_chain chain;
    struct cx_fail fail = {0};
    struct buf many;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(cert_chain_from_pem(slice_of_str(bad[i]), &chain, &fail), CX_E_CERT);
        assert_int_equal(chain.count, 0);
    }
    buf_init(&many, CERT_PEM_MAX_BYTES);
    for (int i = 0; i < CERT_CHAIN_MAX + 1; i++) {
        assert_int_equal(cert_to_pem(ca.cert, &many, &fail), CX_OK);
    }
    assert_int_equal(cert_chain_from_pem(buf_view(&many), &chain, &fail), CX_E_CERT);
    /* One that is good, and a broken one behind it. */
    buf_clear(&many);
    assert_int_equal(cert_to_pem(ca.cert, &many, &fail), CX_OK);
    assert_int_equal(buf_put_str(&many, bad[2]), CX_OK);
    assert_int_equal(cert_chain_from_pem(buf_view(&many), &chain, &fail), CX_E_CERT);
    assert_int_equal(chain.count, 0);
    buf_done(&many);
    assert_int_equal(cert_chain_read(temp_write(&temp, "x", "nonsense", 0644), &chain, &fail),
                     CX_E_CERT);
    assert_non_null(strstr(fail.detail, "/x: no certificate in it"));
}

static void cert_key_files_are_private(void **state)
{
    const char *path = temp_path(&temp, "k.pem");
    struct cx_fail fail = {0};
    EVP_PKEY *back = NULL;
    struct stat st;

    (void)state;
    assert_int_equal(cert_key_write(path, key, FILE_NEW, &fail), CX_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(cert_key_read(path, &back, &fail), CX_OK);
    assert_int_equal(EVP_PKEY_eq(back, key), 1);
    EVP_PKEY_free(back);
    assert_int_equal(cert_key_write(path, key, FILE_NEW, &fail), CX_E_EXISTS);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(cert_key_read(path, &back, &fail), CX_E_MODE);
    assert_int_equal(cert_key_read(temp_write(&temp, "x", "x", 0600), &back, &fail), CX_E_CERT);
}

static void cert_key_from_pem_refuses_an_encrypted_key(void **state)
{
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *back = NULL;
    char *ptr = NULL;
    long len;

    (void)state;
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "pw", 2, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &ptr);
    assert_int_equal(cert_key_from_pem(slice_of(ptr, (size_t)len), &back, NULL), CX_E_CERT);
    BIO_free(bio);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cert_ca_make_makes_a_ca_and_nothing_else),
        TEST(cert_issue_agent_names_agent_and_connector),
        TEST(cert_issue_agent_refuses_odd_orders),
        TEST(cert_issue_server_is_good_for_its_names_alone),
        TEST(cert_issue_server_refuses_what_is_no_name),
        TEST(cert_days_left_counts_whole_days),
        TEST(cert_hashes_are_of_key_and_certificate),
        TEST(cert_spki_sha256_is_what_others_compute),
        TEST(cert_chain_survives_pem),
        TEST(cert_chain_from_pem_refuses_what_is_none),
        TEST(cert_key_files_are_private),
        TEST(cert_key_from_pem_refuses_an_encrypted_key),
    };

    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
