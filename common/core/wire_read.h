#ifndef CONNECTOR_COMMON_CORE_WIRE_READ_H
#define CONNECTOR_COMMON_CORE_WIRE_READ_H

#include "common/core/id.h"
#include "common/core/wire_internal.h"

#include <msgpack/object.h>
#include <msgpack/zone.h>

/* Typed access to the maps of an unpacked message; private to the codec.
 *
 * The first fault is kept in `err` (and told in `fail`, by the key's path, never by a value);
 * everything that is read after it is empty. So a message is read key by key in one sweep and `err`
 * looked at once at the end. Nil is as good as absent. */
struct wire_reader {
    enum cx_err err;
    msgpack_zone *zone; /* arrays that are made live here */
    struct cx_fail *fail;
};

/* A map of the message. `entries` is NULL when the map is absent. */
struct wire_map {
    const char *path; /* static; what `fail` calls it: "job.request" */
    const msgpack_object_map *entries;
    uint32_t next; /* the entry behind the one that was read last: peers write in our order */
};

/* Note a fault unless there is one already: "<path of m>.<key>: <what>". */
void wire_read_refuse(struct wire_reader *r, enum cx_err code, const struct wire_map *m,
                      const char *key, const char *what);

bool wire_read_has(const struct wire_map *m, const char *key);

/* All of these give the empty value (absent slice, 0, false, no elements) for what is absent.
 * Faults: CX_E_MISSING (required), CX_E_TYPE, CX_E_RANGE (also for a negative number). */
struct slice wire_read_str(struct wire_reader *r, struct wire_map *m, const char *key,
                           enum wire_need need);
struct slice wire_read_bin(struct wire_reader *r, struct wire_map *m, const char *key,
                           enum wire_need need);
struct cx_id wire_read_id(struct wire_reader *r, struct wire_map *m, const char *key,
                          enum wire_need need);
uint64_t wire_read_uint(struct wire_reader *r, struct wire_map *m, const char *key,
                        enum wire_need need, struct wire_range range);
bool wire_read_bool(struct wire_reader *r, struct wire_map *m, const char *key);
struct wire_map wire_read_map(struct wire_reader *r, struct wire_map *m, const char *key,
                              enum wire_need need, const char *path);
msgpack_object_array wire_read_array(struct wire_reader *r, struct wire_map *m, const char *key,
                                     enum wire_need need);

/* Arrays of one kind (ids are always required); NULL and 0 for an empty one. Fault besides:
 * CX_E_NOMEM. */
const struct cx_id *wire_read_ids(struct wire_reader *r, struct wire_map *m, const char *key,
                                  size_t *n);
const struct slice *wire_read_strs(struct wire_reader *r, struct wire_map *m, const char *key,
                                   enum wire_need need, size_t *n);

/* Room for `n` elements in the zone, not initialised; NULL for none, or when `err` is set. */
void *wire_read_room(struct wire_reader *r, size_t n, size_t element_bytes);

/* The text of an object that is known to be one; present even when it is empty. */
struct slice wire_read_text(const msgpack_object *o);

/* What wire_get does, but for the memory: the message's arrays are `zone`'s, out->arena is NULL. */
enum cx_err wire_read_message(msgpack_zone *zone, struct slice message, struct msg *out,
                              struct cx_fail *fail) CX_MUST_CHECK;

#endif
