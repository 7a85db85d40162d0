#include "agent/io/commands.h"
#include "agent/io/identity.h"
#include "agent/io/ledger_check.h"
#include "agent/io/settings.h"
#include "common/core/rule_load.h"
#include "common/io/clock.h"

#include <stdio.h>

static const char *rule_word(size_t n)
{
    return n == 1 ? "rule" : "rules";
}

static void print_rules(const struct agent_config *config)
{
    const struct policy *p = &config->policy;

    for (size_t i = 0; i < p->nrules; i++) {
        const struct policy_rule *rule = &p->rules[i];

        printf("%s: rule \"%s\": at most %u of %u jobs at once%s\n", rule->where, rule->name,
               rule_load_max(p, rule, config->settings.jobs), config->settings.jobs,
               rule->jobs == 0 ? " (`jobs` is not set)" : "");
    }
}

/* What is not wrong and still worth knowing. */
static void print_notes(const char *path, const struct agent_config *config,
                        const struct identity *id)
{
    for (size_t i = 0; i < config->notes.count; i++) {
        printf("%s: note: %s\n", config->notes.items[i].where, config->notes.items[i].what);
    }
    if (config->policy.nrules == 0) {
        printf("%s: note: the policy has no rule: the agent can reach nothing yet\n", path);
    }
    if (id != NULL) {
        int64_t left_s = (int64_t)id->not_after_s - (int64_t)clock_wall_s();

        if (left_s < 0) {
            printf("%s: note: the certificate has ended: enrol again (connector-agent enroll "
                   "--force)\n",
                   path);
        } else {
            printf("%s: identity: agent %s of connector %s, certificate good for %lld days\n", path,
                   id->name.agent, id->name.connector, (long long)(left_s / 86400));
        }
    }
}

enum cli_status command_check(const struct cli_args *args)
{
    struct agent_config config;
    struct identity id = {0};
    struct cx_fail fail = {0};
    struct faults faults;
    bool is_good;
    enum cx_err err = CX_E_NOT_FOUND;

    faults_init(&faults);
    is_good = agent_config_read(args->conf_path, &config, &faults);
    if (config.settings.ledger_path != NULL && config.settings.ledger_key != NULL) {
        ledger_check(&config.settings, &faults, &config.notes);
        is_good = is_good && faults_total(&faults) == 0;
    }
    if (config.settings.certificate != NULL && config.settings.key != NULL &&
        config.settings.platform_ca != NULL) {
        err = identity_read(&config.settings, &id, &fail);
        if (err != CX_OK && err != CX_E_NOT_FOUND) {
            conf_fault(&faults, &config.settings, "identity.certificate", "%s",
                       cx_fail_text(&fail));
            is_good = false;
        }
    }
    if (is_good) {
        printf("%s: good, %zu %s\n", args->conf_path, config.policy.nrules,
               rule_word(config.policy.nrules));
        print_rules(&config);
        if (err == CX_E_NOT_FOUND) {
            printf("%s: note: %s\n", args->conf_path, cx_fail_text(&fail));
        }
        print_notes(args->conf_path, &config, err == CX_OK ? &id : NULL);
    } else {
        cli_print_faults(&faults);
    }
    identity_done(&id);
    agent_config_done(&config);
    faults_done(&faults);
    return is_good ? CLI_DONE : CLI_CONFIG;
}
