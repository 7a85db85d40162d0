#ifndef CONNECTOR_PLATFORM_IO_ISSUE_H
#define CONNECTOR_PLATFORM_IO_ISSUE_H

#include "common/core/buf.h"
#include "common/core/id.h"

#include <openssl/types.h>

/* Certificates of agents: at enrolment, and when they are renewed. */

struct platform;

struct issue_order {
    EVP_PKEY *key;         /* the agent's public key; borrowed */
    struct cx_id agent;    /* CN */
    const char *connector; /* OU: its connector's name */
};

/* Issue it by the platform's CA, for ca.agent_days. The chain (the certificate alone: what is above
 * it is the CA) is appended to `pem`, its end in Unix ms goes to `ends_ms`.
 * Errors: CX_E_CRYPTO, CX_E_RANGE, CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err issue_agent(const struct platform *p, const struct issue_order *order, struct buf *pem,
                        uint64_t *ends_ms, struct cx_fail *fail) CX_MUST_CHECK;

#endif
