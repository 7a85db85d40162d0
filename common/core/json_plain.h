#ifndef CONNECTOR_COMMON_CORE_JSON_PLAIN_H
#define CONNECTOR_COMMON_CORE_JSON_PLAIN_H

#include "common/core/slice.h"

#include <jansson.h>

/* Nearly every token answer is a plain object: strings without escapes, integers, true, false and
 * null, perhaps an object in it. This reads such a one several times faster than jansson's parser
 * does. */

enum { JSON_PLAIN_NESTING_MAX = 8 };

/* `text` as a new reference to exactly what json_loadb(JSON_REJECT_DUPLICATES) makes of it (RFC
 * 8259). NULL if it is not plain, whether it is JSON or not, or if memory is out: have jansson read
 * it then. Pure. */
json_t *json_plain_read(struct slice text);

#endif
