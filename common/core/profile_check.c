#include "common/core/profile_parts.h"

#include "common/core/body.h"
#include "common/core/url.h"

#include <stdio.h>

/* One template that is being checked. */
struct check {
    struct profile_reader *r;
    size_t site;
    char path[MEMBERS_PATH_BYTES]; /* of the site, for faults */
    bool is_url;
    enum field_place place; /* PLACE_UNKNOWN if it is no field */
};

static bool is_in_url(const struct check *c)
{
    return c->is_url || c->place == PLACE_QUERY || c->place == PLACE_PATH;
}

/* The payload, and what of the client goes with it, is put into the query by GET and DELETE. */
static bool is_in_payload_in_url(const struct check *c)
{
    const struct profile *p = &c->r->p;
    bool is_client = c->site == PROFILE_SITE_CLIENT_ID || c->site == PROFILE_SITE_CLIENT_SECRET;

    return !body_is_carried_by(p->method) &&
           (c->place == PLACE_PAYLOAD ||
            (is_client && (p->client_method == CLIENT_SECRET_POST ||
                           p->client_method == CLIENT_TLS || p->client_method == CLIENT_NONE)));
}

#define FAULT(c, ...) faults_add((c)->r->faults, NULL, (c)->path, __VA_ARGS__)

static bool has_path_field(const struct profile *p, struct slice key)
{
    for (size_t i = 0; i < p->nfields; i++) {
        if (p->fields[i].place == PLACE_PATH && p->fields[i].key != NULL &&
            slice_eq_str(key, p->fields[i].key)) {
            return true;
        }
    }
    return false;
}

static void check_path_name(const struct check *c, struct slice name)
{
    const struct profile *p = &c->r->p;

    if (slice_eq_str(name, "tenant")) {
        if (!p->has_tenancy) {
            FAULT(c, "refers to {tenant}, but tenancy is off");
        }
        return;
    }
    if (has_path_field(p, name)) {
        return;
    }
    if (profile_form_field(p, name) != NULL) {
        FAULT(c, "nothing fills {%.*s}; the form field is {{%.*s}}", SLICE_ARG(name),
              SLICE_ARG(name));
    } else {
        FAULT(c, "nothing fills {%.*s}: add a field with place path and that key", SLICE_ARG(name));
    }
}

static void check_form_name(const struct check *c, const struct profile_form_field *f)
{
    struct slice stored = profile_credential(&c->r->p, slice_of_str(f->key));

    if (!is_in_url(c) && !is_in_payload_in_url(c)) {
        return;
    }
    if (profile_is_agent_secret(stored)) {
        FAULT(c, "puts credentials.%s, a secret of the agent, into a URL, which others log",
              f->key);
    } else if (is_in_url(c) && (f->is_password || !slice_is_absent(stored))) {
        profile_warn(c->r, c->path,
                     "puts the secret {{%s}} into a URL, which others log (RFC 6749, 2.3.1 "
                     "advises against it)",
                     f->key);
    }
}

/* A token of the call stands in the payload by itself; else it is known in one URL alone. */
static void check_call_token(const struct check *c, const char *name, size_t site)
{
    bool is_refresh = site == PROFILE_SITE_REFRESH_URL;

    if (c->site == site) {
        profile_warn(c->r, c->path, "puts the %s token into a URL, which others log",
                     is_refresh ? "refresh" : "revoked");
    } else if (c->is_url && c->site != PROFILE_SITE_TOKEN_URL) {
        FAULT(c, "{{%s}} is not known there; what is known is {{%s}}", name,
              is_refresh ? "revoked_token" : "refresh_token");
    } else {
        FAULT(c, "{{%s}} is known in a %s only, and this is used by the password grant too", name,
              is_refresh ? "refresh" : "revocation");
    }
}

static void check_variable(const struct check *c, const struct template_part *part)
{
    const struct profile *p = &c->r->p;
    const struct profile_form_field *f = profile_form_field(p, part->text);

    if (slice_eq_str(part->text, "tenant")) {
        if (!p->has_tenancy) {
            FAULT(c, "refers to {{tenant}}, but tenancy is off");
        }
    } else if (slice_eq_str(part->text, "refresh_token")) {
        check_call_token(c, "refresh_token", PROFILE_SITE_REFRESH_URL);
    } else if (slice_eq_str(part->text, "revoked_token")) {
        check_call_token(c, "revoked_token", PROFILE_SITE_REVOCATION_URL);
    } else if (f != NULL) {
        check_form_name(c, f);
    } else if (part->region == TEMPLATE_IN_HOST && p->mode == PROFILE_PRE_AUTHORIZED) {
        profile_warn(c->r, c->path,
                     "whoever calls chooses with {{%.*s}} to which host the stored credentials go",
                     SLICE_ARG(part->text));
    }
}

static void check_secret(const struct check *c, struct slice name)
{
    if (c->site == PROFILE_SITE_CLIENT_AUD) {
        FAULT(c, "{{secret:%.*s}} may not stand there: an aud is no secret", SLICE_ARG(name));
    } else if (is_in_url(c)) {
        FAULT(c,
              "{{secret:%.*s}} may stand in header and payload fields and in client only: "
              "others log URLs",
              SLICE_ARG(name));
    } else if (is_in_payload_in_url(c)) {
        FAULT(c,
              "{{secret:%.*s}} may not stand in the payload of %s, which goes into the URL: others "
              "log URLs",
              SLICE_ARG(name), terms_method(c->r->p.method));
    } else if (c->r->p.connector == NULL) {
        profile_warn(c->r, c->path,
                     "refers to {{secret:%.*s}}, which an agent keeps: without a connector "
                     "exchanges fail as profile_incomplete",
                     SLICE_ARG(name));
    }
}

static void check_part(const struct check *c, const struct template_part *part)
{
    switch (part->kind) {
    case TEMPLATE_LITERAL:
        if (c->site == PROFILE_SITE_CLIENT_ID && c->r->p.client_method == CLIENT_SECRET_BASIC_RAW &&
            slice_find(part->text, 0, ':') != part->text.len) {
            FAULT(c, "client_secret_basic_raw can't carry a ':' in the id (RFC 7617)");
        }
        break;
    case TEMPLATE_PATH:
        check_path_name(c, part->text);
        break;
    case TEMPLATE_VARIABLE:
        check_variable(c, part);
        break;
    case TEMPLATE_SECRET:
        check_secret(c, part->text);
        break;
    }
}

enum cx_err profile_fill(void *ctx, enum template_kind kind, struct slice name, struct slice *value)
{
    (void)ctx;
    (void)kind;
    (void)name;
    *value = SLICE_LIT("x");
    return CX_OK;
}

static void check_url_parts(const struct check *c, struct slice text)
{
    struct cx_fail fail = {0};
    struct url url = {0};

    if (url_read(text, &url, &fail) != CX_OK) {
        FAULT(c, "%s", cx_fail_text(&fail));
    } else if (!url.is_https && c->r->p.client_method == CLIENT_TLS) {
        FAULT(c, "must be https: tls_client_auth shows its certificate in TLS");
    } else if (!url.is_https) {
        profile_warn(c->r, c->path, "http shows password and token to everybody on the way");
    }
    url_done(&url);
}

/* The literal parts: do they make a URL, or a header's value? */
static void check_filled(const struct check *c, const struct template *t)
{
    const struct template_values values = {profile_fill, NULL};
    struct cx_fail fail = {0};
    struct buf filled;

    if (!c->is_url && c->place != PLACE_HEADER) {
        return;
    }
    buf_init(&filled, 2 * PROFILE_TEMPLATE_BYTES_MAX);
    if (template_expand(t, c->is_url ? TEMPLATE_URL : TEMPLATE_HEADER, &values, &filled, &fail) !=
        CX_OK) {
        FAULT(c, "%s", cx_fail_text(&fail));
    } else if (c->is_url) {
        check_url_parts(c, buf_view(&filled));
    }
    buf_done(&filled);
}

static void check_site(struct check *c)
{
    const struct profile *p = &c->r->p;
    struct template t = {0};
    struct cx_fail fail = {0};

    if (profile_site_text(p, c->site).len == 0) {
        return;
    }
    if (profile_site_parse(p, c->site, &t, &fail) != CX_OK) {
        FAULT(c, "%s", cx_fail_text(&fail));
        return;
    }
    for (size_t i = 0; i < t.nparts; i++) {
        check_part(c, &t.parts[i]);
    }
    check_filled(c, &t);
    template_done(&t);
}

/* A tenant that no token URL has in it would mean nothing. */
static void check_tenancy_is_used(struct profile_reader *r)
{
    const struct slice name = SLICE_LIT("tenant");
    bool is_used = false;
    enum cx_err err;

    if (!r->p.has_tenancy) {
        return;
    }
    err = profile_does_site_refer(&r->p, PROFILE_SITE_TOKEN_URL, TEMPLATE_PATH, name, &is_used);
    if (err == CX_OK) {
        err = profile_does_site_refer(&r->p, PROFILE_SITE_TOKEN_URL, TEMPLATE_VARIABLE, name,
                                      &is_used);
    }
    if (err != CX_OK) {
        members_fault(&r->top, "token_url", "%s", cx_err_text(err));
    } else if (!is_used) {
        members_fault(&r->top, "token_url", "has no {tenant}, but tenancy is on");
    }
}

/* A stored credential goes into the payload unless something refers to it. */
static void check_payload_credential(struct profile_reader *r,
                                     const struct msg_variable *credential)
{
    char path[MEMBERS_PATH_BYTES];
    bool is_used = false;
    enum cx_err err = profile_does_grant_refer(&r->p, credential->name, &is_used);

    (void)snprintf(path, sizeof(path), "credentials.%.*s", SLICE_ARG(credential->name));
    if (err != CX_OK) {
        faults_add(r->faults, NULL, path, "%s", cx_err_text(err));
    } else if (!is_used) {
        faults_add(r->faults, NULL, path,
                   "is a secret of the agent, and %s would put it into the URL, which others log",
                   terms_method(r->p.method));
    }
}

static void check_payload_credentials(struct profile_reader *r)
{
    for (size_t i = 0; i < r->p.ncredentials; i++) {
        if (profile_is_agent_secret(r->p.credentials[i].value)) {
            check_payload_credential(r, &r->p.credentials[i]);
        }
    }
}

static void warn_of_credentials_without_agent(const struct profile_reader *r)
{
    char path[MEMBERS_PATH_BYTES];

    for (size_t i = 0; i < r->p.ncredentials; i++) {
        if (profile_is_agent_secret(r->p.credentials[i].value)) {
            (void)snprintf(path, sizeof(path), "credentials.%.*s",
                           SLICE_ARG(r->p.credentials[i].name));
            profile_warn(r, path,
                         "is kept by an agent: without a connector exchanges fail as "
                         "profile_incomplete");
        }
    }
}

static void check_path_field_is_used(struct profile_reader *r, size_t field)
{
    const char *key = r->p.fields[field].key;
    char path[MEMBERS_PATH_BYTES];
    bool is_used = false;
    enum cx_err err = CX_OK;

    (void)snprintf(path, sizeof(path), "fields[%zu].key", field);
    for (size_t site = 0; profile_site_is_url(site) && err == CX_OK; site++) {
        err = profile_does_site_refer(&r->p, site, TEMPLATE_PATH, slice_of_str(key), &is_used);
    }
    if (err != CX_OK) {
        faults_add(r->faults, NULL, path, "%s", cx_err_text(err));
    } else if (!is_used) {
        faults_add(r->faults, NULL, path, "no URL has {%s} for this path field to fill", key);
    }
}

/* A job of them must fit into one protocol message, with its variables. */
static void check_size(struct profile_reader *r)
{
    size_t bytes = 0;

    for (size_t site = 0; site < profile_site_count(&r->p); site++) {
        bytes += profile_site_text(&r->p, site).len;
    }
    if (bytes > PROFILE_TEMPLATES_BYTES_MAX) {
        members_fault(&r->top, NULL,
                      "URLs, client and the fields' values have %zu bytes together, "
                      "at most %d are allowed",
                      bytes, PROFILE_TEMPLATES_BYTES_MAX);
    }
}

void profile_check_templates(struct profile_reader *r)
{
    for (size_t site = 0; site < profile_site_count(&r->p); site++) {
        struct check c = {.r = r, .site = site, .is_url = profile_site_is_url(site)};

        if (site >= PROFILE_SITE_FIELDS) {
            c.place = r->p.fields[site - PROFILE_SITE_FIELDS].place;
        }
        (void)profile_site_path(site, c.path);
        check_site(&c);
    }
    check_size(r);
    check_tenancy_is_used(r);
    if (!body_is_carried_by(r->p.method)) {
        check_payload_credentials(r);
    }
    profile_check_payload(r);
    if (r->p.connector == NULL) {
        warn_of_credentials_without_agent(r);
    }
    for (size_t i = 0; i < r->p.nfields; i++) {
        if (r->p.fields[i].place == PLACE_PATH && r->p.fields[i].key != NULL) {
            check_path_field_is_used(r, i);
        }
    }
}
