#include "common/io/clock.h"
#include "common/io/log.h"
#include "platform/io/issue.h"
#include "platform/io/tunnel_internal.h"

#include <openssl/evp.h>

/* A new certificate for an agent that has one: the same names, a new key. */

enum {
    RENEW_PAUSE_MS = 1000, /* each is a synced write to the store */
};

static enum cx_err renew(struct platform_tunnel *t, struct slice csr, struct buf *pem,
                         struct cx_fail *fail)
{
    struct registry_agent *a = t->agent;
    struct issue_order order = {.agent = a->id, .connector = a->connector->name};
    struct store_agent row;
    uint64_t ends_ms = 0;
    enum cx_err err = cert_csr_key_der(csr, &order.key, fail);

    if (err == CX_OK) {
        err = issue_agent(t->platform, &order, pem, &ends_ms, fail);
    }
    if (err == CX_OK) {
        row = platform_agent_row(a);
        row.certificate_ends_ms = ends_ms;
        err = store_put_agent(t->platform->store, &row, fail);
    }
    if (err == CX_OK) {
        a->certificate_ends_ms = ends_ms;
    }
    EVP_PKEY_free(order.key);
    return err;
}

/* What it was told; our own faults are none of its business. */
static void refuse(struct platform_tunnel *t, const struct cx_fail *why)
{
    bool is_ours = why->code == CX_E_STORE || why->code == CX_E_NOMEM;
    struct msg_renewed renewed = {
        .error_code = slice_of_str(is_ours ? "platform_failed" : "csr_refused"),
        .error_message = slice_of_str(is_ours ? "the platform could not issue it: ask again later"
                                              : cx_fail_text(why))};

    log_event(is_ours ? CX_LOG_ERROR : CX_LOG_WARN, "certificate.not_renewed",
              kv_id("agent", &t->agent_id), kv_fail(why));
    tunnel_send_renewed(t, &renewed);
}

bool tunnel_on_renew(struct platform_tunnel *t, const struct msg *m, struct cx_fail *fail)
{
    struct registry_agent *a = t->agent;
    uint64_t now_ms = clock_mono_ms();
    struct cx_fail why = {0};
    struct buf pem;
    enum cx_err err;

    (void)fail;
    buf_init(&pem, CERT_PEM_MAX_BYTES);
    if (a->renewed_ms != 0 && now_ms - a->renewed_ms < RENEW_PAUSE_MS) {
        err = cx_fail_set(&why, CX_E_STATE, "renew", "the agent asked less than a second ago");
    } else {
        a->renewed_ms = now_ms;
        err = renew(t, m->body.renew.csr, &pem, &why);
    }
    if (err == CX_OK) {
        struct msg_renewed renewed = {.certificate = buf_view(&pem)};

        log_event(CX_LOG_INFO, "certificate.renewed", kv_id("agent", &a->id),
                  kv_u64("ends_unix", a->certificate_ends_ms / 1000));
        tunnel_send_renewed(t, &renewed);
    } else {
        why.code = err;
        refuse(t, &why);
    }
    buf_done(&pem);
    return true;
}
