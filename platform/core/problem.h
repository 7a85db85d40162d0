#ifndef CONNECTOR_PLATFORM_CORE_PROBLEM_H
#define CONNECTOR_PLATFORM_CORE_PROBLEM_H

#include "common/core/faults.h"
#include "common/core/message.h"

#include <jansson.h>

/* The API's errors: RFC 9457 problem details with our own members. Pure. */

/* May the caller try again? */
enum retry {
    RETRY_YES,                  /* nothing was sent, the endpoint said that it did nothing, or twice
                                   is as good as once (revoke) */
    RETRY_NO,                   /* the endpoint may have acted */
    RETRY_WITH_NEW_CREDENTIALS, /* what was typed was refused */
    RETRY_AFTER_FIX             /* somebody has to change something first */
};
enum retry problem_retry(enum job_purpose purpose, enum verdict code, enum execution execution);
const char *problem_retry_name(enum retry r); /* "yes", "no" … as the API says it */

/* What a problem says. Strings are borrowed; NULL, absent and 0 leave a member out. */
struct problem {
    unsigned status;  /* HTTP */
    const char *code; /* PROFILE's verdict, or "bad_input", "unauthorized" … */
    struct slice detail;
    enum stage stage;
    enum execution execution;
    const char *safe_to_retry;
    struct slice oauth_error;
    struct slice oauth_description;
    uint32_t endpoint_status; /* what the token endpoint answered with */
    bool has_retry_after;
    uint64_t retry_after_ms;
    const struct msg_timing *timing; /* NULL: none */
    const struct faults *errors;     /* by field */
    json_t *trace;                   /* its rows; borrowed; NULL: none */
    const char *connector;
    const char *agent;
    const char *id;
    const char *trace_id;
};

/* The hops of an exchange in microseconds, as they stand in `timing_us`. */
enum { PROBLEM_HOPS = 8 };
struct problem_hop {
    const char *name;
    uint64_t us;
};
void problem_hops(const struct msg_timing *t, struct problem_hop out[PROBLEM_HOPS]);
json_t *problem_timing_json(const struct msg_timing *t); /* as an object; a new reference */

/* A new reference; NULL if out of memory. `type` is about:blank and `title` the status's own
 * phrase, as RFC 9457 4.2.1 has it; `code` is what programs branch on. */
json_t *problem_json(const struct problem *p);

/* "Not Found"; "" for a status that the API does not use. */
const char *problem_title(unsigned status);

#endif
