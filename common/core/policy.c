#include "common/core/policy.h"

#include "common/core/policy_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void policy_init(struct policy *p)
{
    *p = (struct policy){0};
}

static void rule_done(struct policy_rule *rule)
{
    free(rule->where);
    free(rule->name);
    free(rule->url);
    free(rule->ca);
    free(rule->target);
    free(rule->user_field);
    proxy_done(&rule->proxy);
    tls_terms_done(&rule->tls);
    free(rule->networks);
    policy_secrets_done(rule);
    policy_pattern_free(rule->pattern);
    *rule = (struct policy_rule){0};
}

void policy_done(struct policy *p)
{
    for (size_t i = 0; i < p->nrules; i++) {
        rule_done(&p->rules[i]);
    }
    free(p->rules);
    policy_init(p);
}

void policy_out_of_memory(struct policy_reading *r)
{
    faults_add(r->faults, r->text->where, r->text->field, "%s", cx_err_text(CX_E_NOMEM));
}

const char *policy_field_of(struct policy_reading *r, const char *name)
{
    (void)snprintf(r->field, sizeof(r->field), "%s.%s", r->text->field, name);
    return r->field;
}

const char *policy_element_of(struct policy_reading *r, const char *name, size_t index)
{
    (void)snprintf(r->field, sizeof(r->field), "%s.%s[%zu]", r->text->field, name, index);
    return r->field;
}

static char *dup_or_fault(struct policy_reading *r, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        policy_out_of_memory(r);
    }
    return copy;
}

static void read_name(struct policy_reading *r, const struct policy *p, struct policy_rule *out)
{
    struct slice name = slice_of_str(r->text->name);

    if (name.len == 0) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "name"),
                   "is missing: the name stands for the rule in messages");
        return;
    }
    if (name.len > POLICY_NAME_BYTES_MAX || slice_has_control(name) || !slice_is_utf8(name)) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "name"),
                   "must be at most %d bytes of UTF-8 without control characters",
                   POLICY_NAME_BYTES_MAX);
        return;
    }
    for (size_t i = 0; i < p->nrules; i++) {
        if (strcmp(p->rules[i].name, r->text->name) == 0) {
            faults_add(r->faults, r->text->where, policy_field_of(r, "name"),
                       "\"%s\" is the name of another rule already", r->text->name);
        }
    }
    out->name = dup_or_fault(r, r->text->name);
}

static void read_where(struct policy_reading *r, struct policy_rule *out)
{
    out->where = dup_or_fault(r, r->text->where == NULL ? "" : r->text->where);
}

static void read_url(struct policy_reading *r, struct policy_rule *out)
{
    struct cx_fail fail = {0};

    if (r->text->url == NULL || r->text->url[0] == '\0') {
        faults_add(r->faults, r->text->where, policy_field_of(r, "url"),
                   "is missing: write what may be reached, such as "
                   "https://idp.corp.example/oauth/token");
        return;
    }
    if (policy_pattern_new(slice_of_str(r->text->url), &out->pattern, &fail) != CX_OK) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "url"), "%s", cx_fail_text(&fail));
        return;
    }
    out->url = dup_or_fault(r, r->text->url);
}

static void read_methods(struct policy_reading *r, struct policy_rule *out)
{
    const char *const *methods = r->text->methods;

    for (size_t i = 0; methods != NULL && methods[i] != NULL; i++) {
        enum http_method method = terms_method_of(slice_of_str(methods[i]));

        if (method == METHOD_UNKNOWN) {
            faults_add(r->faults, r->text->where, policy_element_of(r, "methods", i),
                       "must be POST, PUT, PATCH, DELETE or GET (upper case), found \"%s\"",
                       methods[i]);
        } else {
            out->methods |= 1u << method;
        }
    }
    if (methods == NULL || methods[0] == NULL) {
        out->methods = 1u << METHOD_POST;
    }
}

static void read_networks(struct policy_reading *r, struct policy_rule *out)
{
    const char *const *networks = r->text->networks;
    size_t count = 0;

    while (networks != NULL && networks[count] != NULL) {
        count++;
    }
    if (count == 0) {
        return;
    }
    out->networks = calloc(count, sizeof(*out->networks));
    if (out->networks == NULL) {
        policy_out_of_memory(r);
        return;
    }
    out->nnetworks = count;
    for (size_t i = 0; i < count; i++) {
        struct cx_fail fail = {0};

        if (policy_network_read(networks[i], &out->networks[i], &fail) != CX_OK) {
            faults_add(r->faults, r->text->where, policy_element_of(r, "networks", i), "%s",
                       cx_fail_text(&fail));
        }
    }
}

static void read_share(struct policy_reading *r, struct policy_rule *out)
{
    static const struct {
        const char *word;
        enum policy_share share;
    } words[] = {
        {"none", POLICY_SHARE_NONE},
        {"name", POLICY_SHARE_NAME},
        {"url", POLICY_SHARE_URL},
    };
    const char *share = r->text->share == NULL ? "url" : r->text->share;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(share, words[i].word) == 0) {
            out->share = words[i].share;
            return;
        }
    }
    faults_add(r->faults, r->text->where, policy_field_of(r, "share"),
               "must be none, name or url, found \"%s\"", share);
}

static void read_ca(struct policy_reading *r, struct policy_rule *out)
{
    if (r->text->ca == NULL) {
        return;
    }
    if (r->text->ca[0] == '\0') {
        faults_add(r->faults, r->text->where, policy_field_of(r, "ca"),
                   "must be a file; leave it out for the system's CAs");
        return;
    }
    out->ca = dup_or_fault(r, r->text->ca);
}

static void read_target(struct policy_reading *r, struct policy_rule *out)
{
    struct cx_fail fail = {0};

    if (r->text->target == NULL) {
        return;
    }
    if (policy_target_check(r->text->target, &fail) != CX_OK) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "target"), "%s",
                   cx_fail_text(&fail));
        return;
    }
    out->target = dup_or_fault(r, r->text->target);
}

static void read_proxy(struct policy_reading *r, struct policy_rule *out)
{
    if (r->text->proxy == NULL || !proxy_is_set(r->text->proxy)) {
        return;
    }
    if (out->nnetworks != 0) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "networks"),
                   "can't be checked behind a proxy, which resolves names itself: leave `networks` "
                   "or `proxy` out");
    }
    out->proxy = *r->text->proxy; /* lent until the rule is appended */
}

static bool append(struct policy *p, struct policy_rule *rule)
{
    struct policy_rule *grown = calloc(p->nrules + 1, sizeof(*grown));

    if (grown == NULL) {
        return false;
    }
    if (p->nrules > 0) {
        memcpy(grown, p->rules, p->nrules * sizeof(*grown));
    }
    free(p->rules);
    p->rules = grown;
    p->rules[p->nrules++] = *rule;
    *rule = (struct policy_rule){0};
    return true;
}

bool policy_add(struct policy *p, const struct policy_rule_text *text, struct faults *faults)
{
    struct policy_reading reading = {.text = text, .faults = faults};
    struct policy_rule made = {0};
    size_t before = faults_total(faults);
    bool is_good;

    made.jobs = text->jobs;
    made.max_refused = text->max_refused;
    made.user_field =
        dup_or_fault(&reading, text->user_field == NULL ? "username" : text->user_field);
    read_where(&reading, &made);
    read_name(&reading, p, &made);
    read_url(&reading, &made);
    read_methods(&reading, &made);
    read_networks(&reading, &made);
    read_ca(&reading, &made);
    read_target(&reading, &made);
    read_share(&reading, &made);
    read_proxy(&reading, &made);
    policy_tls_read(&reading, &made);
    policy_secrets_read(text, &made, faults);
    is_good = faults_total(faults) == before;
    if (is_good && !append(p, &made)) {
        policy_out_of_memory(&reading);
        is_good = false;
    }
    if (is_good && text->proxy != NULL) {
        *text->proxy = (struct proxy){0};
    }
    if (is_good && text->identity != NULL) {
        *text->identity = (struct tls_identity){0};
    }
    made.proxy = (struct proxy){0};
    made.tls.identity = (struct tls_identity){0};
    rule_done(&made);
    return is_good;
}

/* The bits are in the order of their weight: a rule for this host with another path is nearer than
 * one for another host. */
static void say_denied(const struct policy *p, const struct url *url, enum http_method method,
                       struct cx_fail *fail)
{
    const struct policy_rule *nearest = NULL;
    unsigned least = 0;
    bool has_hidden = false;

    if (p->nrules == 0) {
        (void)cx_fail_set(fail, CX_E_DENIED, "policy.find",
                          "the policy has no rules, and what no rule allows is denied");
        return;
    }
    for (size_t i = 0; i < p->nrules; i++) {
        unsigned misses = policy_misses(&p->rules[i], url, method);

        if (p->rules[i].share == POLICY_SHARE_NONE) {
            has_hidden = true;
        } else if (nearest == NULL || misses < least) {
            nearest = &p->rules[i];
            least = misses;
        }
    }
    policy_say_nearest(nearest, least, has_hidden, url, fail);
}

const struct policy_rule *policy_find(const struct policy *p, const struct url *url,
                                      enum http_method method, struct cx_fail *fail)
{
    for (size_t i = 0; i < p->nrules; i++) {
        if (policy_misses(&p->rules[i], url, method) == 0) {
            return &p->rules[i];
        }
    }
    if (fail != NULL) {
        say_denied(p, url, method, fail);
    }
    return NULL;
}
