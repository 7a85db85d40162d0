#ifndef CONNECTOR_PLATFORM_CORE_HOLD_TEXT_H
#define CONNECTOR_PLATFORM_CORE_HOLD_TEXT_H

#include "platform/core/dispatch.h"

/* How an exclusive key is kept with its exchange, so that it holds over our restart: hex digits of
 * the key, of what the job asks for, of its agent's ledger and of the tunnel's number. */

enum { HOLD_TEXT_BYTES = 2 * (2 * DISPATCH_KEY_BYTES + CX_ID_BYTES + 1) + 1 /* with the NUL */ };

/* Returns `out`. */
const char *hold_text(const struct dispatch_held *held, char out[HOLD_TEXT_BYTES]);

/* Fills key, same, ledger and number. False: it is none. */
bool hold_text_read(const char *text, struct dispatch_held *out);

#endif
