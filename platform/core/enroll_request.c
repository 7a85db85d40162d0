#include "platform/core/enroll_request.h"

static enum cx_err take(const json_t *json, const char *name, struct slice *out,
                        struct cx_fail *fail)
{
    const json_t *value = json_object_get(json, name);

    if (value == NULL || json_is_null(value)) {
        return cx_fail_set(fail, CX_E_MISSING, "enroll", "%s is missing", name);
    }
    if (!json_is_string(value)) {
        return cx_fail_set(fail, CX_E_TYPE, "enroll", "%s must be a string", name);
    }
    *out = slice_of(json_string_value(value), json_string_length(value));
    return CX_OK;
}

enum cx_err enroll_request_read(struct slice body, struct enroll_request *out, struct cx_fail *fail)
{
    struct enroll_request r = {0};
    enum cx_err err;

    if (body.len > ENROLL_BODY_BYTES_MAX) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "enroll", "a request has at most %d bytes",
                           ENROLL_BODY_BYTES_MAX);
    }
    r.json = slice_is_absent(body)
                 ? NULL
                 : json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(r.json)) {
        json_decref(r.json);
        return cx_fail_set(fail, CX_E_SYNTAX, "enroll", "the body must be one JSON object");
    }
    err = take(r.json, "token", &r.token, fail);
    if (err == CX_OK) {
        err = take(r.json, "csr", &r.csr, fail);
    }
    if (err != CX_OK) {
        json_decref(r.json);
        return err;
    }
    *out = r;
    return CX_OK;
}

void enroll_request_done(struct enroll_request *r)
{
    json_decref(r->json);
    *r = (struct enroll_request){0};
}
