#include "common/core/profile_parts.h"

#include <stdlib.h>
#include <string.h>

#define AS_WORD(name, text) text,
static const char *const methods[CLIENT_COUNT] = {TERMS_CLIENT(AS_WORD)};
#undef AS_WORD

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
    return NULL;
}

/* {"set": true} */
static bool is_kept_mark(const json_t *value)
{
    return json_object_size(value) == 1 && json_is_true(json_object_get(value, "set"));
}

/* The secret that the member gives, or that is kept: `stored` is what there was before. Absent if
 * the member is faulty. */
static struct slice read_secret(const struct profile_reader *r, const struct members *m,
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

static void read_client_secret(struct profile_reader *r, const struct members *m)
{
    struct slice stored =
        r->before == NULL ? (struct slice){0} : secret_view(&r->before->client_secret);
    struct slice text = read_secret(r, m, "secret", stored, PROFILE_TEMPLATE_BYTES_MAX);

    if (!slice_is_absent(text) && secret_set(&r->p.client_secret, text) != CX_OK) {
        members_fault(m, "secret", "%s", cx_err_text(CX_E_NOMEM));
    }
}

static void check_client_id(const struct profile_reader *r, const struct members *m)
{
    const char *id = r->p.client_id;

    if (id != NULL && id[0] == '\0') {
        members_fault(m, "id", "must not be empty");
    }
}

/* id and secret, as the method wants them. */
static void read_client_parts(struct profile_reader *r, const struct members *m)
{
    static const char *const others[] = {"key", "alg", "aud", "certificate"};
    bool is_none = r->p.client_method == CLIENT_NONE;
    const char *method = methods[r->p.client_method];

    r->p.client_id = members_text(m, "id", PROFILE_TEMPLATE_BYTES_MAX, NULL);
    check_client_id(r, m);
    if (!is_none && members_get(m, "id") == NULL) {
        members_fault(m, "id", "is required by %s", method);
    }
    if (members_get(m, "secret") != NULL) {
        if (is_none) {
            members_fault(m, "secret", "is not used by none; choose another method");
        } else {
            read_client_secret(r, m);
        }
    } else if (!is_none) {
        members_fault(m, "secret", "is required by %s", method);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (members_get(m, others[i]) != NULL) {
            members_fault(m, others[i], "is not used by %s", method);
        }
    }
}

static void warn_of_authorization(const struct profile_reader *r)
{
    for (size_t i = 0; i < r->p.nfields; i++) {
        const struct profile_field *f = &r->p.fields[i];
        bool is_basic = r->p.client_method == CLIENT_SECRET_BASIC ||
                        r->p.client_method == CLIENT_SECRET_BASIC_RAW;

        if (is_basic && f->place == PLACE_HEADER && f->key != NULL &&
            slice_eq_nocase(slice_of_str(f->key), SLICE_LIT("authorization"))) {
            profile_warn(r, "client.method",
                         "is not used, since a header field sets Authorization itself");
        }
    }
}

void profile_read_client(struct profile_reader *r)
{
    static const char *const names[] = {"method", "id",  "secret",     "key",
                                        "alg",    "aud", "certificate"};
    const json_t *json = members_get(&r->top, "client");
    struct members m;

    r->p.client_method = CLIENT_NONE;
    if (json == NULL) {
        return;
    }
    members_init(&m, json, "client", r->faults);
    members_check_names(&m, names, sizeof(names) / sizeof(names[0]));
    r->p.client_method = (enum client_method)members_word(
        &m, "method", methods, CLIENT_COUNT,
        members_get(&m, "method") == NULL ? CLIENT_NONE : CLIENT_UNKNOWN);
    if (r->p.client_method == CLIENT_UNKNOWN) {
        return;
    }
    if (r->p.client_method == CLIENT_PRIVATE_KEY_JWT || r->p.client_method == CLIENT_TLS) {
        members_fault(&m, "method",
                      "%s is not supported by this version; none, client_secret_basic, "
                      "client_secret_basic_raw and client_secret_post are",
                      methods[r->p.client_method]);
        return;
    }
    read_client_parts(r, &m);
    warn_of_authorization(r);
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
    value = read_secret(r, m, name, stored, PROFILE_VALUE_BYTES_MAX);
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
