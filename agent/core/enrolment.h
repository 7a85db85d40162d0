#ifndef CONNECTOR_AGENT_CORE_ENROLMENT_H
#define CONNECTOR_AGENT_CORE_ENROLMENT_H

#include "common/core/secret.h"

#include <stdint.h>

/* The enrolment string that an admin copies: "cx1." and base64url of the JSON
 * {"url": the platform's public URL, "token": one-time, "pin": SHA-256 (hex) of the CA's SPKI}. */

enum { ENROLMENT_STRING_BYTES_MAX = 4096, ENROLMENT_PIN_BYTES = 32 };

struct enrolment {
    char *url;  /* "https://HOST[:PORT]", without a slash at the end; owned */
    char *host; /* of it; owned */
    struct secret token;
    uint8_t pin[ENROLMENT_PIN_BYTES];
};

/* Read it; white space around it is ignored. Errors: CX_E_SYNTAX (`fail` says what is wrong, never
 * the token), CX_E_UNSUPPORTED (another version), CX_E_TOO_BIG, CX_E_NOMEM. `out` is valid for
 * enrolment_done whatever is returned. Pure. */
enum cx_err enrolment_read(struct slice text, struct enrolment *out,
                           struct cx_fail *fail) CX_MUST_CHECK;
void enrolment_done(struct enrolment *e);

#endif
