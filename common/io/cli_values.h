#ifndef CONNECTOR_COMMON_IO_CLI_VALUES_H
#define CONNECTOR_COMMON_IO_CLI_VALUES_H

#include "common/io/cli.h"

#include <jansson.h>

/* The values of an exchange from the command line: the options --set NAME=VALUE (seen by other
 * users of the machine while the command runs) and --ask NAME (asked for at the terminal, or a line
 * of standard input), each as often as wanted. */

/* Is a value of that name one of the form's? */
typedef bool cli_values_form(const void *ctx, const char *name);

/* Put them into a new {"variables": {...}, "context": {...}, "tenant"?}: `tenant` by itself, names
 * of the form into variables, all others into context. NULL: why was said on standard error. */
json_t *cli_values_read(const struct cli_args *args, cli_values_form *is_in_form, const void *ctx);

#endif
