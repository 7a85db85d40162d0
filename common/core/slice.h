#ifndef CONNECTOR_COMMON_CORE_SLICE_H
#define CONNECTOR_COMMON_CORE_SLICE_H

#include "common/core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed view of bytes: not NUL-terminated, never owned. {NULL, 0} is absent; an empty value
 * that is present has a non-NULL ptr. */
struct slice {
    const uint8_t *ptr;
    size_t len;
};

/* printf("%.*s", SLICE_ARG(s)); only for text already known to be printable. */
#define SLICE_ARG(s) (int)(s).len, (const char *)((s).ptr != NULL ? (s).ptr : (const uint8_t *)"")

#define SLICE_LIT(text) ((struct slice){(const uint8_t *)(text), sizeof(text) - 1})

/* The same as an initializer, for tables. */
#define SLICE_INIT(text)                                                                           \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

struct slice slice_of(const void *ptr, size_t len);
struct slice slice_of_str(const char *text); /* NULL gives the absent slice */

bool slice_is_absent(struct slice s);
bool slice_eq(struct slice a, struct slice b);
bool slice_eq_str(struct slice a, const char *text);
bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII letters fold, nothing else */
bool slice_has_prefix(struct slice s, struct slice prefix);

/* The part from `from` (clamped) to the end. */
struct slice slice_from(struct slice s, size_t from);

/* The first `len` bytes (clamped). */
struct slice slice_first(struct slice s, size_t len);

/* Without the bytes of `white` at either end. */
struct slice slice_trim(struct slice s, const char *white);

/* Index of the first `byte` at or after `from`, or s.len. */
size_t slice_find(struct slice s, size_t from, uint8_t byte);

/* Whole slice as a decimal number within min..max: digits only, no sign, no spaces.
 * Errors: CX_E_SYNTAX (not a number), CX_E_RANGE. */
enum cx_err slice_to_u64(struct slice s, uint64_t min, uint64_t max, uint64_t *out) CX_MUST_CHECK;

/* Well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, at most U+10FFFF. */
bool slice_is_utf8(struct slice s);

/* Bytes of the UTF-8 character that `s` begins with, and its code point; 0 if `s` is empty or what
 * it begins with is not well formed. */
size_t slice_first_char(struct slice s, uint32_t *point);

/* True if any byte is below 0x20 or is 0x7f. */
bool slice_has_control(struct slice s);

/* True for UTF-8 that every reader takes for one line, or a part of one: no control character but
 * tab, neither C0 nor C1 (NEL is among these), no U+2028 and no U+2029. */
bool slice_is_line(struct slice s);

/* Equal in content, in a time that depends on the lengths only. */
bool slice_eq_secret(struct slice a, struct slice b);

#endif
