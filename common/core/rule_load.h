#ifndef CONNECTOR_COMMON_CORE_RULE_LOAD_H
#define CONNECTOR_COMMON_CORE_RULE_LOAD_H

#include "common/core/metrics.h"
#include "common/core/policy.h"

/* How many jobs run under each rule, and how many may: an endpoint that hangs must not hold all the
 * jobs that this program can run. Counted by the rule's name, so that a policy which takes the
 * place of another finds what still runs under the old one. Pure. */

struct rule_load {
    char *name;
    uint32_t jobs_max; /* as the last policy with a rule of that name says */
    uint32_t running;
    uint64_t refused; /* for want of room, since the start */
    uint32_t holders; /* policies that have a rule of that name; private */
    struct rule_load *next;
};

struct rule_loads { /* zeroed, but for the capacity, is valid */
    struct rule_load *first;
    uint32_t capacity; /* jobs that run at once, whatever their rules */
};

/* Jobs that may run at once under a rule: what it says (`jobs`), but no more than `capacity`. If it
 * says nothing: half of them, at least one, so that an endpoint which hangs leaves room for the
 * others; all of them where the policy has no other rule. */
uint32_t rule_load_max(const struct policy *p, const struct policy_rule *rule, uint32_t capacity);

/* One load for each rule of the policy, in their order, to be given to rule_loads_drop when no job
 * begins under that policy any more. NULL: out of memory, nothing changed. */
struct rule_load **rule_loads_take(struct rule_loads *l, const struct policy *p);

/* `loads` (NULL is fine) is freed, and with it the loads that nothing needs any more. */
void rule_loads_drop(struct rule_loads *l, struct rule_load **loads, size_t n);

/* A job begins under the rule; false: as many run as may. */
bool rule_load_enter(struct rule_load *load);

/* It has ended. */
void rule_load_leave(struct rule_loads *l, struct rule_load *load);

/* Why a job was not let in, in words for the platform, which name the rule only where its `share`
 * does. CX_E_FULL. */
void rule_load_say_full(const struct rule_load *load, const struct policy_rule *rule,
                        struct cx_fail *fail);

/* The three families, named by the program; each has the label rule. */
struct rule_load_families {
    struct metrics_family running; /* gauge */
    struct metrics_family max;     /* gauge */
    struct metrics_family refused; /* counter */
};
void rule_loads_put(const struct rule_load *first, const struct rule_load_families *families,
                    struct metrics_page *page);

#endif
