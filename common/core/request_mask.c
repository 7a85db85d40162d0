#include "common/core/request_mask.h"

#include <stdlib.h>

bool request_is_secret(const struct msg_job *job, struct slice name)
{
    for (size_t i = 0; i < job->nsecret_variables; i++) {
        if (slice_eq(job->secret_variables[i], name)) {
            return true;
        }
    }
    return false;
}

static bool is_basic(enum client_method method)
{
    return method == CLIENT_SECRET_BASIC || method == CLIENT_SECRET_BASIC_RAW;
}

static enum cx_err put_masked(struct slice line, struct buf *lines)
{
    static const struct slice basic = SLICE_LIT("Authorization: Basic ");
    bool is_basic = slice_eq_nocase(slice_first(line, basic.len), basic);
    enum cx_err err = buf_put(lines, is_basic ? slice_first(line, basic.len) : line);

    if (err == CX_OK && is_basic) {
        err = buf_put_str(lines, REQUEST_MASK);
    }
    return err == CX_OK ? buf_put_byte(lines, '\0') : err;
}

/* Base64 hides nothing, and of a masked pair it would mislead. */
static enum cx_err mask_basic(struct request *r)
{
    struct slice rest = buf_view(&r->headers);
    struct buf lines;
    enum cx_err err = CX_OK;

    buf_init(&lines, r->headers.cap);
    while (rest.len > 0 && err == CX_OK) {
        err = put_masked(request_take_header(&rest), &lines);
    }
    if (err == CX_OK) {
        buf_take(&r->headers, &lines);
    }
    buf_done(&lines);
    return err;
}

/* A find_secret of a request_keeper. */
static enum cx_err find_mask(void *ctx, const struct keeper_use *use, struct slice *value,
                             struct cx_fail *fail)
{
    (void)ctx;
    (void)use;
    (void)fail;
    *value = SLICE_LIT(REQUEST_MASK);
    return CX_OK;
}

/* A sign of a request_keeper. */
static enum cx_err sign_mask(void *ctx, const struct keeper_assertion *ask, struct buf *out,
                             struct cx_fail *fail)
{
    (void)ctx;
    (void)ask;
    (void)fail;
    return buf_put_str(out, REQUEST_MASK);
}

/* What of the client is secret. */
static void mask_client(struct msg_client *client)
{
    struct slice *const secrets[] = {&client->secret, &client->key};

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (!slice_is_absent(*secrets[i])) {
            *secrets[i] = SLICE_LIT(REQUEST_MASK);
        }
    }
}

enum cx_err request_build_masked(const struct msg_job *job, struct request *out, enum stage *stage,
                                 struct cx_fail *fail)
{
    static const struct request_keeper keeper = {.find_secret = find_mask, .sign = sign_mask};
    struct msg_variable *variables = calloc(job->nvariables + 1, sizeof(*variables));
    struct request made = {0};
    struct msg_job masked = *job;
    enum cx_err err;

    if (variables == NULL) {
        *stage = STAGE_AGENT;
        return cx_fail_set(fail, CX_E_NOMEM, "request.mask", "%s", cx_err_text(CX_E_NOMEM));
    }
    for (size_t i = 0; i < job->nvariables; i++) {
        variables[i] = job->variables[i];
        if (request_is_secret(job, variables[i].name)) {
            variables[i].value = SLICE_LIT(REQUEST_MASK);
        }
    }
    masked.variables = variables;
    mask_client(&masked.request.client);
    err = request_build(&masked, &keeper, &made, stage, fail);
    if (err == CX_OK && is_basic(job->request.client.method)) {
        err = mask_basic(&made);
        *stage = err == CX_OK ? *stage : STAGE_AGENT;
    }
    if (err == CX_OK) {
        *out = made;
    } else {
        request_done(&made);
    }
    free(variables);
    return err;
}
