#ifndef CONNECTOR_PLATFORM_IO_PROFILE_SECRETS_H
#define CONNECTOR_PLATFORM_IO_PROFILE_SECRETS_H

#include "common/io/cli.h"

#include <jansson.h>

/* The secrets of a profile that `profile put` is given beside its file. */

/* Put them into `profile`: --file MEMBER=FILE (what FILE holds, without line ends behind it), then
 * --ask MEMBER (asked for at the terminal, or a line of standard input), each as often as given.
 * MEMBER is "client.…" or "credentials.…". What went wrong is printed. */
enum cli_status profile_take_secrets(const struct cli_args *args, json_t *profile);

/* The platform has refused `profile`: if it has {"set": true} where nothing is stored, or where it
 * may not go any more, say with which options the secrets are given. */
void profile_print_how_to_give(const json_t *profile, const json_t *problem);

/* "WHAT: WHY" on standard error; CLI_USAGE. */
enum cli_status profile_refuse_usage(const struct cli_args *args, const char *what,
                                     const char *why);

#endif
