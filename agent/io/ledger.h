#ifndef CONNECTOR_AGENT_IO_LEDGER_H
#define CONNECTOR_AGENT_IO_LEDGER_H

#include "agent/core/ledger_slot.h"
#include "common/core/buf.h"

/* The ledger: which jobs this agent has begun, and which results the platform has not yet
 * acknowledged. A job is in it before its request is sent, a result before it is reported; so a
 * restarted agent runs nothing twice and loses no token.
 *
 * It is a folder (0700) of its own, with `lock` (flock: one process), `current` (0600) and, when
 * something could not be read, the old file under a name of its own beside it. `current` is only
 * appended to: sealed frames, a frame a group of records (agent/core/ledger_frame.h). What is begun
 * or finished and not forgotten is written anew to a file that then takes `current`'s name, at
 * every start and whenever the records that nobody needs any more outweigh those. Its bound:
 * twice what is held (limits.jobs results), plus 8 MiB, plus what is reserved.
 *
 * Two kinds of safety. Written: it is with the kernel, and survives the death of the process.
 * Synced: it is on the disk, and survives a power cut. The ledger's mode, or a record (a refresh),
 * says which one is asked for.
 *
 * Why a form of our own. Measured for begin, finish (900 bytes, sealed) and forget, in µs of CPU a
 * job, one at a time and 64 in a group: this 4.1 and 0.7; LMDB 0.9.24 without syncs 8.6 and 2.7;
 * SQLite (WAL, synchronous NORMAL) 16.8 and 7.5. With a sync of each group the disk decides, 4.4 ms
 * alone and 61 µs a job in 64 for this, 4.7 ms and 71 µs for SQLite, 7.7 ms and 99 µs for LMDB. No
 * index is needed: what lives is in memory anyway; and neither of them reserves space for what is
 * to come, nor keeps what stands behind a damaged page.
 *
 * How an owner uses it, a job:
 *   ledger_begin(l, &job->slot, &id, is_refresh, &fail)      noted; or the job is refused now
 *   ledger_flush(l)                                          once for many jobs
 *   ledger_look(l, &job->slot) == LEDGER_SAFE                now its request may leave
 *   ledger_finish(l, &job->slot, result), ledger_flush, ledger_look as before; now it is reported
 *   ledger_forget(l, &job->slot)                             it was acknowledged
 * By default all that was noted is safe when ledger_flush returns; what must be synced is when
 * `settled` says so, in a later turn of the loop. */

struct loop;
struct ledger;

enum ledger_look {
    LEDGER_WAITING, /* look again when `settled` is called */
    LEDGER_SAFE,    /* as safe as its mode asks for */
    LEDGER_FAILED,  /* could not be written, as ledger_status says. One that was begun: its request
                       must not leave, refuse the job and forget it. One that is finished: report
                       it, the platform is the safest place that is left */
};

struct ledger_options {
    struct loop *loop;
    const char *path;     /* the folder: made if it is missing */
    const char *owner;    /* whose results these are: the certificate's agent name; 1 to 64 bytes */
    const char *key_path; /* 32 random bytes, 0600: made together with the ledger */
    bool is_always_synced;   /* ledger.sync = "always" */
    size_t result_bytes_max; /* for which space is reserved, for each job that is begun */
    /* Slots that waited are safe, or have failed: look at them. Also when the ledger can be written
     * again, or can't any more (ledger_status). Never called from inside a function of the ledger;
     * it may call any of them but ledger_close. */
    void (*settled)(void *ctx);
    void *ctx;
};

/* Open it, and make it if there is none. `out` is locked to this process until ledger_close. It
 * reads, writes and syncs before it returns: call it before the loop runs.
 * Errors (`fail` names the file and says what to do):
 * CX_E_EXISTS  another process has it open;
 * CX_E_CONFIG  the key is missing, or another one, or not 32 bytes, while there is a ledger; a mode
 *              that lets others in; a folder that can't be made or read;
 * CX_E_UNSUPPORTED  written by a newer version;
 * CX_E_FULL, CX_E_IO, CX_E_NOMEM, CX_E_CRYPTO. */
enum cx_err ledger_open(const struct ledger_options *options, struct ledger **out,
                        struct cx_fail *fail) CX_MUST_CHECK;

/* Write what is noted, say that it was closed cleanly, sync, unlock, free. Waits for the disk. NULL
 * is fine. Slots that are still in it are found again at the next ledger_open; they and their
 * results must be there until this returns. */
void ledger_close(struct ledger *l);

/* From now on it is another identity's (a new certificate names another agent). Nothing may be in
 * it: the new owner's platform would acknowledge the old one's results, and nobody would get them.
 * Error: CX_E_STATE (something is in it). */
enum cx_err ledger_set_owner(struct ledger *l, const char *owner) CX_MUST_CHECK;

/* ---- what an earlier process has left ---- */

/* Begun, or finished and not acknowledged, in the order in which they were begun. */
struct ledger_found {
    struct cx_id id;
    bool is_refresh;
    bool is_finished; /* else it was begun: its request may have left */
    size_t bytes;     /* of its result */
};

/* The first that has not been adopted; NULL: none is left. Those that never are stay in the ledger.
 */
const struct ledger_found *ledger_next_found(const struct ledger *l);

/* Move the first one into `slot`, its result into `result` (empty if it was only begun). The bytes
 * of `result` are borrowed from then on, as those of ledger_finish. */
void ledger_adopt(struct ledger *l, struct ledger_slot *slot, struct buf *result);

/* ---- records ---- */

/* Note that the job is begun, with space for its result. Errors, and nothing is noted; `fail` says
 * it in a sentence for whoever asked: CX_E_FULL (no space left), CX_E_IO (the last write failed and
 * none has worked since), CX_E_NOMEM. */
enum cx_err ledger_begin(struct ledger *l, struct ledger_slot *slot, const struct cx_id *id,
                         bool is_refresh, struct cx_fail *fail) CX_MUST_CHECK;

/* Note its result. `result` is borrowed until ledger_forget: the bytes must neither move nor
 * change. It can't fail by itself; whether it was written, ledger_look says. */
void ledger_finish(struct ledger *l, struct ledger_slot *slot, struct slice result);

/* Note that it needs no longer be known. It is written with what comes next, within a second at the
 * latest. Safe on a slot that is not in the ledger. */
void ledger_forget(struct ledger *l, struct ledger_slot *slot);

/* Write what was noted, in one piece. Left out, it happens at the end of this turn of the loop. */
void ledger_flush(struct ledger *l);

enum ledger_look ledger_look(const struct ledger *l, const struct ledger_slot *slot);

/* ---- what `hello` and `status` say ---- */

struct cx_id ledger_id(const struct ledger *l);

/* The number of the last record that is as safe as the mode asks for. Never goes back under the
 * same id. */
uint64_t ledger_seq(const struct ledger *l);

enum ledger_state {
    LEDGER_OK,
    LEDGER_FULL,    /* there is no space for another job's result: new jobs are refused */
    LEDGER_FAILING, /* a write failed: new jobs are refused; it is tried again each second */
};

enum ledger_past {
    LEDGER_KEPT,   /* read whole: same id */
    LEDGER_FIRST,  /* there was none */
    LEDGER_REBOOT, /* the machine was started anew before it was closed or synced: its last records
                      may be missing, so it has a new id */
    LEDGER_BROKEN, /* a part could not be read: new id, what was readable carried over, the old file
                      is `aside` */
    LEDGER_OTHERS, /* another identity's jobs are in it: it is `aside` whole, this is a new one */
};

struct ledger_status {
    enum ledger_state state;
    const char *why; /* full, failing: the system's reason and what to do; else "" */
    enum ledger_past past;
    const char *aside;   /* broken, others: the old file's path; else "" */
    size_t aside_jobs;   /* others: how many jobs and results are in it */
    uint64_t torn_bytes; /* cut off the end at the start: the last process was killed in a write */
    bool
        has_no_reserve; /* this file system can't reserve space: a full disk shows when it writes */
    size_t jobs;        /* begun or finished, not forgotten */
    uint64_t live_bytes; /* of those */
    uint64_t file_bytes; /* written to `current` */
    uint64_t disk_bytes; /* with what is reserved */
    uint64_t rotations;  /* since the start */
    uint64_t writes, syncs;
};

/* Texts are borrowed until the next call of a function of the ledger. */
struct ledger_status ledger_status(const struct ledger *l);

#endif
