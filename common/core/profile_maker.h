#ifndef CONNECTOR_COMMON_CORE_PROFILE_MAKER_H
#define CONNECTOR_COMMON_CORE_PROFILE_MAKER_H

#include "common/core/profile_parts.h"

/* A job while it is made; for profile_job*.c alone. */

/* What a call gives for one form field. */
struct profile_form_value {
    struct slice value; /* absent: none */
    bool is_stored;     /* from the profile's credentials */
    bool is_faulty;     /* a fault has named it already */
};

/* What a job owns besides its slices into profile and call. */
struct profile_job_memory {
    struct msg_field *fields;
    struct msg_variable *variables;
    struct slice *secret_variables;
    char **texts; /* numbers as text, templates written anew */
    size_t ntexts;
};

struct profile_maker {
    const struct profile *p;
    const struct profile_call *call;
    struct faults *faults;
    struct profile_form_value *values; /* a row a form field */
    struct template *templates;        /* a row a site; those that this grant has no use for are
                                          empty */
    struct slice tenant;
    struct profile_job_memory *memory;
    struct msg_job job;
};

static inline bool profile_maker_is_refresh(const struct profile_maker *m)
{
    return m->call->purpose == PURPOSE_REFRESH;
}

static inline bool profile_maker_is_revocation(const struct profile_maker *m)
{
    return m->call->purpose == PURPOSE_REVOKE;
}

/* Keep a text (taken over, may be NULL) as long as the job; absent if there is no memory. */
struct slice profile_maker_keep(struct profile_maker *m, char *text);

/* Read form values, tenant, refresh token and the token to be revoked of the call, naming every
 * fault. */
void profile_maker_read_call(struct profile_maker *m);

/* True if the call gives a dynamic value of that name; `value` is then absent if it is faulty
 * (profile_maker_read_call has named it). */
bool profile_maker_dynamic(const struct profile_maker *m, struct slice name, struct slice *value);

/* Row of the form field of that key, or NULL. */
const struct profile_form_value *profile_maker_form_value(const struct profile_maker *m,
                                                          struct slice key);

#endif
