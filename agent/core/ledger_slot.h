#ifndef CONNECTOR_AGENT_CORE_LEDGER_SLOT_H
#define CONNECTOR_AGENT_CORE_LEDGER_SLOT_H

#include "common/core/id.h"

/* A job's place in the ledger (agent/io/ledger.h), embedded by its owner, at the same address from
 * ledger_begin (or ledger_adopt) to ledger_forget. Zeroed is a valid slot that is not in the
 * ledger. Private but for is_in. */
struct ledger_slot {
    struct cx_id id;
    struct slice result; /* absent until it is finished */
    uint64_t seq;        /* of its last record */
    bool is_refresh;     /* synced, whatever the mode */
    bool is_in;
    struct ledger_slot *older, *newer;
};

#endif
