#include "agent/core/policy_summary.h"

#include "common/core/wire.h"

#include <stdlib.h>

/* The rule's methods into `to` (METHOD_COUNT places); gives their number. */
static size_t put_methods(unsigned methods, struct slice *to)
{
    size_t n = 0;

    for (unsigned method = 1; method < METHOD_COUNT; method++) {
        if ((methods & 1u << method) != 0) {
            to[n++] = slice_of_str(terms_method((enum http_method)method));
        }
    }
    return n;
}

static void put_rules(const struct policy *policy, struct policy_summary *out)
{
    for (size_t i = 0; i < policy->nrules; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        struct slice *methods = out->methods + i * METHOD_COUNT;
        struct msg_rule *told = &out->rules[out->policy.nrules];

        if (rule->share == POLICY_SHARE_NONE) {
            continue;
        }
        out->policy.nrules++;
        told->name = slice_of_str(rule->name);
        if (rule->share == POLICY_SHARE_URL) {
            told->url = slice_of_str(rule->url);
            told->methods = methods;
            told->nmethods = put_methods(rule->methods, methods);
        }
    }
    out->policy.rules = out->rules;
}

static enum cx_err try_to_fit(const struct msg_policy *policy, size_t bytes_max)
{
    struct msg m = {.type = MSG_POLICY, .body.policy = *policy};
    struct buf bytes;
    enum cx_err err;

    buf_init(&bytes, bytes_max);
    err = wire_put(&m, bytes_max, &bytes, NULL);
    buf_done(&bytes);
    return err;
}

static enum cx_err cut_to_fit(struct policy_summary *s, size_t bytes_max)
{
    enum cx_err err = try_to_fit(&s->policy, bytes_max);

    if (err != CX_E_TOO_BIG) {
        return err;
    }
    for (size_t i = 0; i < s->policy.nrules; i++) {
        s->rules[i] = (struct msg_rule){.name = s->rules[i].name};
    }
    s->extent = POLICY_SUMMARY_NAMES;
    err = try_to_fit(&s->policy, bytes_max);
    if (err == CX_E_TOO_BIG) {
        s->policy.nrules = 0;
        s->extent = POLICY_SUMMARY_NONE;
        err = CX_OK;
    }
    return err;
}

enum cx_err policy_summary_make(const struct policy *policy, size_t bytes_max,
                                struct policy_summary *out)
{
    *out = (struct policy_summary){.extent = POLICY_SUMMARY_WHOLE};
    out->rules = calloc(policy->nrules + 1, sizeof(*out->rules));
    out->methods = calloc(policy->nrules * METHOD_COUNT + 1, sizeof(*out->methods));
    if (out->rules == NULL || out->methods == NULL) {
        return CX_E_NOMEM;
    }
    put_rules(policy, out);
    return cut_to_fit(out, bytes_max);
}

void policy_summary_done(struct policy_summary *s)
{
    free(s->rules);
    free(s->methods);
    *s = (struct policy_summary){0};
}
