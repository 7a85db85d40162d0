#include "platform/io/files.h"

#include "common/io/cert.h"
#include "common/io/clock.h"
#include "common/io/seal.h"
#include "platform/io/server_cert.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

struct checking {
    const struct platform_settings *s;
    struct faults *faults;
    struct cert_chain ca;  /* empty if it can't be read */
    struct cert_chain tls; /* likewise */
};

static void note(const struct checking *c, const char *key, const struct cx_fail *fail)
{
    conf_fault(c->faults, c->s, key, "%s%s", cx_fail_text(fail),
               fail->code == CX_E_NOT_FOUND ? " (made by connector-platform init)" : "");
}

/* A key's file, and whether it is the certificate's. */
static void check_key(const struct checking *c, const char *setting, const char *path,
                      const struct cert_chain *chain)
{
    struct cx_fail fail = {0};
    EVP_PKEY *key = NULL;

    if (cert_key_read(path, &key, &fail) != CX_OK) {
        note(c, setting, &fail);
    } else if (chain->count > 0 && !cert_has_key(chain->items[0], key)) {
        conf_fault(c->faults, c->s, setting, "%s is not the key of the certificate beside it",
                   path);
    }
    EVP_PKEY_free(key);
}

static void check_ca(struct checking *c)
{
    struct cx_fail fail = {0};

    if (cert_chain_read(c->s->ca_certificate, &c->ca, &fail) != CX_OK) {
        note(c, "ca.certificate", &fail);
    } else if (cert_not_after_s(c->ca.items[0]) <= clock_wall_s()) {
        conf_fault(c->faults, c->s, "ca.certificate", "the CA's certificate has ended: %s",
                   c->s->ca_certificate);
    }
    check_key(c, "ca.key", c->s->ca_key, &c->ca);
}

/* ---- the server's certificate ---- */

/* Agents know the CA by its key, and take it from what the server sends. */
static bool chain_holds_ca(const struct checking *c)
{
    uint8_t pin[CRYPTO_SHA256_BYTES], spki[CRYPTO_SHA256_BYTES];

    cert_spki_sha256(c->ca.items[0], pin);
    for (size_t i = 0; i < c->tls.count; i++) {
        cert_spki_sha256(c->tls.items[i], spki);
        if (memcmp(pin, spki, sizeof(pin)) == 0) {
            return true;
        }
    }
    return false;
}

/* NULL if the chain leads to the CA; else why not. Dates are looked at elsewhere. */
static const char *why_not_trusted(const struct checking *c)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    const char *why = "out of memory";
    bool is_set_up = store != NULL && ctx != NULL && between != NULL &&
                     X509_STORE_add_cert(store, c->ca.items[0]) == 1;

    for (size_t i = 1; is_set_up && i < c->tls.count; i++) {
        is_set_up = sk_X509_push(between, c->tls.items[i]) > 0;
    }
    if (is_set_up && X509_STORE_CTX_init(ctx, store, c->tls.items[0], between) == 1) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
        (void)X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
        why = X509_verify_cert(ctx) == 1
                  ? NULL
                  : X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
    }
    sk_X509_free(between);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return why;
}

static void check_trust(const struct checking *c)
{
    const char *why = why_not_trusted(c);

    if (why != NULL) {
        conf_fault(c->faults, c->s, "tls.certificate",
                   "agents trust the CA in %s only, and it did not issue this certificate: %s",
                   c->s->ca_certificate, why);
    } else if (!chain_holds_ca(c)) {
        conf_fault(c->faults, c->s, "tls.certificate",
                   "the CA's certificate is missing behind the server's: append %s to %s",
                   c->s->ca_certificate, c->s->tls_certificate);
    } else if (cert_not_after_s(c->tls.items[0]) <= clock_wall_s() &&
               !server_cert_is_of(c->tls.items[0], c->ca.items[0])) {
        conf_fault(c->faults, c->s, "tls.certificate", "the certificate has ended: %s",
                   c->s->tls_certificate); /* one of our own is renewed by `serve` */
    }
}

/* One of our own is issued anew by `serve` if it isn't for this host. */
static void check_host(const struct checking *c)
{
    bool is_ours = c->ca.count > 0 && server_cert_is_of(c->tls.items[0], c->ca.items[0]);
    struct url url = {0};
    struct cx_fail fail;

    if (is_ours || c->s->public_url == NULL ||
        platform_public_url_read(slice_of_str(c->s->public_url), &url, &fail) != CX_OK) {
        return; /* in the last two cases a fault already */
    }
    if (!server_cert_is_for(c->tls.items[0], url.host)) {
        conf_fault(c->faults, c->s, "tls.certificate",
                   "this certificate is not for %s, the host of public_url: agents would refuse it",
                   url.host);
    }
    url_done(&url);
}

static void check_tls(struct checking *c)
{
    struct cx_fail fail = {0};

    if (cert_chain_read(c->s->tls_certificate, &c->tls, &fail) != CX_OK) {
        note(c, "tls.certificate", &fail);
    } else {
        check_host(c);
        if (c->ca.count > 0) {
            check_trust(c);
        }
    }
    check_key(c, "tls.key", c->s->tls_key, &c->tls);
}

/* ---- the store ---- */

static void check_store(const struct checking *c)
{
    struct seal_key key = {0};
    struct cx_fail fail = {0};
    struct stat st;

    if (seal_key_read(c->s->store_master_key, &key, &fail) != CX_OK) {
        note(c, "store.master_key", &fail);
    }
    seal_key_done(&key);
    if (stat(c->s->store_path, &st) != 0) {
        (void)cx_fail_set(&fail, CX_E_NOT_FOUND, "check", "there is no file %s", c->s->store_path);
        note(c, "store.path", &fail);
    } else if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
        conf_fault(c->faults, c->s, "store.path",
                   "%s must be a file for its owner only: chmod 600 it", c->s->store_path);
    }
}

bool platform_files_check(const struct platform_settings *s, struct faults *faults)
{
    struct checking c = {.s = s, .faults = faults};
    size_t before = faults_total(faults);

    check_ca(&c);
    check_tls(&c);
    check_store(&c);
    cert_chain_done(&c.tls);
    cert_chain_done(&c.ca);
    return faults_total(faults) == before;
}
