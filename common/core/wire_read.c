#include "common/core/wire_read.h"

#include <string.h>

static const char op[] = "wire.get";

void wire_read_refuse(struct wire_reader *r, enum cx_err code, const struct wire_map *m,
                      const char *key, const char *what)
{
    if (r->err == CX_OK) {
        r->err = cx_fail_set(r->fail, code, op, "%s.%s: %s", m->path, key, what);
    }
}

/* The value of `key`, or NULL. The search goes round, from m->next on. */
static const msgpack_object *find(struct wire_map *m, const char *key)
{
    size_t len;
    uint32_t size;
    uint32_t i = m->next;

    if (m->entries == NULL || m->entries->size == 0) {
        return NULL;
    }
    len = strlen(key);
    size = m->entries->size;
    for (uint32_t n = 0; n < size; n++) {
        const msgpack_object_kv *entry = &m->entries->ptr[i];

        i = i + 1 == size ? 0 : i + 1;
        if (entry->key.via.str.size == len && memcmp(entry->key.via.str.ptr, key, len) == 0) {
            m->next = i;
            return entry->val.type == MSGPACK_OBJECT_NIL ? NULL : &entry->val;
        }
    }
    return NULL;
}

bool wire_read_has(const struct wire_map *m, const char *key)
{
    struct wire_map unmoved = *m; /* what is there is read next */

    return find(&unmoved, key) != NULL;
}

/* The value of `key`, or NULL: then it is absent, or a fault is noted. */
static const msgpack_object *want(struct wire_reader *r, struct wire_map *m, const char *key,
                                  enum wire_need need)
{
    const msgpack_object *o;

    if (r->err != CX_OK) {
        return NULL;
    }
    o = find(m, key);
    if (o == NULL && need == WIRE_REQUIRED) {
        wire_read_refuse(r, CX_E_MISSING, m, key, "missing");
    }
    return o;
}

static const msgpack_object *want_type(struct wire_reader *r, struct wire_map *m, const char *key,
                                       enum wire_need need, msgpack_object_type type)
{
    static const struct {
        msgpack_object_type type;
        const char *text;
    } rows[] = {
        {MSGPACK_OBJECT_BOOLEAN, "must be true or false"},
        {MSGPACK_OBJECT_STR, "must be text"},
        {MSGPACK_OBJECT_ARRAY, "must be an array"},
        {MSGPACK_OBJECT_MAP, "must be a map"},
        {MSGPACK_OBJECT_BIN, "must be binary"},
    };
    const msgpack_object *o = want(r, m, key, need);

    if (o == NULL || o->type == type) {
        return o;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type == type) {
            wire_read_refuse(r, CX_E_TYPE, m, key, rows[i].text);
        }
    }
    return NULL;
}

struct slice wire_read_text(const msgpack_object *o)
{
    return o->via.str.size == 0 ? SLICE_LIT("") : slice_of(o->via.str.ptr, o->via.str.size);
}

struct slice wire_read_str(struct wire_reader *r, struct wire_map *m, const char *key,
                           enum wire_need need)
{
    const msgpack_object *o = want_type(r, m, key, need, MSGPACK_OBJECT_STR);

    return o == NULL ? slice_of(NULL, 0) : wire_read_text(o);
}

struct slice wire_read_bin(struct wire_reader *r, struct wire_map *m, const char *key,
                           enum wire_need need)
{
    const msgpack_object *o = want_type(r, m, key, need, MSGPACK_OBJECT_BIN);

    if (o == NULL) {
        return slice_of(NULL, 0);
    }
    return o->via.bin.size == 0 ? SLICE_LIT("") : slice_of(o->via.bin.ptr, o->via.bin.size);
}

static bool to_id(const msgpack_object *o, struct cx_id *id)
{
    if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != CX_ID_BYTES) {
        return false;
    }
    memcpy(id->bytes, o->via.bin.ptr, CX_ID_BYTES);
    return true;
}

struct cx_id wire_read_id(struct wire_reader *r, struct wire_map *m, const char *key,
                          enum wire_need need)
{
    const msgpack_object *o = want(r, m, key, need);
    struct cx_id id = {{0}};

    if (o != NULL && !to_id(o, &id)) {
        wire_read_refuse(r, CX_E_TYPE, m, key, "must be 16 bytes of binary");
    }
    return id;
}

uint64_t wire_read_uint(struct wire_reader *r, struct wire_map *m, const char *key,
                        enum wire_need need, struct wire_range range)
{
    const msgpack_object *o = want(r, m, key, need);
    bool is_in_range;

    if (o == NULL) {
        return 0;
    }
    if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER && o->type != MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        wire_read_refuse(r, CX_E_TYPE, m, key, "must be a whole number");
        return 0;
    }
    is_in_range = o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 >= range.min &&
                  o->via.u64 <= range.max;
    if (!is_in_range) {
        r->err = cx_fail_set(r->fail, CX_E_RANGE, op, "%s.%s: must be %llu..%llu", m->path, key,
                             (unsigned long long)range.min, (unsigned long long)range.max);
        return 0;
    }
    return o->via.u64;
}

bool wire_read_bool(struct wire_reader *r, struct wire_map *m, const char *key)
{
    const msgpack_object *o = want_type(r, m, key, WIRE_OPTIONAL, MSGPACK_OBJECT_BOOLEAN);

    return o != NULL && o->via.boolean;
}

struct wire_map wire_read_map(struct wire_reader *r, struct wire_map *m, const char *key,
                              enum wire_need need, const char *path)
{
    const msgpack_object *o = want_type(r, m, key, need, MSGPACK_OBJECT_MAP);

    return (struct wire_map){path, o == NULL ? NULL : &o->via.map, 0};
}

msgpack_object_array wire_read_array(struct wire_reader *r, struct wire_map *m, const char *key,
                                     enum wire_need need)
{
    const msgpack_object *o = want_type(r, m, key, need, MSGPACK_OBJECT_ARRAY);

    return o == NULL ? (msgpack_object_array){0, NULL} : o->via.array;
}

void *wire_read_room(struct wire_reader *r, size_t n, size_t element_bytes)
{
    void *room;

    if (r->err != CX_OK || n == 0) {
        return NULL;
    }
    room = msgpack_zone_malloc(r->zone, n * element_bytes); /* n is at most MSG_ARRAY_MAX */
    if (room == NULL) {
        r->err = cx_fail_set(r->fail, CX_E_NOMEM, op, "%s", "");
    }
    return room;
}

const struct cx_id *wire_read_ids(struct wire_reader *r, struct wire_map *m, const char *key,
                                  size_t *n)
{
    msgpack_object_array from = wire_read_array(r, m, key, WIRE_REQUIRED);
    struct cx_id *ids = wire_read_room(r, from.size, sizeof(*ids));

    *n = 0;
    if (ids == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < from.size; i++) {
        if (!to_id(&from.ptr[i], &ids[i])) {
            wire_read_refuse(r, CX_E_TYPE, m, key, "each must be 16 bytes of binary");
            return NULL;
        }
    }
    *n = from.size;
    return ids;
}

const struct slice *wire_read_strs(struct wire_reader *r, struct wire_map *m, const char *key,
                                   enum wire_need need, size_t *n)
{
    msgpack_object_array from = wire_read_array(r, m, key, need);
    struct slice *texts = wire_read_room(r, from.size, sizeof(*texts));

    *n = 0;
    if (texts == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < from.size; i++) {
        if (from.ptr[i].type != MSGPACK_OBJECT_STR) {
            wire_read_refuse(r, CX_E_TYPE, m, key, "each must be text");
            return NULL;
        }
        texts[i] = wire_read_text(&from.ptr[i]);
    }
    *n = from.size;
    return texts;
}
