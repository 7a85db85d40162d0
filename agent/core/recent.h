#ifndef CONNECTOR_AGENT_CORE_RECENT_H
#define CONNECTOR_AGENT_CORE_RECENT_H

#include "common/core/id.h"

#include <stddef.h>

/* The ids of the last jobs that the platform has acknowledged: a job that comes once more is then
 * ignored and not run again. The oldest is forgotten when a new one needs its place. Pure. */

enum { RECENT_IDS = 65536 };

struct recent; /* 1.5 MB, touched as it fills */

/* NULL if out of memory. */
struct recent *recent_new(void);
void recent_free(struct recent *r);

/* Remember `id`; one that is remembered already changes nothing. */
void recent_add(struct recent *r, const struct cx_id *id);
bool recent_has(const struct recent *r, const struct cx_id *id);

#endif
