#include "common/core/json_plain.h"

enum { DIGITS_MAX = 18 }; /* of an integer that surely fits */

/* What is left to read. */
struct plain {
    const uint8_t *at, *end;
};

static void skip_space(struct plain *p)
{
    while (p->at < p->end &&
           (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')) {
        p->at++;
    }
}

static bool take(struct plain *p, uint8_t c)
{
    skip_space(p);
    if (p->at == p->end || *p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

/* A string's inside, up to its end; the quote before it was taken. */
static bool take_text(struct plain *p, struct slice *out)
{
    const uint8_t *begin = p->at;
    uint8_t seen = 0;

    while (p->at < p->end && *p->at != '"') {
        if (*p->at == '\\' || *p->at < 0x20) {
            return false;
        }
        seen |= *p->at++;
    }
    if (p->at == p->end) {
        return false;
    }
    *out = slice_of(begin, (size_t)(p->at - begin));
    p->at++;
    return seen < 0x80 || slice_is_utf8(*out);
}

static json_t *read_string(struct plain *p)
{
    struct slice text;

    return take_text(p, &text) ? json_stringn_nocheck((const char *)text.ptr, text.len) : NULL;
}

static bool is_digit(const struct plain *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static json_t *read_integer(struct plain *p)
{
    const uint8_t *begin = p->at;
    json_int_t value = 0;

    while (is_digit(p) && p->at - begin < DIGITS_MAX) {
        value = value * 10 + (*p->at++ - '0');
    }
    if (is_digit(p) || (p->at - begin > 1 && *begin == '0') ||
        (p->at < p->end && (*p->at == '.' || *p->at == 'e' || *p->at == 'E'))) {
        return NULL;
    }
    return json_integer(value);
}

static bool take_word(struct plain *p, struct slice word)
{
    if (!slice_has_prefix(slice_of(p->at, (size_t)(p->end - p->at)), word)) {
        return false;
    }
    p->at += word.len;
    return true;
}

static json_t *read_word(struct plain *p)
{
    if (take_word(p, SLICE_LIT("true"))) {
        return json_true();
    }
    if (take_word(p, SLICE_LIT("false"))) {
        return json_false();
    }
    return take_word(p, SLICE_LIT("null")) ? json_null() : NULL;
}

static json_t *read_object(struct plain *p, unsigned depth);

static json_t *read_value(struct plain *p, unsigned depth)
{
    if (take(p, '"')) {
        return read_string(p);
    }
    if (take(p, '{')) {
        return read_object(p, depth + 1);
    }
    return is_digit(p) ? read_integer(p) : read_word(p);
}

/* One member into `object`. */
static bool read_member(struct plain *p, unsigned depth, json_t *object)
{
    struct slice key;
    json_t *value;

    if (!take(p, '"') || !take_text(p, &key) || !take(p, ':') ||
        json_object_getn(object, (const char *)key.ptr, key.len) != NULL) {
        return false;
    }
    value = read_value(p, depth);
    return value != NULL &&
           json_object_setn_new_nocheck(object, (const char *)key.ptr, key.len, value) == 0;
}

/* The brace before it was taken. */
static json_t *read_object(struct plain *p, unsigned depth)
{
    json_t *object = depth <= JSON_PLAIN_NESTING_MAX ? json_object() : NULL;
    bool is_good = object != NULL;

    if (!is_good || take(p, '}')) {
        return object;
    }
    do {
        is_good = read_member(p, depth, object);
    } while (is_good && take(p, ','));
    if (!is_good || !take(p, '}')) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *json_plain_read(struct slice text)
{
    struct plain p = {text.ptr, text.ptr + text.len};
    json_t *object = take(&p, '{') ? read_object(&p, 1) : NULL;

    skip_space(&p);
    if (object != NULL && p.at != p.end) {
        json_decref(object);
        return NULL;
    }
    return object;
}
