#include "common/core/answer_reader.h"
#include "common/core/place.h"

#include <string.h>

enum {
    WRAPPED_MAX = 3,
    /* under `expires` this is no lifetime (31 years) but a time of day: not to be guessed at */
    EXPIRES_IS_A_TIME = 1000000000
};

/* The objects that may hold the token: the answer itself, and what it wraps. */
struct homes {
    size_t n;
    struct answer_members *at[1 + WRAPPED_MAX];
    struct answer_members wrapped[WRAPPED_MAX];
};

/* Members that have left the answer. */
struct taken {
    json_t *access, *refresh, *type, *id, *scope, *life;
    bool has_expires, has_refresh_expires;
    uint64_t expires, refresh_expires;
};

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.token", "%s", clause);
}

static struct slice string_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

static void add_home(struct homes *homes, json_t *object)
{
    if (json_is_object(object)) {
        struct answer_members *home = &homes->wrapped[homes->n - 1];

        answer_members_find(object, home);
        homes->at[homes->n++] = home;
    }
}

static void find_homes(struct answer_body *body, struct homes *homes)
{
    json_t *const *value = body->members.value;
    json_t *items = value[ANSWER_ITEMS];

    homes->at[0] = &body->members;
    homes->n = 1;
    add_home(homes, value[ANSWER_DATA]);
    add_home(homes, value[ANSWER_RESULT]);
    add_home(homes, json_is_object(items) && body->is_xml ? items /* a list of one */
                                                          : json_array_get(items, 0));
}

/* The object with the access token: all that are found must be the same. */
static enum cx_err find_home(const struct homes *homes, struct answer_members **home,
                             struct cx_fail *fail)
{
    static const enum answer_name names[] = {ANSWER_ACCESS_TOKEN, ANSWER_ACCESS_TOKEN_CAMEL};
    const size_t nnames = sizeof(names) / sizeof(names[0]);
    const json_t *token = NULL;

    for (size_t i = 0; i < homes->n * nnames; i++) {
        const json_t *found = homes->at[i / nnames]->value[names[i % nnames]];

        if (answer_is_nothing(found)) {
            continue;
        }
        if (!json_is_string(found)) {
            return answer_check_token(found, "access token", fail);
        }
        if (token == NULL) {
            token = found;
            *home = homes->at[i / nnames];
        } else if (!slice_eq_secret(string_of(token), string_of(found))) {
            return fault(fail, CX_E_DUPLICATE, "it holds two different access tokens");
        }
    }
    return token == NULL ? fault(fail, CX_E_NOT_FOUND, "it holds no access token") : CX_OK;
}

/* Take the string of the first name, from `first` to `last`, that has one; names that hold nothing
 * go too. */
static enum cx_err take_string(struct answer_members *home, enum answer_name first,
                               enum answer_name last, json_t **out, struct cx_fail *fail)
{
    enum cx_err err = CX_OK;

    for (enum answer_name name = first; name <= last && err == CX_OK; name++) {
        json_t *value = home->value[name];

        if (value == NULL) {
            continue;
        }
        if (answer_is_nothing(value)) {
            answer_members_take(home, name);
        } else if (json_is_string(value) && *out == NULL) {
            err = answer_check_token(value, answer_name_text(name), fail);
            *out = json_incref(value);
            answer_members_take(home, name);
        } else if (json_array_size(value) > 1) { /* elements of one name, or worse */
            err = answer_check_token(value, answer_name_text(name), fail);
        }
    }
    return err;
}

/* The same token under its other names would only be a copy in extra. */
static void drop_copies(const struct homes *homes, const json_t *token)
{
    for (size_t i = 0; i < homes->n; i++) {
        for (enum answer_name name = ANSWER_ACCESS_TOKEN; name <= ANSWER_ACCESS_TOKEN_CAMEL;
             name++) {
            if (json_equal(homes->at[i]->value[name], token)) {
                answer_members_take(homes->at[i], name);
            }
        }
    }
}

/* A lifetime that can't be read stays where it is: then it is not known. */
static void take_expires(struct answer_members *home, struct taken *out)
{
    for (enum answer_name name = ANSWER_EXPIRES_IN; name <= ANSWER_EXPIRES && !out->has_expires;
         name++) {
        uint64_t seconds;

        if (answer_read_seconds(home->value[name], &seconds) &&
            (name != ANSWER_EXPIRES || seconds < EXPIRES_IS_A_TIME)) {
            out->has_expires = true;
            out->expires = seconds;
            answer_members_take(home, name);
        }
    }
}

/* A life of 0 is how Keycloak says that the refresh token doesn't expire: it stays in extra. */
static void take_refresh_expires(struct answer_members *home, struct taken *out)
{
    for (enum answer_name name = ANSWER_REFRESH_EXPIRES_IN;
         name <= ANSWER_REFRESH_TOKEN_EXPIRES_IN_CAMEL && !out->has_refresh_expires; name++) {
        uint64_t seconds;

        if (answer_read_seconds(home->value[name], &seconds) && seconds > 0) {
            out->has_refresh_expires = true;
            out->refresh_expires = seconds;
            answer_members_take(home, name);
        }
    }
}

static void take_scope(struct answer_members *home, struct taken *out)
{
    json_t *scope = home->value[ANSWER_SCOPE];

    if (out->scope == NULL && answer_is_scope(scope)) {
        out->scope = json_incref(scope);
        answer_members_take(home, ANSWER_SCOPE);
    }
}

/* What has a place is not looked for under its names. */
static enum cx_err take_all(struct answer_members *home, const struct msg_places *places,
                            struct taken *out, struct cx_fail *fail)
{
    enum cx_err err = CX_OK;

    if (slice_is_absent(places->access_token)) {
        err = take_string(home, ANSWER_ACCESS_TOKEN, ANSWER_ACCESS_TOKEN_CAMEL, &out->access, fail);
    }
    if (err == CX_OK && slice_is_absent(places->refresh_token)) {
        err = take_string(home, ANSWER_REFRESH_TOKEN, ANSWER_REFRESH_TOKEN_CAMEL, &out->refresh,
                          fail);
    }
    if (err == CX_OK && slice_is_absent(places->token_type)) {
        err = take_string(home, ANSWER_TOKEN_TYPE, ANSWER_TOKEN_TYPE_CAMEL, &out->type, fail);
    }
    if (err == CX_OK) {
        err = take_string(home, ANSWER_ID_TOKEN, ANSWER_ID_TOKEN_CAMEL, &out->id, fail);
    }
    if (err != CX_OK) {
        return err;
    }
    if (slice_is_absent(places->expires_in)) {
        take_expires(home, out);
    }
    take_scope(home, out);
    take_refresh_expires(home, out);
    return CX_OK;
}

static void remove_from(struct answer_body *body, json_t *parent, const json_t *value)
{
    const char *name;
    json_t *member;
    void *next;

    json_object_foreach_safe(parent, next, name, member)
    {
        if (member == value) {
            (void)json_object_del(parent, name);
        }
    }
    for (size_t i = 0; i < json_array_size(parent); i++) {
        if (json_array_get(parent, i) == value) { /* the others keep their numbers */
            (void)json_array_set_new(parent, i, json_null());
        }
    }
    answer_members_find(body->root, &body->members); /* of which it may have been one */
}

/* Move the string at `place` out of the body; `*out` stays NULL if there is none. `*parent`: what
 * held it. */
static enum cx_err take_placed(struct answer_body *body, struct slice place, const char *name,
                               json_t **out, json_t **parent)
{
    json_t *value;
    enum cx_err err;

    if (slice_is_absent(place)) {
        return CX_OK;
    }
    value = place_find(body->document, place, body->is_xml, parent);
    if (answer_is_nothing(value)) {
        return CX_OK;
    }
    err = answer_check_token(value, name, &body->why);
    if (err == CX_OK) {
        *out = json_incref(value);
        remove_from(body, *parent, value);
    }
    return err;
}

static enum cx_err take_all_placed(struct answer_body *body, const struct msg_places *places,
                                   struct taken *out, json_t **home)
{
    json_t *parent;
    json_t *life = slice_is_absent(places->expires_in)
                       ? NULL
                       : place_find(body->document, places->expires_in, body->is_xml, &parent);
    enum cx_err err;

    if (answer_read_seconds(life, &out->expires)) {
        out->has_expires = true;
        out->life = json_incref(life); /* which may be the root: an XML element with a text */
        remove_from(body, parent, life);
    }
    err = take_placed(body, places->access_token, "access token", &out->access, home);
    if (err == CX_OK) {
        err = take_placed(body, places->refresh_token, "refresh token", &out->refresh, &parent);
    }
    if (err == CX_OK) {
        err = take_placed(body, places->token_type, "token type", &out->type, &parent);
    }
    if (err == CX_OK && out->access == NULL && !slice_is_absent(places->access_token)) {
        err =
            cx_fail_set(&body->why, CX_E_NOT_FOUND, "answer.token",
                        "nothing stands at \"%.*s\", where the profile's answer.access_token says",
                        SLICE_ARG(places->access_token));
    }
    return err;
}

/* Under the names that providers use, in the one object that has the access token. */
static enum cx_err take_named(struct answer_body *body, const struct msg_places *places,
                              struct taken *taken)
{
    struct answer_members *home = &body->members;
    struct homes homes;
    enum cx_err err;

    find_homes(body, &homes);
    err = find_home(&homes, &home, &body->why);
    if (err == CX_OK) {
        err = take_all(home, places, taken, &body->why);
    }
    if (err == CX_OK) {
        drop_copies(&homes, taken->access);
    }
    for (size_t i = 1; i < homes.n; i++) {
        answer_members_remove(homes.at[i]);
    }
    return err;
}

/* What has no place of its own is looked for beside the access token, then at the top. */
static enum cx_err take_beside(struct answer_body *body, json_t *object,
                               const struct msg_places *places, struct taken *taken)
{
    struct answer_members home;
    enum cx_err err = CX_OK;

    if (object != body->root) {
        answer_members_find(object, &home);
        err = take_all(&home, places, taken, &body->why);
        answer_members_remove(&home);
    }
    return err == CX_OK ? take_all(&body->members, places, taken, &body->why) : err;
}

/* Copy `from` into `bytes`, where room was made. An absent slice stays absent. */
static struct slice keep(struct slice from, struct buf *bytes)
{
    struct slice kept = slice_of(bytes->ptr + bytes->len, from.len);

    if (from.len == 0) {
        return (struct slice){NULL, 0};
    }
    memcpy(bytes->ptr + bytes->len, from.ptr, from.len);
    buf_grew(bytes, from.len);
    return kept;
}

/* Likewise. */
static enum cx_err keep_scope(const json_t *scope, struct buf *bytes, struct slice *kept)
{
    size_t start = bytes->len;
    enum cx_err err = answer_put_scopes(scope, bytes);

    if (err == CX_OK && bytes->len > start) {
        *kept = slice_of(bytes->ptr + start, bytes->len - start);
    }
    return err;
}

static struct slice type_of(const struct taken *taken)
{
    struct slice type = string_of(taken->type);

    return type.len == 0 || slice_eq_nocase(type, SLICE_LIT("bearer")) ? SLICE_LIT("Bearer") : type;
}

/* Room for the token and for `extra` bytes. */
static enum cx_err make_room(const struct taken *taken, struct slice type, size_t extra,
                             struct buf *bytes)
{
    size_t total = json_string_length(taken->access) + json_string_length(taken->refresh) +
                   json_string_length(taken->id) + type.len + answer_scope_bytes_max(taken->scope);
    uint8_t *at;

    return buf_reserve(bytes, total + extra, &at);
}

static enum cx_err keep_token(const struct taken *taken, struct slice type, struct answer *out)
{
    struct msg_token *token = &out->token;

    token->access_token = keep(string_of(taken->access), &out->bytes);
    token->refresh_token = keep(string_of(taken->refresh), &out->bytes);
    token->id_token = keep(string_of(taken->id), &out->bytes);
    token->token_type = keep(type, &out->bytes);
    token->has_expires_in = taken->has_expires;
    token->expires_in = taken->expires;
    token->has_refresh_expires_in = taken->has_refresh_expires;
    token->refresh_expires_in = taken->refresh_expires;
    out->is_type_assumed = taken->type == NULL;
    return keep_scope(taken->scope, &out->bytes, &token->scope);
}

/* What is left of the answer's `root`, in the room that was made for its `size` bytes. */
static enum cx_err keep_extra(const json_t *root, size_t size, struct answer *out)
{
    char *at = (char *)out->bytes.ptr + out->bytes.len;

    if (json_dumpb(root, at, size, JSON_COMPACT) != size) {
        return CX_E_NOMEM;
    }
    out->token.extra = slice_of(at, size);
    buf_grew(&out->bytes, size);
    return CX_OK;
}

static enum cx_err fill(const struct taken *taken, struct answer_members *root, struct answer *out)
{
    struct slice type = type_of(taken);
    size_t extra = 0;
    enum cx_err err;

    if (answer_members_left(root) > 0) {
        answer_members_remove(root);
        extra = json_dumpb(root->object, NULL, 0, JSON_COMPACT);
        if (extra == 0) {
            return CX_E_NOMEM;
        }
        out->token.extra_omitted = extra > MSG_EXTRA_BYTES_MAX;
        extra = out->token.extra_omitted ? 0 : extra;
    }
    err = make_room(taken, type, extra, &out->bytes);
    if (err == CX_OK) {
        err = keep_token(taken, type, out);
    }
    if (err == CX_OK && extra > 0) {
        err = keep_extra(root->object, extra, out);
    }
    return err == CX_OK ? CX_OK : CX_E_NOMEM;
}

enum cx_err answer_token_take(struct answer_body *body, const struct msg_places *places,
                              struct answer *out)
{
    static const struct msg_places none = {.access_token = {NULL, 0}};
    struct taken taken = {0};
    json_t *parent = NULL; /* of an access token that has a place */
    enum cx_err err = CX_OK;

    if (places != NULL) {
        err = take_all_placed(body, places, &taken, &parent);
    } else {
        places = &none;
    }
    if (err == CX_OK) {
        err = taken.access != NULL ? take_beside(body, parent, places, &taken)
                                   : take_named(body, places, &taken);
    }
    if (err == CX_OK) {
        err = fill(&taken, &body->members, out);
    }
    json_decref(taken.access);
    json_decref(taken.refresh);
    json_decref(taken.type);
    json_decref(taken.id);
    json_decref(taken.scope);
    json_decref(taken.life);
    return err;
}
