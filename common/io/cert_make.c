#include "common/io/cert_make.h"

#include "common/io/clock.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { SERIAL_BYTES = 16, DAY_S = 86400 };

enum cx_err cert_key_make(EVP_PKEY **out, struct cx_fail *fail)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (key == NULL) {
        return crypto_fail(fail, CX_E_CRYPTO, "cert.key", "no key can be made");
    }
    *out = key;
    return CX_OK;
}

void cert_ca_done(struct cert_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
    *ca = (struct cert_ca){0};
}

/* The hash that a key signs with; NULL for Ed25519, which brings its own. */
static const EVP_MD *digest_for(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256();
}

static bool set_random_serial(X509 *cert)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number;
    bool is_set;

    random_fill(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always as long (RFC 5280,
                                                       4.1.2.2) */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    is_set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return is_set;
}

/* ASN1_TIME_set turns to GeneralizedTime by itself from 2050 on (RFC 5280, 4.1.2.5). */
static bool set_dates(X509 *cert, uint64_t from_s, uint64_t to_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to_s) != NULL;
}

static bool add_name(X509_NAME *name, int kind, const char *value)
{
    return X509_NAME_add_entry_by_NID(name, kind, MBSTRING_UTF8, (const unsigned char *)value, -1,
                                      -1, 0) == 1;
}

/* One extension, in the words of x509v3_config(5). */
static bool add_extension(X509 *cert, X509 *issuer, int kind, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;
    bool is_added;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, kind, value);
    is_added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* A name of 1 to 64 bytes of UTF-8 without control characters. */
static bool is_name(const char *name)
{
    struct slice s = slice_of_str(name);

    return s.len > 0 && s.len < CERT_NAME_MAX_BYTES && slice_is_utf8(s) && !slice_has_control(s);
}

static bool fill_ca(X509 *cert, EVP_PKEY *key, const char *name, uint64_t now_s)
{
    X509_NAME *subject = X509_get_subject_name(cert);

    return X509_set_version(cert, X509_VERSION_3) == 1 && set_random_serial(cert) &&
           set_dates(cert, now_s - CERT_BACKDATE_S, now_s + (uint64_t)CERT_CA_DAYS * DAY_S) &&
           add_name(subject, NID_commonName, name) && X509_set_issuer_name(cert, subject) == 1 &&
           X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
           X509_sign(cert, key, digest_for(key)) > 0;
}

enum cx_err cert_ca_make(const char *name, uint64_t now_s, struct cert_ca *out,
                         struct cx_fail *fail)
{
    struct cert_ca ca = {0};
    enum cx_err err;

    if (!is_name(name) || now_s < CERT_BACKDATE_S) {
        return cx_fail_set(fail, CX_E_RANGE, "cert.ca", "a CA's name has 1 to 64 bytes");
    }
    err = cert_key_make(&ca.key, fail);
    if (err != CX_OK) {
        return err;
    }
    ca.cert = X509_new();
    if (ca.cert == NULL || !fill_ca(ca.cert, ca.key, name, now_s)) {
        cert_ca_done(&ca);
        return crypto_fail(fail, CX_E_CRYPTO, "cert.ca", "the CA's certificate can't be made");
    }
    *out = ca;
    return CX_OK;
}

/* The day that the order ends, or the CA does. */
static uint64_t end_of(const struct cert_order *order)
{
    uint64_t end_s = order->now_s + (uint64_t)order->days * DAY_S;
    uint64_t ca_end_s = cert_not_after_s(order->ca->cert);

    return end_s < ca_end_s ? end_s : ca_end_s;
}

/* All that both kinds of certificates have, but for their names. */
static bool fill_leaf(X509 *cert, const struct cert_order *order, const char *usage)
{
    X509 *ca = order->ca->cert;

    return X509_set_version(cert, X509_VERSION_3) == 1 && set_random_serial(cert) &&
           set_dates(cert, order->now_s - CERT_BACKDATE_S, end_of(order)) &&
           X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
           X509_set_pubkey(cert, order->key) == 1 &&
           add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, ca, NID_ext_key_usage, usage) &&
           add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
           add_extension(cert, ca, NID_authority_key_identifier, "keyid:always");
}

static bool sign(X509 *cert, const struct cert_order *order)
{
    return X509_sign(cert, order->ca->key, digest_for(order->ca->key)) > 0;
}

static enum cx_err finish(X509 *cert, bool is_made, X509 **out, struct cx_fail *fail)
{
    if (!is_made) {
        X509_free(cert);
        return crypto_fail(fail, CX_E_CRYPTO, "cert.issue", "the certificate can't be made");
    }
    *out = cert;
    return CX_OK;
}

static enum cx_err check_order(const struct cert_order *order, struct cx_fail *fail)
{
    if (order->days == 0 || order->now_s < CERT_BACKDATE_S) {
        return cx_fail_set(fail, CX_E_RANGE, "cert.issue", "a certificate lives a day at least");
    }
    if (cert_not_after_s(order->ca->cert) <= order->now_s) {
        return cx_fail_set(fail, CX_E_CERT, "cert.issue", "the CA's certificate has expired");
    }
    return CX_OK;
}

enum cx_err cert_issue_agent(const struct cert_order *order, const struct cert_agent_name *name,
                             X509 **out, struct cx_fail *fail)
{
    enum cx_err err = check_order(order, fail);
    X509 *cert;
    bool is_made;

    if (err != CX_OK) {
        return err;
    }
    if (!is_name(name->agent) || !is_name(name->connector)) {
        return cx_fail_set(fail, CX_E_RANGE, "cert.issue",
                           "agent and connector have 1 to 64 bytes and no control characters");
    }
    cert = X509_new();
    is_made = cert != NULL && fill_leaf(cert, order, "clientAuth") &&
              add_name(X509_get_subject_name(cert), NID_organizationalUnitName, name->connector) &&
              add_name(X509_get_subject_name(cert), NID_commonName, name->agent) &&
              sign(cert, order);
    return finish(cert, is_made, out, fail);
}

/* An iPAddress for what reads as an address, else a dNSName. */
static GENERAL_NAME *general_name(const char *name)
{
    GENERAL_NAME *made = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ASN1_IA5STRING *dns = address == NULL ? ASN1_IA5STRING_new() : NULL;

    ERR_clear_error(); /* that it is no address is no error */
    if (made != NULL && address != NULL) {
        GENERAL_NAME_set0_value(made, GEN_IPADD, address);
        return made;
    }
    if (made != NULL && dns != NULL && ASN1_STRING_set(dns, name, -1) == 1) {
        GENERAL_NAME_set0_value(made, GEN_DNS, dns);
        return made;
    }
    GENERAL_NAME_free(made);
    ASN1_OCTET_STRING_free(address);
    ASN1_IA5STRING_free(dns);
    return NULL;
}

static bool add_alt_names(X509 *cert, struct cert_server_names names)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool is_good = all != NULL;

    for (size_t i = 0; is_good && i < names.count; i++) {
        GENERAL_NAME *one = general_name(names.items[i]);

        is_good = one != NULL && sk_GENERAL_NAME_push(all, one) > 0;
        if (!is_good) {
            GENERAL_NAME_free(one);
        }
    }
    is_good = is_good && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return is_good;
}

/* Letters, digits, "-._:*": all that a DNS name or an address is written with. */
static bool is_host(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 253 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:*") ==
               len;
}

enum cx_err cert_issue_server(const struct cert_order *order, struct cert_server_names names,
                              X509 **out, struct cx_fail *fail)
{
    enum cx_err err = check_order(order, fail);
    X509 *cert;
    bool is_made;

    if (err == CX_OK && names.count == 0) {
        err = cx_fail_set(fail, CX_E_RANGE, "cert.issue", "a server's certificate needs a name");
    }
    for (size_t i = 0; err == CX_OK && i < names.count; i++) {
        if (!is_host(names.items[i])) {
            err = cx_fail_set(fail, CX_E_RANGE, "cert.issue", "%s: not a DNS name or an IP address",
                              names.items[i]);
        }
    }
    if (err != CX_OK) {
        return err;
    }
    cert = X509_new();
    is_made = cert != NULL && fill_leaf(cert, order, "serverAuth") &&
              (!is_name(names.items[0]) ||
               add_name(X509_get_subject_name(cert), NID_commonName, names.items[0])) &&
              add_alt_names(cert, names) && sign(cert, order);
    return finish(cert, is_made, out, fail);
}
