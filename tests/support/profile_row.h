#ifndef CONNECTOR_TESTS_SUPPORT_PROFILE_ROW_H
#define CONNECTOR_TESTS_SUPPORT_PROFILE_ROW_H

/* Rows for the tests of profile_make_job: a profile and a call in short, and the job or the faults
 * they must give. */

#include "common/core/profile.h"

struct profile_row {
    const char *why, *profile;          /* as profile_text_make takes it */
    enum job_purpose purpose;           /* left out: authorize */
    const char *variables, *context;    /* as profile_text_json takes them; NULL: none */
    const char *tenant, *refresh_token; /* NULL: absent */
    const char *revoked_token, *hint;   /* likewise */
    const char *want;
};

/* Each row's job must be `want`: the URL, then a line "place key = template" for each field,
 * "name: value" for each variable ("name*: value" for a secret one), "root name" if there is one,
 * and "client id secret" if there is an id. */
void profile_row_check_jobs(const struct profile_row *rows, size_t nrows);

/* Each row's faults must be `want`, as profile_text_faults shows them. */
void profile_row_check_faults(const struct profile_row *rows, size_t nrows);

#endif
