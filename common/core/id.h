#ifndef CONNECTOR_COMMON_CORE_ID_H
#define CONNECTOR_COMMON_CORE_ID_H

#include "common/core/slice.h"

enum { CX_ID_BYTES = 16, CX_ID_TEXT_BYTES = 37 /* 36 characters and the NUL */ };

/* A UUID (RFC 9562), in network order. All zero is "none". */
struct cx_id {
    uint8_t bytes[CX_ID_BYTES];
};

/* A UUIDv7 (RFC 9562, 5.7) of the wall clock in ms and ten random bytes. */
struct cx_id id_make(uint64_t unix_ms, const uint8_t random[10]);

/* Ids that sort in the order in which they were made, also within one millisecond: a counter stands
 * in the twelve bits behind the time (RFC 9562, 6.2, method 1). A zeroed struct is ready for use.
 */
struct id_sequence {
    uint64_t last_ms;
    unsigned count;
};

/* The next one. A clock that is set back by up to ten seconds is waited for: until it has caught
 * up, ids carry the last time. Set back further, it is believed. */
struct cx_id id_next(struct id_sequence *s, uint64_t unix_ms, const uint8_t random[10]);

/* The time that a UUIDv7 was made with, in ms. */
uint64_t id_unix_ms(const struct cx_id *id);

bool id_eq(const struct cx_id *a, const struct cx_id *b);
bool id_is_none(const struct cx_id *id);

/* 8-4-4-4-12 lower-case hex digits. Returns `out`. */
const char *id_text(const struct cx_id *id, char out[CX_ID_TEXT_BYTES]);

/* The reverse; upper case is taken too. Error: CX_E_SYNTAX. */
enum cx_err id_parse(struct slice text, struct cx_id *out) CX_MUST_CHECK;

/* A well-mixed 64-bit hash, for tables keyed by id. */
uint64_t id_hash(const struct cx_id *id);

#endif
