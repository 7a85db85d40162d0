#include "common/core/wire_write.h"

#include <assert.h>
#include <string.h>

static const char op[] = "wire.put";

/* Headers that are one byte, with the size in it. */
enum { FIXMAP = 0x80, FIXMAP_MAX = 15, FIXSTR = 0xa0, FIXSTR_MAX = 31 };
enum { MESSAGE_USUAL_BYTES = 480 };

/* Bytes that are written and not yet content of the buffer. */
static size_t pending(const struct wire_writer *w)
{
    return w->at == NULL ? 0 : (size_t)(w->at - (w->out->ptr + w->out->len));
}

/* Bytes that the buffer can take without growing. */
static size_t spare(const struct buf *b)
{
    return (b->room < b->cap ? b->room : b->cap) - b->len;
}

/* How much room to ask for: for a usual message at once, rather than grow several times. */
static size_t ample(const struct buf *b, size_t more, size_t left)
{
    size_t usual = left < MESSAGE_USUAL_BYTES ? left : MESSAGE_USUAL_BYTES;

    return more < usual && usual <= b->cap - b->len ? usual : more;
}

/* Make what is pending content, and room for `more` bytes behind it. */
static void ask_for_room(struct wire_writer *w, size_t more)
{
    size_t left; /* of what the peer takes */

    if (w->err != CX_OK) {
        return;
    }
    buf_grew(w->out, pending(w));
    left = w->message_bytes_max - (w->out->len - w->start);
    w->at = NULL;
    w->room = 0;
    if (more > left) {
        w->err = cx_fail_set(w->fail, CX_E_TOO_BIG, op, "the message is over %zu bytes",
                             w->message_bytes_max);
        return;
    }
    w->err = buf_reserve(w->out, ample(w->out, more, left), &w->at);
    if (w->err != CX_OK) {
        (void)cx_fail_set(w->fail, w->err, op, "%s", "");
        return;
    }
    w->room = spare(w->out) < left ? spare(w->out) : left;
}

static bool has_room(struct wire_writer *w, size_t len)
{
    if (len > w->room) {
        ask_for_room(w, len);
    }
    return w->err == CX_OK;
}

static int write_bytes(void *data, const char *bytes, size_t len)
{
    struct wire_writer *w = data;

    if (!has_room(w, len)) {
        return -1;
    }
    if (len == 0) {
        return 0;
    }
    memcpy(w->at, bytes, len);
    w->at += len;
    w->room -= len;
    return 0;
}

void wire_write_init(struct wire_writer *w, struct buf *out, size_t message_bytes_max,
                     struct cx_fail *fail)
{
    *w = (struct wire_writer){
        .out = out, .start = out->len, .message_bytes_max = message_bytes_max, .fail = fail};
    msgpack_packer_init(&w->packer, w, write_bytes);
}

enum cx_err wire_write_end(struct wire_writer *w)
{
    buf_grew(w->out, pending(w));
    w->at = NULL;
    w->room = 0;
    if (w->err != CX_OK) {
        buf_truncate(w->out, w->start);
    }
    return w->err;
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
    struct wire_out m = {path, w->out->len + pending(w), 0};

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

/* Header and text in one piece: all keys are this short, 1 to FIXSTR_MAX bytes, and most texts. */
static void put_short_str(struct wire_writer *w, struct slice text)
{
    if (has_room(w, 1 + text.len)) {
        assert(w->at != NULL);
        w->at[0] = (uint8_t)(FIXSTR | text.len);
        memcpy(w->at + 1, text.ptr, text.len);
        w->at += 1 + text.len;
        w->room -= 1 + text.len;
    }
}

static void put_str(struct wire_writer *w, struct slice text)
{
    if (text.len > 0 && text.len <= FIXSTR_MAX) {
        put_short_str(w, text);
        return;
    }
    msgpack_pack_str(&w->packer, text.len);
    msgpack_pack_str_body(&w->packer, text.ptr, text.len);
}

void wire_write_text(struct wire_writer *w, const struct wire_out *m, const char *key,
                     struct slice text)
{
    if (!slice_is_utf8(text)) {
        wire_write_refuse(w, CX_E_UTF8, m, key, "not valid UTF-8");
    }
    put_str(w, text);
}

void wire_write_key(struct wire_writer *w, struct wire_out *m, const char *key)
{
    struct slice text = slice_of_str(key);

    assert(text.len <= FIXSTR_MAX);
    put_short_str(w, text);
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
        wire_write_text(w, m, key, s);
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
    put_str(w, slice_of_str(word));
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
    if (n > MSG_ARRAY_MAX) {
        wire_write_refuse(w, CX_E_TOO_BIG, m, key, "too many elements");
    }
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
        wire_write_text(w, m, key, texts[i]);
    }
}
