#ifndef CONNECTOR_AGENT_IO_LEDGER_FILE_H
#define CONNECTOR_AGENT_IO_LEDGER_FILE_H

#include "agent/io/ledger_seal.h"

/* The ledger's folder, and one file in it that is appended to. What fails gives an errno. */

#define LEDGER_CURRENT "current" /* the ledger */
#define LEDGER_NEXT    "next"    /* what takes its name when it is whole; else of no use */
#define LEDGER_LOCK    "lock"

/* What the names of files that were set aside begin with. */
#define LEDGER_BROKEN_NAMES "broken"
#define LEDGER_OTHERS_NAMES "others"

struct ledger_folder {
    char *path; /* owned; NULL: not open */
    int fd;
    int lock;
};

/* Make it if it is missing, and lock it to this process.
 * Errors: CX_E_EXISTS (another process has it), CX_E_CONFIG (can't be made or opened, others have
 * access), CX_E_NOMEM. */
enum cx_err ledger_folder_open(struct ledger_folder *folder, const char *path,
                               struct cx_fail *fail) CX_MUST_CHECK;
void ledger_folder_done(struct ledger_folder *folder); /* unlocks; safe on a zeroed one */

/* Give LEDGER_NEXT the name LEDGER_CURRENT; to the disk too, if it is_synced. What had the name
 * goes, unless `aside` names it from then on. 0 or an errno. */
int ledger_folder_name(const struct ledger_folder *folder, const char *aside, bool is_synced);

/* A name that is free, for a file that is set aside: "broken-20260102-030405". */
enum { LEDGER_NAME_BYTES = 64 };
void ledger_folder_free_name(const struct ledger_folder *folder, const char *prefix,
                             char out[LEDGER_NAME_BYTES]);

struct ledger_file {
    int fd; /* -1: none */
    struct ledger_seal seal;
    uint64_t at;         /* bytes written */
    uint64_t reserved;   /* bytes that the disk keeps for it, at least `at` */
    bool has_no_reserve; /* the file system can't */
};

/* Make LEDGER_NEXT with its header. 0 or an errno; then there is nothing to close. */
int ledger_file_make(struct ledger_file *file, const struct ledger_folder *folder,
                     struct slice key);

enum { LEDGER_STEP_BYTES = 4 * 1024 * 1024 };

/* Keep space for it up to there, and a step more if the disk has that, so that it is seldom asked
 * for. 0 or an errno. */
int ledger_file_reserve(struct ledger_file *file, uint64_t to);

/* Seal the frame (ledger_seal_frame) and write it behind what is there. 0 or an errno; the file is
 * then of no use any more. The frame is left empty. */
int ledger_file_put(struct ledger_file *file, struct buf *frame);

/* The same for a group of records that were noted while the agent works. */
int ledger_file_append(struct ledger_file *file, struct buf *frame);

void ledger_file_close(struct ledger_file *file); /* safe on one that is closed */

#endif
