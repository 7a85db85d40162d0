#include "platform/io/settings.h"

#include "common/core/message.h"
#include "common/core/path.h"
#include "common/io/conf_file.h"
#include "common/io/log.h"
#include "common/io/loop.h"
#include "common/io/rule_settings.h"
#include "platform/core/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    API_LISTENERS_MAX = 16,
    AGENT_DAYS_MAX = 825,
    TUNNELS_MAX = 1000000,
    QUEUE_MAX = 1000000,
    OWN_EXCHANGES_MAX = 4096,
    ANSWER_BYTES_MIN = 1024,
    ANSWER_BYTES_MAX = 1024 * 1024,
};

#define HTTPS       "https://"
#define UNIX_PREFIX "unix:"

#define AT(field) CONF_AT(struct platform_settings, field)
/* clang-format off */
static const struct conf_row rows[] = {
    /* key, type, field, default, min, max, flags, help, example */
    {"public_url", CONF_STRING, AT(public_url), NULL, 1, 1024, CONF_REQUIRED,
     "https://HOST[:PORT] at which agents reach the tunnel's port; goes into enrolment strings",
     "\"https://platform.example.com:8443\""},
    {"listen.tunnel", CONF_STRING, AT(listen_tunnel), "0.0.0.0:8443", 1, 255, 0,
     "HOST:PORT for agents: tunnels and enrolment, always with TLS. HOST is a number; [::] is every "
     "address, IPv6 and IPv4", NULL},
    {"listen.api", CONF_STRINGS, AT(listen_api), "http://127.0.0.1:8080", 1, API_LISTENERS_MAX, 0,
     "for applications: https://HOST:PORT, http://HOST:PORT (loopback only, for a reverse proxy in "
     "front of it), unix:PATH", NULL},
    {"tls.certificate", CONF_PATH, AT(tls_certificate), "platform.pem", 1, 0, 0,
     "the server's certificate and the CA's behind it, made by init and renewed by serve; a reload "
     "reads the file anew", NULL},
    {"tls.key", CONF_PATH, AT(tls_key), "platform.key", 1, 0, 0,
     "its private key (mode 0600)", NULL},
    {"ca.certificate", CONF_PATH, AT(ca_certificate), "ca.pem", 1, 0, 0,
     "the private CA that issues the certificates of agents and of this server", NULL},
    {"ca.key", CONF_PATH, AT(ca_key), "ca.key", 1, 0, 0,
     "its private key (mode 0600): whoever has it can pass for any agent", NULL},
    {"ca.agent_days", CONF_U32, AT(ca_agent_days), "30", 1, AGENT_DAYS_MAX, CONF_RELOADABLE,
     "life of an agent's certificate in days; agents renew it at two thirds of that", NULL},
    {"store.path", CONF_PATH, AT(store_path), "platform.db", 1, 0, 0,
     "the database", NULL},
    {"store.master_key", CONF_PATH, AT(store_master_key), "master.key", 1, 0, 0,
     "the key that secrets and results in it are sealed under (mode 0600); keep a copy elsewhere: "
     "without it they are lost", NULL},
    {"limits.tunnels", CONF_U32, AT(limits_tunnels), "20000", 1, TUNNELS_MAX, 0,
     "tunnels at once; further agents are told to try later", NULL},
    {"limits.heartbeat_ms", CONF_U32, AT(limits_heartbeat_ms), "10000", MSG_HEARTBEAT_MS_MIN,
     MSG_HEARTBEAT_MS_MAX, 0,
     "a tunnel without traffic is pinged so often, and lost after two of them in silence, at both "
     "ends, ms; shorter where a firewall forgets idle connections sooner", NULL},
    {"limits.queue_per_connector", CONF_U32, AT(limits_queue_per_connector), "0", 0, QUEUE_MAX, 0,
     "exchanges that may wait for an agent with room; 0: as many as the connector's capacity", NULL},
    {"limits.own_exchanges", CONF_U32, AT(limits_own_exchanges), "256", 1, OWN_EXCHANGES_MAX, 0,
     "exchanges of profiles without a connector at once; further callers get 429", NULL},
    {"limits.answer_bytes", CONF_U32, AT(limits_answer_bytes), "131072", ANSWER_BYTES_MIN,
     ANSWER_BYTES_MAX, 0, "largest answer of a token endpoint to one of these, decoded, in bytes",
     NULL},
    {"limits.poll_us", CONF_U32, AT(limits_poll_us), "200", 0, LOOP_POLL_US_MAX, 0,
     "while one event follows close upon the other, how long to look for the next before sleeping, in "
     "microseconds; 0 saves processor time and adds to the latency of each job", NULL},
    {"policy", CONF_GROUPS(&rule_settings_platform_table), AT(policy), NULL, 0, RULE_SETTINGS_MAX,
     CONF_RELOADABLE,
     "what the platform may ask by itself, for profiles without a connector: nothing but these; the "
     "first rule that matches decides", ""},
    {"metrics.listen", CONF_STRING, AT(metrics_listen), NULL, 1, 255, 0,
     "HOST:PORT for `GET /metrics` (OpenMetrics), as 127.0.0.1:9465; off if left out. Plain HTTP "
     "without a key: no secret is in it, but whoever reaches an address that isn't loopback reads it",
     NULL},
    {"log.level", CONF_WORD(log_level_words), AT(log_level), "info", 0, 0, CONF_RELOADABLE,
     "error, warn, info or debug", NULL},
    {"log.format", CONF_WORD(log_format_words), AT(log_format), "text", 0, 0, CONF_RELOADABLE,
     "text or json", NULL},
    {"control", CONF_PATH, AT(control), "control.sock", 1, 0, 0,
     "UNIX socket on which the other commands ask the running server", NULL},
};
/* clang-format on */
const struct conf_table platform_settings_table = CONF_TABLE(struct platform_settings, rows);

enum cx_err platform_public_url_read(struct slice text, struct url *out, struct cx_fail *fail)
{
    struct url url = {0};
    enum cx_err err = url_read(text, &url, fail);

    if (err == CX_OK && !url.is_https) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "public_url", "must begin with https://");
    } else if (err == CX_OK && url.is_ipv6) {
        err =
            cx_fail_set(fail, CX_E_SYNTAX, "public_url",
                        "agents can't verify an IPv6 address: give a host name or an IPv4 address");
    } else if (err == CX_OK && (strcmp(url.path, "/") != 0 || url.query != NULL)) {
        err = cx_fail_set(fail, CX_E_SYNTAX, "public_url",
                          "must end behind the host or its port: https://HOST[:PORT]");
    }
    if (err == CX_OK && out != NULL) {
        *out = url;
    } else {
        url_done(&url);
    }
    return err;
}

enum cx_err platform_tunnel_url(const char *public_url, struct buf *out)
{
    struct slice rest = slice_from(slice_of_str(public_url), sizeof(HTTPS) - 1);
    size_t before = out->len;
    enum cx_err err = buf_put_str(out, "wss://");

    if (err == CX_OK) {
        err = buf_put(out, slice_first(rest, slice_find(rest, 0, '/')));
    }
    if (err == CX_OK) {
        err = buf_put_str(out, MSG_TUNNEL_PATH);
    }
    if (err != CX_OK) {
        buf_truncate(out, before);
    }
    return err;
}

/* ---- checks ---- */

static void check_public_url(const struct platform_settings *s, struct faults *faults)
{
    struct cx_fail fail = {0};

    if (s->public_url != NULL && /* else a fault already */
        platform_public_url_read(slice_of_str(s->public_url), NULL, &fail) != CX_OK) {
        conf_fault(faults, s, "public_url", "%s", cx_fail_text(&fail));
    }
}

/* "unix:api.sock" becomes "unix:FOLDER/api.sock". False if out of memory. */
static bool join_unix(char **entry, const char *folder)
{
    const char *path = *entry + sizeof(UNIX_PREFIX) - 1;
    char *joined = NULL;
    char *entry_joined;
    size_t bytes;

    if (path_join(folder, path, &joined) != CX_OK) {
        return false;
    }
    bytes = sizeof(UNIX_PREFIX) + strlen(joined);
    entry_joined = malloc(bytes);
    if (entry_joined != NULL) {
        (void)snprintf(entry_joined, bytes, "%s%s", UNIX_PREFIX, joined);
        free(*entry);
        *entry = entry_joined;
    }
    free(joined);
    return entry_joined != NULL;
}

static void check_listen_api(struct platform_settings *s, const char *folder, struct faults *faults)
{
    for (size_t i = 0; i < s->listen_api.count; i++) {
        char **item = &s->listen_api.items[i];
        struct listen_entry entry;
        struct cx_fail fail = {0};
        char key[40];

        (void)snprintf(key, sizeof(key), "listen.api[%zu]", i);
        if (strncmp(*item, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0 &&
            (*item)[sizeof(UNIX_PREFIX) - 1] != '\0' && !join_unix(item, folder)) {
            conf_fault(faults, s, key, "%s", cx_err_text(CX_E_NOMEM));
        } else if (listen_read(slice_of_str(*item), &entry, &fail) != CX_OK) {
            conf_fault(faults, s, key, "%s, found \"%s\"", cx_fail_text(&fail), *item);
        }
    }
}

static void check_listen_tunnel(const struct platform_settings *s, struct faults *faults)
{
    struct listen_entry entry;
    struct cx_fail fail = {0};

    if (s->listen_tunnel != NULL &&
        listen_read_tunnel(slice_of_str(s->listen_tunnel), &entry, &fail) != CX_OK) {
        conf_fault(faults, s, "listen.tunnel", "%s, found \"%s\"", cx_fail_text(&fail),
                   s->listen_tunnel);
    }
}

static void check_metrics(const struct platform_settings *s, struct faults *faults)
{
    struct listen_address at;
    struct cx_fail fail = {0};

    if (s->metrics_listen != NULL &&
        listen_address_read(slice_of_str(s->metrics_listen), &at, &fail) != CX_OK) {
        conf_fault(faults, s, "metrics.listen", "%s, found \"%s\"", cx_fail_text(&fail),
                   s->metrics_listen);
    }
}

static void check_control(const struct platform_settings *s, struct faults *faults)
{
    if (s->control != NULL && strlen(s->control) >= LISTEN_PATH_BYTES) {
        conf_fault(faults, s, "control",
                   "a socket's path has at most %d bytes, this one has %zu: %s",
                   LISTEN_PATH_BYTES - 1, strlen(s->control), s->control);
    }
}

bool platform_settings_read(const char *path, struct platform_settings *out, struct faults *faults)
{
    size_t before = faults_total(faults);
    enum cx_err err = conf_file_read(&platform_settings_table, path, out, faults);
    char *folder = NULL;

    if (err != CX_OK && err != CX_E_CONFIG) {
        return false;
    }
    if (path_folder(path, &folder) != CX_OK) {
        faults_add(faults, path, "", "%s", cx_err_text(CX_E_NOMEM));
        return false;
    }
    check_public_url(out, faults);
    check_listen_tunnel(out, faults);
    check_listen_api(out, strcmp(folder, ".") == 0 ? "" : folder, faults);
    check_metrics(out, faults);
    check_control(out, faults);
    free(folder);
    return err == CX_OK && faults_total(faults) == before;
}

bool platform_policy_read(const struct platform_settings *s, struct policy *out,
                          struct faults *faults)
{
    size_t before = faults_total(faults);

    policy_init(out);
    rule_settings_add(&s->policy, out, faults);
    for (size_t i = 0; i < out->nrules; i++) {
        out->rules[i].share = POLICY_SHARE_URL; /* its admin is the platform's */
    }
    return faults_total(faults) == before;
}
