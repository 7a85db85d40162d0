#include "common/core/keeper.h"
#include "common/core/policy_parts.h"

#include <string.h>

/* A key of the agent that signs: whoever sends a job says what shall be signed, and could otherwise
 * have it vouch for any client, to any server. */

static bool take(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

bool policy_signer_take(const struct policy_secret_text *text, struct policy_secret *out)
{
    return take(text->iss, &out->iss) &&
           take(text->sub == NULL ? text->iss : text->sub, &out->sub) && take(text->aud, &out->aud);
}

static void check_claim(const struct policy_secret *secret, const char *member, const char *text,
                        struct faults *faults)
{
    if (text != NULL && !slice_is_utf8(slice_of_str(text))) {
        policy_secret_fault(secret, member, faults, "must be UTF-8");
    }
}

void policy_signer_check(const struct policy_secret *secret, struct faults *faults)
{
    bool is_key = secret->place == SECRET_IN_CLIENT && strcmp(secret->key, "key") == 0;

    if (!is_key && (secret->iss != NULL || secret->sub != NULL || secret->aud != NULL)) {
        policy_secret_fault(secret, "", faults,
                            "iss, sub and aud are for place client, key \"key\" alone");
        return;
    }
    if (secret->iss == NULL && (secret->sub != NULL || secret->aud != NULL)) {
        policy_secret_fault(secret, ".iss", faults,
                            "is required with sub or aud: the client id that the key signs for");
    }
    if (secret->iss != NULL && secret->aud == NULL) {
        policy_secret_fault(secret, ".aud", faults,
                            "is required with iss: for whom the key signs, such as the token URL");
    }
    check_claim(secret, ".iss", secret->iss, faults);
    check_claim(secret, ".sub", secret->sub, faults);
    check_claim(secret, ".aud", secret->aud, faults);
}

static bool is_for(const struct policy_secret *s, struct slice name)
{
    return s->place == SECRET_IN_CLIENT && strcmp(s->key, "key") == 0 &&
           slice_eq_str(name, s->name) && secret_is_set(&s->value) && s->iss != NULL;
}

/* What it may not sign there, or NULL. */
static const char *why_not(const struct policy_secret *s, const struct keeper_assertion *ask)
{
    if (!slice_eq_str(ask->client_id, s->iss) || !slice_eq_str(ask->client_id, s->sub)) {
        return "for another client id (iss and sub)";
    }
    if (!slice_is_absent(ask->audience) && !slice_eq_str(ask->audience, s->aud)) {
        return "for another aud";
    }
    return NULL;
}

const struct policy_secret *policy_find_signer(const struct policy_rule *rule,
                                               const struct keeper_assertion *ask,
                                               struct cx_fail *fail)
{
    char label[POLICY_LABEL_BYTES];

    for (size_t i = 0; i < rule->nsecrets; i++) {
        const struct policy_secret *s = &rule->secrets[i];

        if (is_for(s, ask->secret)) {
            const char *why = why_not(s, ask);

            if (why == NULL) {
                return s;
            }
            (void)cx_fail_set(fail, CX_E_SECRET, "policy.signer",
                              "%s of the agent's policy lets it sign %s only; the agent's admin "
                              "sets that, in the rule's secrets",
                              policy_rule_label(rule, label), why);
            return NULL;
        }
    }
    (void)cx_fail_set(
        fail, CX_E_SECRET, "policy.signer",
        "%s of the agent's policy does not let it sign assertions; the agent's admin "
        "does that by iss and aud in the rule's secrets, at place client, key \"key\"",
        policy_rule_label(rule, label));
    return NULL;
}

bool policy_allows_identity(const struct policy_rule *rule, struct cx_fail *fail)
{
    char label[POLICY_LABEL_BYTES];

    if (!tls_identity_is_set(&rule->tls.identity)) {
        return true;
    }
    (void)cx_fail_set(fail, CX_E_DENIED, "policy.identity",
                      "%s of the agent's policy shows a client certificate of its own, and the "
                      "profile another: leave it out of one of the two",
                      policy_rule_label(rule, label));
    return false;
}
