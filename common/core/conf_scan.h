#ifndef CONNECTOR_COMMON_CORE_CONF_SCAN_H
#define CONNECTOR_COMMON_CORE_CONF_SCAN_H

#include "common/core/conf.h"

/* Part of conf.c: what has to be put right before libconfig (1.5) may see a text.
 *
 * - `@include` would read other files, and then lines would be counted in several: a fault.
 * - A whole number above 2^31-1 without an L behind it is cut to 32 bits without a word (4294967297
 *   is read as 1): it gets its L here. One above 2^63-1 is a fault.
 * - A NUL, in the text or as \x00 in a string, would end the text or string early: a fault. So is
 * text that isn't UTF-8.
 *
 * out: the text for libconfig, appended; the same lines as in the source.
 * Errors: CX_E_CONFIG (faults were added), buf_put's. */
enum cx_err conf_scan(const struct conf_source *source, struct buf *out,
                      struct faults *faults) CX_MUST_CHECK;

#endif
