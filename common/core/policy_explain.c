#include "common/core/policy_explain.h"

#include "common/core/policy_parts.h"

#include <arpa/inet.h>
#include <stdio.h>

unsigned policy_misses(const struct policy_rule *rule, const struct url *url,
                       enum http_method method)
{
    unsigned misses = policy_pattern_misses(rule->pattern, url);

    /* `method` may be METHOD_UNKNOWN, whose bit no rule has */
    return (rule->methods & 1u << method) == 0 ? misses | POLICY_MISS_METHOD : misses;
}

bool policy_is_near(unsigned misses)
{
    return (misses & POLICY_MISS_HOST) == 0 || misses == POLICY_MISS_HOST;
}

void policy_method_names(unsigned methods, const char *joint, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (int m = METHOD_UNKNOWN + 1; m < METHOD_COUNT; m++) {
        if ((methods & 1u << m) != 0 && len < size) {
            len += (size_t)snprintf(out + len, size - len, "%s%s", len == 0 ? "" : joint,
                                    terms_method((enum http_method)m));
        }
    }
}

static const char *scheme_name(bool is_https)
{
    return is_https ? "https" : "http";
}

void policy_compare(const struct policy_rule *rule, const struct url *url, enum http_method method,
                    struct policy_comparison *out)
{
    const struct policy_pattern *p = rule->pattern;
    unsigned misses = policy_misses(rule, url, method);

    (void)snprintf(out->wanted_port, sizeof(out->wanted_port), "%u", p->port);
    (void)snprintf(out->found_port, sizeof(out->found_port), "%u", url->port);
    policy_method_names(rule->methods, ", ", out->wanted_methods, sizeof(out->wanted_methods));
    out->is_met = misses == 0;
    out->parts[0] = (struct policy_part){"scheme", (misses & POLICY_MISS_SCHEME) == 0,
                                         scheme_name(p->is_https), scheme_name(url->is_https)};
    out->parts[1] =
        (struct policy_part){"host", (misses & POLICY_MISS_HOST) == 0, p->host, url->host};
    out->parts[2] = (struct policy_part){"port", (misses & POLICY_MISS_PORT) == 0, out->wanted_port,
                                         out->found_port};
    out->parts[3] =
        (struct policy_part){"path", (misses & POLICY_MISS_PATH) == 0, p->path, url->path};
    out->parts[4] = (struct policy_part){"method", (misses & POLICY_MISS_METHOD) == 0,
                                         out->wanted_methods, terms_method(method)};
}

void policy_explain(const struct policy *p, const struct url *url, enum http_method method,
                    struct policy_explanation *out)
{
    unsigned least = 0;

    *out = (struct policy_explanation){0};
    for (size_t i = 0; i < p->nrules; i++) {
        const struct policy_rule *rule = &p->rules[i];
        unsigned misses = policy_misses(rule, url, method);

        if (misses == 0 && out->decides == NULL) {
            out->decides = rule;
        } else if (misses == 0) {
            out->shadowed = out->shadowed == NULL ? rule : out->shadowed;
        } else if (policy_is_near(misses) && (out->nearest == NULL || misses < least)) {
            out->nearest = rule;
            least = misses;
        }
    }
}

const char *policy_network_text(const struct policy_network *network, char out[POLICY_NETWORK_TEXT])
{
    char address[INET6_ADDRSTRLEN] = "?";

    (void)inet_ntop(network->family, network->address, address, sizeof(address));
    (void)snprintf(out, POLICY_NETWORK_TEXT, "%s/%u", address, network->prefix_bits);
    return out;
}
