#ifndef CONNECTOR_AGENT_CORE_LEDGER_LIVE_H
#define CONNECTOR_AGENT_CORE_LEDGER_LIVE_H

#include "agent/core/ledger_slot.h"

#include <stdint.h>

/* The slots that are in the ledger, oldest first, and what they come to. Pure; owns none of them.
 */
struct ledger_live {
    struct ledger_slot *oldest, *newest;
    size_t jobs;
    size_t begun;     /* of these, not yet finished */
    size_t refreshes; /* of these */
    uint64_t bytes;   /* of their records */
};

void ledger_live_begin(struct ledger_live *live, struct ledger_slot *slot, const struct cx_id *id,
                       bool is_refresh);

/* `result` is borrowed as long as the slot is in. A slot that is finished already gets this one. */
void ledger_live_finish(struct ledger_live *live, struct ledger_slot *slot, struct slice result);

/* The slot is zeroed. */
void ledger_live_forget(struct ledger_live *live, struct ledger_slot *slot);

/* `to` takes the place of `from`, which is zeroed. */
void ledger_live_move(struct ledger_live *live, struct ledger_slot *from, struct ledger_slot *to);

/* ---- what is decided by them ---- */

enum { LEDGER_GARBAGE_BYTES = 8 * 1024 * 1024 }; /* a file may always hold that much of no use */

/* Is it time to write what lives anew? file_bytes: what was written to the file. */
bool ledger_live_is_outweighed(const struct ledger_live *live, uint64_t file_bytes);

/* Up to where a file must be reserved which was written up to `at`, for the results of all that are
 * begun and of `more` besides, each of at most result_bytes. */
uint64_t ledger_live_reserve(const struct ledger_live *live, uint64_t at, size_t more,
                             size_t result_bytes);

#endif
