#ifndef CONNECTOR_COMMON_IO_TRACE_PRINT_H
#define CONNECTOR_COMMON_IO_TRACE_PRINT_H

#include <jansson.h>

/* A trace (core/trace_json.h) on standard output, a row a hop with the time that it took. */
void trace_print(const json_t *trace);

#endif
