#include "platform/io/listeners.h"

#include "common/io/clock.h"
#include "common/io/handed.h"
#include "common/io/log.h"
#include "common/io/ws_server.h"
#include "platform/core/enroll_request.h"
#include "platform/core/listen.h"
#include "platform/io/enroll.h"
#include "platform/io/platform.h"
#include "platform/io/server_cert.h"
#include "platform/io/tunnel_internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    API_BODY_BYTES_MAX = 1024 * 1024,
    REQUEST_MS = 10000, /* from TCP to the end of a request, or of the upgrade */
    IDLE_MS = 60000,
    UNGREETED_MAX = 256, /* connections to the tunnel's port besides tunnels */
    CONTROL_CONNECTIONS_MAX = 32,
    ENDS_SOON_DAYS = 14,
    LISTEN_TEXT_BYTES = 1024,
};

/* ---- opening ---- */

static void on_link(void *arg, struct link *link)
{
    tunnel_accept(arg, link);
}

static enum cx_err open_tunnels(struct platform *p, struct cx_fail *fail)
{
    const struct platform_settings *s = &p->settings;
    struct listen_entry at;
    struct ws_server_opts opts = {.http = {.certificate_file = s->tls_certificate,
                                           .key_file = s->tls_key,
                                           .body_bytes_max = ENROLL_BODY_BYTES_MAX,
                                           .connections_max = s->limits_tunnels + UNGREETED_MAX,
                                           .request_ms = REQUEST_MS,
                                           .idle_ms = REQUEST_MS,
                                           .handler = enroll_handle,
                                           .arg = p->enrolls},
                                  .client_ca_file = s->ca_certificate,
                                  .path = MSG_TUNNEL_PATH,
                                  .links_max = s->limits_tunnels,
                                  .limits = {.message_bytes_max = MSG_WEBSOCKET_BYTES_MAX,
                                             .outbox_bytes_max = TUNNEL_OUTBOX_BYTES,
                                             .pack_bytes = MSG_WEBSOCKET_PACK_BYTES,
                                             .heartbeat_ms = s->limits_heartbeat_ms},
                                  .on_link = on_link,
                                  .arg = p};
    enum cx_err err = listen_read_tunnel(slice_of_str(s->listen_tunnel), &at, fail);

    if (err != CX_OK) {
        return err;
    }
    opts.http.host = at.host;
    opts.http.port = at.port;
    return ws_server_new(p->web, &opts, &p->tunnels, fail);
}

static enum cx_err open_api(struct platform *p, const char *entry, struct cx_fail *fail)
{
    struct listen_entry at;
    struct http_listen listen = {.body_bytes_max = API_BODY_BYTES_MAX,
                                 .request_ms = REQUEST_MS,
                                 .idle_ms = IDLE_MS,
                                 .handler = api_handle,
                                 .arg = &p->api_listener,
                                 .refusal = api_refusal};
    enum cx_err err = listen_read(slice_of_str(entry), &at, fail);

    if (err != CX_OK) {
        return err;
    }
    if (at.kind == LISTEN_UNIX) {
        listen.unix_path = at.path;
    } else {
        listen.host = at.host;
        listen.port = at.port;
    }
    if (at.kind == LISTEN_HTTPS) {
        listen.certificate_file = p->settings.tls_certificate;
        listen.key_file = p->settings.tls_key;
    }
    err = http_server_new(p->web, &listen, &p->api[p->napi], fail);
    p->napi += err == CX_OK;
    return err;
}

static enum cx_err open_control(struct platform *p, struct cx_fail *fail)
{
    struct http_listen listen = {.unix_path = p->settings.control,
                                 .body_bytes_max = API_BODY_BYTES_MAX,
                                 .connections_max = CONTROL_CONNECTIONS_MAX,
                                 .request_ms = REQUEST_MS,
                                 .idle_ms = IDLE_MS,
                                 .handler = api_handle,
                                 .arg = &p->control_listener,
                                 .refusal = api_refusal};

    return http_server_new(p->web, &listen, &p->control, fail);
}

enum cx_err listeners_open(struct platform *p, struct cx_fail *fail)
{
    enum cx_err err;

    p->api_listener = (struct api_listener){.p = p};
    p->control_listener = (struct api_listener){.p = p, .is_control = true};
    err = open_control(p, fail);
    if (err == CX_OK) {
        err = open_tunnels(p, fail);
    }
    for (size_t i = 0; err == CX_OK && i < p->settings.listen_api.count; i++) {
        err = open_api(p, p->settings.listen_api.items[i], fail);
    }
    return err == CX_OK ? platform_metrics_open(p, fail) : err;
}

void listeners_close(struct platform *p)
{
    for (size_t i = 0; i < p->napi; i++) {
        http_server_free(p->api[i]);
    }
    p->napi = 0;
    platform_metrics_close(p);
    http_server_free(p->control);
    p->control = NULL;
    ws_server_free(p->tunnels);
    p->tunnels = NULL;
}

/* ---- certificates ---- */

static void note_reloaded(const char *listener, enum cx_err err, const struct cx_fail *fail)
{
    if (err == CX_OK) {
        log_event(CX_LOG_INFO, "certificate.loaded", kv_str("listener", listener));
    } else if (err != CX_E_STATE) { /* no TLS there */
        log_event(CX_LOG_ERROR, "certificate.not_loaded", kv_str("listener", listener),
                  kv_fail(fail));
    }
}

/* When the file's certificate ends, which has been put in effect just now or is about to be. One
 * that isn't ours to renew may end soon. */
static void look_at_certificate(struct platform *p)
{
    struct cert_chain chain = {0};
    struct cx_fail fail;
    int64_t days;

    if (cert_chain_read(p->settings.tls_certificate, &chain, &fail) == CX_OK) {
        p->metrics.certificate_ends_s = cert_not_after_s(chain.items[0]);
        days = cert_days_left(chain.items[0], clock_wall_s());
        if (days < ENDS_SOON_DAYS) {
            log_event(CX_LOG_WARN, "certificate.ends_soon",
                      kv_str("file", p->settings.tls_certificate), kv_i64("days_left", days));
        }
    }
    cert_chain_done(&chain);
}

void listeners_reload(struct platform *p)
{
    struct cx_fail fail = {0};
    enum cx_err err = ws_server_reload(p->tunnels, &fail);

    note_reloaded(p->settings.listen_tunnel, err, &fail);
    if (err == CX_OK) {
        look_at_certificate(p);
    }
    for (size_t i = 0; i < p->napi; i++) {
        err = http_server_reload(p->api[i], &fail);
        note_reloaded(p->settings.listen_api.items[i], err, &fail);
    }
}

void listeners_renew_certificate(struct platform *p)
{
    struct cx_fail fail = {0};
    bool is_new = false;
    enum cx_err err = server_cert_renew(&p->settings, &p->ca, clock_wall_s(), &is_new, &fail);

    if (err != CX_OK) {
        log_event(CX_LOG_ERROR, "certificate.not_renewed",
                  kv_str("file", p->settings.tls_certificate), kv_fail(&fail));
    } else if (is_new) {
        log_event(CX_LOG_INFO, "certificate.renewed", kv_str("file", p->settings.tls_certificate));
    }
    if (is_new && p->tunnels != NULL) {
        listeners_reload(p);
    }
    look_at_certificate(p);
}

/* ---- saying where ---- */

/* The entry with the port that was taken. */
static void put_listener(const char *entry, uint16_t port, char *out, size_t bytes)
{
    size_t at = strlen(out);
    const char *colon = strrchr(entry, ':');
    size_t head = colon == NULL ? strlen(entry) : (size_t)(colon - entry);

    if (port == 0) { /* a UNIX socket */
        (void)snprintf(out + at, bytes - at, "%s%s", at > 0 ? " " : "", entry);
    } else {
        (void)snprintf(out + at, bytes - at, "%s%.*s:%u", at > 0 ? " " : "", (int)head, entry,
                       port);
    }
}

static void warn_of_left_over(void)
{
    char address[LISTEN_TEXT_BYTES];

    for (unsigned i = 0; handed_left_over(i, address, sizeof(address)); i++) {
        log_event(CX_LOG_WARN, "listen.unused", kv_str("socket", address),
                  kv_str("why", "the service manager listens there, and no setting names that "
                                "address: make ListenStream= of the socket unit and `listen` the "
                                "same"));
    }
}

void listeners_log(const struct platform *p)
{
    char tunnel[LISTEN_TEXT_BYTES] = "";
    char api[LISTEN_TEXT_BYTES] = "";

    put_listener(p->settings.listen_tunnel, ws_server_port(p->tunnels), tunnel, sizeof(tunnel));
    for (size_t i = 0; i < p->napi; i++) {
        put_listener(p->settings.listen_api.items[i], http_server_port(p->api[i]), api,
                     sizeof(api));
    }
    log_event(CX_LOG_INFO, "platform.started", kv_str("version", CONNECTOR_VERSION),
              kv_str("public_url", p->settings.public_url), kv_str("tunnel", tunnel),
              kv_u64("tunnel_port", ws_server_port(p->tunnels)), kv_str("api", api),
              kv_u64("pid", (uint64_t)getpid()));
    warn_of_left_over();
}
