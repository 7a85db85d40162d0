#ifndef CONNECTOR_COMMON_CORE_ERR_H
#define CONNECTOR_COMMON_CORE_ERR_H

#include <stddef.h>

/* The one table of errors: what code branches on, and the sentence a person reads first.
 * The detail (which field, which file, what is allowed) travels in struct cx_fail. */
#define CX_ERR_TABLE(X)                                                                            \
    X(CX_OK, "ok")                                                                                 \
    X(CX_E_NOMEM, "out of memory")                                                                 \
    X(CX_E_TOO_BIG, "value exceeds its limit")                                                     \
    X(CX_E_SYNTAX, "value is malformed")                                                           \
    X(CX_E_TYPE, "value has the wrong type")                                                       \
    X(CX_E_RANGE, "value is out of its range")                                                     \
    X(CX_E_MISSING, "a required value is missing")                                                 \
    X(CX_E_UNKNOWN, "name or value is not known")                                                  \
    X(CX_E_DUPLICATE, "name or value occurs twice")                                                \
    X(CX_E_UTF8, "text is not valid UTF-8")                                                        \
    X(CX_E_UNSUPPORTED, "not supported by this version")                                           \
    X(CX_E_NOT_FOUND, "not found")                                                                 \
    X(CX_E_EXISTS, "exists already")                                                               \
    X(CX_E_STATE, "not possible in this state")                                                    \
    X(CX_E_DENIED, "the policy does not allow it")                                                 \
    X(CX_E_SECRET, "a secret is not available here")                                               \
    X(CX_E_FULL, "no room left")                                                                   \
    X(CX_E_CONFIG, "the configuration is wrong")                                                   \
    X(CX_E_IO, "input or output failed")                                                           \
    X(CX_E_MODE, "file permissions are too open")                                                  \
    X(CX_E_CRYPTO, "a cryptographic operation failed")                                             \
    X(CX_E_CERT, "a certificate or key is not usable")                                             \
    X(CX_E_TRUST, "the peer is not trusted")                                                       \
    X(CX_E_CONNECT, "can't reach the peer")                                                        \
    X(CX_E_TIMEOUT, "took too long")                                                               \
    X(CX_E_STORE, "the store failed")                                                              \
    X(CX_E_CLOSED, "closed")

#define CX_AS_ENUM(name, text) name,
enum cx_err { CX_ERR_TABLE(CX_AS_ENUM) CX_ERR_COUNT };
#undef CX_AS_ENUM

#define CX_MUST_CHECK         __attribute__((warn_unused_result))
#define CX_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* What failed, for the person who reads it. The caller owns it; no pointer in it needs freeing.
 * Never contains a secret's value. */
struct cx_fail {
    enum cx_err code;
    const char *op;   /* static string: the step that failed, for the log */
    char detail[240]; /* NUL-terminated sentence; empty if the code says all */
};

/* Static sentence for `code`; never NULL. */
const char *cx_err_text(enum cx_err code);

/* Make a text fit for a terminal, a log line, JSON and msgpack: every byte of a control
 * character (C0, DEL, C1) becomes '?', and if it is not valid UTF-8 (a peer's bytes, or a character
 * that was cut) so does every byte above 0x7f. In place. */
void cx_text_clean(char *text);

/* Fill `fail` (which may be NULL) and return `code`, so that a function can end with
 * `return cx_fail_set(fail, CX_E_RANGE, "conf.read", "must be 1..%d", max);`.
 * A detail that does not fit is cut; it is cleaned by cx_text_clean. */
enum cx_err cx_fail_set(struct cx_fail *fail, enum cx_err code, const char *op, const char *fmt,
                        ...) CX_PRINTF(4, 5);

/* The detail if there is one, else the code's sentence. Borrowed from `fail`. */
const char *cx_fail_text(const struct cx_fail *fail);

#endif
