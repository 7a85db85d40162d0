#include "common/core/json_text.h"

#include "common/core/escape.h"

static void put(struct json_text *w, struct slice bytes)
{
    if (w->err == CX_OK) {
        w->err = buf_put(w->out, bytes);
    }
}

static void put_key(struct json_text *w, const char *key)
{
    put(w, w->has_member ? SLICE_LIT(",\"") : SLICE_LIT("\""));
    put(w, slice_of_str(key));
    put(w, SLICE_LIT("\":"));
    w->has_member = true;
}

void json_text_init(struct json_text *w, struct buf *out)
{
    *w = (struct json_text){.out = out};
    put(w, SLICE_LIT("{"));
}

enum cx_err json_text_end(struct json_text *w)
{
    put(w, SLICE_LIT("}"));
    return w->err;
}

void json_text_open(struct json_text *w, const char *key)
{
    put_key(w, key);
    put(w, SLICE_LIT("{"));
    w->has_member = false;
}

void json_text_close(struct json_text *w)
{
    put(w, SLICE_LIT("}"));
    w->has_member = true; /* of the one around it: this */
}

void json_text_put(struct json_text *w, const char *key, struct slice text)
{
    if (slice_is_absent(text)) {
        return;
    }
    put_key(w, key);
    if (w->err == CX_OK) {
        w->err = escape_json(text, SIZE_MAX, w->out);
    }
}

void json_text_put_str(struct json_text *w, const char *key, const char *text)
{
    json_text_put(w, key, slice_of_str(text));
}

void json_text_put_u64(struct json_text *w, const char *key, uint64_t value)
{
    put_key(w, key);
    if (w->err == CX_OK) {
        w->err = buf_put_u64(w->out, value);
    }
}

void json_text_put_true(struct json_text *w, const char *key)
{
    put_key(w, key);
    put(w, SLICE_LIT("true"));
}

static int put_dumped(const char *bytes, size_t size, void *ctx)
{
    struct json_text *w = ctx;

    put(w, slice_of(bytes, size));
    return w->err == CX_OK ? 0 : -1;
}

void json_text_put_json(struct json_text *w, const char *key, const json_t *json)
{
    put_key(w, key);
    if (w->err == CX_OK &&
        json_dump_callback(json, put_dumped, w, JSON_COMPACT | JSON_ENCODE_ANY) != 0 &&
        w->err == CX_OK) {
        w->err = CX_E_NOMEM;
    }
}
