#ifndef CONNECTOR_PLATFORM_IO_SETTINGS_H
#define CONNECTOR_PLATFORM_IO_SETTINGS_H

#include "common/core/conf.h"
#include "common/core/policy.h"
#include "common/core/url.h"

/* The platform's configuration: /etc/connector-platform/platform.conf. One table declares every
 * setting. */

#define PLATFORM_CONF_PATH "/etc/connector-platform/platform.conf"

struct platform_settings {
    struct conf_place place;
    char *public_url;
    char *listen_tunnel; /* "HOST:PORT" */
    struct conf_strings listen_api;
    char *tls_certificate, *tls_key;
    char *ca_certificate, *ca_key;
    uint32_t ca_agent_days;
    char *store_path, *store_master_key;
    uint32_t limits_tunnels;
    uint32_t limits_heartbeat_ms;
    uint32_t limits_queue_per_connector;
    uint32_t limits_own_exchanges;
    uint32_t limits_answer_bytes;
    uint32_t limits_poll_us;
    struct conf_list policy; /* struct rule_settings */
    char *metrics_listen;    /* "HOST:PORT"; NULL: off */
    int log_level, log_format;
    char *control;
};

extern const struct conf_table platform_settings_table;

/* Read the file and check what its values say by themselves: the URL, the addresses to listen on.
 * Every fault is added to `faults`. A unix: entry of listen.api is relative to the file's folder,
 * and joined to it here. `out` is valid for conf_done whatever is returned. True if there was no
 * fault. */
bool platform_settings_read(const char *path, struct platform_settings *out, struct faults *faults);

/* The policy for profiles without a connector, from the settings and the files that they name.
 * Every fault is added to `faults`. `out` is valid for policy_done whatever is returned. True if
 * there was no fault. */
bool platform_policy_read(const struct platform_settings *s, struct policy *out,
                          struct faults *faults);

/* Is this a public_url? https, a host name or an IPv4 address (agents can't verify an IPv6
 * literal), neither path nor query. `out` may be NULL. Error: CX_E_SYNTAX, CX_E_TOO_BIG,
 * CX_E_NOMEM. */
enum cx_err platform_public_url_read(struct slice text, struct url *out,
                                     struct cx_fail *fail) CX_MUST_CHECK;

/* Append the URL of the tunnel at this public_url: "wss://…/v1/tunnel". Errors: buf_put's. */
enum cx_err platform_tunnel_url(const char *public_url, struct buf *out) CX_MUST_CHECK;

#endif
