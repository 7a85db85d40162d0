#ifndef CONNECTOR_COMMON_IO_RULE_SETTINGS_H
#define CONNECTOR_COMMON_IO_RULE_SETTINGS_H

#include "common/core/conf.h"
#include "common/core/policy.h"

/* The `policy` list of a configuration: one table declares what a rule may say. */

enum { RULE_SETTINGS_MAX = 1000 }; /* rules of one list */

struct rule_secret_settings { /* one entry of a rule's `secrets` */
    struct conf_place place;
    char *name;
    int at; /* enum secret_place */
    char *key;
    char *iss, *sub, *aud;
};

struct rule_settings { /* one entry of `policy` */
    struct conf_place place;
    char *name;
    char *url;
    struct conf_strings methods;
    struct conf_strings networks;
    char *ca;
    char *target;
    char *proxy;
    char *proxy_auth_file;
    char *certificate;
    char *key;
    int tls_min; /* index of the words "1.2" and "1.3" */
    struct conf_strings pins;
    uint32_t jobs;        /* 0: not said */
    int share;            /* enum policy_share */
    uint32_t max_refused; /* 0: not counted */
    char *user_field;
    struct conf_list secrets; /* struct rule_secret_settings */
};

extern const struct conf_table rule_settings_table;

/* Without what only an agent has. */
extern const struct conf_table rule_settings_platform_table;

/* Add the rules (struct rule_settings each) to the policy; what they name is looked at, and every
 * fault is added to `faults`. */
void rule_settings_add(const struct conf_list *rules, struct policy *policy, struct faults *faults);

#endif
