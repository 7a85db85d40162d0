#include "common/core/profile_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRANT_FIELDS_MAX = 2, /* grant_type, refresh_token; token, token_type_hint */
    CLIENT_TEXTS = 2,     /* id, secret */
    BRACES = 2,           /* around a variable's name */
    PLACEHOLDER_BYTES = 80
};

static void fault_no_memory(const struct profile_maker *m)
{
    faults_add(m->faults, NULL, "", "%s", cx_err_text(CX_E_NOMEM));
}

struct slice profile_maker_keep(struct profile_maker *m, char *text)
{
    if (text == NULL) {
        fault_no_memory(m);
        return (struct slice){0};
    }
    m->memory->texts[m->memory->ntexts++] = text;
    return slice_of_str(text);
}

const struct profile_form_value *profile_maker_form_value(const struct profile_maker *m,
                                                          struct slice key)
{
    const struct profile_form_field *f = profile_form_field(m->p, key);

    return f == NULL ? NULL : &m->values[f - m->p->form_fields];
}

/* The site of this grant's URL; the other URLs are not looked at. */
static size_t url_site(const struct profile_maker *m)
{
    bool is_own = profile_maker_is_refresh(m) && m->p->refresh_url[0] != '\0';

    if (profile_maker_is_revocation(m)) {
        return PROFILE_SITE_REVOCATION_URL;
    }
    return is_own ? PROFILE_SITE_REFRESH_URL : PROFILE_SITE_TOKEN_URL;
}

/* By which a profile spells the client's authentication out. */
static bool is_client_field(const struct profile_field *f)
{
    static const char *const keys[] = {"client_id", "client_secret", "client_assertion",
                                       "client_assertion_type"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(f->key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A revocation's payload is its own, but for who asks. */
static bool is_field_used(const struct profile_maker *m, const struct profile_field *f)
{
    return !profile_maker_is_revocation(m) || f->place != PLACE_PAYLOAD || is_client_field(f);
}

static bool is_site_used(const struct profile_maker *m, size_t site)
{
    if (profile_site_is_url(site)) {
        return site == url_site(m);
    }
    return site < PROFILE_SITE_FIELDS ||
           is_field_used(m, &m->p->fields[site - PROFILE_SITE_FIELDS]);
}

static void parse_templates(struct profile_maker *m)
{
    struct cx_fail fail = {0};
    char path[MEMBERS_PATH_BYTES];

    for (size_t site = 0; site < profile_site_count(m->p); site++) {
        if (!is_site_used(m, site)) {
            continue;
        }
        if (profile_site_parse(m->p, site, &m->templates[site], &fail) != CX_OK) {
            faults_add(m->faults, NULL, profile_site_path(site, path), "%s", cx_fail_text(&fail));
        }
    }
}

static bool does_grant_refer(const struct profile_maker *m, struct slice name)
{
    for (size_t site = 0; site < profile_site_count(m->p); site++) {
        const struct template *t = &m->templates[site];

        for (size_t i = 0; i < t->nparts; i++) {
            if (t->parts[i].kind == TEMPLATE_VARIABLE && slice_eq(t->parts[i].text, name)) {
                return true;
            }
        }
    }
    return false;
}

/* The agent's secret that stands for this part, or absent. */
static struct slice agent_secret(const struct profile_maker *m, const struct template_part *part)
{
    const struct profile_form_value *v = profile_maker_form_value(m, part->text);
    bool is_secret = part->kind == TEMPLATE_VARIABLE && v != NULL && v->is_stored &&
                     profile_is_agent_secret(v->value);

    return is_secret ? v->value : (struct slice){0};
}

/* Append the site's text, with the agent's secrets in place of the variables that they stand for.
 */
static enum cx_err write_site(const struct profile_maker *m, size_t site, struct buf *out)
{
    const struct template *t = &m->templates[site];
    struct slice rest = profile_site_text(m->p, site);
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < t->nparts && err == CX_OK; i++) {
        struct slice name = t->parts[i].text;
        struct slice secret = agent_secret(m, &t->parts[i]);
        size_t open;

        if (slice_is_absent(secret)) {
            continue;
        }
        open = (size_t)(name.ptr - rest.ptr) - BRACES;
        err = buf_put(out, slice_first(rest, open));
        if (err == CX_OK) {
            err = buf_put(out, secret);
        }
        rest = slice_from(rest, open + BRACES + name.len + BRACES);
    }
    return err == CX_OK ? buf_put(out, rest) : err;
}

/* The site's text; rewritten if a stored credential that only the agent knows fills a part of it.
 */
static struct slice site_text(struct profile_maker *m, size_t site)
{
    const struct template *t = &m->templates[site];
    struct slice text = profile_site_text(m->p, site);
    struct buf out;
    bool is_rewritten = false;

    for (size_t i = 0; i < t->nparts; i++) {
        is_rewritten = is_rewritten || !slice_is_absent(agent_secret(m, &t->parts[i]));
    }
    if (!is_rewritten) {
        return text;
    }
    buf_init(&out, MSG_MESSAGE_BYTES_MAX);
    text = profile_maker_keep(
        m, write_site(m, site, &out) == CX_OK ? strndup((const char *)out.ptr, out.len) : NULL);
    buf_done(&out);
    return text;
}

static void put_field(struct profile_maker *m, enum field_place place, struct slice key,
                      struct slice value)
{
    m->memory->fields[m->job.request.nfields++] = (struct msg_field){place, key, value};
}

static bool has_variable(const struct profile_maker *m, struct slice name)
{
    for (size_t i = 0; i < m->job.nvariables; i++) {
        if (slice_eq(m->job.variables[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The value of a form field or of a dynamic name; a fault if there is none. */
static struct slice call_value(struct profile_maker *m, struct slice name, const char *referrer)
{
    const struct profile_form_value *v = profile_maker_form_value(m, name);
    struct slice value = {0};
    char path[MEMBERS_PATH_BYTES];

    if (v != NULL ? v->is_faulty : profile_maker_dynamic(m, name, &value)) {
        return value; /* given, or named as a fault already */
    }
    if (v != NULL && !slice_is_absent(v->value)) {
        return v->value;
    }
    (void)snprintf(path, sizeof(path), "%s.%.*s", v != NULL ? "variables" : "context",
                   SLICE_ARG(name));
    faults_add(m->faults, NULL, path, "is required, since %s refers to it", referrer);
    return value;
}

static struct slice grant_type(const struct profile_maker *m)
{
    if (profile_maker_is_revocation(m)) {
        return SLICE_LIT(""); /* no grant */
    }
    return profile_maker_is_refresh(m) ? SLICE_LIT("refresh_token") : SLICE_LIT("password");
}

static struct slice variable_value(struct profile_maker *m, struct slice name, const char *referrer)
{
    if (slice_eq_str(name, "grant_type")) {
        return grant_type(m);
    }
    if (slice_eq_str(name, "refresh_token")) {
        return m->call->refresh_token;
    }
    if (slice_eq_str(name, "revoked_token")) {
        return m->call->revoked_token;
    }
    return slice_eq_str(name, "tenant") ? m->tenant : call_value(m, name, referrer);
}

static bool is_secret_name(const struct profile_maker *m, struct slice name)
{
    const struct profile_form_field *f = profile_form_field(m->p, name);

    return slice_eq_str(name, "refresh_token") || slice_eq_str(name, "revoked_token") ||
           (f != NULL && (f->is_password || profile_maker_form_value(m, name)->is_stored));
}

/* Put the variable into the job unless it is there. */
static void put_variable(struct profile_maker *m, struct slice name, const char *referrer)
{
    struct msg_job *job = &m->job;

    if (has_variable(m, name)) {
        return;
    }
    m->memory->variables[job->nvariables++] =
        (struct msg_variable){name, variable_value(m, name, referrer)};
    if (is_secret_name(m, name)) {
        m->memory->secret_variables[job->nsecret_variables++] = name;
    }
}

static void put_site_variables(struct profile_maker *m, size_t site)
{
    const struct template *t = &m->templates[site];
    char path[MEMBERS_PATH_BYTES];

    for (size_t i = 0; i < t->nparts; i++) {
        const struct template_part *part = &t->parts[i];
        bool is_tenant = part->kind == TEMPLATE_PATH && slice_eq_str(part->text, "tenant");

        if (is_tenant ||
            (part->kind == TEMPLATE_VARIABLE && slice_is_absent(agent_secret(m, part)))) {
            put_variable(m, part->text, profile_site_path(site, path));
        }
    }
}

/* A payload field of the grant itself, unless the profile has its own. */
static void put_grant_field(struct profile_maker *m, const char *key, const char *value)
{
    if (!profile_has_payload_field(m->p, key)) {
        put_field(m, PLACE_PAYLOAD, slice_of_str(key), slice_of_str(value));
        put_variable(m, slice_of_str(key), "the grant");
    }
}

static struct slice placeholder(struct profile_maker *m, struct slice name)
{
    char text[PLACEHOLDER_BYTES];

    (void)snprintf(text, sizeof(text), "{{%.*s}}", SLICE_ARG(name));
    return profile_maker_keep(m, strdup(text));
}

/* A form value that nothing refers to goes into the payload under its key. */
static void put_form_field(struct profile_maker *m, size_t index)
{
    struct slice key = slice_of_str(m->p->form_fields[index].key);
    struct slice value = m->values[index].value;

    if (slice_is_absent(value) || m->values[index].is_faulty || does_grant_refer(m, key) ||
        profile_has_payload_field(m->p, m->p->form_fields[index].key)) {
        return;
    }
    if (m->values[index].is_stored && profile_is_agent_secret(value)) {
        put_field(m, PLACE_PAYLOAD, key, value);
        return;
    }
    put_variable(m, key, "the payload");
    put_field(m, PLACE_PAYLOAD, key, placeholder(m, key));
}

/* RFC 7009, 2.1. No payload field takes the place of these: one called "token" is the password
 * grant's. */
static void put_revocation(struct profile_maker *m)
{
    put_field(m, PLACE_PAYLOAD, SLICE_LIT("token"), SLICE_LIT("{{revoked_token}}"));
    put_variable(m, SLICE_LIT("revoked_token"), "the revocation");
    if (!slice_is_absent(m->call->token_type_hint)) {
        put_field(m, PLACE_PAYLOAD, SLICE_LIT("token_type_hint"), m->call->token_type_hint);
    }
}

/* What the grant itself sends. */
static void put_grant_fields(struct profile_maker *m)
{
    if (profile_maker_is_revocation(m)) {
        put_revocation(m);
        return;
    }
    put_grant_field(m, "grant_type", "{{grant_type}}");
    if (profile_maker_is_refresh(m)) {
        put_grant_field(m, "refresh_token", "{{refresh_token}}");
    } else {
        for (size_t i = 0; i < m->p->nform_fields; i++) {
            put_form_field(m, i);
        }
    }
}

/* A payload that is one text has no fields; a token that it does not refer to, and no URL, would
 * not be sent at all. */
static void check_whole_body(struct profile_maker *m)
{
    if (profile_maker_is_revocation(m) && !does_grant_refer(m, SLICE_LIT("revoked_token"))) {
        faults_add(m->faults, NULL, "token",
                   "can't be sent: the profile's payload is one text, that of the password grant; "
                   "revocation_url may hold {{revoked_token}}");
    }
    if (profile_maker_is_refresh(m) && !does_grant_refer(m, SLICE_LIT("refresh_token"))) {
        faults_add(m->faults, NULL, "refresh_token",
                   "can't be sent: the profile's payload is one text, that of the password grant");
    }
}

static void put_fields(struct profile_maker *m)
{
    if (profile_has_whole_body(m->p)) {
        check_whole_body(m);
    } else {
        put_grant_fields(m);
    }
    for (size_t i = 0; i < m->p->nfields; i++) {
        const struct profile_field *f = &m->p->fields[i];

        if (is_field_used(m, f)) {
            put_field(m, f->place, slice_of_str(f->key), site_text(m, PROFILE_SITE_FIELDS + i));
        }
    }
}

static void put_request(struct profile_maker *m)
{
    struct msg_request *r = &m->job.request;

    r->method = m->p->method;
    r->url = profile_site_text(m->p, url_site(m));
    r->encoding = m->p->content_type;
    r->root = slice_of_str(m->p->root);
    r->client.method = m->p->client_method;
    r->client.id = site_text(m, PROFILE_SITE_CLIENT_ID);
    r->client.secret = site_text(m, PROFILE_SITE_CLIENT_SECRET);
    r->client.key = site_text(m, PROFILE_SITE_CLIENT_KEY);
    r->client.certificate = site_text(m, PROFILE_SITE_CLIENT_CERTIFICATE);
    r->client.aud = site_text(m, PROFILE_SITE_CLIENT_AUD);
    r->client.alg = m->p->client_alg;
    r->client.kid = slice_of_str(m->p->client_kid);
    put_fields(m);
    for (size_t site = 0; site < profile_site_count(m->p); site++) {
        put_site_variables(m, site);
    }
}

static void put_rest(struct profile_maker *m)
{
    struct msg_job *job = &m->job;

    job->id = m->call->id;
    job->budget_ms = m->call->budget_ms;
    job->purpose = m->call->purpose;
    job->trace = m->call->trace;
    job->expect = (struct msg_expect){
        .auth_error_status = m->p->auth_error_status,
        .nauth_error_status = m->p->nauth_error_status,
        .answer = m->p->answer,
    };
    if (!profile_maker_is_revocation(m)) {
        job->expect.places = profile_places_view(&m->p->places);
    }
}

static void check_size(const struct profile_maker *m)
{
    size_t bytes = 0;

    for (size_t i = 0; i < m->job.nvariables; i++) {
        bytes += m->job.variables[i].name.len + m->job.variables[i].value.len;
    }
    if (m->job.nvariables > MSG_MAP_MAX || bytes > PROFILE_VARIABLES_BYTES_MAX) {
        faults_add(m->faults, NULL, "variables",
                   "are too many: at most %d, with %d bytes of names and values", MSG_MAP_MAX,
                   PROFILE_VARIABLES_BYTES_MAX);
    }
}

static bool reserve(struct profile_maker *m)
{
    size_t nfields = m->p->nfields + m->p->nform_fields + GRANT_FIELDS_MAX;
    size_t nvariables = m->p->nform_fields + GRANT_FIELDS_MAX;
    size_t ntexts = m->p->nfields + 2 * m->p->nform_fields + CLIENT_TEXTS;
    struct profile_job_memory *memory = m->memory;

    for (size_t site = 0; site < profile_site_count(m->p); site++) {
        nvariables += m->templates[site].nparts;
    }
    memory->fields = calloc(nfields, sizeof(*memory->fields));
    memory->variables = calloc(nvariables, sizeof(*memory->variables));
    memory->secret_variables = calloc(nvariables, sizeof(*memory->secret_variables));
    memory->texts = calloc(ntexts, sizeof(*memory->texts));
    m->job.request.fields = memory->fields;
    m->job.variables = memory->variables;
    m->job.secret_variables = memory->secret_variables;
    return memory->fields != NULL && memory->variables != NULL &&
           memory->secret_variables != NULL && memory->texts != NULL;
}

static void make(struct profile_maker *m)
{
    m->values = calloc(m->p->nform_fields + 1, sizeof(*m->values));
    m->templates = calloc(profile_site_count(m->p), sizeof(*m->templates));
    if (m->values == NULL || m->templates == NULL) {
        fault_no_memory(m);
        return;
    }
    parse_templates(m);
    if (!reserve(m)) {
        fault_no_memory(m);
        return;
    }
    profile_maker_read_call(m);
    put_request(m);
    put_rest(m);
    check_size(m);
}

bool profile_make_job(const struct profile *p, const struct profile_call *call,
                      struct profile_job *out, struct faults *faults)
{
    struct profile_maker m = {.p = p, .call = call, .faults = faults};
    struct profile_job made = {0};
    size_t found = faults_total(faults);

    m.memory = calloc(1, sizeof(*m.memory));
    made.memory = m.memory;
    if (m.memory == NULL) {
        fault_no_memory(&m);
    } else {
        make(&m);
    }
    for (size_t site = 0; m.templates != NULL && site < profile_site_count(p); site++) {
        template_done(&m.templates[site]);
    }
    free(m.templates);
    free(m.values);
    if (faults_total(faults) != found) {
        profile_job_done(&made);
        return false;
    }
    made.job = m.job;
    *out = made;
    return true;
}

void profile_job_done(struct profile_job *j)
{
    struct profile_job_memory *memory = j->memory;

    for (size_t i = 0; memory != NULL && i < memory->ntexts; i++) {
        explicit_bzero(memory->texts[i], strlen(memory->texts[i]));
        free(memory->texts[i]);
    }
    if (memory != NULL) {
        free(memory->fields);
        free(memory->variables);
        free(memory->secret_variables);
        free(memory->texts);
    }
    free(memory);
    *j = (struct profile_job){0};
}
