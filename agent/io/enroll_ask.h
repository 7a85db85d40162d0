#ifndef CONNECTOR_AGENT_IO_ENROLL_ASK_H
#define CONNECTOR_AGENT_IO_ENROLL_ASK_H

#include "agent/core/enrolment.h"
#include "common/core/buf.h"
#include "common/core/proxy.h"

/* What the platform answers to an enrolment. Texts are owned by the buffers. */
struct enroll_answer {
    struct buf certificate; /* PEM chain */
    struct buf ca;          /* PEM */
    struct buf connector;
    struct buf agent;
    struct buf tunnel_url;
};
void enroll_answer_init(struct enroll_answer *a);
void enroll_answer_done(struct enroll_answer *a);

/* Ask the platform for a certificate: POST /v1/enroll over TLS that is verified by the pin, through
 * `proxy` if it is set. Blocks.
 * Errors: CX_E_CONNECT, CX_E_TIMEOUT, CX_E_TRUST (the server is not the platform that the string
 * names), CX_E_DENIED (the platform refused: `fail` has its words), CX_E_SYNTAX (its answer can't
 * be read), CX_E_NOMEM. */
enum cx_err enroll_ask(const struct enrolment *enrolment, const struct proxy *proxy,
                       struct slice csr_pem, struct enroll_answer *out,
                       struct cx_fail *fail) CX_MUST_CHECK;

#endif
