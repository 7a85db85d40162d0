#ifndef CONNECTOR_PLATFORM_CORE_ROUTE_H
#define CONNECTOR_PLATFORM_CORE_ROUTE_H

#include "common/core/slice.h"

/* Which of the API's resources a path names. Pure. */

enum { ROUTE_WORDS_MAX = 2, ROUTE_WORD_BYTES = 65 };

/* What stood in the place of each "*" of the pattern. */
struct route_words {
    char items[ROUTE_WORDS_MAX][ROUTE_WORD_BYTES];
    size_t count;
};

/* Does `path` fit `pattern` ("/v1/connectors/" "*" "/agents/" "*")? A "*" is one segment, not
 * empty, of letters, digits and -._~ and at most 64 bytes: names and ids need no more, and nothing
 * has to be decoded. `out` is written only if it fits. */
bool route_fits(const char *pattern, struct slice path, struct route_words *out);

#endif
