#include "common/core/answer_reader.h"

#include <string.h>

enum {
    HOMES_MAX = 4,
    NAMES_MAX = 3,
    /* under `expires` this is no lifetime (31 years) but a time of day: not to be guessed at */
    EXPIRES_IS_A_TIME = 1000000000
};

static const uint64_t seconds_max = (uint64_t)1 << 53; /* what JSON readers keep exactly */

/* The names of a member, the standard's first. */
static const char *const access_names[NAMES_MAX] = {"access_token", "accessToken"};
static const char *const refresh_names[NAMES_MAX] = {"refresh_token", "refreshToken"};
static const char *const type_names[NAMES_MAX] = {"token_type", "tokenType"};
static const char *const id_names[NAMES_MAX] = {"id_token", "idToken"};
static const char *const scope_names[NAMES_MAX] = {"scope"};
static const char *const expires_names[NAMES_MAX] = {"expires_in", "expiresIn", "expires"};

/* Members that have left the answer. */
struct taken {
    json_t *access, *refresh, *type, *id;
    struct buf scope;
    bool has_expires;
    uint64_t expires;
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
static size_t find_homes(json_t *root, json_t *homes[HOMES_MAX])
{
    json_t *places[HOMES_MAX] = {root, json_object_get(root, "data"),
                                 json_object_get(root, "result"),
                                 json_array_get(json_object_get(root, "items"), 0)};
    size_t n = 0;

    for (size_t i = 0; i < HOMES_MAX; i++) {
        if (json_is_object(places[i])) {
            homes[n++] = places[i];
        }
    }
    return n;
}

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

/* The object with the access token: all that are found must be the same. */
static enum cx_err find_home(json_t *const *homes, size_t n, json_t **home, struct cx_fail *fail)
{
    const json_t *token = NULL;

    for (size_t i = 0; i < n * NAMES_MAX; i++) {
        const char *name = access_names[i % NAMES_MAX];
        const json_t *found = name == NULL ? NULL : json_object_get(homes[i / NAMES_MAX], name);

        if (is_nothing(found)) {
            continue;
        }
        if (!json_is_string(found)) {
            return fault(fail, CX_E_TYPE, "its access token is not a string");
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

static bool has_control(struct slice text)
{
    bool is_control = false;

    while (text.len > 0 && !is_control) {
        text = slice_from(text, answer_char(text, &is_control));
    }
    return is_control;
}

/* Move the string of the first name that has one out of `home`; names that hold nothing go too. */
static enum cx_err take_string(json_t *home, const char *const names[NAMES_MAX], json_t **out,
                               struct cx_fail *fail)
{
    for (size_t i = 0; i < NAMES_MAX && names[i] != NULL; i++) {
        json_t *value = json_object_get(home, names[i]);

        if (value != NULL && is_nothing(value)) {
            (void)json_object_del(home, names[i]);
        } else if (json_is_string(value) && *out == NULL) {
            if (has_control(string_of(value))) {
                return cx_fail_set(fail, CX_E_SYNTAX, "answer.token",
                                   "its %s contains control characters", names[i]);
            }
            *out = json_incref(value);
            (void)json_object_del(home, names[i]);
        }
    }
    return CX_OK;
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

/* "3600", " 3600 ", "3599.5". */
static bool read_seconds_text(struct slice text, uint64_t *out)
{
    size_t point;
    uint64_t fraction;

    while (text.len > 0 && text.ptr[0] == ' ') {
        text = slice_from(text, 1);
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text = slice_first(text, text.len - 1);
    }
    point = slice_find(text, 0, '.');
    if (point < text.len &&
        slice_to_u64(slice_from(text, point + 1), 0, UINT64_MAX, &fraction) == CX_E_SYNTAX) {
        return false;
    }
    return slice_to_u64(slice_first(text, point), 0, seconds_max, out) == CX_OK;
}

static bool read_seconds(const json_t *value, uint64_t *out)
{
    if (json_is_string(value)) {
        return read_seconds_text(string_of(value), out);
    }
    if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
        !(json_number_value(value) <= (double)seconds_max)) {
        return false;
    }
    *out = json_is_integer(value) ? (uint64_t)json_integer_value(value)
                                  : (uint64_t)json_real_value(value);
    return true;
}

/* A lifetime that can't be read stays where it is: then it is not known. */
static void take_expires(json_t *home, struct taken *out)
{
    for (size_t i = 0; i < NAMES_MAX && !out->has_expires; i++) {
        uint64_t seconds;

        if (!read_seconds(json_object_get(home, expires_names[i]), &seconds) ||
            (strcmp(expires_names[i], "expires") == 0 && seconds >= EXPIRES_IS_A_TIME)) {
            continue;
        }
        out->has_expires = true;
        out->expires = seconds;
        (void)json_object_del(home, expires_names[i]);
    }
}

static bool is_scope_gap(uint8_t c)
{
    return c <= 0x20 || c == 0x7f || c == ',';
}

/* Append the scopes of `text`, separated by single spaces (RFC 6749 3.3). */
static enum cx_err put_scopes(struct slice text, struct buf *out)
{
    enum cx_err err = CX_OK;

    while (text.len > 0 && err == CX_OK) {
        size_t len = 0;

        while (len < text.len && !is_scope_gap(text.ptr[len])) {
            len++;
        }
        if (len > 0 && out->len > 0) {
            err = buf_put_byte(out, ' ');
        }
        if (err == CX_OK) {
            err = buf_put(out, slice_first(text, len));
        }
        text = slice_from(text, len + 1);
    }
    return err;
}

static enum cx_err take_scope(json_t *home, size_t bytes_max, struct taken *out)
{
    const json_t *scope = json_object_get(home, scope_names[0]);
    enum cx_err err = CX_OK;

    buf_init(&out->scope, bytes_max);
    for (size_t i = 0; i < json_array_size(scope); i++) {
        if (!json_is_string(json_array_get(scope, i))) {
            return CX_OK; /* no scope as we know it: it stays in extra */
        }
    }
    if (json_is_string(scope)) {
        err = put_scopes(string_of(scope), &out->scope);
    }
    for (size_t i = 0; i < json_array_size(scope) && err == CX_OK; i++) {
        err = put_scopes(string_of(json_array_get(scope, i)), &out->scope);
    }
    if (err == CX_OK && (json_is_string(scope) || json_is_array(scope) || json_is_null(scope))) {
        (void)json_object_del(home, scope_names[0]);
    }
    return err;
}

static enum cx_err take_all(json_t *home, size_t bytes_max, struct taken *out, struct cx_fail *fail)
{
    enum cx_err err = take_string(home, access_names, &out->access, fail);

    if (err == CX_OK) {
        err = take_string(home, refresh_names, &out->refresh, fail);
    }
    if (err == CX_OK) {
        err = take_string(home, type_names, &out->type, fail);
    }
    if (err == CX_OK) {
        err = take_string(home, id_names, &out->id, fail);
    }
    if (err == CX_OK) {
        take_expires(home, out);
        err = take_scope(home, bytes_max, out);
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

enum cx_err answer_token_take(json_t *root, struct answer *out, struct cx_fail *fail)
{
    struct taken taken = {0};
    json_t *homes[HOMES_MAX];
    json_t *home = NULL;
    size_t n = find_homes(root, homes);
    enum cx_err err = find_home(homes, n, &home, fail);

    if (err != CX_OK) {
        return err;
    }
    err = take_all(home, out->bytes.cap, &taken, fail);
    if (err == CX_OK) {
        drop_copies(homes, n, taken.access);
        err = fill(&taken, root, out);
    }
    json_decref(taken.access);
    json_decref(taken.refresh);
    json_decref(taken.type);
    json_decref(taken.id);
    buf_done(&taken.scope);
    return err;
}
