#ifndef CONNECTOR_AGENT_IO_STATUS_WATCH_H
#define CONNECTOR_AGENT_IO_STATUS_WATCH_H

#include <stdbool.h>

/* Call show(ctx) now and each second, until SIGINT or SIGTERM comes or nobody reads standard output
 * any more. What it prints goes on a screen cleared before, if standard output is a terminal and
 * `clears`; otherwise one after the other. */
void status_watch(void (*show)(void *ctx), void *ctx, bool clears);

#endif
