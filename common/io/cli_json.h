#ifndef CONNECTOR_COMMON_IO_CLI_JSON_H
#define CONNECTOR_COMMON_IO_CLI_JSON_H

#include "common/io/cli.h"

#include <jansson.h>

/* A file, or with "-" standard input, as JSON; no name twice in an object. NULL: the reason was
 * printed, never what stands in the file, which may hold a secret. */
json_t *cli_json_read(const struct cli_args *args, const char *file, size_t bytes_max);

/* Make every text in it fit for a terminal, by cx_text_clean: of an answer, much is what an agent
 * or a token endpoint wrote. What there is no memory for becomes "?". */
void cli_json_clean(json_t *json);

#endif
