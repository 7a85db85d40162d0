#include "common/core/profile_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TITLE_BYTES_MAX = 200, HINT_BYTES_MAX = 1000, KEY_BYTES_MAX = 64 };

/* Names that the grant and the client use themselves. */
static const char *const reserved[] = {
    "tenant",    "grant_type",    "refresh_token",         "revoked_token",
    "client_id", "client_secret", "client_assertion_type", "client_assertion"};

static void check_key(const struct members *m, const struct profile *p, const char *key)
{
    if (members_get(m, "key") == NULL) {
        members_fault(m, "key", "is required");
        return;
    }
    if (key == NULL) {
        return; /* faulty, and said so */
    }
    if (!template_is_name(slice_of_str(key))) {
        members_fault(m, "key", "must be 1 to 64 letters, digits, '_', '.' or '-'");
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(key, reserved[i]) == 0) {
            members_fault(m, "key", "\"%s\" is reserved and can't be a form field", key);
        }
    }
    if (profile_form_field(p, slice_of_str(key)) != NULL) {
        members_fault(m, "key", "\"%s\" occurs twice", key);
    }
}

static void check_line(const struct members *m, const char *name, const char *text)
{
    if (text != NULL && slice_has_control(slice_of_str(text))) {
        members_fault(m, name, "must not hold control characters");
    }
}

static void check_value(const struct members *m, const struct profile_form_field *f)
{
    const char *why;

    if (f->visibility == PROFILE_VISIBLE) {
        if (members_get(m, "value") != NULL) {
            members_fault(m, "value", "is for hidden and read_only fields only");
        }
        return;
    }
    if (f->is_password) {
        members_fault(m, "visibility",
                      "a password must be visible: its value would be readable in the profile; "
                      "use credentials or client.secret");
        return;
    }
    if (members_get(m, "value") == NULL) {
        members_fault(m, "value", "is required, since the field is %s",
                      profile_visibilities[f->visibility]);
        return;
    }
    why = f->value == NULL ? NULL : profile_value_fault(f->data_type, slice_of_str(f->value));
    if (why != NULL) {
        members_fault(m, "value", "%s", why);
    }
}

static void warn_of_plain_password(const struct profile_reader *r, const struct members *m,
                                   const struct profile_form_field *f)
{
    char path[MEMBERS_PATH_BYTES];

    if (f->key != NULL && strcmp(f->key, "password") == 0 && !f->is_password) {
        profile_warn(r, members_path(m, "type", path),
                     "as text, the password is shown in traces; \"password\" masks it");
    }
}

static void read_form_field(struct profile_reader *r, const struct members *m)
{
    static const char *const names[] = {"title",    "key",       "hint",       "type",
                                        "required", "data_type", "visibility", "value"};
    struct profile_form_field *f = &r->p.form_fields[r->p.nform_fields];
    bool is_named_password;

    members_check_names(m, names, sizeof(names) / sizeof(names[0]));
    f->key = members_text(m, "key", KEY_BYTES_MAX, NULL);
    check_key(m, &r->p, f->key);
    f->title = members_text(m, "title", TITLE_BYTES_MAX, f->key != NULL ? f->key : "");
    f->hint = members_text(m, "hint", HINT_BYTES_MAX, "");
    check_line(m, "title", f->title);
    check_line(m, "hint", f->hint);
    is_named_password = f->key != NULL && strcmp(f->key, "password") == 0;
    f->is_password = members_word(m, "type", profile_form_types, 2, is_named_password ? 1 : 0) == 1;
    f->is_required = members_flag(m, "required", false);
    f->data_type =
        (enum profile_data_type)members_word(m, "data_type", profile_data_types, 6, PROFILE_STRING);
    f->visibility = (enum profile_visibility)members_word(m, "visibility", profile_visibilities, 3,
                                                          PROFILE_VISIBLE);
    if (f->visibility != PROFILE_VISIBLE) {
        f->value = members_text(m, "value", PROFILE_TEMPLATE_BYTES_MAX, NULL);
    }
    check_value(m, f);
    warn_of_plain_password(r, m, f);
    r->p.nform_fields++;
}

/* True if the list has an element with that key: username and password need not be added. */
static bool names_key(const json_t *list, const char *key)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *found = json_string_value(json_object_get(json_array_get(list, i), "key"));

        if (found != NULL && strcmp(found, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_standard_field(struct profile_reader *r, const char *key, const char *title,
                               bool is_password)
{
    struct profile_form_field *f = &r->p.form_fields[r->p.nform_fields++];

    f->key = strdup(key);
    f->title = strdup(title);
    f->hint = strdup("");
    f->is_password = is_password;
    f->is_required = true;
    if (f->key == NULL || f->title == NULL || f->hint == NULL) {
        members_fault(&r->top, "form_fields", "%s", cx_err_text(CX_E_NOMEM));
    }
}

void profile_read_form_fields(struct profile_reader *r)
{
    const json_t *list = members_list(&r->top, "form_fields", PROFILE_FORM_FIELDS_MAX - 2);
    size_t n = json_array_size(list);

    r->p.form_fields = calloc(n + 2, sizeof(*r->p.form_fields));
    if (r->p.form_fields == NULL) {
        members_fault(&r->top, "form_fields", "%s", cx_err_text(CX_E_NOMEM));
        return;
    }
    if (!names_key(list, "username")) {
        add_standard_field(r, "username", "User name", false);
    }
    if (!names_key(list, "password")) {
        add_standard_field(r, "password", "Password", true);
    }
    for (size_t i = 0; i < n; i++) {
        char path[MEMBERS_PREFIX_BYTES];
        struct members m;

        (void)snprintf(path, sizeof(path), "form_fields[%zu]", i);
        members_init(&m, json_array_get(list, i), path, r->faults);
        if (m.json != NULL) {
            read_form_field(r, &m);
        }
    }
}
