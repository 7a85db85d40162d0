#ifndef CONNECTOR_PLATFORM_CORE_FEATURES_H
#define CONNECTOR_PLATFORM_CORE_FEATURES_H

#include "common/core/message.h"

/* What an agent can do, and what a job needs of it, as bits: a job may be given to an agent that
 * has all the bits that it needs (platform/core/dispatch.h). Pure. */

/* Of a hello. Words that are not known here say nothing. An agent that names no `encoding:` at all
 * is taken to know all of them, likewise with `method:`. */
uint32_t features_of_hello(const struct msg_hello *hello);

uint32_t features_of_job(const struct msg_job *job);

#endif
