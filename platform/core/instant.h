#ifndef CONNECTOR_PLATFORM_CORE_INSTANT_H
#define CONNECTOR_PLATFORM_CORE_INSTANT_H

#include "common/core/slice.h"

/* Points in time as the API writes and reads them: Unix milliseconds inside, RFC 3339 outside.
 * Pure: no time zone but the one that stands in the text. */

enum { INSTANT_TEXT_BYTES = 25 /* "2026-03-01T12:00:00.123Z" and the NUL */ };
#define INSTANT_MAX_MS UINT64_C(253402300799999) /* the end of the year 9999 */

/* UTC; later than INSTANT_MAX_MS gives that. Returns `out`. */
const char *instant_text(uint64_t unix_ms, char out[INSTANT_TEXT_BYTES]);

/* A date-time of RFC 3339, 5.6, or a decimal number of Unix milliseconds. Of a fraction of a second
 * the milliseconds count. A space counts as '+' before the offset, since that is what a query makes
 * of a '+' that was not encoded. Errors: CX_E_SYNTAX, CX_E_RANGE (before 1970, after 9999, or no
 * day of the calendar). */
enum cx_err instant_parse(struct slice text, uint64_t *unix_ms) CX_MUST_CHECK;

#endif
