#ifndef CONNECTOR_PLATFORM_CORE_ENROLL_REQUEST_H
#define CONNECTOR_PLATFORM_CORE_ENROLL_REQUEST_H

#include "common/core/slice.h"

#include <jansson.h>

enum { ENROLL_BODY_BYTES_MAX = 16 * 1024 };

/* What an agent asks for at its enrolment: {"token": "…", "csr": "-----BEGIN …"}. Other members are
 * ignored: a later agent may say more. */
struct enroll_request {
    struct slice token; /* as the enrolment string has it; not yet looked at */
    struct slice csr;   /* PKCS#10, PEM; likewise */
    json_t *json;       /* owns both */
};

/* Errors: CX_E_TOO_BIG, CX_E_SYNTAX (not one JSON object), CX_E_TYPE, CX_E_MISSING; `fail` never
 * shows what was sent. `out` is untouched then. Pure. */
enum cx_err enroll_request_read(struct slice body, struct enroll_request *out,
                                struct cx_fail *fail) CX_MUST_CHECK;
void enroll_request_done(struct enroll_request *r); /* safe on a zeroed one */

#endif
