#ifndef CONNECTOR_COMMON_IO_TERMINAL_H
#define CONNECTOR_COMMON_IO_TERMINAL_H

#include "common/core/secret.h"

enum { TERMINAL_LINE_MAX_BYTES = 8192 };

/* Ask for a secret: one line of standard input, without its line end. On a terminal, `prompt` goes
 * to standard error and what is typed isn't shown; the terminal is put right again also when a
 * signal ends the program. Otherwise the line is read silently, no byte further, so that several
 * can follow each other. Errors: CX_E_CLOSED (nothing came), CX_E_TOO_BIG, CX_E_IO, CX_E_NOMEM. */
enum cx_err terminal_ask_secret(const char *prompt, struct secret *out,
                                struct cx_fail *fail) CX_MUST_CHECK;

#endif
