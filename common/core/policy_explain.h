#ifndef CONNECTOR_COMMON_CORE_POLICY_EXPLAIN_H
#define CONNECTOR_COMMON_CORE_POLICY_EXPLAIN_H

#include "common/core/policy.h"

/* Why the policy decides as it does, for the admin whose policy it is: what a rule's `share` hides
 * from the platform is told here. It compares as policy_find does. Pure. */

enum { POLICY_PARTS = 5, POLICY_METHODS_TEXT = 40, POLICY_NETWORK_TEXT = 64 };

/* One of the parts that must all be met. Its texts are borrowed from the rule, the URL and the
 * comparison. */
struct policy_part {
    const char *name;   /* "scheme", "host", "port", "path", "method" */
    bool is_met;        /* a port that differs only because the scheme does counts as met */
    const char *wanted; /* by the rule */
    const char *found;  /* in the request */
};

/* A rule beside a request. Its parts point into it: not to be copied. */
struct policy_comparison {
    bool is_met; /* all parts are */
    struct policy_part parts[POLICY_PARTS];
    char wanted_port[8], found_port[8], wanted_methods[POLICY_METHODS_TEXT];
};

void policy_compare(const struct policy_rule *rule, const struct url *url, enum http_method method,
                    struct policy_comparison *out);

struct policy_explanation {
    const struct policy_rule *decides;  /* policy_find's; NULL: denied */
    const struct policy_rule *shadowed; /* the next one that would match and is never asked; NULL:
                                           there is none */
    const struct policy_rule *nearest; /* of those that don't match, the one that misses least; NULL
                                          if none is for this host, nor misses the host alone */
};

/* All borrowed from `p`. */
void policy_explain(const struct policy *p, const struct url *url, enum http_method method,
                    struct policy_explanation *out);

/* "10.0.0.0/8", "fd00::/8". Returns `out`. */
const char *policy_network_text(const struct policy_network *network,
                                char out[POLICY_NETWORK_TEXT]);

#endif
