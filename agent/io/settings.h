#ifndef CONNECTOR_AGENT_IO_SETTINGS_H
#define CONNECTOR_AGENT_IO_SETTINGS_H

#include "common/core/conf.h"
#include "common/core/policy.h"
#include "common/core/proxy.h"

/* The agent's configuration: /etc/connector-agent/agent.conf. One table declares every setting. */

#define AGENT_CONF_PATH "/etc/connector-agent/agent.conf"

enum ledger_sync { LEDGER_SYNC_PROCESS, LEDGER_SYNC_ALWAYS };

struct agent_settings {
    struct conf_place place;
    char *platform_url;
    char *platform_ca;
    char *platform_proxy;
    char *platform_proxy_auth_file;
    char *certificate;
    char *key;
    uint32_t jobs;
    uint32_t answer_bytes;
    uint32_t poll_us;
    struct conf_list policy; /* struct rule_settings */
    char *policy_directory;
    char *secrets_directory;
    char *ledger_path;
    char *ledger_key;
    int ledger_sync;      /* enum ledger_sync */
    char *metrics_listen; /* "HOST:PORT"; NULL: off */
    int log_level;        /* enum log_level */
    int log_format;       /* enum log_format */
    char *control;
};

extern const struct conf_table agent_settings_table;

/* A file of policy_directory: `policy = ( … );` and nothing else. */
struct agent_policy_file {
    struct conf_place place;
    struct conf_list policy; /* struct rule_settings */
};
extern const struct conf_table agent_policy_file_table;

/* Where the tunnel goes, from platform.url. */
struct agent_endpoint {
    char *host; /* a DNS name or an IPv4 address; owned */
    uint16_t port;
};

/* All of the configuration, read and checked. Owns everything. */
struct agent_config {
    struct agent_settings settings;
    struct agent_endpoint endpoint;
    struct proxy proxy;   /* the tunnel's */
    struct policy policy; /* agent.conf's rules, then those of policy_directory in name order; with
                             the values of the secrets that they bind */
    struct faults notes;  /* what is not wrong, and still worth knowing */
};

/* Read the file, the policy directory and the secrets and check them whole. Every fault is added to
 * `faults`. `out` is valid for agent_config_done whatever is returned. True if there was no fault.
 */
bool agent_config_read(const char *path, struct agent_config *out, struct faults *faults);
void agent_config_done(struct agent_config *c);

#endif
