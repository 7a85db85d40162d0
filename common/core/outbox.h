#ifndef CONNECTOR_COMMON_CORE_OUTBOX_H
#define CONNECTOR_COMMON_CORE_OUTBOX_H

#include "common/core/buf.h"

/* Messages that wait to be written, in order, bounded in bytes; several of them go into one
 * WebSocket message. Pure. */

enum {
    OUTBOX_MESSAGE_COST = 64, /* counted for each message besides its bytes, so that many empty
                                 ones are bounded too */
};

struct outbox_message;

struct outbox {
    struct outbox_message *first;
    struct outbox_message *last;
    size_t bytes; /* queued, each message's cost included */
    size_t bytes_max;
    size_t messages;
};

void outbox_init(struct outbox *outbox, size_t bytes_max);

/* Wipe and free what is left. */
void outbox_done(struct outbox *outbox);

/* Queue a copy. Unchanged on error. Errors: CX_E_FULL, CX_E_NOMEM. */
enum cx_err outbox_put(struct outbox *outbox, struct slice message, uint64_t tag) CX_MUST_CHECK;

bool outbox_is_empty(const struct outbox *outbox);

/* Bytes of the first message; 0 if there is none. */
size_t outbox_first_len(const struct outbox *outbox);

/* Append to `out` the messages from the front that fit into `pack_bytes` together; one that is
 * longer goes alone. *count says how many; they stay queued until outbox_drop. Unchanged on error.
 * Errors: CX_E_TOO_BIG (cap of out), CX_E_NOMEM. */
enum cx_err outbox_pack(const struct outbox *outbox, size_t pack_bytes, struct buf *out,
                        size_t *count) CX_MUST_CHECK;

/* Wipe and free the first message; its tag. The outbox must not be empty. */
uint64_t outbox_drop(struct outbox *outbox);

#endif
