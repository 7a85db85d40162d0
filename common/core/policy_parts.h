#ifndef CONNECTOR_COMMON_CORE_POLICY_PARTS_H
#define CONNECTOR_COMMON_CORE_POLICY_PARTS_H

#include "common/core/policy.h"

/* What the policy's files share. Private to common/core. */

/* What of a rule a request misses; a bit each. */
enum policy_miss {
    POLICY_MISS_METHOD = 1 << 0,
    POLICY_MISS_SCHEME = 1 << 1,
    POLICY_MISS_PORT = 1 << 2,
    POLICY_MISS_PATH = 1 << 3,
    POLICY_MISS_HOST = 1 << 4
};

enum {
    POLICY_NAME_BYTES_MAX = 64,
    POLICY_LABEL_BYTES = POLICY_NAME_BYTES_MAX + 16,
    POLICY_FIELD_BYTES = 128
};

/* A rule's URL pattern, parsed. */
struct policy_pattern {
    bool is_https;
    bool is_ipv6;
    bool is_ipv4;
    bool has_wildcard;   /* a label of the host is '*' */
    uint8_t address[16]; /* the host, if it is an IPv6 literal */
    uint16_t port;
    char *host; /* as written, without brackets */
    char *path; /* begins with '/' */
};

/* Parse `text`. Errors: CX_E_SYNTAX, CX_E_TOO_BIG, CX_E_NOMEM. */
enum cx_err policy_pattern_new(struct slice text, struct policy_pattern **out,
                               struct cx_fail *fail) CX_MUST_CHECK;
void policy_pattern_free(struct policy_pattern *p);

/* The POLICY_MISS_* bits of everything but the method; 0: `url` matches. A port that differs only
 * because the scheme does is no miss of its own. */
unsigned policy_pattern_misses(const struct policy_pattern *p, const struct url *url);

/* One rule on its way in: what is read, and where its faults go. */
struct policy_reading {
    const struct policy_rule_text *text;
    struct faults *faults;
    char field[POLICY_FIELD_BYTES]; /* of the last fault */
};

/* "policy[0].name", "policy[0].name[2]"; in r->field, until the next one. */
const char *policy_field_of(struct policy_reading *r, const char *name);
const char *policy_element_of(struct policy_reading *r, const char *name, size_t index);
void policy_out_of_memory(struct policy_reading *r);

/* Read the rule's terms of TLS (policy_tls.c). The identity is lent until the rule is appended. */
void policy_tls_read(struct policy_reading *r, struct policy_rule *out);

/* Parse "10.0.0.0/8", "2001:db8::/32", or one address. Errors: CX_E_SYNTAX, CX_E_RANGE. */
enum cx_err policy_network_read(const char *text, struct policy_network *out,
                                struct cx_fail *fail) CX_MUST_CHECK;

/* Is it an origin, "https://host:port" and nothing behind it? Error: CX_E_SYNTAX. */
enum cx_err policy_target_check(const char *text, struct cx_fail *fail) CX_MUST_CHECK;

/* Read what the text binds into `rule`; every fault is added to `faults`. And give it back. */
void policy_secrets_read(const struct policy_rule_text *text, struct policy_rule *rule,
                         struct faults *faults);
void policy_secrets_done(struct policy_rule *rule);
void policy_secret_fault(const struct policy_secret *secret, const char *member,
                         struct faults *faults, const char *what);

/* Of a secret, what it signs (policy_signer.c): copy it (false: out of memory), check it. */
bool policy_signer_take(const struct policy_secret_text *text, struct policy_secret *out);
void policy_signer_check(const struct policy_secret *secret, struct faults *faults);

/* `rule "hr"`, or "a rule" where its share hides the name. Returns `out`. */
const char *policy_rule_label(const struct policy_rule *rule, char out[POLICY_LABEL_BYTES]);

/* What a request misses of a rule; 0: it matches. */
unsigned policy_misses(const struct policy_rule *rule, const struct url *url,
                       enum http_method method);

/* True if a rule of which a request misses that much may be the one that was meant. */
bool policy_is_near(unsigned misses);

/* "POST, PUT", with `joint` between them; cut to fit. */
void policy_method_names(unsigned methods, const char *joint, char *out, size_t size);

/* Fill `fail` with why nothing allows a request. rule: the nearest one of those that may be told of
 * (NULL: there is none), misses: what the request misses of it, has_hidden: there are others. */
void policy_say_nearest(const struct policy_rule *rule, unsigned misses, bool has_hidden,
                        const struct url *url, struct cx_fail *fail);

#endif
