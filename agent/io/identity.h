#ifndef CONNECTOR_AGENT_IO_IDENTITY_H
#define CONNECTOR_AGENT_IO_IDENTITY_H

#include "agent/io/settings.h"
#include "common/io/cert.h"

/* Who this agent is: the certificate and key that enrolment or renewal have left on disk. */

struct identity {
    struct secret key_pem;
    struct buf chain_pem;
    struct buf ca_pem;
    struct cert_agent_name name;
    uint64_t not_before_s, not_after_s; /* Unix time */
};

/* Read and check the three files. A renewal that was cut short between its two files is finished.
 * Errors: CX_E_NOT_FOUND (not enrolled), CX_E_MODE, CX_E_CERT (unreadable, or the key is not the
 * certificate's), CX_E_IO, CX_E_NOMEM. `out` is valid for identity_done whatever is returned. */
enum cx_err identity_read(const struct agent_settings *s, struct identity *out,
                          struct cx_fail *fail) CX_MUST_CHECK;
void identity_done(struct identity *id);

/* Put a new key and chain (PEM) in place of the old ones, so that a crash at any moment leaves a
 * pair that identity_read can use. Errors: CX_E_IO, CX_E_FULL, CX_E_CERT, CX_E_NOMEM. */
enum cx_err identity_replace(const struct agent_settings *s, EVP_PKEY *key, struct slice chain_pem,
                             struct cx_fail *fail) CX_MUST_CHECK;

#endif
