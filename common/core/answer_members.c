#include "common/core/answer_reader.h"

#include <string.h>

static const struct slice names[ANSWER_NAME_COUNT] = {
    [ANSWER_ACCESS_TOKEN] = SLICE_INIT("access_token"),
    [ANSWER_ACCESS_TOKEN_CAMEL] = SLICE_INIT("accessToken"),
    [ANSWER_TOKEN_TYPE] = SLICE_INIT("token_type"),
    [ANSWER_TOKEN_TYPE_CAMEL] = SLICE_INIT("tokenType"),
    [ANSWER_EXPIRES_IN] = SLICE_INIT("expires_in"),
    [ANSWER_EXPIRES_IN_CAMEL] = SLICE_INIT("expiresIn"),
    [ANSWER_EXPIRES] = SLICE_INIT("expires"),
    [ANSWER_REFRESH_TOKEN] = SLICE_INIT("refresh_token"),
    [ANSWER_REFRESH_TOKEN_CAMEL] = SLICE_INIT("refreshToken"),
    [ANSWER_SCOPE] = SLICE_INIT("scope"),
    [ANSWER_ID_TOKEN] = SLICE_INIT("id_token"),
    [ANSWER_ID_TOKEN_CAMEL] = SLICE_INIT("idToken"),
    [ANSWER_REFRESH_EXPIRES_IN] = SLICE_INIT("refresh_expires_in"),
    [ANSWER_REFRESH_TOKEN_EXPIRES_IN] = SLICE_INIT("refresh_token_expires_in"),
    [ANSWER_REFRESH_EXPIRES_IN_CAMEL] = SLICE_INIT("refreshExpiresIn"),
    [ANSWER_REFRESH_TOKEN_EXPIRES_IN_CAMEL] = SLICE_INIT("refreshTokenExpiresIn"),
    [ANSWER_DATA] = SLICE_INIT("data"),
    [ANSWER_RESULT] = SLICE_INIT("result"),
    [ANSWER_ITEMS] = SLICE_INIT("items"),
    [ANSWER_ERROR] = SLICE_INIT("error"),
    [ANSWER_ERROR_DESCRIPTION] = SLICE_INIT("error_description"),
};

/* ANSWER_NAME_COUNT: none of them. */
static size_t name_of(const char *key, size_t len)
{
    size_t i = 0;

    while (i < ANSWER_NAME_COUNT && (names[i].len != len || memcmp(names[i].ptr, key, len) != 0)) {
        i++;
    }
    return i;
}

const char *answer_name_text(enum answer_name name)
{
    return (const char *)names[name].ptr;
}

void answer_members_find(json_t *object, struct answer_members *out)
{
    void *at = json_object_iter(object);

    *out = (struct answer_members){.object = object};
    for (; at != NULL; at = json_object_iter_next(object, at)) {
        size_t name = name_of(json_object_iter_key(at), json_object_iter_key_len(at));

        if (name < ANSWER_NAME_COUNT) {
            out->value[name] = json_object_iter_value(at);
        }
    }
}

void answer_members_take(struct answer_members *m, enum answer_name name)
{
    m->value[name] = NULL;
    m->taken[m->ntaken] = name;
    m->ntaken++;
}

size_t answer_members_left(const struct answer_members *m)
{
    return json_object_size(m->object) - m->ntaken;
}

void answer_members_remove(struct answer_members *m)
{
    for (; m->ntaken > 0; m->ntaken--) {
        const struct slice *name = &names[m->taken[m->ntaken - 1]];

        (void)json_object_deln(m->object, (const char *)name->ptr, name->len);
    }
}
