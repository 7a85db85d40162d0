#ifndef CONNECTOR_COMMON_CORE_MEMBERS_H
#define CONNECTOR_COMMON_CORE_MEMBERS_H

#include "common/core/faults.h"
#include "common/core/slice.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MEMBERS_PREFIX_BYTES = 64, MEMBERS_PATH_BYTES = 128 };

/* Strict reading of one JSON object: whatever is wrong becomes a fault with the member's path, and
 * reading goes on with a stand-in, so that one pass finds every fault. A member that is null counts
 * as absent. */
struct members {
    const json_t *json; /* borrowed; NULL (empty) if what was given is no object */
    struct faults *faults;
    char path[MEMBERS_PREFIX_BYTES]; /* of the object, for faults: "", "client", "fields[2]" */
};

/* `path` is copied. A `json` that is no object is a fault. */
void members_init(struct members *m, const json_t *json, const char *path, struct faults *faults);

/* Path of a member: "client.id"; a long name is cut. Returns `out`. */
const char *members_path(const struct members *m, const char *name, char out[MEMBERS_PATH_BYTES]);

/* Add a fault of the member `name`; NULL: of the object itself. */
void members_fault(const struct members *m, const char *name, const char *fmt, ...) CX_PRINTF(3, 4);

/* Every member that is none of `names` is a fault that names its nearest neighbour. */
void members_check_names(const struct members *m, const char *const *names, size_t n);

/* NULL if absent. */
const json_t *members_get(const struct members *m, const char *name);

/* An array of at most `max` elements; NULL if absent or faulty. */
const json_t *members_list(const struct members *m, const char *name, size_t max);

/* A string of at most `bytes_max` without NUL, copied; the copy of `fallback` if it is absent or
 * faulty (a fallback of NULL gives NULL, and no fault for being absent). free() it. */
char *members_text(const struct members *m, const char *name, size_t bytes_max,
                   const char *fallback);

bool members_flag(const struct members *m, const char *name, bool fallback);

/* An integer within min..max. */
uint32_t members_u32(const struct members *m, const char *name, uint32_t min, uint32_t max,
                     uint32_t fallback);

/* Index of the member's word among `words` (n of them; an empty word never matches). */
unsigned members_word(const struct members *m, const char *name, const char *const *words,
                      unsigned n, unsigned fallback);

#endif
