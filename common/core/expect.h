#ifndef CONNECTOR_COMMON_CORE_EXPECT_H
#define CONNECTOR_COMMON_CORE_EXPECT_H

#include "common/core/message.h"

/* What a job expects of its answer, kept beyond its message. */
struct expect {
    struct msg_expect view;
    void *memory; /* what the view's array and slices point into; NULL if they are all empty */
};

/* A copy of `from`. Error: CX_E_NOMEM; `out` is then untouched. */
enum cx_err expect_dup(const struct msg_expect *from, struct expect *out) CX_MUST_CHECK;

/* Safe on a zeroed struct and on a second call. */
void expect_done(struct expect *e);

#endif
