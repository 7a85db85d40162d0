#ifndef CONNECTOR_COMMON_CORE_POLICY_MEMO_H
#define CONNECTOR_COMMON_CORE_POLICY_MEMO_H

#include "common/core/policy.h"

/* Which rule a policy allowed lately for which URL: jobs go to a few token URLs again and again,
 * and reading one as libcurl does costs more than all else in the policy. One memo a policy, and no
 * longer than it: rules are borrowed from it. A zeroed one is empty. Pure. */

enum { POLICY_MEMO_ENTRIES = 16, POLICY_MEMO_URL_MAX = 240 };

struct policy_memo {
    struct policy_memo_entry {
        const struct policy_rule *rule; /* NULL: free */
        enum http_method method;
        size_t len;
        uint8_t url[POLICY_MEMO_URL_MAX];
    } entries[POLICY_MEMO_ENTRIES];
    size_t next; /* to be written over: the oldest */
};

/* The rule that was remembered for exactly this text and method; NULL: none. */
const struct policy_rule *policy_memo_find(const struct policy_memo *memo, struct slice url,
                                           enum http_method method);

/* Remember that `rule` allows it, everything checked. Not if it is longer than
 * POLICY_MEMO_URL_MAX or has a query, which may hold a secret; nor may a caller give a URL with
 * what a user typed in. */
void policy_memo_add(struct policy_memo *memo, struct slice url, enum http_method method,
                     const struct policy_rule *rule);

#endif
