#ifndef CONNECTOR_AGENT_IO_LEDGER_PRIVATE_H
#define CONNECTOR_AGENT_IO_LEDGER_PRIVATE_H

#include "agent/core/ledger_live.h"
#include "agent/core/ledger_record.h"
#include "agent/io/ledger.h"
#include "agent/io/ledger_file.h"
#include "common/core/secret.h"
#include "common/io/loop.h"

/* What the ledger's files of code share.
 *
 * ledger.c         records: noted in `group`, written in one piece, looked at
 * ledger_open.c    birth and death
 * ledger_rotate.c  what lives, written anew to a file that takes the old one's place; also what
 *                  mends a failed write
 * ledger_work.c    what waits for the disk, in another thread */

struct ledger_work; /* one at a time */

struct ledger {
    struct loop *loop;
    void (*settled)(void *ctx);
    void *ctx;
    bool is_always;
    size_t result_bytes;
    char owner[LEDGER_OWNER_BYTES_MAX + 1];
    struct secret key;
    struct cx_id id;
    struct cx_id boot;

    struct ledger_folder folder;
    struct ledger_file file;       /* `current`, unless it could not even be opened */
    struct ledger_file next;       /* while it is brought to the disk; else fd is -1 */
    uint64_t rotate_at;            /* not before the file has so many bytes; after a failure */
    bool is_name_unsynced;         /* the file's name may not be on the disk yet */
    char aside[LEDGER_NAME_BYTES]; /* what `current` is to be called when it is replaced, or "" */

    struct ledger_live live;
    struct ledger_slot *next_found; /* in a struct ledger_held, as all `nfound` from it on */
    size_t nfound;
    struct ledger_found found; /* what ledger_next_found tells */

    struct buf group;     /* noted and not written: a frame to be, or empty */
    bool is_group_urgent; /* somebody waits for it */
    bool is_group_lost;   /* there was no memory: what lives must be written anew */
    uint64_t noted;       /* the last record's number */
    uint64_t written;     /* the last that is with the kernel */
    uint64_t synced;      /* the last that is on the disk */
    uint64_t wanted;      /* the last that somebody wants there */
    uint64_t next_seq;    /* the last that is in `next` */

    struct ledger_work *work;
    struct loop_hook hook;
    bool must_tell;
    struct loop_timer forget_timer;
    struct loop_timer retry_timer;

    struct ledger_status told; /* the parts that don't follow from the above */
    char why[200];
    char *aside_path; /* of the file that was set aside at the start */
};

/* --- ledger.c --- */

/* Note it. The group is then urgent if somebody waits for the record. */
void ledger_note(struct ledger *l, const struct ledger_record *record, bool is_urgent);

/* The record that each file begins with. It views `l`. */
struct ledger_record ledger_opened(const struct ledger *l);

/* The records before `group` is sealed: their number in front. */
enum cx_err ledger_group_begin(struct buf *group) CX_MUST_CHECK;
void ledger_group_number(struct buf *group, uint64_t seq);

/* It can't be written, or there is no space; it is tried again each second. */
void ledger_trouble(struct ledger *l, enum ledger_state state, int number);
void ledger_recovered(struct ledger *l);

/* --- ledger_rotate.c --- */

/* Write what lives to `next` and begin to give it its name: when the work is done, or at once where
 * nothing must be synced, it is `file`, and all that was noted is in it. 0 or an errno: then
 * nothing has changed. No work may be under way. */
int ledger_rotate(struct ledger *l, bool is_synced);

/* The same without the loop: when it returns, it is done. */
int ledger_rotate_now(struct ledger *l);

/* `next` has the name, or not. */
void ledger_rotated(struct ledger *l, bool is_synced, int number);

/* --- ledger_work.c --- */

/* Bring the file to the disk; `next` with its name. Gives ENOMEM, or 0: ledger_rotated or the like
 * is called in a later turn. */
int ledger_work_sync(struct ledger *l);
int ledger_work_name(struct ledger *l);

/* Wait for the work that is under way and take its end. */
void ledger_work_wait(struct ledger *l);

#endif
