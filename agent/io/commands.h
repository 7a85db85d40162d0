#ifndef CONNECTOR_AGENT_IO_COMMANDS_H
#define CONNECTOR_AGENT_IO_COMMANDS_H

#include "common/io/cli.h"

/* The agent's commands, a file each. */
enum cli_status command_run(const struct cli_args *args);
enum cli_status command_enroll(const struct cli_args *args);
enum cli_status command_check(const struct cli_args *args);
enum cli_status command_explain(const struct cli_args *args);
enum cli_status command_try(const struct cli_args *args);
enum cli_status command_status(const struct cli_args *args);
enum cli_status command_version(const struct cli_args *args);

#endif
