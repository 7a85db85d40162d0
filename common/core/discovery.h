#ifndef CONNECTOR_COMMON_CORE_DISCOVERY_H
#define CONNECTOR_COMMON_CORE_DISCOVERY_H

#include "common/core/answer.h"

/* An issuer's metadata, as it was asked for: OpenID Connect Discovery 1.0, section 4; RFC 8414,
 * section 3. */

/* Read the answer. `out->document` is filled if the outcome is OUTCOME_ISSUED: JSON text of those
 * members that a profile is filled from (issuer, token_endpoint, revocation_endpoint,
 * grant_types_supported, token_endpoint_auth_methods_supported,
 * token_endpoint_auth_signing_alg_values_supported) and that are of RFC 8414's types; no others,
 * since other documents are not for whoever asked. Else `out->error` says why not: a redirect is
 * not followed, an object without an issuer is no metadata.
 * The only error is CX_E_NOMEM. answer_done() frees. Pure. */
enum cx_err discovery_read(const struct answer_input *in, struct answer *out) CX_MUST_CHECK;

#endif
