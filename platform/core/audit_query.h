#ifndef CONNECTOR_PLATFORM_CORE_AUDIT_QUERY_H
#define CONNECTOR_PLATFORM_CORE_AUDIT_QUERY_H

#include "common/core/faults.h"
#include "common/core/id.h"
#include "common/core/slice.h"
#include "common/core/terms.h"

/* The query of GET /v1/exchanges: which rows of the audit trail. Pure. */

enum { AUDIT_LIMIT_DEFAULT = 100, AUDIT_LIMIT_MAX = 1000, AUDIT_PROFILE_BYTES = 65 };

struct audit_query {
    char profile[AUDIT_PROFILE_BYTES]; /* "": of any */
    enum outcome outcome;              /* OUTCOME_UNKNOWN: any */
    uint64_t since_ms;                 /* Unix */
    struct cx_id after;                /* none: from the newest */
    uint32_t limit;
};

/* args: "name=value" each, decoded. An unknown name, a name that stands twice and a value that is
 * none is a fault each, by the parameter's name. */
void audit_query_read(const struct slice *args, size_t nargs, struct audit_query *out,
                      struct faults *faults);

#endif
