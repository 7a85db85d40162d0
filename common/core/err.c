#include "common/core/err.h"

#include "common/core/slice.h"

#include <stdarg.h>
#include <stdio.h>

#define AS_TEXT(name, text) text,
static const char *const texts[CX_ERR_COUNT] = {CX_ERR_TABLE(AS_TEXT)};
#undef AS_TEXT

const char *cx_err_text(enum cx_err code)
{
    return (unsigned)code < CX_ERR_COUNT ? texts[code] : "unknown error";
}

/* U+0080 to U+009F, which are two bytes; U+009B is ESC [ to a terminal. */
static bool is_c1(const char *p)
{
    return (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] >= 0x80 &&
           (unsigned char)p[1] <= 0x9f;
}

void cx_text_clean(char *text)
{
    bool is_utf8 = slice_is_utf8(slice_of_str(text));

    for (char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (is_utf8 && is_c1(p)) {
            *p++ = '?';
            *p = '?';
        } else if (c < 0x20 || c == 0x7f || (c > 0x7f && !is_utf8)) {
            *p = '?';
        }
    }
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
    cx_text_clean(fail->detail);
    return code;
}

const char *cx_fail_text(const struct cx_fail *fail)
{
    return fail->detail[0] != '\0' ? fail->detail : cx_err_text(fail->code);
}
