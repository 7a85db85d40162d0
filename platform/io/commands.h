#ifndef CONNECTOR_PLATFORM_IO_COMMANDS_H
#define CONNECTOR_PLATFORM_IO_COMMANDS_H

#include "common/io/cli.h"

/* The platform's commands, a file each. These work on the files, offline or as the server itself.
 */
enum cli_status command_init(const struct cli_args *args);
enum cli_status command_serve(const struct cli_args *args);
enum cli_status command_check(const struct cli_args *args);
enum cli_status command_version(const struct cli_args *args);

#endif
