#ifndef CONNECTOR_AGENT_CORE_LEDGER_FRAME_H
#define CONNECTOR_AGENT_CORE_LEDGER_FRAME_H

#include "common/core/slice.h"

/* The outer form of a ledger's file, without its ciphers. All numbers are big-endian.
 *
 * file  = header | frame ...            what is reserved behind the last frame is zero
 * header (64) = "CXLEDGR\n" | version u32 | check u32 | key check (16) | salt (32)
 * frame = length u32 | check u32 | number u64 | sealed records (length) | tag (16) | end
 * end   = 1 to 8 bytes 0x5A, so that a frame's length is a multiple of 8
 *
 * A process that is killed in a write leaves the first bytes of a frame and zeros behind them: no
 * 0x5A at its end. So an unfinished frame is told from one that was altered. Frames are numbered
 * from 1 in each file; the number is the frame's nonce under a key that is the file's own. */

enum {
    LEDGER_HEADER_BYTES = 64,
    LEDGER_KEY_CHECK_BYTES = 16,
    LEDGER_SALT_BYTES = 32,
    LEDGER_VERSION = 1,

    LEDGER_HEAD_BYTES = 16, /* of a frame, before the records */
    LEDGER_TAG_BYTES = 16,
    LEDGER_ALIGN_BYTES = 8,
    LEDGER_END_BYTE = 0x5A,
    LEDGER_FRAME_RECORDS_MAX = 4 * 1024 * 1024,
};

struct ledger_header {
    uint32_t version;
    uint8_t key_check[LEDGER_KEY_CHECK_BYTES]; /* tells the key that sealed it from another */
    uint8_t salt[LEDGER_SALT_BYTES];           /* random: makes the file's own key */
};

void ledger_header_write(const struct ledger_header *h, uint8_t out[LEDGER_HEADER_BYTES]);

/* Errors: CX_E_SYNTAX (too short, or altered), CX_E_UNSUPPORTED (another version; out->version). */
enum cx_err ledger_header_read(struct slice bytes, struct ledger_header *out) CX_MUST_CHECK;

struct ledger_head {
    uint32_t records_bytes; /* 1 to LEDGER_FRAME_RECORDS_MAX */
    uint64_t number;
};

void ledger_head_write(const struct ledger_head *h, uint8_t out[LEDGER_HEAD_BYTES]);

/* Error: CX_E_SYNTAX: too short, no head, or a length out of its range. */
enum cx_err ledger_head_read(struct slice bytes, struct ledger_head *out) CX_MUST_CHECK;

/* Bytes of the whole frame, and of the 0x5A at its end. */
size_t ledger_frame_bytes(size_t records_bytes);
size_t ledger_frame_end_bytes(size_t records_bytes);

#endif
