#include "platform/io/server_cert.h"

#include "common/io/clock.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* The leaf and the CA's certificate behind it, in one file. */
static enum cx_err write_chain(const struct platform_settings *s, X509 *leaf,
                               const struct cert_ca *ca, enum file_how how, struct cx_fail *fail)
{
    struct buf pem;
    enum cx_err err;

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    err = cert_to_pem(leaf, &pem, fail);
    if (err == CX_OK) {
        err = cert_to_pem(ca->cert, &pem, fail);
    }
    if (err == CX_OK) {
        err = file_write(s->tls_certificate, buf_view(&pem), 0644, how, fail);
    }
    buf_done(&pem);
    return err;
}

static enum cx_err issue(const struct cert_ca *ca, EVP_PKEY *key, struct cert_server_names names,
                         X509 **out, struct cx_fail *fail)
{
    struct cert_order order = {
        .ca = ca, .key = key, .now_s = clock_wall_s(), .days = SERVER_CERT_DAYS};

    return cert_issue_server(&order, names, out, fail);
}

enum cx_err server_cert_make(const struct platform_settings *s, const struct cert_ca *ca,
                             struct cert_server_names more, struct cx_fail *fail)
{
    const char *names[SERVER_CERT_NAMES_MAX];
    struct cert_server_names all = {.items = names, .count = 1};
    struct url url = {0};
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    enum cx_err err = platform_public_url_read(slice_of_str(s->public_url), &url, fail);

    if (err != CX_OK) {
        return err;
    }
    names[0] = url.host;
    for (size_t i = 0; i < more.count && all.count < SERVER_CERT_NAMES_MAX; i++) {
        names[all.count++] = more.items[i];
    }
    err = cert_key_make(&key, fail);
    if (err == CX_OK) {
        err = issue(ca, key, all, &leaf, fail);
    }
    if (err == CX_OK) {
        err = cert_key_write(s->tls_key, key, FILE_NEW, fail);
    }
    if (err == CX_OK) {
        err = write_chain(s, leaf, ca, FILE_NEW, fail);
    }
    X509_free(leaf);
    EVP_PKEY_free(key);
    url_done(&url);
    return err;
}

bool server_cert_is_of(X509 *leaf, const X509 *ca)
{
    return X509_check_issued((X509 *)(uintptr_t)ca, leaf) == X509_V_OK &&
           X509_verify(leaf, X509_get0_pubkey(ca)) == 1;
}

bool server_cert_is_for(X509 *leaf, const char *host)
{
    return X509_check_host(leaf, host, 0, 0, NULL) == 1 || X509_check_ip_asc(leaf, host, 0) == 1;
}

/* ---- renewing ---- */

static bool is_due(const X509 *leaf, uint64_t now_s)
{
    uint64_t begins_s = cert_not_before_s(leaf);
    uint64_t ends_s = cert_not_after_s(leaf);

    return now_s >= ends_s - (ends_s - begins_s) / 3;
}

/* The text of a subjectAltName entry, for free(); NULL for kinds that we never issue. */
static char *name_text(const GENERAL_NAME *name)
{
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    char *text = NULL;

    if (kind == GEN_DNS) {
        text =
            strndup((const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    } else if (kind == GEN_IPADD) {
        char address[INET6_ADDRSTRLEN] = "";

        if (inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                      ASN1_STRING_get0_data(value), address, sizeof(address)) != NULL) {
            text = strdup(address);
        }
    }
    return text;
}

/* `host`, if the old one is not for it, and the names of the old one. */
static size_t collect_names(X509 *old, const char *host, char *texts[SERVER_CERT_NAMES_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(old, NID_subject_alt_name, NULL, NULL);
    size_t n = 0;

    if (!server_cert_is_for(old, host) && (texts[0] = strdup(host)) != NULL) {
        n = 1;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && n < SERVER_CERT_NAMES_MAX; i++) {
        texts[n] = name_text(sk_GENERAL_NAME_value(names, i));
        n += texts[n] != NULL;
    }
    GENERAL_NAMES_free(names);
    return n;
}

static enum cx_err reissue(const struct platform_settings *s, const struct cert_ca *ca,
                           struct cert_server_names names, struct cx_fail *fail)
{
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    enum cx_err err = cert_key_read(s->tls_key, &key, fail);

    if (err == CX_OK) {
        err = issue(ca, key, names, &leaf, fail);
    }
    if (err == CX_OK) {
        err = write_chain(s, leaf, ca, FILE_REPLACE, fail);
    }
    X509_free(leaf);
    EVP_PKEY_free(key);
    return err;
}

static enum cx_err renew(const struct platform_settings *s, const struct cert_ca *ca, X509 *old,
                         const char *host, struct cx_fail *fail)
{
    char *texts[SERVER_CERT_NAMES_MAX] = {NULL};
    size_t n = collect_names(old, host, texts);
    enum cx_err err =
        reissue(s, ca, (struct cert_server_names){(const char *const *)texts, n}, fail);

    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
    return err;
}

enum cx_err server_cert_renew(const struct platform_settings *s, const struct cert_ca *ca,
                              uint64_t now_s, bool *is_new, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    struct url url = {0};
    enum cx_err err = platform_public_url_read(slice_of_str(s->public_url), &url, fail);

    *is_new = false;
    if (err == CX_OK) {
        err = cert_chain_read(s->tls_certificate, &chain, fail);
    }
    if (err == CX_OK && server_cert_is_of(chain.items[0], ca->cert) &&
        (is_due(chain.items[0], now_s) || !server_cert_is_for(chain.items[0], url.host))) {
        err = renew(s, ca, chain.items[0], url.host, fail);
        *is_new = err == CX_OK;
    }
    cert_chain_done(&chain);
    url_done(&url);
    return err;
}
