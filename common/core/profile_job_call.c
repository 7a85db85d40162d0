#include "common/core/profile_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NAME_BYTES = 64 };

static struct slice json_text(const json_t *json)
{
    return slice_of(json_string_value(json), json_string_length(json));
}

/* What no value may be, whatever its type; NULL if it is fine. */
static const char *why_no_value(struct slice value)
{
    if (value.len > PROFILE_VALUE_BYTES_MAX) {
        return "must be at most 16384 bytes long";
    }
    if (slice_find(value, 0, '\0') != value.len) {
        return "must not hold a NUL character";
    }
    return slice_is_utf8(value) ? NULL : "must be UTF-8";
}

static void fault_of(const struct profile_maker *m, const char *object, const char *name,
                     const char *what)
{
    char path[MEMBERS_PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s.%.*s", object, SHOWN_NAME_BYTES, name);
    faults_add(m->faults, NULL, path, "%s", what);
}

static bool does_any_template_refer(const struct profile_maker *m, struct slice name)
{
    bool does = false;

    for (size_t site = 0; site < profile_site_count(m->p) && !does; site++) {
        struct template t = {0};
        enum cx_err err = profile_site_parse(m->p, site, &t, NULL);

        for (size_t i = 0; i < t.nparts; i++) {
            does =
                does || (t.parts[i].kind == TEMPLATE_VARIABLE && slice_eq(t.parts[i].text, name));
        }
        template_done(&t);
        if (err != CX_OK) {
            faults_add(m->faults, NULL, "", "%s", cx_err_text(err));
        }
    }
    return does;
}

static void refuse_unknown(const struct profile_maker *m, const char *object, const char *name)
{
    const char *keys[PROFILE_FORM_FIELDS_MAX];
    const char *nearest;
    char what[160];

    for (size_t i = 0; i < m->p->nform_fields; i++) {
        keys[i] = m->p->form_fields[i].key;
    }
    nearest = faults_nearest(name, keys, m->p->nform_fields);
    (void)snprintf(what, sizeof(what),
                   "is neither a form field nor referred to by the profile%s%s%s",
                   nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "\"?" : "");
    fault_of(m, object, name, what);
}

/* Names that the job fills from elsewhere: what to say to a call that gives one, or NULL. */
static const char *why_reserved(const char *name)
{
    if (strcmp(name, "tenant") == 0) {
        return "is no variable; give the call's tenant";
    }
    if (strcmp(name, "refresh_token") == 0) {
        return "is no variable; give the call's refresh_token, to refresh";
    }
    if (strcmp(name, "revoked_token") == 0) {
        return "is no variable; give the call's token, to revoke it";
    }
    return strcmp(name, "grant_type") == 0 ? "is set by the kind of call" : NULL;
}

/* A name of `variables` or `context` that is no form field. */
static void check_dynamic(const struct profile_maker *m, const char *object, const char *name,
                          const json_t *value)
{
    const char *why = why_reserved(name);

    if (why == NULL && !does_any_template_refer(m, slice_of_str(name))) {
        refuse_unknown(m, object, name);
        return;
    }
    if (why == NULL && !json_is_null(value)) {
        why = json_is_string(value) ? why_no_value(json_text(value)) : "must be a string";
    }
    if (why != NULL) {
        fault_of(m, object, name, why);
    }
}

static bool is_object_or_none(const struct profile_maker *m, const json_t *json, const char *name)
{
    if (json == NULL || json_is_object(json)) {
        return true;
    }
    faults_add(m->faults, NULL, name, "must be an object");
    return false;
}

static void check_variables(const struct profile_maker *m)
{
    const char *name;
    json_t *value;

    if (!is_object_or_none(m, m->call->variables, "variables")) {
        return;
    }
    json_object_foreach((json_t *)m->call->variables, name, value)
    {
        if (profile_form_field(m->p, slice_of_str(name)) == NULL) {
            check_dynamic(m, "variables", name, value);
        }
    }
}

static void check_context(const struct profile_maker *m)
{
    const char *name;
    json_t *value;

    if (!is_object_or_none(m, m->call->context, "context")) {
        return;
    }
    json_object_foreach((json_t *)m->call->context, name, value)
    {
        if (profile_form_field(m->p, slice_of_str(name)) != NULL) {
            fault_of(m, "context", name, "is a form field; give it in variables");
        } else if (json_object_get(m->call->variables, name) != NULL) {
            fault_of(m, "context", name, "is in variables too");
        } else {
            check_dynamic(m, "context", name, value);
        }
    }
}

bool profile_maker_dynamic(const struct profile_maker *m, struct slice name, struct slice *value)
{
    const json_t *found = json_object_getn(m->call->context, (const char *)name.ptr, name.len);

    if (found == NULL || json_is_null(found)) {
        found = json_object_getn(m->call->variables, (const char *)name.ptr, name.len);
    }
    *value = json_text(found);
    return found != NULL && !json_is_null(found);
}

/* The given value as text; absent, with a fault, if it can't be one. */
static struct slice form_text(struct profile_maker *m, const struct profile_form_field *f,
                              const json_t *json)
{
    const char *why = "must be a string";

    if (json_is_string(json)) {
        return json_text(json);
    }
    if (f->data_type == PROFILE_BOOLEAN && json_is_boolean(json)) {
        return json_is_true(json) ? SLICE_LIT("true") : SLICE_LIT("false");
    }
    if (f->data_type == PROFILE_NUMBER && json_is_integer(json)) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        return profile_maker_keep(m, strdup(text));
    }
    if (f->data_type == PROFILE_NUMBER && json_is_real(json)) {
        why = "must be a string, since it has a fraction or exponent, whose digits would not "
              "survive";
    }
    fault_of(m, "variables", f->key, why);
    return (struct slice){0};
}

static const char *why_no_form_value(const struct profile_form_field *f, struct slice value)
{
    const char *why = why_no_value(value);

    if (why != NULL) {
        return why;
    }
    return value.len == 0 && f->is_required ? "is required and must not be empty"
                                            : profile_value_fault(f->data_type, value);
}

static void take_given(struct profile_maker *m, const struct profile_form_field *f,
                       struct profile_form_value *v, const json_t *json)
{
    const char *why;

    if (f->visibility != PROFILE_VISIBLE) {
        fault_of(m, "variables", f->key, "is set by the profile and can't be given");
        v->is_faulty = true;
        return;
    }
    if (!slice_is_absent(profile_credential(m->p, slice_of_str(f->key)))) {
        fault_of(m, "variables", f->key, "is stored with the profile and can't be given");
        v->is_faulty = true;
        return;
    }
    v->value = form_text(m, f, json);
    v->is_faulty = slice_is_absent(v->value);
    why = v->is_faulty ? NULL : why_no_form_value(f, v->value);
    if (why != NULL) {
        fault_of(m, "variables", f->key, why);
        v->is_faulty = true;
    }
}

static void read_form_value(struct profile_maker *m, const struct profile_form_field *f,
                            struct profile_form_value *v)
{
    const json_t *json = json_object_get(m->call->variables, f->key);

    if (json != NULL && !json_is_null(json)) {
        take_given(m, f, v, json);
        return;
    }
    v->value = f->visibility != PROFILE_VISIBLE ? slice_of_str(f->value)
                                                : profile_credential(m->p, slice_of_str(f->key));
    v->is_stored = f->visibility == PROFILE_VISIBLE && !slice_is_absent(v->value);
    if (slice_is_absent(v->value) && f->is_required && !profile_maker_is_refresh(m) &&
        !profile_maker_is_revocation(m)) {
        fault_of(m, "variables", f->key, "is required");
        v->is_faulty = true;
    }
}

static void read_tenant(struct profile_maker *m)
{
    struct slice own = slice_of_str(m->p->tenant);
    struct slice given = m->call->tenant;
    const char *why = NULL;

    m->tenant = slice_is_absent(given) ? own : given;
    if (!m->p->has_tenancy) {
        why = slice_is_absent(given) ? NULL : "the profile's tenancy is off";
    } else if (slice_is_absent(m->tenant)) {
        why = "is required by the profile's tenancy";
    } else if (!template_is_label(m->tenant)) {
        why = "must be one host label: letters, digits and hyphens, 1 to 63";
    } else if (m->p->mode == PROFILE_PRE_AUTHORIZED && !slice_eq(m->tenant, own)) {
        why = "must be the profile's: its credentials go nowhere else";
    }
    if (why != NULL) {
        faults_add(m->faults, NULL, "tenant", "%s", why);
    }
}

static void read_token(const struct profile_maker *m, const char *name, struct slice token)
{
    const char *why = token.len == 0 ? "is required" : why_no_value(token);

    if (why != NULL) {
        faults_add(m->faults, NULL, name, "%s", why);
    }
}

/* RFC 7009, 2.1; others would be the profile's provider's own. */
static void read_hint(const struct profile_maker *m)
{
    struct slice hint = m->call->token_type_hint;

    if (!slice_is_absent(hint) && !slice_eq_str(hint, "access_token") &&
        !slice_eq_str(hint, "refresh_token")) {
        faults_add(m->faults, NULL, "token_type_hint", "must be access_token or refresh_token");
    }
}

static void read_tokens(const struct profile_maker *m)
{
    if (profile_maker_is_refresh(m)) {
        read_token(m, "refresh_token", m->call->refresh_token);
    }
    if (profile_maker_is_revocation(m)) {
        read_token(m, "token", m->call->revoked_token);
        read_hint(m);
    }
}

void profile_maker_read_call(struct profile_maker *m)
{
    check_variables(m);
    check_context(m);
    for (size_t i = 0; i < m->p->nform_fields; i++) {
        read_form_value(m, &m->p->form_fields[i], &m->values[i]);
    }
    read_tenant(m);
    read_tokens(m);
}
