#include "common/core/profile_parts.h"

#include "common/core/body.h"
#include "common/core/url.h"
#include "common/core/xml_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 63,
    AUTH_STATUS_MAX = 200, /* elements; 400 to 599, none twice */
    ROTATION_GRACE_S_MAX = 3600,
    ROOT_BYTES_MAX = 256,
    WARNING_BYTES = 400
};

#define AS_WORD(name, text) text,
static const char *const methods[METHOD_COUNT] = {TERMS_METHOD(AS_WORD)};
static const char *const encodings[ENCODING_COUNT] = {TERMS_ENCODING(AS_WORD)};
#undef AS_WORD

void profile_warn(const struct profile_reader *r, const char *path, const char *fmt, ...)
{
    char text[WARNING_BYTES];
    va_list args;

    if (r->warnings == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    faults_add(r->warnings, NULL, path, "%s", text);
}

static void read_name(struct profile_reader *r, const char *name)
{
    static const char rule[] =
        "must be 1 to 63 lower-case letters, digits, '.', '_' or '-', a letter or digit first";
    char *member = members_text(&r->top, "name", NAME_BYTES_MAX, name);

    if (member == NULL) {
        if (members_get(&r->top, "name") == NULL) {
            members_fault(&r->top, "name", "is required");
        }
    } else if (!profile_is_name(slice_of_str(member))) {
        members_fault(&r->top, "name", "%s", rule);
    } else if (name != NULL && strcmp(member, name) != 0) {
        members_fault(&r->top, "name", "is \"%s\" here and \"%.63s\" in the address", member, name);
    }
    r->p.name = member;
}

static void read_type(struct profile_reader *r)
{
    static const char *const types[] = {PROFILE_TYPE};

    if (members_get(&r->top, "type") == NULL) {
        members_fault(&r->top, "type", "is required: " PROFILE_TYPE);
    }
    (void)members_word(&r->top, "type", types, 1, 0);
}

static void read_connector(struct profile_reader *r)
{
    r->p.connector = members_text(&r->top, "connector", NAME_BYTES_MAX, NULL);
    if (members_get(&r->top, "connector") == NULL) {
        profile_warn(r, "connector",
                     "none is set: the platform asks the token URL by itself, as far as `policy` "
                     "in platform.conf allows it");
    } else if (r->p.connector != NULL && !profile_is_name(slice_of_str(r->p.connector))) {
        members_fault(&r->top, "connector", "must be a connector's name, or null for none");
    }
}

static void read_tenancy(struct profile_reader *r)
{
    static const char *const names[] = {"tenant"};
    const json_t *json = members_get(&r->top, "tenancy");
    struct members m;

    if (json == NULL) {
        return;
    }
    r->p.has_tenancy = true;
    members_init(&m, json, "tenancy", r->faults);
    members_check_names(&m, names, 1);
    r->p.tenant = members_text(&m, "tenant", NAME_BYTES_MAX, NULL);
    if (r->p.tenant != NULL && !template_is_label(slice_of_str(r->p.tenant))) {
        members_fault(&m, "tenant",
                      "must be one host label: letters, digits and hyphens, 1 to 63, or null if "
                      "each call gives one");
    }
    if (members_get(&m, "tenant") == NULL && r->p.mode == PROFILE_PRE_AUTHORIZED) {
        members_fault(
            &m, "tenant",
            "is required in mode pre_authorized, or a caller would choose where the stored "
            "credentials go");
    }
}

static void read_urls(struct profile_reader *r)
{
    if (members_get(&r->top, "token_url") == NULL) {
        members_fault(&r->top, "token_url", "is required");
    }
    r->p.token_url = members_text(&r->top, "token_url", URL_BYTES_MAX, NULL);
    if (r->p.token_url != NULL && r->p.token_url[0] == '\0') {
        members_fault(&r->top, "token_url", "must not be empty");
    }
    r->p.refresh_url = members_text(&r->top, "refresh_url", URL_BYTES_MAX, "");
    r->p.revocation_url = members_text(&r->top, "revocation_url", URL_BYTES_MAX, "");
}

static void read_method(struct profile_reader *r)
{
    r->p.method =
        (enum http_method)members_word(&r->top, "method", methods, METHOD_COUNT, METHOD_POST);
    if (!body_is_carried_by(r->p.method)) {
        profile_warn(r, "method",
                     "%s puts the payload, with passwords and tokens, into the query of the URL, "
                     "which others log; token endpoints take POST (RFC 6749, 3.2)",
                     methods[r->p.method]);
    } else if (r->p.method != METHOD_POST) {
        profile_warn(r, "method", "token endpoints take POST (RFC 6749, 3.2), not %s",
                     methods[r->p.method]);
    }
}

static void read_content_type(struct profile_reader *r)
{
    r->p.content_type = (enum body_encoding)members_word(&r->top, "content_type", encodings,
                                                         ENCODING_COUNT, ENCODING_FORM);
}

/* The name of an XML payload's element. */
static void read_root(struct profile_reader *r)
{
    bool is_xml = r->p.content_type == ENCODING_XML;
    const char *why;

    if (!is_xml && members_get(&r->top, "root") != NULL) {
        members_fault(&r->top, "root", "is for content_type xml only");
        return;
    }
    r->p.root = members_text(&r->top, "root", ROOT_BYTES_MAX, is_xml ? BODY_ROOT : NULL);
    why = r->p.root == NULL ? NULL : xml_why_no_name(slice_of_str(r->p.root));
    if (why != NULL) {
        members_fault(&r->top, "root", "%s", why);
    }
}

/* Adds the status, unless it is wrong or there already. */
static void read_status(struct profile_reader *r, const json_t *json, size_t index)
{
    char path[MEMBERS_PATH_BYTES];
    json_int_t status = json_integer_value(json);

    (void)snprintf(path, sizeof(path), "auth_error_status[%zu]", index);
    if (!json_is_integer(json) || status < 400 || status > 599) {
        members_fault(&r->top, path, "must be an HTTP status, 400 to 599");
        return;
    }
    for (size_t i = 0; i < r->p.nauth_error_status; i++) {
        if (r->p.auth_error_status[i] == (uint32_t)status) {
            members_fault(&r->top, path, "%u occurs twice", r->p.auth_error_status[i]);
            return;
        }
    }
    r->p.auth_error_status[r->p.nauth_error_status++] = (uint32_t)status;
}

static void read_auth_error_status(struct profile_reader *r)
{
    const json_t *list = members_list(&r->top, "auth_error_status", AUTH_STATUS_MAX);
    size_t n = json_array_size(list);

    r->p.auth_error_status = calloc(n + 1, sizeof(*r->p.auth_error_status));
    if (r->p.auth_error_status == NULL) {
        members_fault(&r->top, "auth_error_status", "%s", cx_err_text(CX_E_NOMEM));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        read_status(r, json_array_get(list, i), i);
    }
}

static void read_all(struct profile_reader *r, const char *name)
{
    static const char *const names[] = {"name",
                                        "type",
                                        "connector",
                                        "tenancy",
                                        "mode",
                                        "form_fields",
                                        "fields",
                                        "token_url",
                                        "method",
                                        "content_type",
                                        "root",
                                        "refresh_url",
                                        "answer",
                                        "client",
                                        "credentials",
                                        "auth_error_status",
                                        "revocation_url",
                                        "budget_ms",
                                        "rotation_grace_s"};

    members_check_names(&r->top, names, sizeof(names) / sizeof(names[0]));
    read_name(r, name);
    read_type(r);
    r->p.mode = (enum profile_mode)members_word(&r->top, "mode", profile_modes, 2, PROFILE_USER);
    read_connector(r);
    read_tenancy(r);
    read_urls(r);
    read_method(r);
    read_content_type(r);
    read_root(r);
    profile_read_answer(r);
    read_auth_error_status(r);
    r->p.rotation_grace_s = members_u32(&r->top, "rotation_grace_s", 0, ROTATION_GRACE_S_MAX, 0);
    r->p.budget_ms = members_u32(&r->top, "budget_ms", PROFILE_BUDGET_MS_MIN, PROFILE_BUDGET_MS_MAX,
                                 PROFILE_BUDGET_MS);
    profile_read_form_fields(r);
    profile_read_fields(r);
    profile_read_client(r);
    profile_read_credentials(r);
    profile_check_templates(r);
}

bool profile_read(const struct profile_input *in, struct profile *out, struct faults *faults,
                  struct faults *warnings)
{
    struct profile_reader r = {
        .before = in->before, .check_pem = in->check_pem, .faults = faults, .warnings = warnings};
    size_t found = faults_total(faults);

    members_init(&r.top, in->json, "", faults);
    if (r.top.json != NULL) {
        read_all(&r, in->name);
    }
    if (faults_total(faults) != found) {
        profile_done(&r.p);
        return false;
    }
    *out = r.p;
    return true;
}
