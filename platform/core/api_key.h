#ifndef CONNECTOR_PLATFORM_CORE_API_KEY_H
#define CONNECTOR_PLATFORM_CORE_API_KEY_H

#include "common/core/buf.h"

/* API keys: "cxk_" and 256 random bits in base64url (RFC 4648, section 5), 47 characters. The
 * prefix is what secret scanners look for. What is stored and looked up is the SHA-256 of all of
 * it: a key of that length needs no slow hash. */

#define API_KEY_PREFIX "cxk_"

enum {
    API_KEY_RANDOM_BYTES = 32,
    API_KEY_TEXT_LEN = 47,
};

/* Append the key of these random bytes to `out`. Errors: buf_put's. Pure. */
enum cx_err api_key_put(const uint8_t random[API_KEY_RANDOM_BYTES], struct buf *out) CX_MUST_CHECK;

/* Does it look like a key at all? Pure. */
bool api_key_is_one(struct slice text);

/* The key in the value of an Authorization header, "Bearer KEY" (RFC 6750, section 2.1; the scheme
 * in any case); absent if the value is anything else. Borrowed from it. Pure. */
struct slice api_key_of_authorization(struct slice value);

#endif
