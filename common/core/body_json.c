#include "common/core/body_rows.h"

#include <jansson.h>

/* A key that is there already gets all of its values, as an array: an object has each name once
 * (RFC 8259, 4). */
static bool add_again(json_t *object, const struct body_pair *pair, json_t *before, json_t *value)
{
    json_t *list = before;

    if (!json_is_array(before)) {
        list = json_array();
        if (json_array_append(list, before) != 0 ||
            json_object_setn_new_nocheck(object, (const char *)pair->key.ptr, pair->key.len,
                                         json_incref(list)) != 0) {
            json_decref(list);
            return false;
        }
        json_decref(list); /* the object keeps it */
    }
    return json_array_append(list, value) == 0;
}

static enum cx_err add_pair(json_t *object, const struct body_pair *pair)
{
    const char *key = (const char *)pair->key.ptr;
    json_t *before;
    json_t *value;
    bool is_added;

    value = json_stringn_nocheck((const char *)pair->value.ptr, pair->value.len);
    before = json_object_getn(object, key, pair->key.len);
    is_added = before != NULL ? add_again(object, pair, before, value)
                              : json_object_setn_nocheck(object, key, pair->key.len, value) == 0;
    json_decref(value);
    return is_added ? CX_OK : CX_E_NOMEM;
}

/* What stopped the dump is kept beside the buffer: the callback itself can only say that it
 * stopped. */
struct sink {
    struct buf *out;
    enum cx_err err;
};

static int put_piece(const char *piece, size_t len, void *arg)
{
    struct sink *sink = arg;

    sink->err = buf_put(sink->out, slice_of(piece, len));
    return sink->err == CX_OK ? 0 : -1;
}

enum cx_err body_encode_json(const struct body *in, struct buf *out, struct buf *media_type)
{
    json_t *object = json_object();
    struct sink sink = {.out = out, .err = CX_E_NOMEM};
    enum cx_err err = object == NULL ? CX_E_NOMEM : CX_OK;

    (void)media_type;
    for (size_t i = 0; i < in->npairs && err == CX_OK; i++) {
        err = add_pair(object, &in->pairs[i]);
    }
    /* jansson keeps the order in which names came */
    if (err == CX_OK && json_dump_callback(object, put_piece, &sink, JSON_COMPACT) != 0) {
        err = sink.err == CX_OK ? CX_E_NOMEM : sink.err;
    }
    json_decref(object);
    return err;
}
