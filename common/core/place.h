#ifndef CONNECTOR_COMMON_CORE_PLACE_H
#define CONNECTOR_COMMON_CORE_PLACE_H

#include "common/core/slice.h"

#include <jansson.h>

/* A place in an answer: a JSON Pointer (RFC 6901). "/data/tok" is the member "tok" of "data",
 * "/items/0/tok" that of the first element, "" the whole answer; in a name "~1" is a slash and "~0"
 * a tilde.
 *
 * In XML the same syntax is an element's path from the document's element on, by names without
 * their prefixes: "/response/auth/token". Of several elements of one name a number behind it picks
 * one, 0 the first ("/list/entry/1/token"); on the way to the last name the first is taken where
 * there is no number. */

enum { PLACE_BYTES_MAX = 256 };

/* Valid UTF-8 without control characters, at most PLACE_BYTES_MAX bytes, "" or "/" first, and '~'
 * before 0 and 1 alone. */
bool place_is_valid(struct slice place);

/* How many names and numbers it has; 0 for "". */
size_t place_steps(struct slice place);

/* What stands there, borrowed; NULL if nothing does. is_xml: as above. `parent`: the object or
 * array that holds it; NULL for the whole document. Pure. */
json_t *place_find(json_t *document, struct slice place, bool is_xml, json_t **parent);

#endif
