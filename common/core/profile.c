#include "common/core/profile_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 63 };

const char *const profile_modes[2] = {
    [PROFILE_USER] = "user",
    [PROFILE_PRE_AUTHORIZED] = "pre_authorized",
};
const char *const profile_data_types[6] = {
    [PROFILE_STRING] = "string", [PROFILE_NUMBER] = "number", [PROFILE_BOOLEAN] = "boolean",
    [PROFILE_DATE] = "date",     [PROFILE_EMAIL] = "email",   [PROFILE_URL] = "url",
};
const char *const profile_visibilities[3] = {
    [PROFILE_VISIBLE] = "visible",
    [PROFILE_HIDDEN] = "hidden",
    [PROFILE_READ_ONLY] = "read_only",
};
const char *const profile_form_types[2] = {"text", "password"};

bool profile_is_name(struct slice name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!is_alnum && (i == 0 || (c != '.' && c != '_' && c != '-'))) {
            return false;
        }
    }
    return true;
}

static void form_field_done(struct profile_form_field *f)
{
    free(f->title);
    free(f->key);
    free(f->hint);
    free(f->value);
}

static void credential_done(struct msg_variable *v)
{
    if (v->value.ptr != NULL) {
        explicit_bzero((uint8_t *)v->value.ptr, v->value.len);
    }
    free((uint8_t *)v->value.ptr);
    free((uint8_t *)v->name.ptr);
}

void profile_done(struct profile *p)
{
    for (size_t i = 0; i < p->nform_fields; i++) {
        form_field_done(&p->form_fields[i]);
    }
    for (size_t i = 0; i < p->nfields; i++) {
        free(p->fields[i].key);
        free(p->fields[i].value);
    }
    for (size_t i = 0; i < p->ncredentials; i++) {
        credential_done(&p->credentials[i]);
    }
    free(p->name);
    free(p->connector);
    free(p->tenant);
    free(p->form_fields);
    free(p->fields);
    free(p->token_url);
    free(p->refresh_url);
    free(p->revocation_url);
    profile_places_done(&p->places);
    free(p->root);
    free(p->auth_error_status);
    free(p->client_id);
    free(p->client_certificate);
    free(p->client_kid);
    free(p->client_aud);
    free(p->credentials);
    secret_done(&p->client_secret);
    secret_done(&p->client_key);
    *p = (struct profile){0};
}

const struct profile_form_field *profile_form_field(const struct profile *p, struct slice key)
{
    for (size_t i = 0; i < p->nform_fields; i++) {
        if (p->form_fields[i].key != NULL && slice_eq_str(key, p->form_fields[i].key)) {
            return &p->form_fields[i];
        }
    }
    return NULL;
}

struct slice profile_credential(const struct profile *p, struct slice name)
{
    for (size_t i = 0; i < p->ncredentials; i++) {
        if (slice_eq(p->credentials[i].name, name)) {
            return p->credentials[i].value;
        }
    }
    return (struct slice){0};
}

bool profile_is_agent_secret(struct slice value)
{
    const struct slice open = SLICE_LIT("{{secret:");
    const struct slice close = SLICE_LIT("}}");

    return value.len > open.len + close.len && slice_has_prefix(value, open) &&
           slice_eq(slice_from(value, value.len - close.len), close) &&
           template_is_name(slice_of(value.ptr + open.len, value.len - open.len - close.len));
}

size_t profile_site_count(const struct profile *p)
{
    return PROFILE_SITE_FIELDS + p->nfields;
}

bool profile_site_is_url(size_t site)
{
    return site <= PROFILE_SITE_REVOCATION_URL;
}

bool profile_site_is_client(size_t site)
{
    return site >= PROFILE_SITE_CLIENT_ID && site <= PROFILE_SITE_CLIENT_AUD;
}

struct slice profile_site_text(const struct profile *p, size_t site)
{
    switch (site) {
    case PROFILE_SITE_TOKEN_URL:
        return slice_of_str(p->token_url);
    case PROFILE_SITE_REFRESH_URL:
        return slice_of_str(p->refresh_url);
    case PROFILE_SITE_REVOCATION_URL:
        return slice_of_str(p->revocation_url);
    case PROFILE_SITE_CLIENT_ID:
        return slice_of_str(p->client_id);
    case PROFILE_SITE_CLIENT_SECRET:
        return secret_view(&p->client_secret);
    case PROFILE_SITE_CLIENT_KEY:
        return secret_view(&p->client_key);
    case PROFILE_SITE_CLIENT_CERTIFICATE:
        return slice_of_str(p->client_certificate);
    case PROFILE_SITE_CLIENT_AUD:
        return slice_of_str(p->client_aud);
    default:
        return slice_of_str(p->fields[site - PROFILE_SITE_FIELDS].value);
    }
}

const char *profile_site_path(size_t site, char out[MEMBERS_PATH_BYTES])
{
    static const char *const paths[] = {
        [PROFILE_SITE_TOKEN_URL] = "token_url",
        [PROFILE_SITE_REFRESH_URL] = "refresh_url",
        [PROFILE_SITE_REVOCATION_URL] = "revocation_url",
        [PROFILE_SITE_CLIENT_ID] = "client.id",
        [PROFILE_SITE_CLIENT_SECRET] = "client.secret",
        [PROFILE_SITE_CLIENT_KEY] = "client.key",
        [PROFILE_SITE_CLIENT_CERTIFICATE] = "client.certificate",
        [PROFILE_SITE_CLIENT_AUD] = "client.aud",
    };

    if (site < PROFILE_SITE_FIELDS) {
        (void)snprintf(out, MEMBERS_PATH_BYTES, "%s", paths[site]);
    } else {
        (void)snprintf(out, MEMBERS_PATH_BYTES, "fields[%zu].value", site - PROFILE_SITE_FIELDS);
    }
    return out;
}

enum cx_err profile_site_parse(const struct profile *p, size_t site, struct template *out,
                               struct cx_fail *fail)
{
    struct slice text = profile_site_text(p, site);

    return profile_site_is_url(site) && text.len > 0 ? template_parse_url(text, out, fail)
                                                     : template_parse(text, out, fail);
}
