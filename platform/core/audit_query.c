#include "platform/core/audit_query.h"

#include "platform/core/instant.h"

#include <stdio.h>
#include <string.h>

static void read_profile(struct audit_query *out, struct slice value, struct faults *faults)
{
    if (value.len == 0 || value.len >= sizeof(out->profile)) {
        faults_add(faults, NULL, "profile", "must be a profile's name");
        return;
    }
    memcpy(out->profile, value.ptr, value.len);
    out->profile[value.len] = '\0';
}

static void read_outcome(struct audit_query *out, struct slice value, struct faults *faults)
{
    out->outcome = terms_outcome_of(value);
    if (out->outcome == OUTCOME_UNKNOWN) {
        faults_add(faults, NULL, "outcome",
                   "must be issued, revoked, refused, failed or cancelled");
    }
}

static void read_since(struct audit_query *out, struct slice value, struct faults *faults)
{
    if (instant_parse(value, &out->since_ms) != CX_OK) {
        faults_add(faults, NULL, "since",
                   "must be a time like 2026-03-01T12:00:00Z (RFC 3339) or in Unix milliseconds");
    }
}

static void read_limit(struct audit_query *out, struct slice value, struct faults *faults)
{
    uint64_t limit = AUDIT_LIMIT_DEFAULT;

    if (slice_to_u64(value, 1, AUDIT_LIMIT_MAX, &limit) != CX_OK) {
        faults_add(faults, NULL, "limit", "must be 1..%d", AUDIT_LIMIT_MAX);
    }
    out->limit = (uint32_t)limit;
}

static void read_after(struct audit_query *out, struct slice value, struct faults *faults)
{
    if (id_parse(value, &out->after) != CX_OK) {
        faults_add(faults, NULL, "after", "must be an exchange's id: `next` of the page before");
    }
}

enum { PARAMETERS = 5 };
static const char *const names[PARAMETERS] = {"profile", "outcome", "since", "limit", "after"};
static void (*const readers[PARAMETERS])(struct audit_query *out, struct slice value,
                                         struct faults *faults) = {
    read_profile, read_outcome, read_since, read_limit, read_after};

static void add_unknown(struct slice name, struct faults *faults)
{
    char text[AUDIT_PROFILE_BYTES];
    const char *nearest;

    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
    nearest = faults_nearest(text, names, PARAMETERS);
    if (nearest != NULL) {
        faults_add(faults, NULL, text, "is not known here; did you mean %s?", nearest);
    } else {
        faults_add(faults, NULL, text,
                   "is not known here; there are profile, outcome, since, limit and after");
    }
}

void audit_query_read(const struct slice *args, size_t nargs, struct audit_query *out,
                      struct faults *faults)
{
    bool is_given[PARAMETERS] = {false};

    *out = (struct audit_query){.limit = AUDIT_LIMIT_DEFAULT};
    for (size_t i = 0; i < nargs; i++) {
        struct slice name = slice_first(args[i], slice_find(args[i], 0, '='));
        size_t which = 0;

        while (which < PARAMETERS && !slice_eq_str(name, names[which])) {
            which++;
        }
        if (which == PARAMETERS) {
            add_unknown(name, faults);
        } else if (is_given[which]) {
            faults_add(faults, NULL, names[which], "is given twice");
        } else {
            is_given[which] = true;
            readers[which](out, slice_from(args[i], name.len + 1), faults);
        }
    }
}
