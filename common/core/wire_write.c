#include "common/core/wire_write.h"

#include <assert.h>

static const char op[] = "wire.put";

enum { FIXMAP = 0x80, FIXMAP_MAX = 15 };

static int write_bytes(void *data, const char *bytes, size_t len)
{
    struct wire_writer *w = data;

    if (w->err != CX_OK) {
        return -1;
    }
    if (len > w->message_bytes_max - (w->out->len - w->start)) {
        w->err = cx_fail_set(w->fail, CX_E_TOO_BIG, op, "the message is over %zu bytes",
                             w->message_bytes_max);
        return -1;
    }
    w->err = buf_put(w->out, slice_of(bytes, len));
    if (w->err != CX_OK) {
        (void)cx_fail_set(w->fail, w->err, op, "%s", "");
        return -1;
    }
    return 0;
}

void wire_write_init(struct wire_writer *w, struct buf *out, size_t message_bytes_max,
                     struct cx_fail *fail)
{
    *w = (struct wire_writer){
        .out = out, .start = out->len, .message_bytes_max = message_bytes_max, .fail = fail};
    msgpack_packer_init(&w->packer, w, write_bytes);
}

void wire_write_refuse(struct wire_writer *w, enum cx_err code, const struct wire_out *m,
                       const char *key, const char *what)
{
    if (w->err == CX_OK) {
        w->err = cx_fail_set(w->fail, code, op, "%s.%s: %s", m->path, key, what);
    }
}

struct wire_out wire_write_map(struct wire_writer *w, const char *path)
{
    struct wire_out m = {path, w->out->len, 0};

    msgpack_pack_map(&w->packer, 0);
    return m;
}

struct wire_out wire_write_map_in(struct wire_writer *w, struct wire_out *m, const char *key,
                                  const char *path)
{
    wire_write_key(w, m, key);
    return wire_write_map(w, path);
}

void wire_write_map_end(struct wire_writer *w, const struct wire_out *m)
{
    assert(m->entries <= FIXMAP_MAX);
    if (w->err == CX_OK) {
        w->out->ptr[m->at] = (uint8_t)(FIXMAP | m->entries);
    }
}

void wire_write_text(struct wire_writer *w, struct slice text)
{
    msgpack_pack_str(&w->packer, text.len);
    msgpack_pack_str_body(&w->packer, text.ptr, text.len);
}

void wire_write_key(struct wire_writer *w, struct wire_out *m, const char *key)
{
    wire_write_text(w, slice_of_str(key));
    m->entries++;
}

static bool is_present(struct wire_writer *w, const struct wire_out *m, const char *key,
                       struct slice s, enum wire_need need)
{
    if (slice_is_absent(s) && need == WIRE_REQUIRED) {
        wire_write_refuse(w, CX_E_MISSING, m, key, "missing");
    }
    return !slice_is_absent(s);
}

void wire_write_str(struct wire_writer *w, struct wire_out *m, const char *key, struct slice s,
                    enum wire_need need)
{
    if (is_present(w, m, key, s, need)) {
        wire_write_key(w, m, key);
        wire_write_text(w, s);
    }
}

void wire_write_bin(struct wire_writer *w, struct wire_out *m, const char *key, struct slice s)
{
    if (is_present(w, m, key, s, WIRE_REQUIRED)) {
        wire_write_key(w, m, key);
        msgpack_pack_bin(&w->packer, s.len);
        msgpack_pack_bin_body(&w->packer, s.ptr, s.len);
    }
}

void wire_write_word(struct wire_writer *w, struct wire_out *m, const char *key, const char *word)
{
    if (word[0] == '\0') {
        wire_write_refuse(w, CX_E_UNKNOWN, m, key, "not set");
    }
    wire_write_key(w, m, key);
    wire_write_text(w, slice_of_str(word));
}

void wire_write_uint(struct wire_writer *w, struct wire_out *m, const char *key, uint64_t value,
                     struct wire_range range)
{
    if (value < range.min || value > range.max) {
        wire_write_refuse(w, CX_E_RANGE, m, key, "out of its range");
    }
    wire_write_key(w, m, key);
    msgpack_pack_uint64(&w->packer, value);
}

static void pack_id(struct wire_writer *w, const struct cx_id *id)
{
    msgpack_pack_bin(&w->packer, CX_ID_BYTES);
    msgpack_pack_bin_body(&w->packer, id->bytes, CX_ID_BYTES);
}

void wire_write_id(struct wire_writer *w, struct wire_out *m, const char *key,
                   const struct cx_id *id)
{
    wire_write_key(w, m, key);
    pack_id(w, id);
}

void wire_write_bool(struct wire_writer *w, struct wire_out *m, const char *key, bool value)
{
    if (value) {
        wire_write_key(w, m, key);
        msgpack_pack_true(&w->packer);
    }
}

void wire_write_array(struct wire_writer *w, struct wire_out *m, const char *key, size_t n)
{
    wire_write_key(w, m, key);
    msgpack_pack_array(&w->packer, n);
}

void wire_write_ids(struct wire_writer *w, struct wire_out *m, const char *key,
                    const struct cx_id *ids, size_t n)
{
    wire_write_array(w, m, key, n);
    for (size_t i = 0; i < n; i++) {
        pack_id(w, &ids[i]);
    }
}

void wire_write_strs(struct wire_writer *w, struct wire_out *m, const char *key,
                     const struct slice *texts, size_t n)
{
    wire_write_array(w, m, key, n);
    for (size_t i = 0; i < n; i++) {
        wire_write_text(w, texts[i]);
    }
}
