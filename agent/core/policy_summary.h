#ifndef CONNECTOR_AGENT_CORE_POLICY_SUMMARY_H
#define CONNECTOR_AGENT_CORE_POLICY_SUMMARY_H

#include "common/core/message.h"
#include "common/core/policy.h"

/* What the platform is told of the policy: of each rule what its `share` allows. Pure. */

enum policy_summary_extent {
    POLICY_SUMMARY_WHOLE, /* all that may be told */
    POLICY_SUMMARY_NAMES, /* that would be too long: the rules' names alone */
    POLICY_SUMMARY_NONE,  /* these too */
};

struct policy_summary {
    struct msg_policy policy; /* its texts are the rules' own; its arrays are ours */
    enum policy_summary_extent extent;
    struct msg_rule *rules;
    struct slice *methods;
};

/* As much as fits into a message of `bytes_max`. The policy must outlive `out`, which is valid for
 * policy_summary_done whatever is returned. Error: CX_E_NOMEM. */
enum cx_err policy_summary_make(const struct policy *policy, size_t bytes_max,
                                struct policy_summary *out) CX_MUST_CHECK;
void policy_summary_done(struct policy_summary *s);

#endif
