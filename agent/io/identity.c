#include "agent/io/identity.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the key's file while a renewal is between its two steps. */
#define PENDING_SUFFIX ".new"

static char *pending_path(const char *key_path)
{
    size_t bytes = strlen(key_path) + sizeof(PENDING_SUFFIX);
    char *path = malloc(bytes);

    if (path != NULL) {
        (void)snprintf(path, bytes, "%s%s", key_path, PENDING_SUFFIX);
    }
    return path;
}

/* The certificate is new and its key still has its pending name: give it its own. */
static bool finish_renewal(const char *key_path, const X509 *leaf)
{
    char *pending = pending_path(key_path);
    EVP_PKEY *key = NULL;
    struct cx_fail fail;
    bool is_ours = pending != NULL && file_exists(pending) &&
                   cert_key_read(pending, &key, &fail) == CX_OK && cert_has_key(leaf, key) &&
                   rename(pending, key_path) == 0;

    EVP_PKEY_free(key);
    free(pending);
    return is_ours;
}

static enum cx_err check_pair(const struct agent_settings *s, const X509 *leaf,
                              struct cx_fail *fail)
{
    EVP_PKEY *key = NULL;
    enum cx_err err = cert_key_read(s->key, &key, fail);
    bool fits = err == CX_OK && cert_has_key(leaf, key);

    EVP_PKEY_free(key);
    if (fits || (err != CX_E_MODE && finish_renewal(s->key, leaf))) {
        return CX_OK;
    }
    if (err != CX_OK) {
        return err;
    }
    return cx_fail_set(fail, CX_E_CERT, "identity.read",
                       "the key in %s is not the certificate's in %s: enrol again "
                       "(connector-agent enroll --force)",
                       s->key, s->certificate);
}

static enum cx_err read_leaf(const struct agent_settings *s, struct identity *out,
                             struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    enum cx_err err = cert_chain_from_pem(buf_view(&out->chain_pem), &chain, fail);

    if (err == CX_OK) {
        err = cert_agent_name(chain.items[0], &out->name, fail);
    }
    if (err == CX_OK) {
        err = check_pair(s, chain.items[0], fail);
    }
    if (err == CX_OK) {
        out->not_before_s = cert_not_before_s(chain.items[0]);
        out->not_after_s = cert_not_after_s(chain.items[0]);
    }
    cert_chain_done(&chain);
    return err;
}

enum cx_err identity_read(const struct agent_settings *s, struct identity *out,
                          struct cx_fail *fail)
{
    enum cx_err err;

    *out = (struct identity){0};
    buf_init(&out->chain_pem, CERT_PEM_MAX_BYTES);
    buf_init(&out->ca_pem, CERT_PEM_MAX_BYTES);
    if (!file_exists(s->certificate)) {
        return cx_fail_set(fail, CX_E_NOT_FOUND, "identity.read",
                           "this agent is not enrolled (there is no %s): ask the platform's admin "
                           "for an enrolment string and run connector-agent enroll",
                           s->certificate);
    }
    err = file_read(s->platform_ca, CERT_PEM_MAX_BYTES, &out->ca_pem, fail);
    if (err == CX_OK) {
        err = file_read(s->certificate, CERT_PEM_MAX_BYTES, &out->chain_pem, fail);
    }
    if (err == CX_OK) {
        err = read_leaf(s, out, fail);
    }
    if (err == CX_OK) {
        err = file_read_secret(s->key, CERT_PEM_MAX_BYTES, &out->key_pem, fail);
    }
    return err;
}

void identity_done(struct identity *id)
{
    secret_done(&id->key_pem);
    buf_done(&id->chain_pem);
    buf_done(&id->ca_pem);
}

enum cx_err identity_replace(const struct agent_settings *s, EVP_PKEY *key, struct slice chain_pem,
                             struct cx_fail *fail)
{
    char *pending = pending_path(s->key);
    enum cx_err err;

    if (pending == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "identity.replace", "out of memory");
    }
    err = cert_key_write(pending, key, FILE_REPLACE, fail);
    if (err == CX_OK) {
        err = file_write(s->certificate, chain_pem, 0644, FILE_REPLACE, fail);
    }
    if (err == CX_OK && rename(pending, s->key) != 0) {
        err = cx_fail_set(fail, CX_E_IO, "identity.replace", "can't rename %s to %s", pending,
                          s->key);
    }
    free(pending);
    return err;
}
