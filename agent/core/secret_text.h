#ifndef CONNECTOR_AGENT_CORE_SECRET_TEXT_H
#define CONNECTOR_AGENT_CORE_SECRET_TEXT_H

#include "common/core/slice.h"

enum { SECRET_FILE_BYTES_MAX = 64 * 1024 };

/* Cut what a secret's file holds down to the secret: one line end (LF or CRLF) at its end, which
 * editors put there, is no part of it. NULL, or a static sentence that says why it can't be one:
 * empty, a NUL in it, not UTF-8 (a key is kept as PEM). Pure. */
const char *secret_text_trim(struct slice *text);

#endif
