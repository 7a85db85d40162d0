#include "common/core/profile_parts.h"

#include <string.h>

/* Every object and list is filled member by member, in the order in which it shall be read; one
 * member that can't be made (no memory) spoils the whole. */
struct writer {
    json_t *json;
    bool has_failed;
};

/* Steals `value`, which may be NULL: that is a failure. */
static void put(struct writer *w, const char *name, json_t *value)
{
    if (json_object_set_new(w->json, name, value) != 0) {
        w->has_failed = true;
    }
}

static void put_text(struct writer *w, const char *name, const char *text)
{
    put(w, name, text == NULL ? json_null() : json_string(text));
}

/* The finished object, or NULL. */
static json_t *finish(struct writer *w)
{
    if (w->has_failed) {
        json_decref(w->json);
        return NULL;
    }
    return w->json;
}

/* Steals `element`. */
static bool append(json_t *list, json_t *element)
{
    return json_array_append_new(list, element) == 0;
}

static json_t *form_field_to_json(const struct profile_form_field *f)
{
    struct writer w = {.json = json_object()};

    put_text(&w, "title", f->title);
    put_text(&w, "key", f->key);
    put_text(&w, "hint", f->hint);
    put_text(&w, "type", profile_form_types[f->is_password ? 1 : 0]);
    put(&w, "required", json_boolean(f->is_required));
    put_text(&w, "data_type", profile_data_types[f->data_type]);
    put_text(&w, "visibility", profile_visibilities[f->visibility]);
    if (f->value != NULL) {
        put_text(&w, "value", f->value);
    }
    return finish(&w);
}

static json_t *form_fields_to_json(const struct profile *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->nform_fields && list != NULL; i++) {
        if (!append(list, form_field_to_json(&p->form_fields[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *field_to_json(const struct profile_field *f)
{
    struct writer w = {.json = json_object()};

    put_text(&w, "place", terms_place(f->place));
    put_text(&w, "key", f->key);
    put_text(&w, "value", f->value);
    return finish(&w);
}

static json_t *fields_to_json(const struct profile *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->nfields && list != NULL; i++) {
        if (!append(list, field_to_json(&p->fields[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *statuses_to_json(const struct profile *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->nauth_error_status && list != NULL; i++) {
        if (!append(list, json_integer(p->auth_error_status[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *text_to_json(struct slice text)
{
    return json_stringn((const char *)text.ptr, text.len);
}

/* True if no part of the template is a text of its own, which could be the secret. */
static bool is_all_placeholders(struct slice text)
{
    struct template t = {0};
    bool is_all = text.len > 0 && template_parse(text, &t, NULL) == CX_OK;

    for (size_t i = 0; i < t.nparts; i++) {
        is_all = is_all && t.parts[i].kind != TEMPLATE_LITERAL;
    }
    template_done(&t);
    return is_all;
}

static json_t *secret_to_json(struct slice value, bool is_shown)
{
    struct writer w = {.json = NULL};

    if (is_shown) {
        return text_to_json(value);
    }
    w.json = json_object();
    put(&w, "set", json_true());
    return finish(&w);
}

static json_t *client_to_json(const struct profile *p, bool with_secrets)
{
    struct writer w = {.json = json_object()};
    struct slice secret = secret_view(&p->client_secret);
    struct slice key = secret_view(&p->client_key);
    const struct {
        const char *name, *value;
    } texts[] = {
        {"certificate", p->client_certificate}, {"kid", p->client_kid}, {"aud", p->client_aud}};

    put_text(&w, "method", terms_client(p->client_method));
    if (p->client_id != NULL) {
        put_text(&w, "id", p->client_id);
    }
    if (secret_is_set(&p->client_secret)) {
        put(&w, "secret", secret_to_json(secret, with_secrets || is_all_placeholders(secret)));
    }
    if (secret_is_set(&p->client_key)) {
        put(&w, "key", secret_to_json(key, with_secrets || profile_is_agent_secret(key)));
    }
    if (p->client_alg != ALG_UNKNOWN) {
        put_text(&w, "alg", terms_alg(p->client_alg));
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].value != NULL) {
            put_text(&w, texts[i].name, texts[i].value);
        }
    }
    return finish(&w);
}

static json_t *credentials_to_json(const struct profile *p, bool with_secrets)
{
    struct writer w = {.json = json_object()};

    for (size_t i = 0; i < p->ncredentials; i++) {
        const struct msg_variable *v = &p->credentials[i];

        put(&w, (const char *)v->name.ptr, /* a C string, as profile_read made it */
            secret_to_json(v->value, with_secrets || profile_is_agent_secret(v->value)));
    }
    return finish(&w);
}

static json_t *tenancy_to_json(const struct profile *p)
{
    struct writer w = {.json = NULL};

    if (!p->has_tenancy) {
        return json_null();
    }
    w.json = json_object();
    put_text(&w, "tenant", p->tenant);
    return finish(&w);
}

json_t *profile_to_json(const struct profile *p, bool with_secrets)
{
    struct writer w = {.json = json_object()};

    put_text(&w, "name", p->name);
    put_text(&w, "type", PROFILE_TYPE);
    put_text(&w, "connector", p->connector);
    put(&w, "tenancy", tenancy_to_json(p));
    put_text(&w, "mode", profile_modes[p->mode]);
    put(&w, "form_fields", form_fields_to_json(p));
    put(&w, "fields", fields_to_json(p));
    put_text(&w, "token_url", p->token_url);
    put_text(&w, "method", terms_method(p->method));
    put_text(&w, "content_type", terms_encoding(p->content_type));
    if (p->root != NULL) {
        put_text(&w, "root", p->root);
    }
    put_text(&w, "refresh_url", p->refresh_url);
    put_text(&w, "revocation_url", p->revocation_url);
    put(&w, "answer", profile_answer_to_json(p));
    put(&w, "auth_error_status", statuses_to_json(p));
    put(&w, "rotation_grace_s", json_integer(p->rotation_grace_s));
    put(&w, "client", client_to_json(p, with_secrets));
    if (p->mode == PROFILE_PRE_AUTHORIZED) {
        put(&w, "credentials", credentials_to_json(p, with_secrets));
    }
    put(&w, "budget_ms", json_integer(p->budget_ms));
    return finish(&w);
}
