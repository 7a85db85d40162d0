#include "common/core/wire.h"

#include <string.h>

/* What one header announces. For ATOM and INT `count` is the bytes that follow it, for STR and BIN
 * too, for ARRAY the elements, for MAP the entries. */
enum kind { KIND_NEVER, KIND_ATOM, KIND_INT, KIND_STR, KIND_BIN, KIND_ARRAY, KIND_MAP, KIND_EXT };

struct head {
    enum kind kind;
    size_t bytes; /* of the header itself */
    uint64_t count;
};

/* The formats 0xc0 to 0xdf of the msgpack specification: kind, bytes of the big-endian count that
 * follows the first byte, and the fixed count where there is none. */
static const struct {
    uint8_t kind, count_bytes, count;
} formats[32] = {
    {KIND_ATOM, 0, 0},  {KIND_NEVER, 0, 0}, {KIND_ATOM, 0, 0}, {KIND_ATOM, 0, 0}, /* nil, bools */
    {KIND_BIN, 1, 0},   {KIND_BIN, 2, 0},   {KIND_BIN, 4, 0},                     /* bin */
    {KIND_EXT, 1, 0},   {KIND_EXT, 2, 0},   {KIND_EXT, 4, 0},                     /* ext */
    {KIND_ATOM, 0, 4},  {KIND_ATOM, 0, 8},                                        /* floats */
    {KIND_INT, 0, 1},   {KIND_INT, 0, 2},   {KIND_INT, 0, 4},  {KIND_INT, 0, 8},  /* uint */
    {KIND_INT, 0, 1},   {KIND_INT, 0, 2},   {KIND_INT, 0, 4},  {KIND_INT, 0, 8},  /* int */
    {KIND_EXT, 0, 0},   {KIND_EXT, 0, 0},   {KIND_EXT, 0, 0},  {KIND_EXT, 0, 0},  /* fixext */
    {KIND_EXT, 0, 0},                                                             /* fixext 16 */
    {KIND_STR, 1, 0},   {KIND_STR, 2, 0},   {KIND_STR, 4, 0},                     /* str */
    {KIND_ARRAY, 2, 0}, {KIND_ARRAY, 4, 0},                                       /* array */
    {KIND_MAP, 2, 0},   {KIND_MAP, 4, 0},                                         /* map */
};

/* One open array or map. */
struct frame {
    size_t left; /* values still to come; a map's entry is two */
    bool is_map;
    bool is_large;    /* a map whose keys are kept sorted */
    size_t first_key; /* where this map's keys begin in scan.keys */
};

/* The outermost container is the message's array, so fewer maps than levels are ever open. */
enum { KEYS_MAX = (MSG_NESTING_MAX - 1) * MSG_MAP_MAX };

/* Up to so many keys, comparing each with all is quicker than keeping them sorted. */
enum { SMALL_MAP = 16 };

struct scan {
    struct slice bytes;
    size_t at;
    size_t max; /* bytes a message may have */
    size_t end; /* the smaller of that and the bytes that are there */
    struct cx_fail *fail;
    size_t depth;
    struct frame frames[MSG_NESTING_MAX];
    size_t nkeys;
    struct slice keys[KEYS_MAX]; /* of the open maps; not initialised */
};

static enum cx_err refuse(const struct scan *s, enum cx_err code, const char *what)
{
    return cx_fail_set(s->fail, code, "wire.scan", "byte %zu: %s", s->at, what);
}

/* True if `more` bytes from the cursor on have come, within the message's limit. */
static bool has_bytes(const struct scan *s, uint64_t more)
{
    return more <= s->end - s->at;
}

/* The error when they haven't. */
static enum cx_err refuse_end(const struct scan *s, uint64_t more)
{
    return more > s->max - s->at ? refuse(s, CX_E_TOO_BIG, "the message is longer than its limit")
                                 : refuse(s, CX_E_SYNTAX, "the message is cut short");
}

/* The head of one of `formats`. */
static enum cx_err read_long_head(const struct scan *s, const uint8_t *p, struct head *head)
{
    unsigned format = p[0] - 0xc0u;
    size_t count_bytes = formats[format].count_bytes;

    if (!has_bytes(s, 1 + count_bytes)) {
        return refuse_end(s, 1 + count_bytes);
    }
    *head = (struct head){(enum kind)formats[format].kind, 1 + count_bytes, formats[format].count};
    for (size_t i = 1; i <= count_bytes; i++) {
        head->count = head->count << 8 | p[i];
    }
    return CX_OK;
}

static enum cx_err read_head(const struct scan *s, struct head *head)
{
    const uint8_t *p;

    if (!has_bytes(s, 1)) {
        return refuse_end(s, 1);
    }
    p = s->bytes.ptr + s->at;
    if (p[0] >= 0xa0 && p[0] < 0xc0) {
        *head = (struct head){KIND_STR, 1, p[0] & 0x1f};
    } else if (p[0] < 0x80 || p[0] >= 0xe0) {
        *head = (struct head){KIND_INT, 1, 0};
    } else if (p[0] < 0x90) {
        *head = (struct head){KIND_MAP, 1, p[0] & 0x0f};
    } else if (p[0] < 0xa0) {
        *head = (struct head){KIND_ARRAY, 1, p[0] & 0x0f};
    } else {
        return read_long_head(s, p, head);
    }
    return CX_OK;
}

static enum cx_err open_container(struct scan *s, const struct head *head)
{
    bool is_map = head->kind == KIND_MAP;
    uint64_t values = is_map ? 2 * head->count : head->count;

    if (s->depth == MSG_NESTING_MAX) {
        return refuse(s, CX_E_TOO_BIG, "nested too deep");
    }
    if (is_map && head->count > MSG_MAP_MAX) {
        return refuse(s, CX_E_TOO_BIG, "a map has too many entries");
    }
    if (!is_map && head->count > MSG_ARRAY_MAX) {
        return refuse(s, CX_E_TOO_BIG, "an array has too many elements");
    }
    if (!has_bytes(s, head->bytes + values)) { /* a value has one byte at least */
        return refuse_end(s, head->bytes + values);
    }
    s->at += head->bytes;
    s->frames[s->depth++] =
        (struct frame){(size_t)values, is_map, head->count > SMALL_MAP, s->nkeys};
    return CX_OK;
}

static int compare(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

/* Where `key` stands, or belongs, among the keys of the innermost map. */
static size_t find_unsorted(const struct scan *s, size_t first, struct slice key, bool *is_there)
{
    for (size_t i = first; i < s->nkeys; i++) {
        if (compare(key, s->keys[i]) == 0) {
            *is_there = true;
            return i;
        }
    }
    *is_there = false;
    return s->nkeys;
}

static size_t find_sorted(const struct scan *s, size_t first, struct slice key, bool *is_there)
{
    size_t low = first;
    size_t high = s->nkeys;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(key, s->keys[middle]);

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *is_there = false;
    return low;
}

/* Put a key of the innermost map among its fellows. In a large map they are kept sorted, so that a
 * hostile peer can't make it cost more than n log n comparisons. */
static enum cx_err add_key(struct scan *s, const struct frame *map, struct slice key)
{
    bool is_there;
    size_t at = map->is_large ? find_sorted(s, map->first_key, key, &is_there)
                              : find_unsorted(s, map->first_key, key, &is_there);

    if (is_there) {
        return refuse(s, CX_E_DUPLICATE, "a key occurs twice in a map");
    }
    if (at < s->nkeys) {
        memmove(&s->keys[at + 1], &s->keys[at], (s->nkeys - at) * sizeof(s->keys[0]));
    }
    s->keys[at] = key;
    s->nkeys++;
    return CX_OK;
}

/* A value without values in it. `key_of` is the map that it is a key of, or NULL. */
static enum cx_err take_scalar(struct scan *s, const struct head *head, const struct frame *key_of)
{
    struct slice content;
    enum cx_err err;

    if (!has_bytes(s, head->bytes + head->count)) {
        return refuse_end(s, head->bytes + head->count);
    }
    content = slice_of(s->bytes.ptr + s->at + head->bytes, (size_t)head->count);
    if (head->kind == KIND_STR && !slice_is_utf8(content)) {
        return refuse(s, CX_E_UTF8, "text is not valid UTF-8");
    }
    if (key_of != NULL) {
        err = add_key(s, key_of, content);
        if (err != CX_OK) {
            return err;
        }
    }
    s->at += head->bytes + content.len;
    return CX_OK;
}

static enum cx_err take_value(struct scan *s, const struct frame *key_of)
{
    struct head head;
    enum cx_err err = read_head(s, &head);

    if (err != CX_OK) {
        return err;
    }
    if (head.kind == KIND_NEVER) {
        return refuse(s, CX_E_SYNTAX, "not msgpack");
    }
    if (head.kind == KIND_EXT) {
        return refuse(s, CX_E_TYPE, "extension types are not allowed");
    }
    if (key_of != NULL && head.kind != KIND_STR) {
        return refuse(s, CX_E_TYPE, "the key of a map is not text");
    }
    if (head.kind == KIND_ARRAY || head.kind == KIND_MAP) {
        return open_container(s, &head);
    }
    return take_scalar(s, &head, key_of);
}

/* Close every container that is complete. */
static void close_containers(struct scan *s)
{
    while (s->depth > 0 && s->frames[s->depth - 1].left == 0) {
        s->depth--;
        s->nkeys = s->frames[s->depth].first_key;
    }
}

static enum cx_err scan_value(struct scan *s)
{
    enum cx_err err = take_value(s, NULL);

    close_containers(s);
    while (err == CX_OK && s->depth > 0) {
        struct frame *f = &s->frames[s->depth - 1];
        bool is_key = f->is_map && f->left % 2 == 0;

        f->left--;
        err = take_value(s, is_key ? f : NULL);
        close_containers(s);
    }
    return err;
}

/* The head of the next value, which must be of `kind`. */
static enum cx_err expect_kind(const struct scan *s, enum kind kind, struct head *head)
{
    enum cx_err err = read_head(s, head);

    if (err != CX_OK) {
        return err;
    }
    if (head->kind == KIND_NEVER) {
        return refuse(s, CX_E_SYNTAX, "not msgpack");
    }
    if (head->kind != kind) {
        return refuse(s, CX_E_TYPE, "a message is an array of a type's number and a map");
    }
    return CX_OK;
}

/* True for the integer formats that can hold a negative number, when they do. */
static bool is_negative(const uint8_t *p)
{
    return p[0] >= 0xe0 || (p[0] >= 0xd0 && p[0] <= 0xd3 && p[1] >= 0x80);
}

/* [type, body], without looking into the body. */
static enum cx_err scan_shape(struct scan *s)
{
    struct head head;
    enum cx_err err = expect_kind(s, KIND_ARRAY, &head);

    if (err != CX_OK) {
        return err;
    }
    if (head.count != 2) {
        return refuse(s, CX_E_TYPE, "a message is an array of two");
    }
    s->at += head.bytes;
    err = expect_kind(s, KIND_INT, &head);
    if (err != CX_OK) {
        return err;
    }
    if (!has_bytes(s, head.bytes + head.count)) {
        return refuse_end(s, head.bytes + head.count);
    }
    if (is_negative(s->bytes.ptr + s->at)) {
        return refuse(s, CX_E_TYPE, "a message's type is not negative");
    }
    s->at += head.bytes + (size_t)head.count;
    err = expect_kind(s, KIND_MAP, &head);
    s->at = 0;
    return err;
}

enum cx_err wire_cut(struct slice *rest, size_t message_bytes_max, struct slice *message,
                     struct cx_fail *fail)
{
    struct scan s; /* its keys stay uninitialised: they are 28 KB */
    enum cx_err err;

    s.bytes = *rest;
    s.at = 0;
    s.max = message_bytes_max;
    s.end = rest->len < message_bytes_max ? rest->len : message_bytes_max;
    s.fail = fail;
    s.depth = 0;
    s.nkeys = 0;
    err = scan_shape(&s);
    if (err != CX_OK) {
        return err;
    }
    err = scan_value(&s);
    if (err != CX_OK) {
        return err;
    }
    *message = slice_first(*rest, s.at);
    *rest = slice_from(*rest, s.at);
    return CX_OK;
}
