#include "common/io/cert_make.h"

#include "common/io/clock.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct cert_ca ca;
static EVP_PKEY *key;
static uint64_t now_s;
static const struct cert_agent_name who = {"0190-agent", "datacenter-1"};

static int set_up(void **state)
{
    struct cx_fail fail = {0};

    (void)state;
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
    return 0;
}

static void cert_csr_gives_the_key_that_signed_it(void **state)
{
    struct cx_fail fail = {0};
    EVP_PKEY *got = NULL;
    struct buf der, pem;

    (void)state;
    buf_init(&der, CERT_CSR_MAX_BYTES);
    buf_init(&pem, CERT_CSR_MAX_BYTES);
    assert_int_equal(cert_csr_make_der(key, &der, &fail), CX_OK);
    assert_int_equal(cert_csr_make_pem(key, &pem, &fail), CX_OK);
    assert_int_equal(cert_csr_key_der(buf_view(&der), &got, &fail), CX_OK);
    assert_int_equal(EVP_PKEY_eq(got, key), 1);
    EVP_PKEY_free(got);
    assert_int_equal(cert_csr_key_pem(buf_view(&pem), &got, &fail), CX_OK);
    assert_int_equal(EVP_PKEY_eq(got, key), 1);
    EVP_PKEY_free(got);

    assert_int_equal(cert_csr_key_der(slice_first(buf_view(&der), der.len - 1), &got, &fail),
                     CX_E_SYNTAX);
    assert_int_equal(cert_csr_key_der(SLICE_LIT("x"), &got, &fail), CX_E_SYNTAX);
    assert_int_equal(cert_csr_key_der(SLICE_LIT(""), &got, &fail), CX_E_SYNTAX);
    assert_int_equal(cert_csr_key_pem(SLICE_LIT("x"), &got, &fail), CX_E_SYNTAX);
    assert_int_equal(buf_put_byte(&der, 0), CX_OK);
    assert_int_equal(cert_csr_key_der(buf_view(&der), &got, &fail), CX_E_SYNTAX);
    buf_done(&der);
    buf_done(&pem);
}

static void cert_csr_with_a_changed_signature_is_refused(void **state)
{
    struct cx_fail fail = {0};
    EVP_PKEY *got = NULL;
    struct buf der;

    (void)state;
    buf_init(&der, CERT_CSR_MAX_BYTES);
    assert_int_equal(cert_csr_make_der(key, &der, &fail), CX_OK);
    der.ptr[der.len - 1] ^= 1;
    assert_int_equal(cert_csr_key_der(buf_view(&der), &got, &fail), CX_E_CERT);
    buf_done(&der);
}

static EVP_PKEY *explicit_p256(void)
{
    EVP_PKEY *made = EVP_EC_gen("P-256");

    assert_non_null(made);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(made, OSSL_PKEY_PARAM_EC_ENCODING,
                                                    OSSL_PKEY_EC_ENCODING_EXPLICIT),
                     1);
    return made;
}

static void cert_csr_takes_good_kinds_of_keys_only(void **state)
{
    const struct {
        const char *why;
        EVP_PKEY *key;
        enum cx_err err;
    } rows[] = {
        {"P-256", EVP_EC_gen("P-256"), CX_OK},
        {"P-384", EVP_EC_gen("P-384"), CX_OK},
        {"Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), CX_OK},
        {"RSA 2048", EVP_RSA_gen(2048), CX_OK},
        {"RSA 1024", EVP_RSA_gen(1024), CX_E_UNSUPPORTED},
        {"P-521", EVP_EC_gen("P-521"), CX_E_UNSUPPORTED},
        {"secp256k1", EVP_EC_gen("secp256k1"), CX_E_UNSUPPORTED},
        {"P-256 spelled out", explicit_p256(), CX_E_UNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cx_fail fail = {0};
        EVP_PKEY *got = NULL;
        struct buf der;
        enum cx_err err;

        buf_init(&der, CERT_CSR_MAX_BYTES);
        assert_non_null(rows[i].key);
        assert_int_equal(cert_csr_make_der(rows[i].key, &der, &fail), CX_OK);
        err = cert_csr_key_der(buf_view(&der), &got, &fail);
        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].why, cx_fail_text(&fail));
        }
        EVP_PKEY_free(got);
        EVP_PKEY_free(rows[i].key);
        buf_done(&der);
    }
}

/* A request that asks to be a CA for another name: only its key may come through. */
static void cert_csr_subject_and_extensions_dont_count(void **state)
{
    X509_REQ *csr = X509_REQ_new();
    X509_EXTENSION *is_ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    struct cert_order order = {&ca, NULL, now_s, 1};
    struct cert_agent_name name;
    X509 *cert = NULL;
    uint8_t *der = NULL;
    int len;

    (void)state;
    assert_true(sk_X509_EXTENSION_push(extensions, is_ca) > 0);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(csr), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"someone-else", -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_add_extensions(csr, extensions), 1);
    assert_int_equal(X509_REQ_set_pubkey(csr, key), 1);
    assert_true(X509_REQ_sign(csr, key, EVP_sha256()) > 0);
    len = i2d_X509_REQ(csr, &der);
    assert_int_equal(cert_csr_key_der(slice_of(der, (size_t)len), &order.key, NULL), CX_OK);
    assert_int_equal(cert_issue_agent(&order, &who, &cert, NULL), CX_OK);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(cert_agent_name(cert, &name, NULL), CX_OK);
    assert_string_equal(name.agent, who.agent);
    EVP_PKEY_free(order.key);
    X509_free(cert);
    OPENSSL_free(der);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(csr);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cert_csr_gives_the_key_that_signed_it),
        TEST(cert_csr_with_a_changed_signature_is_refused),
        TEST(cert_csr_takes_good_kinds_of_keys_only),
        TEST(cert_csr_subject_and_extensions_dont_count),
    };

    return cmocka_run_group_tests_name("cert_csr", tests, NULL, NULL);
}
