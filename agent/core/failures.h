#ifndef CONNECTOR_AGENT_CORE_FAILURES_H
#define CONNECTOR_AGENT_CORE_FAILURES_H

#include "common/core/message.h"

/* The last jobs that brought no token, for `status`: when, what, where and why. No secret is in it:
 * the sentence is the agent's own, and quotes no word that an endpoint chose. Pure. */

enum { FAILURES_KEPT = 8, FAILURE_TEXT_BYTES = 241 };

struct failure {
    uint64_t at_unix_s;
    enum verdict code;
    enum stage stage;
    uint32_t status;               /* HTTP status; 0: none came */
    char text[FAILURE_TEXT_BYTES]; /* UTF-8; cut to fit, at a character's end */
};

/* A zeroed struct is empty. */
struct failures {
    struct failure kept[FAILURES_KEPT]; /* a ring */
    size_t next;
    size_t count;
};

/* Take down a result that is no token; any other is ignored. */
void failures_add(struct failures *f, const struct msg_result *result, uint64_t now_unix_s);

/* The nth newest, from 0; NULL if there are not so many. Borrowed until the next failures_add. */
const struct failure *failures_at(const struct failures *f, size_t nth);

#endif
