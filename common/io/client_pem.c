#include "common/io/client_pem.h"

#include "common/io/cert.h"
#include "common/io/jws.h"
#include "common/io/tls_identity.h"

#include <openssl/evp.h>
#include <string.h>

static enum cx_err check_chain(struct slice pem, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    enum cx_err err = cert_chain_from_pem(pem, &chain, fail);

    cert_chain_done(&chain);
    return err;
}

static enum cx_err check_key(struct slice pem, struct cx_fail *fail)
{
    EVP_PKEY *key = NULL;
    enum cx_err err = cert_key_from_pem(pem, &key, fail);

    EVP_PKEY_free(key);
    return err;
}

enum cx_err client_pem_check_one(const char *member, struct slice pem, struct cx_fail *fail)
{
    if (strcmp(member, "key") == 0) {
        return check_key(pem, fail);
    }
    return strcmp(member, "certificate") == 0 ? check_chain(pem, fail) : CX_OK;
}

/* One of the two may be the agent's, and is then looked at there. */
static enum cx_err check_identity(const struct profile_pem *pem, const char **member,
                                  struct cx_fail *fail)
{
    struct tls_identity made = {0};
    enum cx_err err = CX_OK;

    *member = "certificate";
    if (!slice_is_absent(pem->certificate)) {
        err = check_chain(pem->certificate, fail);
    }
    if (err == CX_OK && !slice_is_absent(pem->key)) {
        *member = "key";
        err = check_key(pem->key, fail);
    }
    if (err == CX_OK && !slice_is_absent(pem->certificate) && !slice_is_absent(pem->key)) {
        err = tls_identity_make(pem->certificate, pem->key, &made, fail);
        tls_identity_done(&made);
    }
    return err;
}

bool client_pem_check(const struct profile_pem *pem, const char **member, struct cx_fail *fail)
{
    *member = "key";
    if (pem->method == CLIENT_TLS) {
        return check_identity(pem, member, fail) == CX_OK;
    }
    return pem->method != CLIENT_PRIVATE_KEY_JWT || slice_is_absent(pem->key) ||
           jws_check_key(pem->alg, pem->key, fail) == CX_OK;
}
