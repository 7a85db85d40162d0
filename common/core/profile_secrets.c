#include "common/core/profile_parts.h"

#include <stdlib.h>
#include <string.h>

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool are_fields_same(const struct profile *a, const struct profile *b)
{
    if (a->nfields != b->nfields) {
        return false;
    }
    for (size_t i = 0; i < a->nfields; i++) {
        if (a->fields[i].place != b->fields[i].place ||
            !is_same(a->fields[i].key, b->fields[i].key) ||
            !is_same(a->fields[i].value, b->fields[i].value)) {
            return false;
        }
    }
    return true;
}

/* A key that signs vouches for what it signs: for whom, and to whom. */
static const char *what_changed_of_signing(const struct profile *a, const struct profile *b)
{
    if (a->client_method != CLIENT_PRIVATE_KEY_JWT || b->client_method != CLIENT_PRIVATE_KEY_JWT) {
        return NULL;
    }
    if (!is_same(a->client_id, b->client_id)) {
        return "client.id";
    }
    return is_same(a->client_aud, b->client_aud) ? NULL : "client.aud";
}

/* The first member that decides where a secret goes and is not as it was, or NULL. */
static const char *what_changed(const struct profile *a, const struct profile *b)
{
    const struct {
        const char *name;
        bool is_same;
    } rows[] = {
        {"token_url", is_same(a->token_url, b->token_url)},
        {"refresh_url", is_same(a->refresh_url, b->refresh_url)},
        {"revocation_url", is_same(a->revocation_url, b->revocation_url)},
        {"method", a->method == b->method},
        {"fields", are_fields_same(a, b)},
        {"tenancy", a->has_tenancy == b->has_tenancy && is_same(a->tenant, b->tenant)},
        {"connector", is_same(a->connector, b->connector)},
        {"client.method", a->client_method == b->client_method},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!rows[i].is_same) {
            return rows[i].name;
        }
    }
    return what_changed_of_signing(a, b);
}

/* {"set": true} */
static bool is_kept_mark(const json_t *value)
{
    return json_object_size(value) == 1 && json_is_true(json_object_get(value, "set"));
}

struct slice profile_read_secret(const struct profile_reader *r, const struct members *m,
                                 const char *name, struct slice stored, size_t bytes_max)
{
    const json_t *value = members_get(m, name);
    struct slice text = slice_of(json_string_value(value), json_string_length(value));
    const char *changed;

    if (json_is_string(value)) {
        if (text.len > bytes_max || slice_find(text, 0, '\0') != text.len) {
            members_fault(m, name, "must be at most %zu bytes long, without NUL", bytes_max);
            return (struct slice){0};
        }
        return text;
    }
    if (!is_kept_mark(value)) {
        members_fault(m, name, "must be a string, or {\"set\": true} to keep the stored one");
        return (struct slice){0};
    }
    changed = r->before == NULL ? NULL : what_changed(r->before, &r->p);
    if (slice_is_absent(stored)) {
        members_fault(m, name, "there is no stored one to keep; give the value");
    } else if (changed != NULL) {
        members_fault(m, name,
                      "must be given anew, since %s has changed: a stored secret is not sent to "
                      "where it was not meant for",
                      changed);
        return (struct slice){0};
    }
    return stored;
}

static void check_credential(const struct members *m, const char *name,
                             const struct profile_form_field *f, struct slice value)
{
    const char *why;

    if (profile_is_agent_secret(value)) {
        return;
    }
    if (value.len >= 9 && memmem(value.ptr, value.len, "{{secret:", 9) != NULL) {
        members_fault(m, name, "must be a value as it is, or {{secret:name}} and nothing else");
        return;
    }
    why = value.len == 0 && f->is_required ? "must not be empty"
                                           : profile_value_fault(f->data_type, value);
    if (why != NULL) {
        members_fault(m, name, "%s", why);
    }
}

/* Copies; false if out of memory. */
static bool put_credential(struct profile *p, const char *name, struct slice value)
{
    struct msg_variable *v = &p->credentials[p->ncredentials];
    char *name_copy = strdup(name);
    char *value_copy = malloc(value.len + 1);

    if (name_copy == NULL || value_copy == NULL) {
        free(name_copy);
        free(value_copy);
        return false;
    }
    memcpy(value_copy, value.ptr, value.len);
    value_copy[value.len] = '\0';
    *v = (struct msg_variable){slice_of_str(name_copy), slice_of(value_copy, value.len)};
    p->ncredentials++;
    return true;
}

static void read_credential(struct profile_reader *r, const struct members *m, const char *name)
{
    const struct profile_form_field *f = profile_form_field(&r->p, slice_of_str(name));
    struct slice stored =
        r->before == NULL ? (struct slice){0} : profile_credential(r->before, slice_of_str(name));
    struct slice value;

    if (f == NULL) {
        members_fault(m, name, "is no form field");
        return;
    }
    if (f->visibility != PROFILE_VISIBLE) {
        members_fault(m, name, "has its value in form_fields already");
        return;
    }
    if (members_get(m, name) == NULL) {
        return;
    }
    value = profile_read_secret(r, m, name, stored, PROFILE_VALUE_BYTES_MAX);
    if (slice_is_absent(value)) {
        return;
    }
    check_credential(m, name, f, value);
    if (!put_credential(&r->p, name, value)) {
        members_fault(m, name, "%s", cx_err_text(CX_E_NOMEM));
    }
}

void profile_read_credentials(struct profile_reader *r)
{
    const json_t *json = members_get(&r->top, "credentials");
    struct members m;
    const char *name;
    json_t *unused;

    if (json == NULL) {
        return;
    }
    members_init(&m, json, "credentials", r->faults);
    if (r->p.mode != PROFILE_PRE_AUTHORIZED && json_object_size(json) > 0) {
        members_fault(&m, NULL, "are for mode pre_authorized only");
        return;
    }
    r->p.credentials = calloc(json_object_size(json) + 1, sizeof(*r->p.credentials));
    if (r->p.credentials == NULL) {
        members_fault(&m, NULL, "%s", cx_err_text(CX_E_NOMEM));
        return;
    }
    json_object_foreach((json_t *)json, name, unused)
    {
        read_credential(r, &m, name);
    }
}
