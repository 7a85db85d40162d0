#ifndef CONNECTOR_COMMON_IO_LOG_GATHER_H
#define CONNECTOR_COMMON_IO_LOG_GATHER_H

#include "common/io/log.h"
#include "common/io/loop.h"

/* While a loop runs: the log's lines are written in one piece when the loop has looked for events
 * once more and handled those, before it waits again. A busy program then makes one system call for
 * many lines, and what it has to send goes first; a line is late by less than two turns. */

enum { LOG_GATHER_BYTES = 2 * LOG_LINE_MAX_BYTES };

/* Plain memory of its owner; too large for the stack of a callback. */
struct log_gather {
    struct loop *loop;
    struct loop_hook hook;
    size_t used;
    char bytes[LOG_GATHER_BYTES];
};

/* Becomes the log's sink. Just before loop_run. */
void log_gather_start(struct log_gather *g, struct loop *loop);

/* Writes what is left; lines go straight to standard error again. Just after loop_run. */
void log_gather_stop(struct log_gather *g);

#endif
