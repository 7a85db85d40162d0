#include "agent/io/settings.h"

#include "agent/io/secrets.h"
#include "common/core/listen_address.h"
#include "common/core/message.h"
#include "common/core/url.h"
#include "common/io/conf_file.h"
#include "common/io/file.h"
#include "common/io/log.h"
#include "common/io/loop.h"
#include "common/io/proxy_settings.h"
#include "common/io/rule_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WSS_PORT = 443, ANSWER_BYTES_MIN = 1024, ANSWER_BYTES_MAX = 1024 * 1024 };

static const char *const ledger_sync_words[] = {"process", "always", NULL};

#define AT(field) CONF_AT(struct agent_settings, field)
/* clang-format off */
static const struct conf_row rows[] = {
    /* key, type, field, default, min, max, flags, help, example */
    {"platform.url", CONF_STRING, AT(platform_url), NULL, 1, 2048, CONF_REQUIRED,
     "the platform's tunnel", "\"wss://platform.example.com/v1/tunnel\""},
    {"platform.ca", CONF_PATH, AT(platform_ca), "ca.pem", 1, 0, CONF_RELOADABLE,
     "the platform's CA: the only one that it is verified against", NULL},
    {"platform.proxy", CONF_STRING, AT(platform_proxy), NULL, 1, 512, CONF_RELOADABLE,
     "HTTP proxy to the platform, http://HOST:PORT; or environment: what https_proxy says, unless "
     "no_proxy has the platform's host", NULL},
    {"platform.proxy_auth_file", CONF_PATH, AT(platform_proxy_auth_file), NULL, 1, 0,
     CONF_RELOADABLE,
     "file with one line, user:password, for that proxy (mode 0600)", NULL},
    {"identity.certificate", CONF_PATH, AT(certificate), "agent.pem", 1, 0, CONF_RELOADABLE,
     "this agent's certificate, made by enrolment", NULL},
    {"identity.key", CONF_PATH, AT(key), "agent.key", 1, 0, CONF_RELOADABLE,
     "its private key (mode 0600); it never leaves this machine", NULL},
    {"limits.jobs", CONF_U32, AT(jobs), "1024", 1, MSG_CAPACITY_MAX, 0,
     "jobs held at once: running, or not yet acknowledged by the platform", NULL},
    {"limits.answer_bytes", CONF_U32, AT(answer_bytes), "131072", ANSWER_BYTES_MIN,
     ANSWER_BYTES_MAX, 0, "largest answer of a token endpoint, decoded, in bytes", NULL},
    {"limits.poll_us", CONF_U32, AT(poll_us), "200", 0, LOOP_POLL_US_MAX, 0,
     "while one event follows close upon the other, how long to look for the next before sleeping, in "
     "microseconds; 0 saves processor time and adds to the latency of each job", NULL},
    {"policy", CONF_GROUPS(&rule_settings_table), AT(policy), NULL, 0, RULE_SETTINGS_MAX, CONF_RELOADABLE,
     "what may be reached: nothing but these; the first rule that matches decides", ""},
    {"policy_directory", CONF_PATH, AT(policy_directory), "policy.d", 1, 0, CONF_RELOADABLE,
     "more rules: each file *.conf in it holds a policy list; read in name order, after the above",
     NULL},
    {"secrets.directory", CONF_PATH, AT(secrets_directory), "secrets.d", 1, 0, CONF_RELOADABLE,
     "the secrets that this agent keeps: each file in it is one (mode 0600), called as in "
     "{{secret:NAME}}. Only rules that bind one let requests carry it. The unit's credentials "
     "($CREDENTIALS_DIRECTORY) are secrets too", NULL},
    {"ledger.path", CONF_PATH, AT(ledger_path), "ledger", 1, 0, 0,
     "folder (mode 0700) of the ledger: the jobs that were begun, and the results that the platform "
     "has not acknowledged yet. On a local disk; never copied, never restored from a backup", NULL},
    {"ledger.key", CONF_PATH, AT(ledger_key), "ledger.key", 1, 0, 0,
     "the key that seals it (mode 0600), made together with the ledger; without it what is in the "
     "ledger is lost", NULL},
    {"ledger.sync", CONF_WORD(ledger_sync_words), AT(ledger_sync), "process", 0, 0, 0,
     "process: it survives that the agent is killed; always: a power cut too, at the price of a "
     "wait for the disk before each request and before each result. A refresh always waits", NULL},
    {"metrics.listen", CONF_STRING, AT(metrics_listen), NULL, 1, 255, 0,
     "HOST:PORT for `GET /metrics` (OpenMetrics), as 127.0.0.1:9464; off if left out. Plain HTTP "
     "without a key: no secret is in it, but whoever reaches an address that isn't loopback reads it",
     NULL},
    {"log.level", CONF_WORD(log_level_words), AT(log_level), "info", 0, 0, CONF_RELOADABLE,
     "error, warn, info or debug", NULL},
    {"log.format", CONF_WORD(log_format_words), AT(log_format), "text", 0, 0, CONF_RELOADABLE,
     "text or json", NULL},
    {"control", CONF_PATH, AT(control), "control.sock", 1, 0, 0,
     "UNIX socket on which `connector-agent status` asks the running agent", NULL},
};
const struct conf_table agent_settings_table = CONF_TABLE(struct agent_settings, rows);

static const struct conf_row policy_file_rows[] = {
    {"policy", CONF_GROUPS(&rule_settings_table), CONF_AT(struct agent_policy_file, policy), NULL, 0,
     RULE_SETTINGS_MAX, CONF_RELOADABLE, "rules, as in agent.conf", NULL},
};
/* clang-format on */
const struct conf_table agent_policy_file_table =
    CONF_TABLE(struct agent_policy_file, policy_file_rows);

/* wss://HOST[:PORT]/v1/tunnel, read as the https URL that it is for TCP and TLS. */
static void read_endpoint(const struct agent_settings *s, struct agent_endpoint *out,
                          struct faults *faults)
{
    static const char scheme[] = "wss://";
    struct cx_fail fail = {0};
    struct url url = {0};
    char https[2100];

    if (s->platform_url == NULL) {
        return; /* its absence is a fault already */
    }
    if (strncmp(s->platform_url, scheme, sizeof(scheme) - 1) != 0) {
        conf_fault(faults, s, "platform.url", "must begin with wss://");
        return;
    }
    (void)snprintf(https, sizeof(https), "https://%s", s->platform_url + sizeof(scheme) - 1);
    if (url_read(slice_of_str(https), &url, &fail) != CX_OK) {
        conf_fault(faults, s, "platform.url", "%s", cx_fail_text(&fail));
        return;
    }
    if (strcmp(url.path, MSG_TUNNEL_PATH) != 0 || url.query != NULL) {
        conf_fault(faults, s, "platform.url", "must end with %s", MSG_TUNNEL_PATH);
    }
    if (url.is_ipv6) {
        conf_fault(faults, s, "platform.url",
                   "an IPv6 address can't be verified here: give a host name or an IPv4 address");
    }
    out->port = url.port;
    out->host = url.host;
    url.host = NULL;
    url_done(&url);
}

static void read_proxy(const struct agent_settings *s, const char *host, struct proxy *out,
                       struct faults *faults)
{
    struct proxy_settings settings = {
        .url = s->platform_proxy, .auth_file = s->platform_proxy_auth_file, .host = host};
    struct cx_fail fail = {0};
    const char *field;
    char key[64];

    if (host != NULL && proxy_settings_read(&settings, out, &field, &fail) != CX_OK) {
        (void)snprintf(key, sizeof(key), "platform.%s", field);
        conf_fault(faults, s, key, "%s", cx_fail_text(&fail));
    }
}

static void check_metrics(const struct agent_settings *s, struct faults *faults)
{
    struct listen_address at;
    struct cx_fail fail = {0};

    if (s->metrics_listen != NULL &&
        listen_address_read(slice_of_str(s->metrics_listen), &at, &fail) != CX_OK) {
        conf_fault(faults, s, "metrics.listen", "%s, found \"%s\"", cx_fail_text(&fail),
                   s->metrics_listen);
    }
}

static void read_policy_directory(const struct agent_settings *s, struct policy *policy,
                                  struct faults *faults)
{
    const struct agent_policy_file *files;
    struct conf_list list = {0};
    struct cx_fail fail = {0};
    enum cx_err err;

    if (!conf_is_set(s, "policy_directory") && !file_exists(s->policy_directory)) {
        return; /* the default folder need not exist */
    }
    err = conf_folder_read(&agent_policy_file_table, s->policy_directory, &list, faults, &fail);
    if (err != CX_OK && err != CX_E_CONFIG) {
        conf_fault(faults, s, "policy_directory", "%s", cx_fail_text(&fail));
    }
    files = list.items;
    for (size_t i = 0; i < list.count; i++) {
        rule_settings_add(&files[i].policy, policy, faults);
    }
    conf_list_done(&agent_policy_file_table, &list);
}

bool agent_config_read(const char *path, struct agent_config *out, struct faults *faults)
{
    size_t before = faults_total(faults);
    enum cx_err err;

    *out = (struct agent_config){0};
    policy_init(&out->policy);
    faults_init(&out->notes);
    err = conf_file_read(&agent_settings_table, path, &out->settings, faults);
    if (err != CX_OK && err != CX_E_CONFIG) {
        return false;
    }
    read_endpoint(&out->settings, &out->endpoint, faults);
    read_proxy(&out->settings, out->endpoint.host, &out->proxy, faults);
    check_metrics(&out->settings, faults);
    rule_settings_add(&out->settings.policy, &out->policy, faults);
    if (out->settings.policy_directory != NULL) {
        read_policy_directory(&out->settings, &out->policy, faults);
    }
    secrets_bind(&out->settings, &out->policy, faults, &out->notes);
    return err == CX_OK && faults_total(faults) == before;
}

void agent_config_done(struct agent_config *c)
{
    conf_done(&agent_settings_table, &c->settings);
    policy_done(&c->policy);
    proxy_done(&c->proxy);
    faults_done(&c->notes);
    free(c->endpoint.host);
    c->endpoint.host = NULL;
}
