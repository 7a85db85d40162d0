#ifndef CONNECTOR_COMMON_IO_EXECUTOR_CLIENT_H
#define CONNECTOR_COMMON_IO_EXECUTOR_CLIENT_H

#include "common/core/keeper.h"
#include "common/core/policy.h"
#include "common/core/request.h"

/* How the client of a job proves who it is: assertions that are signed, certificates that are
 * shown. */

/* A request_keeper's sign under that rule. */
enum cx_err executor_client_sign(const struct policy_rule *rule, const struct keeper_assertion *ask,
                                 struct buf *out, struct cx_fail *fail) CX_MUST_CHECK;

/* The terms of TLS for a job's requests: the rule's, with the certificate of the request (`own`,
 * for its owner to tls_identity_done) if it has one. A rule that shows one itself refuses another:
 * CX_E_DENIED. A client that authenticates by TLS alone needs one of the two: CX_E_MISSING. A
 * certificate or key that is none: CX_E_SYNTAX. The terms borrow from rule and `own`. */
struct executor_client {
    struct tls_identity own;
    struct tls_terms terms; /* to be given to http_plan; owns nothing */
};
enum cx_err executor_client_terms(const struct policy_rule *rule, const struct request *request,
                                  enum client_method method, struct executor_client *out,
                                  struct cx_fail *fail) CX_MUST_CHECK;
void executor_client_done(struct executor_client *c);

#endif
