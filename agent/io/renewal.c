#include "agent/io/renewal.h"

#include "agent/io/agent.h"
#include "agent/io/identity.h"
#include "agent/io/outbox.h"
#include "common/io/cert_make.h"
#include "common/io/clock.h"
#include "common/io/log.h"
#include "common/io/tls.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum {
    LOOK_EVERY_MS = 10 * 60 * 1000,
    WARN_DAYS = 5,
};

struct renewal {
    struct agent *agent;
    struct loop_timer timer;
    EVP_PKEY *pending; /* the new key, until the platform has answered */
};

static bool is_due(const struct agent *a, uint64_t now_s)
{
    uint64_t life_s = a->certificate_ends_s - a->certificate_begins_s;

    return now_s >= a->certificate_ends_s - life_s / 3;
}

static struct agent_tunnel *ready_tunnel(struct agent *a)
{
    for (size_t i = 0; i < MSG_TUNNELS_MAX; i++) {
        if (a->tunnels[i].is_used && a->tunnels[i].session.state == SESSION_READY) {
            return &a->tunnels[i];
        }
    }
    return NULL;
}

static void ask(struct renewal *r, struct agent_tunnel *t)
{
    struct cx_fail fail = {0};
    struct buf csr;
    enum cx_err err;

    EVP_PKEY_free(r->pending); /* an answer that never came */
    r->pending = NULL;
    buf_init(&csr, CERT_CSR_MAX_BYTES);
    err = cert_key_make(&r->pending, &fail);
    if (err == CX_OK) {
        err = cert_csr_make_der(r->pending, &csr, &fail);
    }
    if (err != CX_OK) {
        log_event(CX_LOG_ERROR, "certificate.renewal_failed", kv_fail(&fail));
    } else {
        agent_send_renew(t, buf_view(&csr));
        log_event(CX_LOG_INFO, "certificate.renewal_asked", kv_u64("tunnel", t->number));
    }
    buf_done(&csr);
}

static void look(void *arg)
{
    struct renewal *r = arg;
    struct agent *a = r->agent;
    uint64_t now_s = clock_wall_s();
    struct agent_tunnel *t = ready_tunnel(a);

    if (!is_due(a, now_s)) {
        return;
    }
    if (t != NULL) {
        ask(r, t);
    } else if (a->certificate_ends_s < now_s + WARN_DAYS * 86400u) {
        log_event(CX_LOG_WARN, "certificate.ends_soon", kv_u64("ends_unix", a->certificate_ends_s),
                  kv_str("why", "it can only be renewed while the tunnel is up"));
    }
}

struct renewal *renewal_new(struct agent *a)
{
    struct renewal *r = calloc(1, sizeof(*r));

    if (r != NULL) {
        r->agent = a;
        loop_timer_every(a->loop, &r->timer, LOOK_EVERY_MS, look, r);
    }
    return r;
}

void renewal_look(struct renewal *r)
{
    look(r);
}

void renewal_free(struct renewal *r)
{
    if (r != NULL) {
        loop_timer_stop(&r->timer);
        EVP_PKEY_free(r->pending);
        free(r);
    }
}

/* The new certificate is for our new key and for the same agent. */
static enum cx_err check(const struct renewal *r, const struct cert_chain *chain,
                         struct cx_fail *fail)
{
    struct cert_agent_name name;
    enum cx_err err = cert_agent_name(chain->items[0], &name, fail);

    if (err != CX_OK) {
        return err;
    }
    if (!cert_has_key(chain->items[0], r->pending) ||
        !slice_eq(slice_of_str(name.agent), slice_of_str(r->agent->agent_name))) {
        return cx_fail_set(fail, CX_E_CERT, "renewal",
                           "the platform sent a certificate for another key or agent");
    }
    return CX_OK;
}

static enum cx_err install(struct renewal *r, const struct cert_chain *chain, struct slice pem,
                           struct cx_fail *fail)
{
    struct agent *a = r->agent;
    struct buf key_pem;
    enum cx_err err;

    buf_init(&key_pem, CERT_PEM_MAX_BYTES);
    err = cert_key_to_pem(r->pending, &key_pem, fail);
    if (err == CX_OK) {
        err = identity_replace(&a->config.settings, r->pending, pem, fail);
    }
    if (err == CX_OK) {
        err = tls_set_identity(a->tls, pem, buf_view(&key_pem), fail);
    }
    if (err == CX_OK) {
        a->certificate_begins_s = cert_not_before_s(chain->items[0]);
        a->certificate_ends_s = cert_not_after_s(chain->items[0]);
    }
    buf_done(&key_pem);
    return err;
}

void renewal_answer(struct renewal *r, const struct msg_renewed *answer)
{
    struct cert_chain chain = {0};
    struct cx_fail fail = {0};
    enum cx_err err;

    if (r->pending == NULL) {
        return;
    }
    if (answer->certificate.ptr == NULL) {
        log_event(CX_LOG_WARN, "certificate.renewal_refused", kv_slice("code", answer->error_code),
                  kv_slice("why", answer->error_message));
    } else {
        err = cert_chain_from_pem(answer->certificate, &chain, &fail);
        if (err == CX_OK) {
            err = check(r, &chain, &fail);
        }
        if (err == CX_OK) {
            err = install(r, &chain, answer->certificate, &fail);
        }
        if (err == CX_OK) {
            log_event(CX_LOG_INFO, "certificate.renewed",
                      kv_u64("ends_unix", r->agent->certificate_ends_s));
        } else {
            log_event(CX_LOG_ERROR, "certificate.renewal_failed", kv_fail(&fail));
        }
        cert_chain_done(&chain);
    }
    EVP_PKEY_free(r->pending);
    r->pending = NULL;
}
