#include "common/core/policy_parts.h"

#include "common/core/buf.h"

#include <stdio.h>
#include <string.h>

const char *policy_rule_label(const struct policy_rule *rule, char out[POLICY_LABEL_BYTES])
{
    if (rule->share == POLICY_SHARE_NONE) {
        (void)snprintf(out, POLICY_LABEL_BYTES, "a rule");
    } else {
        (void)snprintf(out, POLICY_LABEL_BYTES, "rule \"%s\"", rule->name);
    }
    return out;
}

/* One of the things that would have to be otherwise. Text that doesn't fit is cut: the sentence
 * still says what comes first. */
static void put_condition(struct buf *out, const char *what, const char *value)
{
    static const char joint[] = " and ";
    struct slice parts[] = {slice_of_str(out->len == 0 ? "" : joint), slice_of_str(what),
                            slice_of_str(value)};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (buf_put(out, parts[i]) != CX_OK) {
            return;
        }
    }
}

static void put_conditions(const struct policy_rule *rule, unsigned misses, struct buf *out)
{
    const struct policy_pattern *p = rule->pattern;
    bool is_shown = rule->share == POLICY_SHARE_URL;
    char port[8];
    char methods[64];

    (void)snprintf(port, sizeof(port), "%u", p->port);
    policy_method_names(rule->methods, " or ", methods, sizeof(methods));
    if ((misses & POLICY_MISS_SCHEME) != 0) {
        put_condition(out, "the scheme were ",
                      !is_shown     ? "another"
                      : p->is_https ? "https"
                                    : "http");
    }
    if ((misses & POLICY_MISS_HOST) != 0) {
        put_condition(out, "the host were ", is_shown ? p->host : "another");
    }
    if ((misses & POLICY_MISS_PORT) != 0) {
        put_condition(out, "the port were ", is_shown ? port : "another");
    }
    if ((misses & POLICY_MISS_METHOD) != 0) {
        put_condition(out, "the method were ", is_shown ? methods : "another");
    }
    if ((misses & POLICY_MISS_PATH) != 0) {
        put_condition(out, "the path were ", is_shown ? p->path : "another");
    }
}

void policy_say_nearest(const struct policy_rule *rule, unsigned misses, bool has_hidden,
                        const struct url *url, struct cx_fail *fail)
{
    char who[POLICY_LABEL_BYTES];
    struct buf text;
    const char *conditions;

    if (rule == NULL || !policy_is_near(misses)) {
        (void)cx_fail_set(fail, CX_E_DENIED, "policy.find",
                          "no rule of the policy allows it; none%s is for the host %s",
                          has_hidden ? " that it tells of" : "", url->host);
        return;
    }
    buf_init(&text, sizeof(fail->detail));
    put_conditions(rule, misses, &text);
    conditions = buf_cstr(&text);
    (void)cx_fail_set(fail, CX_E_DENIED, "policy.find",
                      "no rule of the policy allows it; %s would if %s",
                      policy_rule_label(rule, who), conditions == NULL ? "" : conditions);
    buf_done(&text);
}
