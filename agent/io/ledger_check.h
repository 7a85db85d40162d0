#ifndef CONNECTOR_AGENT_IO_LEDGER_CHECK_H
#define CONNECTOR_AGENT_IO_LEDGER_CHECK_H

#include "agent/io/settings.h"

/* What `check` says of the ledger without opening it: nothing is made, changed or locked, also
 * while an agent runs with it. What would keep ledger_open from working goes to `faults`; files
 * that were set aside, and little space, to `notes`. */
void ledger_check(const struct agent_settings *s, struct faults *faults, struct faults *notes);

#endif
