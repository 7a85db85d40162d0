/* Input: a profile as JSON, and behind a NUL a call's variables as JSON. What is read gives itself
 * when it is written and read again, and a job that names only what it carries. */
#include "common/core/profile.h"
#include "common/core/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The job holds whatever its request needs, so it can be built, or refused for a value's sake. */
static void check_job(const struct profile *p, const json_t *variables)
{
    struct profile_call call = {
        .purpose = PURPOSE_AUTHORIZE,
        .variables = variables,
        .tenant = p->has_tenancy && p->tenant == NULL ? SLICE_LIT("acme") : (struct slice){0},
    };
    struct profile_job made = {0};
    struct request r = {0};
    enum stage stage = STAGE_NONE;
    struct faults faults;
    enum cx_err err;

    faults_init(&faults);
    if (profile_make_job(p, &call, &made, &faults)) {
        require(faults_total(&faults) == 0);
        err = request_build(&made.job, NULL, &r, &stage, NULL);
        require(err == CX_OK || err == CX_E_SECRET || err == CX_E_SYNTAX || err == CX_E_TOO_BIG);
        request_done(&r);
    } else {
        require(faults_total(&faults) > 0);
    }
    profile_job_done(&made);
    faults_done(&faults);
}

static void check_again(const struct profile *p, bool with_secrets)
{
    json_t *json = profile_to_json(p, with_secrets);
    json_t *whole = profile_to_json(p, true);
    struct profile_input in = {.json = json, .before = p};
    struct profile again = {0};
    struct faults faults;
    json_t *json_again;

    faults_init(&faults);
    require(profile_read(&in, &again, &faults, NULL));
    json_again = profile_to_json(&again, true);
    require(json_equal(json_again, whole));
    json_decref(json);
    json_decref(whole);
    json_decref(json_again);
    profile_done(&again);
    faults_done(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    size_t end = slice_find(all, 0, '\0');
    struct slice rest = slice_from(all, end + 1);
    json_t *json = json_loadb((const char *)data, end, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *variables = json_loadb(rest.len > 0 ? (const char *)rest.ptr : "", rest.len,
                                   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct profile_input in = {.json = json};
    struct profile p = {0};
    struct faults faults;
    struct faults warnings;

    faults_init(&faults);
    faults_init(&warnings);
    if (json != NULL && profile_read(&in, &p, &faults, &warnings)) {
        check_again(&p, false);
        check_again(&p, true);
        check_job(&p, variables);
    } else {
        require(json == NULL || (faults_total(&faults) > 0 && p.name == NULL));
    }
    profile_done(&p);
    faults_done(&faults);
    faults_done(&warnings);
    json_decref(json);
    json_decref(variables);
    return 0;
}
