#ifndef CONNECTOR_COMMON_CORE_REQUEST_MASK_H
#define CONNECTOR_COMMON_CORE_REQUEST_MASK_H

#include "common/core/request.h"

/* What stands in a shown request for a secret. It survives every encoding, and a host label, as it
 * is. */
#define REQUEST_MASK "MASKED"

/* Is the value of that variable a secret? */
bool request_is_secret(const struct msg_job *job, struct slice name);

/* The job's request as request_build makes it, fit to be shown to a person: it is built anew with
 * REQUEST_MASK in place of the secret variables, the agent's secrets and the client's secret, so
 * that no form of them can be in it, however it is encoded. What Basic carries is masked whole.
 * Errors: request_build's. Pure. */
enum cx_err request_build_masked(const struct msg_job *job, struct request *out, enum stage *stage,
                                 struct cx_fail *fail) CX_MUST_CHECK;

#endif
