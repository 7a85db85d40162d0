#ifndef CONNECTOR_PLATFORM_IO_ADMIN_COMMANDS_H
#define CONNECTOR_PLATFORM_IO_ADMIN_COMMANDS_H

#include "common/io/cli.h"

/* The commands that speak to the running server. Their names, options and help stand in main.c. */
enum cli_status command_key_add(const struct cli_args *args);
enum cli_status command_key_list(const struct cli_args *args);
enum cli_status command_key_revoke(const struct cli_args *args);
enum cli_status command_connector_add(const struct cli_args *args);
enum cli_status command_connector_list(const struct cli_args *args);
enum cli_status command_connector_show(const struct cli_args *args);
enum cli_status command_connector_enroll(const struct cli_args *args);
enum cli_status command_connector_revoke(const struct cli_args *args);
enum cli_status command_connector_remove(const struct cli_args *args);
enum cli_status command_profile_put(const struct cli_args *args);
enum cli_status command_profile_list(const struct cli_args *args);
enum cli_status command_profile_show(const struct cli_args *args);
enum cli_status command_profile_remove(const struct cli_args *args);
enum cli_status command_profile_test(const struct cli_args *args);
enum cli_status command_exchange(const struct cli_args *args);

#endif
