#include "platform/io/files.h"

#include "common/io/clock.h"
#include "common/io/seal.h"
#include "platform/io/init_files.h"
#include "platform/io/server_cert.h"
#include "tests/support/check.h"
#include "tests/support/temp.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A platform's files in a folder of its own, as init makes them, and what is wrong with them. */
struct bed {
    struct temp temp;
    struct platform_settings s;
    struct faults faults;
    struct cert_ca ca;
};

static void read_settings(struct bed *b, const char *public_url)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "public_url = \"%s\";\n", public_url);
    assert_true(platform_settings_read(temp_write(&b->temp, "platform.conf", text, 0644), &b->s,
                                       &b->faults));
}

static void read_ca(struct bed *b)
{
    struct cert_chain chain = {0};
    struct cx_fail fail;

    assert_int_equal(cert_chain_read(b->s.ca_certificate, &chain, &fail), CX_OK);
    b->ca.cert = chain.items[0];
    assert_int_equal(cert_key_read(b->s.ca_key, &b->ca.key, &fail), CX_OK);
}

static void bed_init(struct bed *b)
{
    struct cert_server_names none = {0};
    struct cx_fail fail;
    struct buf key;

    memset(b, 0, sizeof(*b));
    temp_init(&b->temp);
    faults_init(&b->faults);
    read_settings(b, "https://p.example:8443");
    buf_init(&key, 64);
    assert_true(init_files_are_new(&b->s, &b->faults));
    assert_int_equal(init_files_make(&b->s, none, &key, &fail), CX_OK);
    assert_int_equal(key.len, 47);
    buf_done(&key);
    read_ca(b);
}

static void bed_done(struct bed *b)
{
    cert_ca_done(&b->ca);
    conf_done(&platform_settings_table, &b->s);
    faults_done(&b->faults);
    temp_done(&b->temp);
}

static bool has_fault(const struct bed *b, const char *field, const char *says)
{
    for (size_t i = 0; i < b->faults.count; i++) {
        if (strcmp(b->faults.items[i].field, field) == 0 &&
            strstr(b->faults.items[i].what, says) != NULL) {
            return true;
        }
    }
    return false;
}

/* Exactly this fault. */
static void assert_fault(struct bed *b, const char *field, const char *says)
{
    assert_false(platform_files_check(&b->s, &b->faults));
    if (!has_fault(b, field, says) || faults_total(&b->faults) != 1) {
        for (size_t i = 0; i < b->faults.count; i++) {
            print_error("%s: %s\n", b->faults.items[i].field, b->faults.items[i].what);
        }
        fail_msg("wanted only %s: %s", field, says);
    }
}

/* Put a server certificate of this CA in place: valid for `days` from `now_s`, for this name. */
static void put_server_cert(struct bed *b, const struct cert_ca *ca, const char *name,
                            uint64_t now_s)
{
    struct cert_order order = {.ca = ca, .now_s = now_s, .days = 30};
    struct cert_server_names names = {.items = &name, .count = 1};
    struct cx_fail fail;
    X509 *leaf = NULL;
    struct buf pem;

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_key_read(b->s.tls_key, &order.key, &fail), CX_OK);
    assert_int_equal(cert_issue_server(&order, names, &leaf, &fail), CX_OK);
    assert_int_equal(cert_to_pem(leaf, &pem, &fail), CX_OK);
    assert_int_equal(cert_to_pem(ca->cert, &pem, &fail), CX_OK);
    assert_int_equal(file_write(b->s.tls_certificate, buf_view(&pem), 0644, FILE_REPLACE, &fail),
                     CX_OK);
    X509_free(leaf);
    EVP_PKEY_free(order.key);
    buf_done(&pem);
}

static X509 *server_leaf(const struct bed *b)
{
    struct cert_chain chain = {0};
    struct cx_fail fail;
    X509 *leaf;

    assert_int_equal(cert_chain_read(b->s.tls_certificate, &chain, &fail), CX_OK);
    assert_int_equal(chain.count, 2);
    leaf = chain.items[0];
    chain.items[0] = NULL;
    cert_chain_done(&chain);
    return leaf;
}

/* ---- init ---- */

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void what_init_makes_is_whole_and_private(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    assert_true(platform_files_check(&b.s, &b.faults));
    assert_int_equal(mode_of(b.s.ca_key), 0600);
    assert_int_equal(mode_of(b.s.tls_key), 0600);
    assert_int_equal(mode_of(b.s.store_master_key), 0600);
    assert_int_equal(mode_of(b.s.store_path), 0600);
    assert_int_equal(mode_of(b.s.ca_certificate), 0644);
    assert_int_equal(mode_of(b.s.tls_certificate), 0644);
    bed_done(&b);
}

static void init_names_each_file_that_is_there(void **state)
{
    static const char *const settings[] = {"ca.certificate", "ca.key", "store.master_key",
                                           "store.path"};
    struct bed b;

    (void)state;
    bed_init(&b);
    assert_false(init_files_are_new(&b.s, &b.faults));
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        CHECK(settings[i], has_fault(&b, settings[i], "is there already"));
    }
    assert_int_equal(faults_total(&b.faults), COUNT_OF(settings));
    bed_done(&b);
}

static void init_takes_a_server_certificate_with_its_key_and_not_one_of_them(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    (void)unlink(b.s.ca_certificate);
    (void)unlink(b.s.ca_key);
    (void)unlink(b.s.store_master_key);
    (void)unlink(b.s.store_path);
    assert_true(init_files_are_new(&b.s, &b.faults));
    (void)unlink(b.s.tls_certificate);
    assert_false(init_files_are_new(&b.s, &b.faults));
    assert_true(has_fault(&b, "tls.key", "bring both"));
    bed_done(&b);
}

static void init_takes_away_what_it_made_when_it_fails(void **state)
{
    const char *bad = "";
    struct cert_server_names names = {.items = &bad, .count = 1};
    struct bed b;
    struct cx_fail fail;
    struct buf key;

    (void)state;
    memset(&b, 0, sizeof(b));
    temp_init(&b.temp);
    faults_init(&b.faults);
    read_settings(&b, "https://p.example:8443");
    buf_init(&key, 64);
    assert_int_equal(init_files_make(&b.s, names, &key, &fail), CX_E_RANGE); /* the second step */
    assert_true(init_files_are_new(&b.s, &b.faults));
    assert_false(file_exists(b.s.tls_key));
    names.count = 0;
    b.s.store_path[0] = '\0'; /* the last step */
    assert_int_not_equal(init_files_make(&b.s, names, &key, &fail), CX_OK);
    assert_false(file_exists(b.s.ca_key));
    assert_false(file_exists(b.s.tls_certificate));
    assert_false(file_exists(b.s.store_master_key));
    buf_done(&key);
    bed_done(&b);
}

/* ---- check ---- */

static void a_missing_file_is_named(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    (void)unlink(b.s.ca_key);
    assert_fault(&b, "ca.key", "made by connector-platform init");
    bed_done(&b);
}

static void all_missing_files_are_named_at_once(void **state)
{
    struct bed b;

    (void)state;
    memset(&b, 0, sizeof(b));
    temp_init(&b.temp);
    faults_init(&b.faults);
    read_settings(&b, "https://p.example:8443");
    assert_false(platform_files_check(&b.s, &b.faults));
    assert_int_equal(faults_total(&b.faults), 6);
    bed_done(&b);
}

static void a_key_that_others_can_read_is_named(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    assert_int_equal(chmod(b.s.tls_key, 0640), 0);
    assert_fault(&b, "tls.key", "chmod 600");
    bed_done(&b);
}

static void a_store_that_others_can_read_is_named(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    assert_int_equal(chmod(b.s.store_path, 0604), 0);
    assert_fault(&b, "store.path", "chmod 600");
    bed_done(&b);
}

static void a_key_of_another_certificate_is_named(void **state)
{
    struct bed b;
    struct cx_fail fail;
    EVP_PKEY *other = NULL;

    (void)state;
    bed_init(&b);
    assert_int_equal(cert_key_make(&other, &fail), CX_OK);
    assert_int_equal(cert_key_write(b.s.tls_key, other, FILE_REPLACE, &fail), CX_OK);
    EVP_PKEY_free(other);
    assert_fault(&b, "tls.key", "is not the key of");
    bed_done(&b);
}

static void a_server_certificate_of_another_ca_is_named(void **state)
{
    struct cert_ca other = {0};
    struct bed b;
    struct cx_fail fail;

    (void)state;
    bed_init(&b);
    assert_int_equal(cert_ca_make("another CA", clock_wall_s(), &other, &fail), CX_OK);
    put_server_cert(&b, &other, "p.example", clock_wall_s());
    assert_fault(&b, "tls.certificate", "did not issue this certificate");
    cert_ca_done(&other);
    bed_done(&b);
}

static void a_foreign_certificate_for_another_host_is_named_too(void **state)
{
    struct cert_ca other = {0};
    struct bed b;
    struct cx_fail fail;

    (void)state;
    bed_init(&b);
    assert_int_equal(cert_ca_make("another CA", clock_wall_s(), &other, &fail), CX_OK);
    put_server_cert(&b, &other, "q.example", clock_wall_s());
    assert_false(platform_files_check(&b.s, &b.faults));
    assert_true(has_fault(&b, "tls.certificate", "not for p.example"));
    cert_ca_done(&other);
    bed_done(&b);
}

static void a_chain_without_the_ca_is_named(void **state)
{
    struct bed b;
    struct cx_fail fail;
    struct buf pem;
    X509 *leaf;

    (void)state;
    bed_init(&b);
    leaf = server_leaf(&b);
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_to_pem(leaf, &pem, &fail), CX_OK);
    assert_int_equal(file_write(b.s.tls_certificate, buf_view(&pem), 0644, FILE_REPLACE, &fail),
                     CX_OK);
    assert_fault(&b, "tls.certificate", "the CA's certificate is missing");
    X509_free(leaf);
    buf_done(&pem);
    bed_done(&b);
}

static void what_serve_will_mend_is_no_fault(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    put_server_cert(&b, &b.ca, "q.example", clock_wall_s() - 40 * 86400); /* host, and ended */
    assert_true(platform_files_check(&b.s, &b.faults));
    bed_done(&b);
}

/* ---- renewing ---- */

static bool renew(struct bed *b, uint64_t now_s)
{
    struct cx_fail fail = {0};
    bool is_new = false;

    assert_int_equal(server_cert_renew(&b->s, &b->ca, now_s, &is_new, &fail), CX_OK);
    return is_new;
}

static void a_certificate_is_renewed_when_two_thirds_of_its_life_are_over(void **state)
{
    uint64_t now_s = clock_wall_s();
    struct bed b;
    X509 *leaf;

    (void)state;
    bed_init(&b);
    put_server_cert(&b, &b.ca, "p.example", now_s); /* from an hour ago, 30 days from now */
    assert_false(renew(&b, now_s));
    assert_false(renew(&b, now_s + 19 * 86400));
    assert_true(renew(&b, now_s + 21 * 86400));
    leaf = server_leaf(&b);
    assert_true(server_cert_is_of(leaf, b.ca.cert));
    assert_true(server_cert_is_for(leaf, "p.example"));
    assert_true(cert_days_left(leaf, now_s) >= SERVER_CERT_DAYS - 1);
    X509_free(leaf);
    assert_true(platform_files_check(&b.s, &b.faults)); /* the key is the same */
    bed_done(&b);
}

static void a_certificate_for_another_host_is_renewed_for_both(void **state)
{
    struct bed b;
    X509 *leaf;

    (void)state;
    bed_init(&b);
    put_server_cert(&b, &b.ca, "192.0.2.7", clock_wall_s());
    assert_true(renew(&b, clock_wall_s()));
    leaf = server_leaf(&b);
    assert_true(server_cert_is_for(leaf, "p.example"));
    assert_true(server_cert_is_for(leaf, "192.0.2.7"));
    assert_false(server_cert_is_for(leaf, "q.example"));
    X509_free(leaf);
    assert_false(renew(&b, clock_wall_s()));
    bed_done(&b);
}

static void a_certificate_of_another_ca_is_left_alone(void **state)
{
    struct cert_ca other = {0};
    struct bed b;
    struct cx_fail fail;

    (void)state;
    bed_init(&b);
    assert_int_equal(cert_ca_make("connector platform CA", clock_wall_s(), &other, &fail), CX_OK);
    put_server_cert(&b, &other, "p.example", clock_wall_s() - 40 * 86400);
    assert_false(renew(&b, clock_wall_s()));
    cert_ca_done(&other);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_init_makes_is_whole_and_private),
        cmocka_unit_test(init_names_each_file_that_is_there),
        cmocka_unit_test(init_takes_a_server_certificate_with_its_key_and_not_one_of_them),
        cmocka_unit_test(init_takes_away_what_it_made_when_it_fails),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(all_missing_files_are_named_at_once),
        cmocka_unit_test(a_key_that_others_can_read_is_named),
        cmocka_unit_test(a_store_that_others_can_read_is_named),
        cmocka_unit_test(a_key_of_another_certificate_is_named),
        cmocka_unit_test(a_server_certificate_of_another_ca_is_named),
        cmocka_unit_test(a_foreign_certificate_for_another_host_is_named_too),
        cmocka_unit_test(a_chain_without_the_ca_is_named),
        cmocka_unit_test(what_serve_will_mend_is_no_fault),
        cmocka_unit_test(a_certificate_is_renewed_when_two_thirds_of_its_life_are_over),
        cmocka_unit_test(a_certificate_for_another_host_is_renewed_for_both),
        cmocka_unit_test(a_certificate_of_another_ca_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
