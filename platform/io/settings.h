#ifndef CONNECTOR_PLATFORM_IO_SETTINGS_H
#define CONNECTOR_PLATFORM_IO_SETTINGS_H

#include "common/core/conf.h"

/* The platform's configuration: /etc/connector-platform/platform.conf. */

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
    uint32_t limits_queue_per_connector;
    int log_level, log_format;
    char *control;
};

extern const struct conf_table platform_settings_table;

#endif
