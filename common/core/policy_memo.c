#include "common/core/policy_memo.h"

#include <string.h>

const struct policy_rule *policy_memo_find(const struct policy_memo *memo, struct slice url,
                                           enum http_method method)
{
    for (size_t i = 0; i < POLICY_MEMO_ENTRIES && memo->entries[i].rule != NULL; i++) {
        const struct policy_memo_entry *e = &memo->entries[i];

        if (e->len == url.len && e->method == method && memcmp(e->url, url.ptr, url.len) == 0) {
            return e->rule;
        }
    }
    return NULL;
}

void policy_memo_add(struct policy_memo *memo, struct slice url, enum http_method method,
                     const struct policy_rule *rule)
{
    struct policy_memo_entry *e = &memo->entries[memo->next];

    if (url.len == 0 || url.len > POLICY_MEMO_URL_MAX || slice_find(url, 0, '?') != url.len) {
        return;
    }
    e->rule = rule;
    e->method = method;
    e->len = url.len;
    memcpy(e->url, url.ptr, url.len);
    memo->next = (memo->next + 1) % POLICY_MEMO_ENTRIES;
}
