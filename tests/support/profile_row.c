#include "tests/support/profile_row.h"

#include "tests/support/check.h"
#include "tests/support/profile_text.h"

#include <stdlib.h>

static void put(struct buf *out, const char *text)
{
    assert_int_equal(buf_put_str(out, text), CX_OK);
}

static void put_slice(struct buf *out, struct slice text)
{
    assert_int_equal(buf_put(out, text), CX_OK);
}

static bool is_secret(const struct msg_job *job, struct slice name)
{
    for (size_t i = 0; i < job->nsecret_variables; i++) {
        if (slice_eq(job->secret_variables[i], name)) {
            return true;
        }
    }
    return false;
}

static char *show(const struct msg_job *job)
{
    struct buf out;
    char *text;

    buf_init(&out, SIZE_MAX);
    put_slice(&out, job->request.url);
    put(&out, "\n");
    for (size_t i = 0; i < job->request.nfields; i++) {
        put(&out, terms_place(job->request.fields[i].place));
        put(&out, " ");
        put_slice(&out, job->request.fields[i].key);
        put(&out, " = ");
        put_slice(&out, job->request.fields[i].value);
        put(&out, "\n");
    }
    for (size_t i = 0; i < job->nvariables; i++) {
        put_slice(&out, job->variables[i].name);
        put(&out, is_secret(job, job->variables[i].name) ? "*: " : ": ");
        put_slice(&out, job->variables[i].value);
        put(&out, "\n");
    }
    if (!slice_is_absent(job->request.root)) {
        put(&out, "root ");
        put_slice(&out, job->request.root);
        put(&out, "\n");
    }
    if (!slice_is_absent(job->request.client.id)) {
        put(&out, "client ");
        put_slice(&out, job->request.client.id);
        put(&out, " ");
        put_slice(&out, job->request.client.secret);
        put(&out, "\n");
    }
    text = strdup(buf_cstr(&out));
    buf_done(&out);
    return text;
}

static void check_row(const struct profile_row *row, bool is_made)
{
    json_t *variables = profile_text_json(row->variables);
    json_t *context = profile_text_json(row->context);
    struct profile_call call = {
        .purpose = row->purpose != PURPOSE_UNKNOWN ? row->purpose : PURPOSE_AUTHORIZE,
        .variables = variables,
        .context = context,
        .tenant = slice_of_str(row->tenant),
        .refresh_token = slice_of_str(row->refresh_token),
        .revoked_token = slice_of_str(row->revoked_token),
        .token_type_hint = slice_of_str(row->hint),
    };
    struct profile p = {0};
    struct profile_job made = {0};
    struct faults faults;
    char *got;

    profile_text_make(row->profile, &p);
    faults_init(&faults);
    CHECK(row->why, profile_make_job(&p, &call, &made, &faults) == (faults.count == 0));
    got = is_made && faults.count == 0 ? show(&made.job) : profile_text_faults(&faults);
    if (strcmp(got, row->want) != 0) {
        fail_msg("%s: got\n%swant\n%s", row->why, got, row->want);
    }
    free(got);
    faults_done(&faults);
    profile_job_done(&made);
    profile_job_done(&made);
    profile_done(&p);
    json_decref(variables);
    json_decref(context);
}

void profile_row_check_jobs(const struct profile_row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        check_row(&rows[i], true);
    }
}

void profile_row_check_faults(const struct profile_row *rows, size_t nrows)
{
    for (size_t i = 0; i < nrows; i++) {
        check_row(&rows[i], false);
    }
}
