#ifndef CONNECTOR_PLATFORM_IO_PROFILES_H
#define CONNECTOR_PLATFORM_IO_PROFILES_H

#include "common/core/profile.h"
#include "platform/io/store.h"

/* The authorization profiles, read and checked, in memory as the store has them. A stored one that
 * this version can't read stays in the store, and the log names it.
 * profiles_new and profiles_free are platform.h's. */

struct profiles;

/* NULL if there is none. Borrowed until the profile is put again or removed. */
const struct profile *profiles_find(const struct profiles *ps, const char *name);

/* Store it (moved from) in place of one with its name. Errors: CX_E_STORE, CX_E_CRYPTO, CX_E_NOMEM;
 * nothing is changed then. */
enum cx_err profiles_put(struct profiles *ps, struct profile *profile,
                         struct cx_fail *fail) CX_MUST_CHECK;

/* Errors: CX_E_NOT_FOUND, CX_E_STORE. */
enum cx_err profiles_remove(struct profiles *ps, const char *name,
                            struct cx_fail *fail) CX_MUST_CHECK;

/* By name. */
size_t profiles_count(const struct profiles *ps);
const struct profile *profiles_at(const struct profiles *ps, size_t i);

#endif
