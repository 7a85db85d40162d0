#ifndef CONNECTOR_AGENT_IO_LEDGER_SEAL_H
#define CONNECTOR_AGENT_IO_LEDGER_SEAL_H

#include "agent/core/ledger_frame.h"
#include "common/core/buf.h"

/* Sealing a ledger's frames: AES-256-GCM (NIST SP 800-38D). The key is the file's own: HKDF-SHA256
 * (RFC 5869) of the ledger's key and the salt in the file's header; the nonce is the frame's
 * number, so that none is used twice and none must be random. The frame's head is the associated
 * data. */

struct evp_cipher_ctx_st; /* EVP_CIPHER_CTX */

/* Of one file. Zeroed is a valid one that seals nothing. */
struct ledger_seal {
    struct evp_cipher_ctx_st *sealing; /* with the key in place: setting it takes long */
    struct evp_cipher_ctx_st *opening;
    uint64_t number; /* of the last frame that was sealed */
};

/* What tells this key from another, in the header. Error: CX_E_CRYPTO. */
enum cx_err ledger_seal_check(struct slice key, uint8_t out[LEDGER_KEY_CHECK_BYTES]) CX_MUST_CHECK;

/* For the file with this salt. Error: CX_E_CRYPTO. */
enum cx_err ledger_seal_init(struct ledger_seal *s, struct slice key,
                             const uint8_t salt[LEDGER_SALT_BYTES]) CX_MUST_CHECK;
void ledger_seal_done(struct ledger_seal *s); /* wipes */

/* `frame` holds LEDGER_HEAD_BYTES of anything and then the records, in plain; it becomes the whole
 * frame with the next number. The records are sealed in place: nothing plain is left in it, on an
 * error either, which leaves it empty. Errors: CX_E_TOO_BIG (its cap), CX_E_NOMEM, CX_E_CRYPTO. */
enum cx_err ledger_seal_frame(struct ledger_seal *s, struct buf *frame) CX_MUST_CHECK;

/* The other way, in place: `head` as it stands in the file, `at` the sealed records and the tag
 * behind them. False: altered, or of another key or number; the records are then wiped. */
bool ledger_seal_open(struct ledger_seal *s, const uint8_t head[LEDGER_HEAD_BYTES], uint8_t *at,
                      size_t records_bytes);

#endif
