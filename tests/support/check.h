#ifndef CONNECTOR_TESTS_SUPPORT_CHECK_H
#define CONNECTOR_TESTS_SUPPORT_CHECK_H

/* What a test of a table says when a row fails: which row, and what did not hold. */

#include "common/core/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* `why`: the row's sentence. */
#define CHECK(why, condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_msg("%s: %s", (why), #condition);                                                 \
        }                                                                                          \
    } while (0)

#define CHECK_ERR(why, got, want)                                                                  \
    do {                                                                                           \
        enum cx_err check_got = (got);                                                             \
        enum cx_err check_want = (want);                                                           \
        if (check_got != check_want) {                                                             \
            fail_msg("%s: got \"%s\", want \"%s\"", (why), cx_err_text(check_got),                 \
                     cx_err_text(check_want));                                                     \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(why, got, want)                                                                 \
    do {                                                                                           \
        struct slice check_got = (got);                                                            \
        const char *check_want = (want);                                                           \
        if (!slice_eq_str(check_got, check_want)) {                                                \
            fail_msg("%s: got \"%.*s\", want \"%s\"", (why), SLICE_ARG(check_got), check_want);    \
        }                                                                                          \
    } while (0)

#endif
