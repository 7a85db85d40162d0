#include "platform/io/issue.h"

#include "common/io/clock.h"
#include "platform/io/platform.h"

#include <openssl/x509.h>
#include <stdio.h>

enum cx_err issue_agent(const struct platform *p, const struct issue_order *order, struct buf *pem,
                        uint64_t *ends_ms, struct cx_fail *fail)
{
    struct cert_order cert_order = {.ca = &p->ca,
                                    .key = order->key,
                                    .now_s = clock_wall_s(),
                                    .days = p->settings.ca_agent_days};
    struct cert_agent_name name = {0};
    X509 *cert = NULL;
    enum cx_err err;

    (void)id_text(&order->agent, name.agent);
    (void)snprintf(name.connector, sizeof(name.connector), "%s", order->connector);
    err = cert_issue_agent(&cert_order, &name, &cert, fail);
    if (err == CX_OK) {
        err = cert_to_pem(cert, pem, fail);
    }
    if (err == CX_OK) {
        *ends_ms = cert_not_after_s(cert) * 1000;
    }
    X509_free(cert);
    return err;
}
