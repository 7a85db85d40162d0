#ifndef CONNECTOR_COMMON_IO_CLI_HELP_H
#define CONNECTOR_COMMON_IO_CLI_HELP_H

#include "common/io/cli.h"

#include <stdio.h>

/* Part of cli.c: what help prints. */

/* The program's commands; with `group` only those of two words that begin with it ("key"). */
void cli_help_program(const struct cli_program *program, const char *group, FILE *to);

/* One command with its options. */
void cli_help_command(const struct cli_program *program, const struct cli_command *command,
                      FILE *to);

/* True if the command's name is `group` and a second word. */
bool cli_is_in_group(const struct cli_command *command, const char *group);

#endif
