#include "common/core/wire.h"

#include <string.h>

/* What one header announces. For ATOM and INT `count` is the bytes that follow it, for STR and BIN
 * too, for ARRAY the elements, for MAP the entries. */
enum kind { KIND_NEVER, KIND_ATOM, KIND_INT, KIND_STR, KIND_BIN, KIND_ARRAY, KIND_MAP, KIND_EXT };

struct head {
    enum cx_err err; /* if it can't be read */
    uint8_t kind;
    uint8_t bytes; /* of the header itself */
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
    size_t depth; /* open arrays and maps */
    size_t nkeys;
    struct slice keys[KEYS_MAX]; /* of the open maps; not initialised */
};

/* A map that is open. */
struct open_map {
    size_t first_key; /* where its keys begin in scan.keys */
    bool is_large;    /* they are kept sorted */
    uint64_t seen;    /* the bits of its keys */
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
static struct head read_long_head(const struct scan *s, const uint8_t *p)
{
    unsigned format = p[0] - 0xc0u;
    uint8_t count_bytes = formats[format].count_bytes;
    struct head head = {CX_OK, formats[format].kind, (uint8_t)(1 + count_bytes),
                        formats[format].count};

    if (head.kind == KIND_NEVER) {
        head.err = refuse(s, CX_E_SYNTAX, "not msgpack");
    } else if (!has_bytes(s, head.bytes)) {
        head.err = refuse_end(s, head.bytes);
    } else {
        for (size_t i = 1; i <= count_bytes; i++) {
            head.count = head.count << 8 | p[i];
        }
    }
    return head;
}

static struct head read_head(const struct scan *s)
{
    const uint8_t *p;

    if (!has_bytes(s, 1)) {
        return (struct head){.err = refuse_end(s, 1)};
    }
    p = s->bytes.ptr + s->at;
    if (p[0] >= 0xa0 && p[0] < 0xc0) {
        return (struct head){CX_OK, KIND_STR, 1, p[0] & 0x1f};
    }
    if (p[0] < 0x80 || p[0] >= 0xe0) {
        return (struct head){CX_OK, KIND_INT, 1, 0};
    }
    if (p[0] < 0x90) {
        return (struct head){CX_OK, KIND_MAP, 1, p[0] & 0x0f};
    }
    if (p[0] < 0xa0) {
        return (struct head){CX_OK, KIND_ARRAY, 1, p[0] & 0x0f};
    }
    return read_long_head(s, p);
}

static int compare(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

/* Where `key` stands, or belongs, among the sorted keys of the innermost map. */
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

static bool is_among(const struct scan *s, size_t first, struct slice key)
{
    for (size_t i = first; i < s->nkeys; i++) {
        if (slice_eq(key, s->keys[i])) {
            return true;
        }
    }
    return false;
}

/* One bit of 64: a key whose bit is not yet set in its map is new there. */
static uint64_t bit_of(struct slice key)
{
    return (uint64_t)1 << (key.len == 0 ? 0 : (key.ptr[0] + 4 * key.len) % 64);
}

/* Put a key of the innermost map among its fellows. In a large map they are kept sorted, so that a
 * hostile peer can't make it cost more than n log n comparisons. */
static enum cx_err add_key(struct scan *s, struct open_map *map, struct slice key)
{
    uint64_t bit = bit_of(key);
    size_t at = s->nkeys;
    bool is_there = false;

    if (map->is_large) {
        at = find_sorted(s, map->first_key, key, &is_there);
    } else if ((map->seen & bit) != 0) {
        is_there = is_among(s, map->first_key, key);
    }
    if (is_there) {
        return refuse(s, CX_E_DUPLICATE, "a key occurs twice in a map");
    }
    if (at < s->nkeys) {
        memmove(&s->keys[at + 1], &s->keys[at], (s->nkeys - at) * sizeof(s->keys[0]));
    }
    s->keys[at] = key;
    s->nkeys++;
    map->seen |= bit;
    return CX_OK;
}

/* What follows the head of a value without values in it, which is its content. */
static enum cx_err check_content(const struct scan *s, struct head head)
{
    if (!has_bytes(s, head.bytes + head.count)) {
        return refuse_end(s, head.bytes + head.count);
    }
    if (head.kind == KIND_STR &&
        !slice_is_utf8(slice_of(s->bytes.ptr + s->at + head.bytes, (size_t)head.count))) {
        return refuse(s, CX_E_UTF8, "text is not valid UTF-8");
    }
    return CX_OK;
}

static enum cx_err refuse_extension(const struct scan *s)
{
    return refuse(s, CX_E_TYPE, "extension types are not allowed");
}

static enum cx_err scan_key(struct scan *s, struct open_map *map)
{
    struct head head = read_head(s);
    enum cx_err err = head.err;

    if (err != CX_OK) {
        return err;
    }
    if (head.kind != KIND_STR) {
        return head.kind == KIND_EXT ? refuse_extension(s)
                                     : refuse(s, CX_E_TYPE, "the key of a map is not text");
    }
    err = check_content(s, head);
    if (err == CX_OK) {
        err = add_key(s, map, slice_of(s->bytes.ptr + s->at + head.bytes, (size_t)head.count));
    }
    s->at += head.bytes + (size_t)head.count; /* never looked at after an error */
    return err;
}

static enum cx_err scan_value(struct scan *s);

static enum cx_err scan_array(struct scan *s, size_t elements)
{
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < elements && err == CX_OK; i++) {
        err = scan_value(s);
    }
    return err;
}

static enum cx_err scan_map(struct scan *s, size_t entries)
{
    struct open_map map = {.first_key = s->nkeys, .is_large = entries > SMALL_MAP};
    enum cx_err err = CX_OK;

    for (size_t i = 0; i < entries && err == CX_OK; i++) {
        err = scan_key(s, &map);
        if (err == CX_OK) {
            err = scan_value(s);
        }
    }
    s->nkeys = map.first_key;
    return err;
}

/* As deep as MSG_NESTING_MAX at most. */
static enum cx_err scan_container(struct scan *s, struct head head)
{
    bool is_map = head.kind == KIND_MAP;
    uint64_t values = is_map ? 2 * head.count : head.count;
    enum cx_err err;

    if (s->depth == MSG_NESTING_MAX) {
        return refuse(s, CX_E_TOO_BIG, "nested too deep");
    }
    if (is_map && head.count > MSG_MAP_MAX) {
        return refuse(s, CX_E_TOO_BIG, "a map has too many entries");
    }
    if (!is_map && head.count > MSG_ARRAY_MAX) {
        return refuse(s, CX_E_TOO_BIG, "an array has too many elements");
    }
    if (!has_bytes(s, head.bytes + values)) { /* a value has one byte at least */
        return refuse_end(s, head.bytes + values);
    }
    s->at += head.bytes;
    s->depth++;
    err = is_map ? scan_map(s, (size_t)head.count) : scan_array(s, (size_t)head.count);
    s->depth--;
    return err;
}

static enum cx_err scan_value(struct scan *s)
{
    struct head head = read_head(s);
    enum cx_err err = head.err;

    if (err != CX_OK) {
        return err;
    }
    if (head.kind == KIND_ARRAY || head.kind == KIND_MAP) {
        return scan_container(s, head);
    }
    if (head.kind == KIND_EXT) {
        return refuse_extension(s);
    }
    err = check_content(s, head);
    s->at += head.bytes + (size_t)head.count; /* never looked at after an error */
    return err;
}

/* The head of the next value, which must be of `kind`. */
static enum cx_err expect_kind(const struct scan *s, enum kind kind, struct head *head)
{
    *head = read_head(s);
    if (head->err != CX_OK || head->kind == kind) {
        return head->err;
    }
    return refuse(s, CX_E_TYPE, "a message is an array of a type's number and a map");
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
