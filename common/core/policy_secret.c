#include "common/core/policy_parts.h"
#include "common/core/request.h"
#include "common/core/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_BYTES = 160, KEY_SHOWN = 64 };

/* The secrets that a rule binds, each to its place and key: whoever sends a job chooses both, and
 * could otherwise have a secret sent to where the endpoint shows it to them. */

bool policy_is_secret_name(struct slice name)
{
    return template_is_name(name) && name.ptr[0] != '.'; /* it is a file's name too */
}

static bool is_client_key(struct slice key)
{
    static const char *const keys[] = {"id", "secret", "key", "certificate"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (slice_eq_str(key, keys[i])) {
            return true;
        }
    }
    return false;
}

/* What is wrong with a key of that place, or NULL. */
static const char *why_no_key(const struct keeper_use *use)
{
    const char *why = NULL;

    switch (use->place) {
    case SECRET_IN_HEADER:
        return request_allows_header(use->key, &why) ? NULL : why;
    case SECRET_IN_CLIENT:
        return is_client_key(use->key) ? NULL : "must be id, secret, key or certificate";
    case SECRET_IN_PAYLOAD:
        return slice_is_utf8(use->key) ? NULL : "must be UTF-8";
    case SECRET_NOWHERE:
    case SECRET_PLACE_COUNT:
        break;
    }
    return "has no place";
}

static struct keeper_use use_of(const struct policy_secret *secret)
{
    return (struct keeper_use){secret->place, slice_of_str(secret->key),
                               slice_of_str(secret->name)};
}

static bool is_same_use(const struct policy_secret *secret, const struct keeper_use *use)
{
    struct keeper_use mine = use_of(secret);

    return slice_eq(mine.name, use->name) && keeper_is_same_place(&mine, use);
}

void policy_secret_fault(const struct policy_secret *secret, const char *member,
                         struct faults *faults, const char *what)
{
    char field[FIELD_BYTES];

    (void)snprintf(field, sizeof(field), "%s%s", secret->field, member);
    faults_add(faults, secret->where, field, "%s", what);
}

/* The rule's last one. */
static void check(const struct policy_rule *rule, struct faults *faults)
{
    const struct policy_secret *secret = &rule->secrets[rule->nsecrets - 1];
    const struct keeper_use use = use_of(secret);
    const char *why = why_no_key(&use);
    char what[FIELD_BYTES + 32];

    if (!policy_is_secret_name(use.name)) {
        policy_secret_fault(
            secret, ".name", faults,
            "must be a secret's name as in {{secret:NAME}}: 1 to 64 letters, digits, '_', '-' or "
            "'.', no '.' first");
    }
    if (why != NULL) {
        policy_secret_fault(secret, ".key", faults, why);
    }
    policy_signer_check(secret, faults);
    for (size_t i = 0; i + 1 < rule->nsecrets; i++) {
        if (is_same_use(&rule->secrets[i], &use)) {
            (void)snprintf(what, sizeof(what), "binds the same as %s", rule->secrets[i].field);
            policy_secret_fault(secret, "", faults, what);
        }
    }
}

static bool take(const struct policy_secret_text *text, struct policy_rule *rule)
{
    struct policy_secret *made = &rule->secrets[rule->nsecrets++];

    if (asprintf(&made->where, "%s:%u", text->file, text->line) < 0) {
        made->where = NULL;
    }
    made->field = strdup(text->field);
    made->name = strdup(text->name);
    made->place = text->place;
    made->key = strdup(text->key);
    return made->where != NULL && made->field != NULL && made->name != NULL && made->key != NULL &&
           policy_signer_take(text, made);
}

void policy_secrets_read(const struct policy_rule_text *text, struct policy_rule *rule,
                         struct faults *faults)
{
    bool is_taken = true;

    if (text->nsecrets > 0) {
        rule->secrets = calloc(text->nsecrets, sizeof(*rule->secrets));
        is_taken = rule->secrets != NULL;
    }
    for (size_t i = 0; i < text->nsecrets && is_taken; i++) {
        is_taken = take(&text->secrets[i], rule);
        if (is_taken) {
            check(rule, faults);
        }
    }
    if (!is_taken) {
        faults_add(faults, text->where, text->field, "%s", cx_err_text(CX_E_NOMEM));
    }
}

void policy_secrets_done(struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->nsecrets; i++) {
        struct policy_secret *s = &rule->secrets[i];

        free(s->where);
        free(s->field);
        free(s->name);
        free(s->key);
        free(s->iss);
        free(s->sub);
        free(s->aud);
        secret_done(&s->value);
    }
    free(rule->secrets);
    rule->secrets = NULL;
    rule->nsecrets = 0;
}

const struct policy_secret *policy_find_secret(const struct policy_rule *rule,
                                               const struct keeper_use *use, struct cx_fail *fail)
{
    char label[POLICY_LABEL_BYTES];

    for (size_t i = 0; i < rule->nsecrets; i++) {
        const struct policy_secret *s = &rule->secrets[i];

        if (is_same_use(s, use) && secret_is_set(&s->value) && s->iss == NULL) {
            return s;
        }
    }
    (void)cx_fail_set(fail, CX_E_SECRET, "policy.secret",
                      "%s of the agent's policy does not bind it to %s \"%.*s\"; the agent's admin "
                      "does that, in the rule's secrets",
                      policy_rule_label(rule, label), terms_secret_place(use->place),
                      SLICE_ARG(slice_first(use->key, KEY_SHOWN)));
    return NULL;
}
