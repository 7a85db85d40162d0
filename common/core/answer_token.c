#include "common/core/answer_reader.h"
#include "common/core/place.h"

#include <string.h>

enum {
    HOMES_MAX = 4,
    NAMES_MAX = ANSWER_NAMES_MAX,
    /* under `expires` this is no lifetime (31 years) but a time of day: not to be guessed at */
    EXPIRES_IS_A_TIME = 1000000000
};

/* The names of a member, the standard's first. */
static const char *const access_names[NAMES_MAX] = {"access_token", "accessToken"};
static const char *const refresh_names[NAMES_MAX] = {"refresh_token", "refreshToken"};
static const char *const type_names[NAMES_MAX] = {"token_type", "tokenType"};
static const char *const id_names[NAMES_MAX] = {"id_token", "idToken"};
static const char *const expires_names[NAMES_MAX] = {"expires_in", "expiresIn", "expires"};
static const char *const refresh_expires_names[NAMES_MAX] = {
    "refresh_expires_in", "refresh_token_expires_in", "refreshExpiresIn", "refreshTokenExpiresIn"};

/* Members that have left the answer. */
struct taken {
    json_t *access, *refresh, *type, *id, *life;
    struct buf scope;
    bool has_expires, has_refresh_expires;
    uint64_t expires, refresh_expires;
    bool is_scope_found;
};

static enum cx_err fault(struct cx_fail *fail, enum cx_err code, const char *clause)
{
    return cx_fail_set(fail, code, "answer.token", "%s", clause);
}

static struct slice string_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

/* The objects that may hold the token: the answer itself, and one wrapping it. */
static size_t find_homes(const struct answer_body *body, json_t *homes[HOMES_MAX])
{
    json_t *items = json_object_get(body->root, "items");
    json_t *places[HOMES_MAX] = {body->root, json_object_get(body->root, "data"),
                                 json_object_get(body->root, "result"),
                                 json_is_object(items) && body->is_xml ? items /* a list of one */
                                                                       : json_array_get(items, 0)};
    size_t n = 0;

    for (size_t i = 0; i < HOMES_MAX; i++) {
        if (json_is_object(places[i])) {
            homes[n++] = places[i];
        }
    }
    return n;
}

/* The object with the access token: all that are found must be the same. */
static enum cx_err find_home(json_t *const *homes, size_t n, json_t **home, struct cx_fail *fail)
{
    const json_t *token = NULL;

    for (size_t i = 0; i < n * NAMES_MAX; i++) {
        const char *name = access_names[i % NAMES_MAX];
        const json_t *found = name == NULL ? NULL : json_object_get(homes[i / NAMES_MAX], name);

        if (answer_is_nothing(found)) {
            continue;
        }
        if (!json_is_string(found)) {
            return answer_check_token(found, "access token", fail);
        }
        if (token == NULL) {
            token = found;
            *home = homes[i / NAMES_MAX];
        } else if (!slice_eq_secret(string_of(token), string_of(found))) {
            return fault(fail, CX_E_DUPLICATE, "it holds two different access tokens");
        }
    }
    return token == NULL ? fault(fail, CX_E_NOT_FOUND, "it holds no access token") : CX_OK;
}

/* Every name that is looked for costs; most answers have nothing left half-way through. */
static bool has_more(const json_t *home, size_t name)
{
    return name < NAMES_MAX && json_object_size(home) > 0;
}

/* Move the string of the first name that has one out of `home`; names that hold nothing go too. */
static enum cx_err take_string(json_t *home, const char *const names[NAMES_MAX], json_t **out,
                               struct cx_fail *fail)
{
    enum cx_err err = CX_OK;

    for (size_t i = 0; has_more(home, i) && names[i] != NULL && err == CX_OK; i++) {
        json_t *value = json_object_get(home, names[i]);

        if (value != NULL && answer_is_nothing(value)) {
            (void)json_object_del(home, names[i]);
        } else if (json_is_string(value) && *out == NULL) {
            err = answer_check_token(value, names[i], fail);
            *out = json_incref(value);
            (void)json_object_del(home, names[i]);
        } else if (json_array_size(value) > 1) { /* elements of one name, or worse */
            err = answer_check_token(value, names[i], fail);
        }
    }
    return err;
}

/* The same token under its other names would only be a copy in extra. */
static void drop_copies(json_t *const *homes, size_t n, const json_t *token)
{
    for (size_t i = 0; i < n * NAMES_MAX; i++) {
        const char *name = access_names[i % NAMES_MAX];

        if (name != NULL && json_equal(json_object_get(homes[i / NAMES_MAX], name), token)) {
            (void)json_object_del(homes[i / NAMES_MAX], name);
        }
    }
}

/* A lifetime that can't be read stays where it is: then it is not known. */
static void take_expires(json_t *home, struct taken *out)
{
    for (size_t i = 0; has_more(home, i) && expires_names[i] != NULL && !out->has_expires; i++) {
        uint64_t seconds;

        if (!answer_read_seconds(json_object_get(home, expires_names[i]), &seconds) ||
            (strcmp(expires_names[i], "expires") == 0 && seconds >= EXPIRES_IS_A_TIME)) {
            continue;
        }
        out->has_expires = true;
        out->expires = seconds;
        (void)json_object_del(home, expires_names[i]);
    }
}

/* A life of 0 is how Keycloak says that the refresh token doesn't expire: it stays in extra. */
static void take_refresh_expires(json_t *home, struct taken *out)
{
    for (size_t i = 0; has_more(home, i) && !out->has_refresh_expires; i++) {
        const char *name = refresh_expires_names[i];
        uint64_t seconds;

        if (answer_read_seconds(json_object_get(home, name), &seconds) && seconds > 0) {
            out->has_refresh_expires = true;
            out->refresh_expires = seconds;
            (void)json_object_del(home, name);
        }
    }
}

static enum cx_err take_scope(json_t *home, struct taken *out)
{
    const json_t *scope = json_object_get(home, "scope");
    enum cx_err err = CX_OK;

    if (scope != NULL && !out->is_scope_found) {
        err = answer_put_scopes(scope, &out->scope, &out->is_scope_found);
        if (out->is_scope_found) {
            (void)json_object_del(home, "scope");
        }
    }
    return err;
}

/* What has a place is not looked for under its names. */
static enum cx_err take_all(json_t *home, const struct msg_places *places, struct taken *out,
                            struct cx_fail *fail)
{
    enum cx_err err = CX_OK;

    if (slice_is_absent(places->access_token)) {
        err = take_string(home, access_names, &out->access, fail);
    }
    if (err == CX_OK && slice_is_absent(places->refresh_token)) {
        err = take_string(home, refresh_names, &out->refresh, fail);
    }
    if (err == CX_OK && slice_is_absent(places->token_type)) {
        err = take_string(home, type_names, &out->type, fail);
    }
    if (err == CX_OK) {
        err = take_string(home, id_names, &out->id, fail);
    }
    if (err == CX_OK && slice_is_absent(places->expires_in)) {
        take_expires(home, out);
    }
    if (err == CX_OK) {
        err = take_scope(home, out);
    }
    if (err == CX_OK) {
        take_refresh_expires(home, out);
    }
    return err;
}

static void remove_from(json_t *parent, const json_t *value)
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
}

/* Move the string at `place` out of the body; `*out` stays NULL if there is none. `*parent`: what
 * held it. */
static enum cx_err take_placed(struct answer_body *body, struct slice place, const char *name,
                               json_t **out, json_t **parent)
{
    json_t *value = place_find(body->document, place, body->is_xml, parent);
    enum cx_err err;

    if (slice_is_absent(place) || answer_is_nothing(value)) {
        return CX_OK;
    }
    err = answer_check_token(value, name, &body->why);
    if (err == CX_OK) {
        *out = json_incref(value);
        remove_from(*parent, value);
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
        remove_from(parent, life);
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

/* Copy `from` to the room that was reserved at `*at`. An absent slice stays absent. */
static struct slice keep(struct slice from, uint8_t **at, struct buf *bytes)
{
    struct slice kept = slice_of(*at, from.len);

    if (from.len == 0) {
        return (struct slice){NULL, 0};
    }
    memcpy(*at, from.ptr, from.len);
    buf_grew(bytes, from.len);
    *at += from.len;
    return kept;
}

static struct slice type_of(const struct taken *taken)
{
    struct slice type = string_of(taken->type);

    return type.len == 0 || slice_eq_nocase(type, SLICE_LIT("bearer")) ? SLICE_LIT("Bearer") : type;
}

static enum cx_err fill(const struct taken *taken, const json_t *root, struct answer *out)
{
    struct msg_token *token = &out->token;
    struct slice type = type_of(taken);
    struct slice scope = buf_view(&taken->scope);
    size_t extra = json_object_size(root) == 0 ? 0 : json_dumpb(root, NULL, 0, JSON_COMPACT);
    size_t total = json_string_length(taken->access) + json_string_length(taken->refresh) +
                   json_string_length(taken->id) + type.len + scope.len;
    uint8_t *at;
    enum cx_err err;

    if (json_object_size(root) > 0 && extra == 0) {
        return CX_E_NOMEM;
    }
    token->extra_omitted = extra > MSG_EXTRA_BYTES_MAX;
    if (token->extra_omitted) {
        extra = 0;
    }
    err = buf_reserve(&out->bytes, total + extra, &at);
    if (err != CX_OK) {
        return CX_E_NOMEM;
    }
    token->access_token = keep(string_of(taken->access), &at, &out->bytes);
    token->refresh_token = keep(string_of(taken->refresh), &at, &out->bytes);
    token->id_token = keep(string_of(taken->id), &at, &out->bytes);
    token->token_type = keep(type, &at, &out->bytes);
    token->scope = keep(scope, &at, &out->bytes);
    token->has_expires_in = taken->has_expires;
    token->expires_in = taken->expires;
    token->has_refresh_expires_in = taken->has_refresh_expires;
    token->refresh_expires_in = taken->refresh_expires;
    out->is_type_assumed = taken->type == NULL;
    if (extra > 0) {
        if (json_dumpb(root, (char *)at, extra, JSON_COMPACT) != extra) {
            return CX_E_NOMEM;
        }
        token->extra = slice_of(at, extra);
        buf_grew(&out->bytes, extra);
    }
    return CX_OK;
}

/* Under the names that providers use, in the one object that has the access token. */
static enum cx_err take_named(struct answer_body *body, const struct msg_places *places,
                              struct taken *taken)
{
    json_t *homes[HOMES_MAX];
    json_t *home = NULL;
    size_t n = find_homes(body, homes);
    enum cx_err err = find_home(homes, n, &home, &body->why);

    if (err == CX_OK) {
        err = take_all(home, places, taken, &body->why);
    }
    if (err == CX_OK) {
        drop_copies(homes, n, taken->access);
    }
    return err;
}

/* What has no place of its own is looked for beside the access token, then at the top. */
static enum cx_err take_beside(struct answer_body *body, json_t *home,
                               const struct msg_places *places, struct taken *taken)
{
    enum cx_err err = take_all(home, places, taken, &body->why);

    return err == CX_OK && home != body->root ? take_all(body->root, places, taken, &body->why)
                                              : err;
}

enum cx_err answer_token_take(struct answer_body *body, const struct msg_places *places,
                              struct answer *out)
{
    static const struct msg_places none = {.access_token = {NULL, 0}};
    struct taken taken = {0};
    json_t *home = NULL;
    enum cx_err err = CX_OK;

    buf_init(&taken.scope, out->bytes.cap);
    if (places == NULL) {
        places = &none;
    }
    err = take_all_placed(body, places, &taken, &home);
    if (err == CX_OK) {
        err = taken.access != NULL ? take_beside(body, home, places, &taken)
                                   : take_named(body, places, &taken);
    }
    if (err == CX_OK) {
        err = fill(&taken, body->root, out);
    }
    json_decref(taken.access);
    json_decref(taken.refresh);
    json_decref(taken.type);
    json_decref(taken.id);
    json_decref(taken.life);
    buf_done(&taken.scope);
    return err;
}
