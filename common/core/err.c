#include "common/core/err.h"

#include <stdarg.h>
#include <stdio.h>

#define AS_TEXT(name, text) text,
static const char *const texts[CX_ERR_COUNT] = {CX_ERR_TABLE(AS_TEXT)};
#undef AS_TEXT

const char *cx_err_text(enum cx_err code)
{
    return (unsigned)code < CX_ERR_COUNT ? texts[code] : "unknown error";
}

enum cx_err cx_fail_set(struct cx_fail *fail, enum cx_err code, const char *op, const char *fmt,
                        ...)
{
    va_list args;

    if (fail == NULL) {
        return code;
    }
    fail->code = code;
    fail->op = op;
    va_start(args, fmt);
    (void)vsnprintf(fail->detail, sizeof(fail->detail), fmt, args);
    va_end(args);
    for (char *p = fail->detail; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?'; /* a peer's text must not drive a terminal or split a log line */
        }
    }
    return code;
}

const char *cx_fail_text(const struct cx_fail *fail)
{
    return fail->detail[0] != '\0' ? fail->detail : cx_err_text(fail->code);
}
