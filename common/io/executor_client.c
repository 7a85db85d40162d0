#include "common/io/executor_client.h"

#include "common/core/assertion.h"
#include "common/io/clock.h"
#include "common/io/jws.h"
#include "common/io/tls_identity.h"

enum { SIGNATURE_BYTES_MAX = 4096 };

/* Put it together and sign it. `out` may hold a part of it after an error. */
static enum cx_err make(const struct assertion *a, struct slice key_pem, struct buf *out,
                        struct cx_fail *fail)
{
    size_t from = out->len;
    struct buf signature;
    enum cx_err err = assertion_put_input(a, out);

    if (err != CX_OK) {
        return cx_fail_set(fail, err == CX_E_UTF8 ? CX_E_SYNTAX : err, "client.sign", "%s",
                           cx_err_text(err));
    }
    buf_init(&signature, SIGNATURE_BYTES_MAX);
    err = jws_sign(a->alg, key_pem, slice_from(buf_view(out), from), &signature, fail);
    if (err == CX_OK) {
        err = assertion_put_signature(buf_view(&signature), out);
    }
    buf_done(&signature);
    return err;
}

enum cx_err executor_client_sign(const struct policy_rule *rule, const struct keeper_assertion *ask,
                                 struct buf *out, struct cx_fail *fail)
{
    struct assertion a = {.alg = ask->alg,
                          .kid = ask->kid,
                          .issuer = ask->client_id,
                          .subject = ask->client_id,
                          .audience = slice_is_absent(ask->audience) ? ask->url : ask->audience,
                          .jti = random_id(),
                          .now_unix_s = clock_wall_s()};
    struct slice key_pem = ask->key_pem;
    enum cx_err err;

    if (!slice_is_absent(ask->secret)) {
        const struct policy_secret *signer = policy_find_signer(rule, ask, fail);

        if (signer == NULL) {
            return CX_E_SECRET;
        }
        key_pem = secret_view(&signer->value);
        a.audience = slice_of_str(signer->aud);
    }
    err = make(&a, key_pem, out, fail);
    return err == CX_E_CERT || err == CX_E_CRYPTO ? CX_E_SYNTAX : err;
}

static enum cx_err show_own(const struct policy_rule *rule, const struct request *request,
                            struct executor_client *out, struct cx_fail *fail)
{
    struct cx_fail why = {0};
    enum cx_err err;

    if (!policy_allows_identity(rule, fail)) {
        return CX_E_DENIED;
    }
    err = tls_identity_make(buf_view(&request->certificate), buf_view(&request->key), &out->own,
                            &why);
    if (err != CX_OK) {
        return cx_fail_set(fail, err == CX_E_CERT ? CX_E_SYNTAX : err, "client.tls",
                           "the client's certificate and key: %s", cx_fail_text(&why));
    }
    out->terms.identity = out->own;
    return CX_OK;
}

enum cx_err executor_client_terms(const struct policy_rule *rule, const struct request *request,
                                  enum client_method method, struct executor_client *out,
                                  struct cx_fail *fail)
{
    *out = (struct executor_client){.terms = rule->tls};
    if (method != CLIENT_TLS) {
        return CX_OK;
    }
    if (request->certificate.len > 0 || request->key.len > 0) {
        return show_own(rule, request, out, fail);
    }
    if (!tls_identity_is_set(&rule->tls.identity)) {
        return cx_fail_set(fail, CX_E_MISSING, "client.tls",
                           "client.certificate: tls_client_auth needs one, from the profile or the "
                           "rule of the agent's policy");
    }
    return CX_OK;
}

void executor_client_done(struct executor_client *c)
{
    tls_identity_done(&c->own);
    c->terms = (struct tls_terms){0};
}
