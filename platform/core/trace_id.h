#ifndef CONNECTOR_PLATFORM_CORE_TRACE_ID_H
#define CONNECTOR_PLATFORM_CORE_TRACE_ID_H

#include "common/core/slice.h"

enum { TRACE_ID_TEXT_BYTES = 33 /* 32 hex digits and the NUL */ };

/* The trace id of a caller's `traceparent` header (W3C Trace Context, 3.2.2), or, where that is
 * absent or malformed, one made of the 16 random bytes. Returns `out`. Pure. */
const char *trace_id_of(struct slice traceparent, const uint8_t random[16],
                        char out[TRACE_ID_TEXT_BYTES]);

#endif
