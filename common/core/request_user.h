#ifndef CONNECTOR_COMMON_CORE_REQUEST_USER_H
#define CONNECTOR_COMMON_CORE_REQUEST_USER_H

#include "common/core/request.h"

/* Whom a request is for, as the endpoint will read it: whoever asks for it is not trusted to say.
 */

/* Append to `out` the value that the request has for the field `field`: of the URL's query, of a
 * path field, of the payload or of a header; keys compare without case. In the value, ASCII letters
 * are made lower case and white space around it is left out. A request that has none is for the
 * user "", unless it refreshes (its one grant_type is refresh_token): then it is for nobody, and
 * *is_counted false.
 *
 * Errors: CX_E_DENIED, with a sentence for the platform: two values, so that it can't be told which
 * one the endpoint reads, or a payload that is one text; CX_E_SYNTAX (the query), CX_E_TOO_BIG (cap
 * of `out`), CX_E_NOMEM. For a request_look. Pure. */
enum cx_err request_user(const struct request_parts *parts, struct slice field, struct buf *out,
                         bool *is_counted, struct cx_fail *fail) CX_MUST_CHECK;

#endif
