#ifndef CONNECTOR_COMMON_CORE_TRACE_JSON_H
#define CONNECTOR_COMMON_CORE_TRACE_JSON_H

#include "common/core/message.h"

#include <jansson.h>

/* Append the rows to a JSON array: {"hop", "us", "text", "detail": [...], "failed", "advice"}; of
 * these, `hop` and `text` are always there. What there is no memory for is left out. Pure. */
void trace_json_append(json_t *array, const struct msg_hop *hops, size_t n);

#endif
