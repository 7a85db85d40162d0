#include "common/core/profile_parts.h"

#include "common/core/body.h"

#include <stdio.h>
#include <stdlib.h>

enum { CLIENT_PAIRS = 2 };

/* Where a pair of the payload comes from, for faults. */
struct source {
    const char *list; /* "fields", "form_fields", "client" */
    size_t index;
    const char *key_member, *value_member;
};

/* What the password grant would send, with a letter for each placeholder. */
struct sample {
    struct profile_reader *r;
    struct body_pair *pairs;
    struct source *sources;
    size_t npairs;
    struct buf values; /* of all pairs, one behind the other; has its room from the beginning */
    enum cx_err err;   /* CX_E_NOMEM */
};

/* The form field's place in the profile's list; none for those that are added to it. */
static size_t form_field_index(const struct profile_reader *r, const char *key)
{
    const json_t *list = members_get(&r->top, "form_fields");
    size_t i = 0;

    while (i < json_array_size(list)) {
        const char *found = json_string_value(json_object_get(json_array_get(list, i), "key"));

        if (found != NULL && slice_eq_str(slice_of_str(found), key)) {
            break;
        }
        i++;
    }
    return i;
}

static const char *path_of(const struct source *s, bool is_value, char out[MEMBERS_PATH_BYTES])
{
    const char *member = is_value ? s->value_member : s->key_member;

    if (s->list == NULL) {
        (void)snprintf(out, MEMBERS_PATH_BYTES, "%s", member);
    } else {
        (void)snprintf(out, MEMBERS_PATH_BYTES, "%s[%zu].%s", s->list, s->index, member);
    }
    return out;
}

/* A text that is no template, or too long, was named already: it counts as empty here. */
static struct slice filled(struct sample *s, struct slice text)
{
    const struct template_values values = {profile_fill, NULL};
    struct template t = {0};
    size_t from = s->values.len;
    enum cx_err err = template_parse(text, &t, NULL);

    if (err == CX_E_NOMEM) {
        s->err = err;
    }
    if (err == CX_OK && template_expand(&t, TEMPLATE_RAW, &values, &s->values, NULL) != CX_OK) {
        buf_truncate(&s->values, from);
    }
    template_done(&t);
    return slice_from(buf_view(&s->values), from);
}

static void put(struct sample *s, const char *key, struct slice value, struct source source)
{
    s->pairs[s->npairs] = (struct body_pair){slice_of_str(key), value};
    s->sources[s->npairs] = source;
    s->npairs++;
}

/* A form value goes into the payload unless something refers to it, or has its key. */
static bool is_in_payload(struct sample *s, const char *key)
{
    const struct profile *p = &s->r->p;
    bool is_referred = false;
    enum cx_err err = profile_does_grant_refer(p, slice_of_str(key), &is_referred);

    if (err != CX_OK) {
        s->err = err;
    }
    return !is_referred && !profile_has_payload_field(p, key) && !profile_has_whole_body(p);
}

static void put_form_fields(struct sample *s)
{
    const struct profile *p = &s->r->p;

    for (size_t i = 0; i < p->nform_fields; i++) {
        const struct profile_form_field *f = &p->form_fields[i];

        if (f->key != NULL && is_in_payload(s, f->key)) {
            put(s, f->key, f->value != NULL ? slice_of_str(f->value) : SLICE_LIT("x"),
                (struct source){"form_fields", form_field_index(s->r, f->key), "key", "value"});
        }
    }
}

static void put_fields(struct sample *s)
{
    const struct profile *p = &s->r->p;

    for (size_t i = 0; i < p->nfields; i++) {
        const struct profile_field *f = &p->fields[i];

        if (f->place == PLACE_PAYLOAD && f->key != NULL) {
            put(s, f->key, filled(s, slice_of_str(f->value)),
                (struct source){"fields", i, "key", "value"});
        }
    }
}

/* A payload or query field of that key stands for it. */
static bool has_field(const struct profile *p, const char *key)
{
    for (size_t i = 0; i < p->nfields; i++) {
        const struct profile_field *f = &p->fields[i];

        if ((f->place == PLACE_PAYLOAD || f->place == PLACE_QUERY) && f->key != NULL &&
            slice_eq_str(slice_of_str(f->key), key)) {
            return true;
        }
    }
    return false;
}

/* What of the client's authentication goes into the payload. */
static void put_client(struct sample *s)
{
    const struct profile *p = &s->r->p;
    bool is_basic =
        p->client_method == CLIENT_SECRET_BASIC || p->client_method == CLIENT_SECRET_BASIC_RAW;

    if (p->client_id != NULL && !is_basic && !has_field(p, "client_id")) {
        put(s, "client_id", filled(s, slice_of_str(p->client_id)),
            (struct source){NULL, 0, "client.id", "client.id"});
    }
    if (p->client_method == CLIENT_SECRET_POST && !has_field(p, "client_secret")) {
        put(s, "client_secret", filled(s, secret_view(&p->client_secret)),
            (struct source){NULL, 0, "client.secret", "client.secret"});
    }
}

static void check_pairs(const struct sample *s)
{
    const struct profile *p = &s->r->p;
    const struct body body = {.pairs = s->pairs, .npairs = s->npairs};
    char path[MEMBERS_PATH_BYTES];

    for (size_t i = 0; i < s->npairs; i++) {
        struct body_fault fault;

        if (body_has_fault(body_encoder_of(p->content_type), &body, i, &fault)) {
            faults_add(s->r->faults, NULL, path_of(&s->sources[i], fault.is_value, path),
                       "%s (content_type %s)", fault.why, terms_encoding(p->content_type));
        }
    }
}

static void check_carried(struct profile_reader *r)
{
    size_t n = r->p.nform_fields + r->p.nfields + CLIENT_PAIRS;
    struct sample s = {
        .r = r, .pairs = calloc(n, sizeof(*s.pairs)), .sources = calloc(n, sizeof(*s.sources))};
    uint8_t *room;

    buf_init(&s.values, 2 * PROFILE_TEMPLATES_BYTES_MAX);
    if (s.pairs == NULL || s.sources == NULL ||
        buf_reserve(&s.values, s.values.cap, &room) != CX_OK) {
        s.err = CX_E_NOMEM;
    } else {
        put_form_fields(&s);
        put_fields(&s);
        put_client(&s);
        check_pairs(&s);
    }
    if (s.err != CX_OK) {
        members_fault(&r->top, "content_type", "%s", cx_err_text(s.err));
    }
    buf_done(&s.values);
    free(s.sources);
    free(s.pairs);
}

/* Any other Content-Type would not name the boundary. */
static void check_media_type(struct profile_reader *r)
{
    for (size_t i = 0; i < r->p.nfields; i++) {
        const struct profile_field *f = &r->p.fields[i];
        char path[MEMBERS_PATH_BYTES];

        if (f->place == PLACE_HEADER && f->key != NULL &&
            slice_eq_nocase(slice_of_str(f->key), SLICE_LIT("content-type"))) {
            (void)snprintf(path, sizeof(path), "fields[%zu].key", i);
            faults_add(r->faults, NULL, path,
                       "Content-Type is set by %s, which chooses a boundary for each request",
                       terms_encoding(r->p.content_type));
        }
    }
}

/* Beside a payload that is one text, what nothing refers to is not sent. */
static void warn_of_unsent(struct profile_reader *r)
{
    for (size_t i = 0; i < r->p.nform_fields; i++) {
        const char *key = r->p.form_fields[i].key;
        bool is_referred = key == NULL;
        enum cx_err err =
            is_referred ? CX_OK : profile_does_grant_refer(&r->p, slice_of_str(key), &is_referred);

        if (err != CX_OK) {
            members_fault(&r->top, "form_fields", "%s", cx_err_text(err));
        } else if (!is_referred) {
            profile_warn(
                r, "form_fields",
                "\"%s\" is not sent: nothing refers to {{%s}}, and the payload is one text", key,
                key);
        }
    }
}

void profile_check_payload(struct profile_reader *r)
{
    if (!body_is_carried_by(r->p.method)) {
        return; /* percent-encoded in the query, whatever the type */
    }
    check_carried(r);
    if (body_encoder_of(r->p.content_type)->has_boundary) {
        check_media_type(r);
    }
    if (profile_has_whole_body(&r->p)) {
        warn_of_unsent(r);
    }
}
