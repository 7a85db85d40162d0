#include "common/io/rule_settings.h"

#include "common/core/message.h"
#include "common/core/refusals.h"
#include "common/io/proxy_settings.h"
#include "common/io/tls_identity.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const share_words[] = {"none", "name", "url", NULL}; /* enum policy_share */

static const char *const tls_words[] = {"1.2", "1.3", NULL};

#define AS_WORD(name, text) text,
static const char *const place_words[] = {TERMS_SECRET_PLACE(AS_WORD) NULL}; /* enum secret_place */
#undef AS_WORD

#define AT_SECRET(field) CONF_AT(struct rule_secret_settings, field)
/* clang-format off */
static const struct conf_row secret_rows[] = {
    /* key, type, field, default, min, max, flags, help, example */
    {"name", CONF_STRING, AT_SECRET(name), NULL, 1, 64, CONF_REQUIRED,
     "the secret's, as {{secret:NAME}} in a profile", "\"hr-admin\""},
    {"place", CONF_WORD(place_words), AT_SECRET(at), NULL, 0, 0, CONF_REQUIRED,
     "where in the request it may stand", "\"payload\""},
    {"key", CONF_STRING, AT_SECRET(key), NULL, 0, 256, CONF_REQUIRED | CONF_MAY_BE_EMPTY,
     "the header's name, or the payload field's key; of client: id, secret, key or certificate",
     "\"password\""},
    {"iss", CONF_STRING, AT_SECRET(iss), NULL, 1, 2048, 0,
     "of place client, key \"key\": the key signs the client's assertions (private_key_jwt), for "
     "this client id alone", NULL},
    {"sub", CONF_STRING, AT_SECRET(sub), NULL, 1, 2048, 0,
     "their subject; as iss if left out", NULL},
    {"aud", CONF_STRING, AT_SECRET(aud), NULL, 1, 2048, 0,
     "their audience, which is required with iss: the token URL, or what the server calls itself",
     NULL},
};
/* clang-format on */
static const struct conf_table secret_table = CONF_TABLE(struct rule_secret_settings, secret_rows);

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
     "who asks is never told of it. Host, TLS, `networks`, `ca` and `pins` are the target's", NULL},
    {"certificate", CONF_PATH, AT_RULE(certificate), NULL, 1, 0, 0,
     "file with the client certificate that is shown to these servers, and what is above it (PEM)",
     NULL},
    {"key", CONF_PATH, AT_RULE(key), NULL, 1, 0, 0,
     "file with the private key of that certificate (mode 0600)", NULL},
    {"tls_min", CONF_WORD(tls_words), AT_RULE(tls_min), "1.2", 0, 0, 0,
     "the lowest version of TLS that is taken: 1.2 or 1.3", NULL},
    {"pins", CONF_STRINGS, AT_RULE(pins), NULL, 0, TLS_PINS_MAX, 0,
     "the servers' keys, sha256//BASE64 of the public key (SPKI) as curl writes it; one of them must "
     "fit, besides the certificate. Any key if left out", NULL},
    {"jobs", CONF_U32, AT_RULE(jobs), "0", 0, MSG_CAPACITY_MAX, 0,
     "jobs that may run under this rule at once, so that a server which hangs does not hold all of "
     "them; what comes beyond is refused at once, to be tried again. 0: half of what may run in all, "
     "or all of it where this is the only rule", NULL},
    /* AGENT_ROWS: what only an agent has */
    {"share", CONF_WORD(share_words), AT_RULE(share), "url", 0, 0, 0,
     "how much of the rule the platform's admin is shown: none, name or url", NULL},
    {"secrets", CONF_GROUPS(&secret_table), AT_RULE(secrets), NULL, 0, POLICY_SECRETS_MAX, 0,
     "secrets of this agent (see `secrets`) that requests under this rule may carry, each in one "
     "place, under one key", NULL},
    {"max_refused", CONF_U32, AT_RULE(max_refused), "0", 0, REFUSALS_MAX, 0,
     "attempts of one user within an hour that may bring no token; the next ones are not sent. So "
     "nobody who sends jobs can try one password after the other. 0: not counted", NULL},
    {"user_field", CONF_STRING, AT_RULE(user_field), "username", 1, 256, 0,
     "the field of the request whose value is the user that max_refused speaks of", NULL},
};
/* clang-format on */
const struct conf_table rule_settings_table = CONF_TABLE(struct rule_settings, rule_rows);

enum { AGENT_ROWS = 4 }; /* from "share" to the end */
const struct conf_table rule_settings_platform_table = {
    rule_rows, sizeof(rule_rows) / sizeof(rule_rows[0]) - AGENT_ROWS, sizeof(struct rule_settings)};

/* A NULL-terminated copy of the pointers; NULL if out of memory. */
static const char **terminated(const struct conf_strings *strings)
{
    const char **out = calloc(strings->count + 1, sizeof(*out));

    for (size_t i = 0; out != NULL && i < strings->count; i++) {
        out[i] = strings->items[i];
    }
    return out;
}

/* One more than there are, so that it is never of size 0; NULL if out of memory. Borrowed texts. */
static struct policy_secret_text *secret_texts(const struct rule_settings *rule, size_t *count)
{
    const struct rule_secret_settings *items = rule->secrets.items;
    struct policy_secret_text *texts = calloc(rule->secrets.count + 1, sizeof(*texts));

    *count = 0;
    for (size_t i = 0; texts != NULL && i < rule->secrets.count; i++) {
        bool is_whole = items[i].name != NULL && items[i].key != NULL && items[i].at != 0;

        if (is_whole) { /* else a fault already */
            texts[(*count)++] = (struct policy_secret_text){
                .file = items[i].place.file,
                .field = items[i].place.field,
                .line = items[i].place.line,
                .name = items[i].name,
                .place = (enum secret_place)items[i].at,
                .key = items[i].key,
                .iss = items[i].iss,
                .sub = items[i].sub,
                .aud = items[i].aud,
            };
        }
    }
    return texts;
}

/* What of a rule stands in files, and its lists as NULL-terminated ones. */
struct rule_parts {
    struct proxy proxy;
    struct tls_identity identity;
    const char **methods, **networks, **pins;
    struct policy_secret_text *secrets;
    size_t nsecrets;
};

static void read_files(const struct rule_settings *rule, struct rule_parts *parts,
                       struct faults *faults)
{
    struct proxy_settings proxy = {.url = rule->proxy, .auth_file = rule->proxy_auth_file};
    struct tls_identity_files files = {rule->certificate, rule->key};
    struct cx_fail fail = {0};
    const char *field;

    if (proxy_settings_read(&proxy, &parts->proxy, &field, &fail) != CX_OK) {
        conf_fault(faults, rule, field, "%s", cx_fail_text(&fail));
    }
    if (tls_identity_read(&files, &parts->identity, &field, &fail) != CX_OK) {
        conf_fault(faults, rule, field, "%s", cx_fail_text(&fail));
    }
    if (rule->ca != NULL && tls_ca_check(rule->ca, &fail) != CX_OK) {
        conf_fault(faults, rule, "ca", "%s", cx_fail_text(&fail));
    }
}

static void add_to_policy(const struct rule_settings *rule, struct rule_parts *parts,
                          struct policy *policy, struct faults *faults)
{
    char where[512];
    struct policy_rule_text text = {
        .where = where,
        .field = rule->place.field,
        .name = rule->name,
        .url = rule->url,
        .methods = parts->methods,
        .networks = parts->networks,
        .ca = rule->ca,
        .target = rule->target,
        .proxy = &parts->proxy,
        .identity = &parts->identity,
        .tls_min = tls_words[rule->tls_min],
        .pins = parts->pins,
        .jobs = rule->jobs,
        .share = share_words[rule->share],
        .max_refused = rule->max_refused,
        .user_field = rule->user_field,
        .secrets = parts->secrets,
        .nsecrets = parts->nsecrets,
    };

    (void)snprintf(where, sizeof(where), "%s:%u", rule->place.file, rule->place.line);
    (void)policy_add(policy, &text, faults);
}

static void add_rule(const struct rule_settings *rule, struct policy *policy, struct faults *faults)
{
    struct rule_parts parts = {.methods = terminated(&rule->methods),
                               .networks = terminated(&rule->networks),
                               .pins = terminated(&rule->pins)};

    parts.secrets = secret_texts(rule, &parts.nsecrets);
    read_files(rule, &parts, faults);
    if (parts.methods == NULL || parts.networks == NULL || parts.pins == NULL ||
        parts.secrets == NULL) {
        conf_fault(faults, rule, "", "%s", cx_err_text(CX_E_NOMEM));
    } else if (rule->name != NULL && rule->url != NULL) { /* else a fault already */
        add_to_policy(rule, &parts, policy, faults);
    }
    proxy_done(&parts.proxy);
    tls_identity_done(&parts.identity);
    free(parts.methods);
    free(parts.networks);
    free(parts.pins);
    free(parts.secrets);
}

void rule_settings_add(const struct conf_list *rules, struct policy *policy, struct faults *faults)
{
    const struct rule_settings *items = rules->items;

    for (size_t i = 0; i < rules->count; i++) {
        add_rule(&items[i], policy, faults);
    }
}
