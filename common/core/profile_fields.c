#include "common/core/profile_parts.h"

#include "common/core/body.h"
#include "common/core/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 256 };

#define AS_WORD(name, text) text,
static const char *const places[PLACE_COUNT] = {TERMS_PLACE(AS_WORD)};
#undef AS_WORD

static bool is_there(const struct profile *p, enum field_place place, const char *key)
{
    for (size_t i = 0; i < p->nfields; i++) {
        const struct profile_field *f = &p->fields[i];

        if (f->place != place || f->key == NULL) {
            continue;
        }
        if (place == PLACE_HEADER ? slice_eq_nocase(slice_of_str(f->key), slice_of_str(key))
                                  : strcmp(f->key, key) == 0) {
            return true;
        }
    }
    return false;
}

static void check_header_key(const struct members *m, const struct profile *p, const char *key)
{
    const char *why;

    if (!request_allows_header(slice_of_str(key), &why)) {
        members_fault(m, "key", "\"%.60s\" %s", key, why);
    } else if (is_there(p, PLACE_HEADER, key)) {
        members_fault(m, "key", "\"%.60s\" occurs twice; a header is sent once", key);
    }
}

static void check_path_key(const struct members *m, const struct profile *p, const char *key)
{
    if (!template_is_name(slice_of_str(key))) {
        members_fault(m, "key", "must be 1 to 64 letters, digits, '_', '.' or '-'");
    } else if (strcmp(key, "tenant") == 0) {
        members_fault(m, "key", "{tenant} is filled by tenancy");
    } else if (is_there(p, PLACE_PATH, key)) {
        members_fault(m, "key", "\"%s\" occurs twice; a placeholder is filled once", key);
    }
}

static void check_plain_key(const struct members *m, const char *key)
{
    if (key[0] == '\0' || slice_has_control(slice_of_str(key))) {
        members_fault(m, "key", "must be 1 to 256 bytes without control characters");
    }
}

/* Without a key, the value is the whole body: what only a text can be. */
static void check_payload_key(const struct members *m, const struct profile *p, const char *key)
{
    if (key[0] != '\0' || p->content_type != ENCODING_TEXT) {
        check_plain_key(m, key);
    } else if (!body_is_carried_by(p->method)) {
        members_fault(m, "key", "must not be empty: %s has no body that the value could be",
                      terms_method(p->method));
    }
}

static void check_key(const struct members *m, const struct profile *p,
                      const struct profile_field *f)
{
    if (members_get(m, "key") == NULL) {
        members_fault(m, "key", "is required");
        return;
    }
    if (f->key == NULL) {
        return; /* faulty, and said so */
    }
    switch (f->place) {
    case PLACE_HEADER:
        check_header_key(m, p, f->key);
        break;
    case PLACE_PATH:
        check_path_key(m, p, f->key);
        break;
    case PLACE_PAYLOAD:
        check_payload_key(m, p, f->key);
        break;
    case PLACE_QUERY:
    case PLACE_UNKNOWN:
    case PLACE_COUNT:
        check_plain_key(m, f->key);
        break;
    }
}

static void read_field(struct profile_reader *r, const struct members *m)
{
    static const char *const names[] = {"place", "key", "value"};
    struct profile_field *f = &r->p.fields[r->p.nfields];

    members_check_names(m, names, sizeof(names) / sizeof(names[0]));
    f->place = (enum field_place)members_word(m, "place", places, PLACE_COUNT,
                                              members_get(m, "place") == NULL ? PLACE_HEADER
                                                                              : PLACE_UNKNOWN);
    f->key = members_text(m, "key", KEY_BYTES_MAX, NULL);
    f->value = members_text(m, "value", PROFILE_TEMPLATE_BYTES_MAX, NULL);
    check_key(m, &r->p, f);
    if (members_get(m, "value") == NULL) {
        members_fault(m, "value", "is required; \"\" sends an empty value");
    }
    r->p.nfields++;
}

void profile_read_fields(struct profile_reader *r)
{
    const json_t *list = members_list(&r->top, "fields", PROFILE_FIELDS_MAX);
    size_t n = json_array_size(list);

    r->p.fields = calloc(n + 1, sizeof(*r->p.fields));
    if (r->p.fields == NULL) {
        members_fault(&r->top, "fields", "%s", cx_err_text(CX_E_NOMEM));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char path[MEMBERS_PREFIX_BYTES];
        struct members m;

        (void)snprintf(path, sizeof(path), "fields[%zu]", i);
        members_init(&m, json_array_get(list, i), path, r->faults);
        if (m.json != NULL) {
            read_field(r, &m);
        } else {
            r->p.nfields++; /* keeps the numbers of those behind it */
        }
    }
}
