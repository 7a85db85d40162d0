#ifndef CONNECTOR_COMMON_CORE_WIRE_WRITE_H
#define CONNECTOR_COMMON_CORE_WIRE_WRITE_H

#include "common/core/buf.h"
#include "common/core/id.h"
#include "common/core/wire_internal.h"

#include <msgpack/pack.h>

/* Typed writing of a message; private to the codec.
 *
 * The first fault is kept in `err` (and told in `fail`, by the key's path, never by a value); what
 * is written after it is lost. So a message is written key by key in one sweep and `err` looked at
 * once at the end. Faults: CX_E_TOO_BIG, CX_E_NOMEM, and what the single functions say. */
struct wire_writer {
    enum cx_err err;
    struct buf *out;
    size_t start; /* where the message begins in out */
    size_t message_bytes_max;
    uint8_t *at; /* where the next byte goes, behind out's content */
    size_t room; /* bytes that may go there before more room is asked for */
    msgpack_packer packer;
    struct cx_fail *fail;
};

/* A map that is being written. Its keys are counted as they come, since those that are absent are
 * left out, and its one-byte header is written at the end: so it has at most 15. */
struct wire_out {
    const char *path; /* static; what `fail` calls it: "job.request" */
    size_t at;        /* of the header, from the start of the buffer */
    unsigned entries;
};

/* The writer holds a pointer to itself: it can't be copied or moved. */
void wire_write_init(struct wire_writer *w, struct buf *out, size_t message_bytes_max,
                     struct cx_fail *fail);

/* The message is whole: its bytes become content of the buffer, or, on a fault, none of them. */
enum cx_err wire_write_end(struct wire_writer *w) CX_MUST_CHECK;

/* Note a fault unless there is one already: "<path of m>.<key>: <what>". */
void wire_write_refuse(struct wire_writer *w, enum cx_err code, const struct wire_out *m,
                       const char *key, const char *what);

/* The body of a message. */
struct wire_out wire_write_map(struct wire_writer *w, const char *path);

/* A map that is the value of `key`. */
struct wire_out wire_write_map_in(struct wire_writer *w, struct wire_out *m, const char *key,
                                  const char *path);

void wire_write_map_end(struct wire_writer *w, const struct wire_out *m);

/* The key alone; its value is written next, by whatever means. */
void wire_write_key(struct wire_writer *w, struct wire_out *m, const char *key);

/* An absent slice writes nothing. Faults: CX_E_MISSING (absent, but required), CX_E_UTF8. */
void wire_write_str(struct wire_writer *w, struct wire_out *m, const char *key, struct slice s,
                    enum wire_need need);

/* Required. Fault: CX_E_MISSING. */
void wire_write_bin(struct wire_writer *w, struct wire_out *m, const char *key, struct slice s);

/* A word of an enumeration. Fault: CX_E_UNKNOWN for "", the value that nobody has set. */
void wire_write_word(struct wire_writer *w, struct wire_out *m, const char *key, const char *word);

/* Fault: CX_E_RANGE. */
void wire_write_uint(struct wire_writer *w, struct wire_out *m, const char *key, uint64_t value,
                     struct wire_range range);

void wire_write_id(struct wire_writer *w, struct wire_out *m, const char *key,
                   const struct cx_id *id);

/* Only what is true is written: false is as good as absent. */
void wire_write_bool(struct wire_writer *w, struct wire_out *m, const char *key, bool value);

/* Faults of the arrays: CX_E_TOO_BIG (more than MSG_ARRAY_MAX elements), CX_E_UTF8. */
void wire_write_ids(struct wire_writer *w, struct wire_out *m, const char *key,
                    const struct cx_id *ids, size_t n);
void wire_write_strs(struct wire_writer *w, struct wire_out *m, const char *key,
                     const struct slice *texts, size_t n);

/* Key and header of an array; its `n` elements are written next. */
void wire_write_array(struct wire_writer *w, struct wire_out *m, const char *key, size_t n);

/* One text by itself, under `key` (which is only named in a fault); an absent one is written as an
 * empty one. Fault: CX_E_UTF8. */
void wire_write_text(struct wire_writer *w, const struct wire_out *m, const char *key,
                     struct slice text);

#endif
