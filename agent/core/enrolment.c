#include "agent/core/enrolment.h"

#include "common/core/encode.h"
#include "common/core/url.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || (s.ptr[0] >= '\t' && s.ptr[0] <= '\r'))) {
        s = slice_from(s, 1);
    }
    while (s.len > 0 &&
           (s.ptr[s.len - 1] == ' ' || (s.ptr[s.len - 1] >= '\t' && s.ptr[s.len - 1] <= '\r'))) {
        s.len--;
    }
    return s;
}

static enum cx_err damaged(struct cx_fail *fail)
{
    return cx_fail_set(
        fail, CX_E_SYNTAX, "enrolment.read",
        "the enrolment string is damaged: copy the whole line that begins with cx1.");
}

static enum cx_err read_pin(const char *text, struct enrolment *out, struct cx_fail *fail)
{
    enum cx_err err;
    struct buf pin;

    buf_init(&pin, ENROLMENT_PIN_BYTES);
    err = decode_hex(slice_of_str(text), &pin);
    if (err == CX_OK && pin.len == ENROLMENT_PIN_BYTES) {
        memcpy(out->pin, pin.ptr, ENROLMENT_PIN_BYTES);
    } else {
        err = damaged(fail);
    }
    buf_done(&pin);
    return err;
}

static enum cx_err read_url(const char *text, struct enrolment *out, struct cx_fail *fail)
{
    struct url url = {0};
    size_t len = strlen(text);
    enum cx_err err = url_read(slice_of_str(text), &url, fail);

    if (err != CX_OK) {
        return err;
    }
    if (!url.is_https || url.is_ipv6 || strcmp(url.path, "/") != 0 || url.query != NULL) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "enrolment.read",
                          "the enrolment string names a URL that can't be used: the platform's "
                          "public_url must be https://HOST[:PORT]");
        goto out;
    }
    out->url = strndup(text, len > 0 && text[len - 1] == '/' ? len - 1 : len);
    out->host = url.host;
    url.host = NULL;
    if (out->url == NULL) {
        err = cx_fail_set(fail, CX_E_NOMEM, "enrolment.read", "out of memory");
    }
out:
    url_done(&url);
    return err;
}

static enum cx_err read_json(const json_t *json, struct enrolment *out, struct cx_fail *fail)
{
    const char *url = json_string_value(json_object_get(json, "url"));
    const char *token = json_string_value(json_object_get(json, "token"));
    const char *pin = json_string_value(json_object_get(json, "pin"));
    enum cx_err err;

    if (url == NULL || token == NULL || token[0] == '\0' || pin == NULL) {
        return damaged(fail);
    }
    err = read_pin(pin, out, fail);
    if (err == CX_OK) {
        err = read_url(url, out, fail);
    }
    if (err == CX_OK && secret_set(&out->token, slice_of_str(token)) != CX_OK) {
        err = cx_fail_set(fail, CX_E_NOMEM, "enrolment.read", "out of memory");
    }
    return err;
}

enum cx_err enrolment_read(struct slice text, struct enrolment *out, struct cx_fail *fail)
{
    struct slice word = trimmed(text);
    json_t *json = NULL;
    struct buf plain;
    enum cx_err err;

    *out = (struct enrolment){0};
    if (word.len > ENROLMENT_STRING_BYTES_MAX) {
        return cx_fail_set(fail, CX_E_TOO_BIG, "enrolment.read",
                           "an enrolment string has at most %d characters",
                           ENROLMENT_STRING_BYTES_MAX);
    }
    if (!slice_has_prefix(word, SLICE_LIT("cx1."))) {
        bool is_other = slice_has_prefix(word, SLICE_LIT("cx"));

        return cx_fail_set(fail, is_other ? CX_E_UNSUPPORTED : CX_E_SYNTAX, "enrolment.read",
                           "an enrolment string begins with cx1. (connector-platform connector "
                           "add NAME prints one)");
    }
    buf_init(&plain, ENROLMENT_STRING_BYTES_MAX);
    err = decode_base64url(slice_from(word, 4), &plain);
    if (err == CX_OK) {
        json =
            json_loadb((const char *)buf_view(&plain).ptr, plain.len, JSON_REJECT_DUPLICATES, NULL);
    }
    err = json == NULL ? damaged(fail) : read_json(json, out, fail);
    json_decref(json);
    buf_done(&plain);
    return err;
}

void enrolment_done(struct enrolment *e)
{
    free(e->url);
    free(e->host);
    secret_done(&e->token);
    *e = (struct enrolment){0};
}
