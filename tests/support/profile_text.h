#ifndef CONNECTOR_TESTS_SUPPORT_PROFILE_TEXT_H
#define CONNECTOR_TESTS_SUPPORT_PROFILE_TEXT_H

/* Profiles and calls for tests, as short texts: JSON with ' for ". */

#include "common/core/buf.h"
#include "common/core/profile.h"

/* The JSON of `text`; NULL for NULL. json_decref it. The test fails if it is malformed. */
json_t *profile_text_json(const char *text);

/* Read a small right profile (name p, a connector, https://idp.example/token) with the members of
 * `patch` over it (a null takes one away). */
bool profile_text_read(const char *patch, const struct profile *before, struct profile *out,
                       struct faults *faults, struct faults *warnings);

/* The same, which must succeed. profile_done it. */
void profile_text_make(const char *patch, struct profile *out);

/* All faults, one a line: "field: what\n". free() it. */
char *profile_text_faults(const struct faults *f);

#endif
