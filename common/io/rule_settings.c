#include "common/io/rule_settings.h"

#include "common/io/file.h"
#include "common/io/proxy_settings.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const share_words[] = {"none", "name", "url", NULL}; /* enum policy_share */

#define AT_RULE(field) CONF_AT(struct rule_settings, field)
/* clang-format off */
static const struct conf_row rule_rows[] = {
    /* key, type, field, default, min, max, flags, help, example */
    {"name", CONF_STRING, AT_RULE(name), NULL, 1, 64, CONF_REQUIRED,
     "what status, logs and the platform's admin call the rule", "\"hr\""},
    {"url", CONF_STRING, AT_RULE(url), NULL, 1, 2048, CONF_REQUIRED,
     "pattern: in the host * is one label; in the path * is one segment, ** the rest",
     "\"https://*.hr.corp.example/oauth/**\""},
    {"methods", CONF_STRINGS, AT_RULE(methods), "POST", 1, 5, 0,
     "methods that may be used: POST, PUT, PATCH, DELETE, GET", NULL},
    {"networks", CONF_STRINGS, AT_RULE(networks), NULL, 0, 64, 0,
     "the only addresses that may be connected to; loopback, link-local and cloud metadata only if "
     "such a network is listed", "[\"10.0.0.0/8\"]"},
    {"ca", CONF_PATH, AT_RULE(ca), NULL, 1, 0, 0,
     "file with the CAs that these servers are verified against; the system's if left out", NULL},
    {"proxy", CONF_STRING, AT_RULE(proxy), NULL, 1, 512, 0,
     "HTTP proxy to these servers, http://HOST:PORT; none if left out. It resolves their names, so "
     "that `networks` can't be checked and must be left out", NULL},
    {"proxy_auth_file", CONF_PATH, AT_RULE(proxy_auth_file), NULL, 1, 0, 0,
     "file with one line, user:password, for that proxy (mode 0600)", NULL},
    {"target", CONF_STRING, AT_RULE(target), NULL, 1, 2048, 0,
     "where these requests really go, https://HOST[:PORT], when the URL's host is a virtual name: "
     "who asks is never told of it. Host, TLS, `networks` and `ca` are the target's", NULL},
    {"share", CONF_WORD(share_words), AT_RULE(share), "url", 0, 0, 0,
     "how much of the rule the platform's admin is shown: none, name or url", NULL},
};
/* clang-format on */
const struct conf_table rule_settings_table = CONF_TABLE(struct rule_settings, rule_rows);

/* A NULL-terminated copy of the pointers; NULL if out of memory. */
static const char **terminated(const struct conf_strings *strings)
{
    const char **out = calloc(strings->count + 1, sizeof(*out));

    for (size_t i = 0; out != NULL && i < strings->count; i++) {
        out[i] = strings->items[i];
    }
    return out;
}

static void add_rule(const struct rule_settings *rule, struct policy *policy, struct faults *faults)
{
    const char **methods = terminated(&rule->methods);
    const char **networks = terminated(&rule->networks);
    struct proxy_settings proxy_settings = {.url = rule->proxy, .auth_file = rule->proxy_auth_file};
    struct proxy proxy = {0};
    struct cx_fail fail = {0};
    const char *field;
    char where[512];
    struct policy_rule_text text = {
        .where = where,
        .field = rule->place.field,
        .name = rule->name,
        .url = rule->url,
        .methods = methods,
        .networks = networks,
        .ca = rule->ca,
        .target = rule->target,
        .proxy = &proxy,
        .share = share_words[rule->share],
    };

    (void)snprintf(where, sizeof(where), "%s:%u", rule->place.file, rule->place.line);
    if (proxy_settings_read(&proxy_settings, &proxy, &field, &fail) != CX_OK) {
        conf_fault(faults, rule, field, "%s", cx_fail_text(&fail));
    }
    if (methods == NULL || networks == NULL) {
        conf_fault(faults, rule, "", "%s", cx_err_text(CX_E_NOMEM));
    } else if (rule->name != NULL && rule->url != NULL) { /* else a fault already */
        (void)policy_add(policy, &text, faults);
    }
    if (rule->ca != NULL && !file_exists(rule->ca)) {
        conf_fault(faults, rule, "ca", "there is no file %s", rule->ca);
    }
    proxy_done(&proxy);
    free(methods);
    free(networks);
}

void rule_settings_add(const struct conf_list *rules, struct policy *policy, struct faults *faults)
{
    const struct rule_settings *items = rules->items;

    for (size_t i = 0; i < rules->count; i++) {
        add_rule(&items[i], policy, faults);
    }
}
