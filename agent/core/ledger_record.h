#ifndef CONNECTOR_AGENT_CORE_LEDGER_RECORD_H
#define CONNECTOR_AGENT_CORE_LEDGER_RECORD_H

#include "common/core/buf.h"
#include "common/core/id.h"

/* What stands in a frame of the ledger: the number of its last record (u64), then records.
 *
 * record = kind u8 | ...
 * opened  1  ledger id (16) | boot id (16) | is_always u8 | owner's length u8 | owner
 * begun   2  job id (16) | is_refresh u8
 * finished 3 job id (16) | result's length u32 | result (the encoded `result` message)
 * forgot  4  job id (16)
 * closed  5  */

enum ledger_kind {
    LEDGER_OPENED = 1, /* first in each file, and again when the owner changes */
    LEDGER_BEGUN,
    LEDGER_FINISHED,
    LEDGER_FORGOT,
    LEDGER_CLOSED, /* the process has closed it: nothing is missing */
};

enum {
    LEDGER_OWNER_BYTES_MAX = 64,
    LEDGER_RESULT_BYTES_MAX = 1024 * 1024,

    LEDGER_SEQ_BYTES = 8, /* the number of the last record */
    LEDGER_BEGUN_BYTES = 1 + CX_ID_BYTES + 1,
    LEDGER_FINISHED_BYTES = 1 + CX_ID_BYTES + 4, /* without the result */
};

struct ledger_record {
    enum ledger_kind kind;
    struct cx_id id;     /* the job's; opened: the ledger's */
    struct cx_id boot;   /* opened: of the machine's start (random by the kernel) */
    bool is_always;      /* opened: every group is synced before anybody relies on it */
    struct slice owner;  /* opened: the agent's name in its certificate */
    bool is_refresh;     /* begun */
    struct slice result; /* finished */
};

/* How long it will be. */
size_t ledger_record_bytes(const struct ledger_record *r);

/* Append it. Unchanged on error. Errors: CX_E_TOO_BIG (cap of out), CX_E_NOMEM. */
enum cx_err ledger_record_put(const struct ledger_record *r, struct buf *out) CX_MUST_CHECK;

/* Cut the first record off `rest` (views into it). Error: CX_E_SYNTAX. */
enum cx_err ledger_record_cut(struct slice *rest, struct ledger_record *out) CX_MUST_CHECK;

#endif
