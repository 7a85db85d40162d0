#ifndef CONNECTOR_AGENT_CORE_LEDGER_REPLAY_H
#define CONNECTOR_AGENT_CORE_LEDGER_REPLAY_H

#include "agent/core/ledger_live.h"
#include "common/core/buf.h"

/* Reading a ledger from its frames: which jobs are in it at the end. Pure. */

/* One job that is in it. Owned by the replay. */
struct ledger_held {
    struct ledger_slot slot;  /* first */
    struct buf result;        /* slot.result views it */
    struct ledger_held *next; /* in its bucket; private */
};

struct ledger_replay {
    struct ledger_live live; /* of slots in struct ledger_held */
    struct ledger_held **buckets;
    struct cx_id id;   /* of the ledger; none: no frame said it */
    struct cx_id boot; /* of the machine's start in which it was last opened */
    char owner[65];
    bool is_always;
    bool is_closed; /* cleanly, and nothing came after */
    uint64_t seq;   /* number of the last record */
};

enum cx_err ledger_replay_init(struct ledger_replay *r) CX_MUST_CHECK; /* CX_E_NOMEM */
void ledger_replay_done(struct ledger_replay *r); /* wipes and frees what was not taken */

/* The next frame's content. Frames may be missing before it: a job that was finished and not begun
 * is in, one that was forgotten and not begun is none. Errors: CX_E_SYNTAX (what stands before the
 * fault has counted), CX_E_NOMEM. */
enum cx_err ledger_replay_frame(struct ledger_replay *r, struct slice records) CX_MUST_CHECK;

/* The oldest job that is left; NULL: none. */
struct ledger_held *ledger_replay_first(const struct ledger_replay *r);

/* ---- what its past means ---- */

enum ledger_trust {
    LEDGER_TRUST_SAME,   /* nothing is missing: it goes on under its id */
    LEDGER_TRUST_REBOOT, /* its last records may be missing: a new id */
    LEDGER_TRUST_BROKEN, /* a part can't be read: a new id, and the file is kept */
    LEDGER_TRUST_OTHERS, /* jobs of another owner are in it: a new ledger, and the file is kept */
};

/* `is_broken`: not all of the file could be read. `boot`: of this start of the machine. */
enum ledger_trust ledger_replay_trust(const struct ledger_replay *r, bool is_broken,
                                      const struct cx_id *boot, const char *owner);

#endif
