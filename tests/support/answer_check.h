#ifndef CONNECTOR_TESTS_SUPPORT_ANSWER_CHECK_H
#define CONNECTOR_TESTS_SUPPORT_ANSWER_CHECK_H

#include "common/core/answer.h"

#include "tests/support/check.h"

/* Answers of status 200, read and looked at. */

/* Running out of memory fails the test. type: the label; NULL: none. */
void answer_read_body(const char *type, struct slice body, enum body_encoding expect,
                      enum body_encoding sent, struct answer *out);

/* The same with all that a profile may expect; the request was a form. */
void answer_read_expected(const char *type, const char *body, const struct msg_expect *expect,
                          struct answer *out);

/* Fails the test, with the answer's own sentence, if no token was issued. */
void answer_need_issued(const char *why, const struct answer *a);

/* Fails the test unless the verdict is `code` and its sentence has `says` in it. */
void answer_need_declined(const char *why, const struct answer *a, enum verdict code,
                          const char *says);

/* want NULL: absent. */
void answer_check_slice(const char *why, struct slice got, const char *want);

#endif
