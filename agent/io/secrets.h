#ifndef CONNECTOR_AGENT_IO_SECRETS_H
#define CONNECTOR_AGENT_IO_SECRETS_H

#include "agent/io/settings.h"

/* The secrets that the agent keeps: a file each in the folder `secrets.directory` (mode 0600, the
 * agent's own user's), or a credential of its systemd unit (LoadCredential=, a file each in
 * $CREDENTIALS_DIRECTORY). A name in both is a fault: neither comes first. */

/* Read them and give them to the rules that bind them. Every fault is added to `faults`: a folder
 * or file that can't be used, a name that a rule binds and nothing keeps. `notes` tells of files
 * that no rule binds, and of secrets too short to be looked for in what an endpoint says.
 * Credentials are looked at by the names that rules bind, since a unit may have others. */
void secrets_bind(const struct agent_settings *settings, struct policy *policy,
                  struct faults *faults, struct faults *notes);

#endif
