#ifndef CONNECTOR_AGENT_IO_LEDGER_READ_H
#define CONNECTOR_AGENT_IO_LEDGER_READ_H

#include "agent/core/ledger_replay.h"
#include "agent/io/ledger_file.h"

/* What was found in LEDGER_CURRENT. */
struct ledger_reading {
    bool is_there;
    bool is_broken;      /* a part could not be read; what could be is in the replay */
    uint64_t torn_bytes; /* of a frame that was never finished, at the end */
};

/* Read all of it into `replay`. A frame that can't be read is stepped over, and the next one looked
 * for. Errors: CX_E_CONFIG (sealed by another key), CX_E_UNSUPPORTED (its version), CX_E_NOMEM,
 * CX_E_IO (there is one, and it can't be opened), CX_E_CRYPTO. */
enum cx_err ledger_read(const struct ledger_folder *folder, struct slice key,
                        struct ledger_replay *replay, struct ledger_reading *out,
                        struct cx_fail *fail) CX_MUST_CHECK;

#endif
