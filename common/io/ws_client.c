#include "common/io/ws_client.h"

#include "common/io/ws_client_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WS_ORPHAN_MS = 1000 }; /* for libwebsockets to let go of a connection that never began */

/* ---- the end of an attempt ---- */

static void attempt_free(struct ws_attempt *attempt)
{
    if (attempt->peer != NULL) {
        attempt->peer->attempt = NULL;
    }
    loop_timer_stop(&attempt->timer);
    ws_probe_free(attempt->probe);
    free(attempt);
}

/* Close what is left of the connection; not from one of its callbacks. */
static void attempt_close(struct ws_attempt *attempt)
{
    struct ws_peer *peer = attempt->peer;

    if (peer != NULL && peer->wsi != NULL) {
        struct lws *wsi = peer->wsi;

        peer->wsi = NULL;
        web_kill(wsi);
    }
}

static void attempt_report(void *arg)
{
    struct ws_attempt *attempt = arg;
    struct ws_attempt_opts opts = attempt->opts;
    struct ws_failed failed = attempt->failed;

    attempt_close(attempt);
    attempt_free(attempt);
    opts.on_failed(opts.arg, &failed);
}

void ws_attempt_fail(struct ws_attempt *attempt, enum cx_err code, const char *fmt, ...)
{
    struct ws_failed *failed = &attempt->failed;
    va_list args;

    if (attempt->has_failed) {
        return;
    }
    attempt->has_failed = true;
    failed->stage = attempt->stage;
    failed->code = code;
    failed->http_status = attempt->http_status;
    va_start(args, fmt);
    (void)vsnprintf(failed->detail, sizeof(failed->detail), fmt, args);
    va_end(args);
    loop_timer_start(attempt->client->web->loop, &attempt->timer, 0, attempt_report, attempt);
}

static uint32_t connect_ms(const struct ws_attempt_opts *opts)
{
    return opts->connect_ms != 0 ? opts->connect_ms : opts->timeout_ms;
}

static void attempt_late(void *arg)
{
    static const char *const awaited[] = {
        [WS_STAGE_CONNECT] = "TCP connection",
        [WS_STAGE_TLS] = "TLS handshake",
        [WS_STAGE_UPGRADE] = "answer to the upgrade",
    };
    struct ws_attempt *attempt = arg;

    ws_attempt_fail(attempt, CX_E_TIMEOUT, "no %s within %u ms", awaited[attempt->stage],
                    attempt->stage == WS_STAGE_CONNECT ? connect_ms(&attempt->opts)
                                                       : attempt->opts.timeout_ms);
}

void ws_attempt_connected(struct ws_attempt *attempt)
{
    attempt->stage = WS_STAGE_TLS;
    if (attempt->opts.connect_ms != 0 && !attempt->has_failed) {
        loop_timer_start(attempt->client->web->loop, &attempt->timer, attempt->opts.timeout_ms,
                         attempt_late, attempt);
    }
}

void ws_attempt_succeed(struct ws_attempt *attempt)
{
    struct ws_attempt_opts opts = attempt->opts;
    struct link *link = attempt->peer->link;

    attempt_free(attempt);
    opts.on_link(opts.arg, link);
}

void ws_attempt_cancel(struct ws_attempt *attempt)
{
    attempt->has_failed = true; /* nothing that the closing says is reported */
    attempt_close(attempt);
    attempt_free(attempt);
}

/* ---- the beginning ---- */

static bool host_is_good(const char *host)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t len = strlen(host);

    return len != 0 && len <= WS_HOST_MAX && strspn(host, name) == len;
}

static enum cx_err attempt_check(const struct ws_attempt_opts *opts, struct cx_fail *fail)
{
    size_t path_len = strlen(opts->path);

    if (strchr(opts->host, ':') != NULL) {
        return cx_fail_set(fail, CX_E_SYNTAX, "connect",
                           "'%s' can't be verified as a server's name: use a DNS name or an IPv4 "
                           "address",
                           opts->host);
    }
    if (!host_is_good(opts->host)) {
        return cx_fail_set(fail, CX_E_SYNTAX, "connect",
                           "'%s' is not a host name of 1 to %d characters", opts->host,
                           WS_HOST_MAX);
    }
    if (opts->path[0] != '/' || path_len > WS_PATH_MAX ||
        strcspn(opts->path, " \r\n\t?#") != path_len) {
        return cx_fail_set(fail, CX_E_SYNTAX, "connect", "'%s' is not a path", opts->path);
    }
    return CX_OK;
}

const char *ws_attempt_where(const struct ws_attempt *attempt, char text[WS_WHERE_TEXT])
{
    const struct loop_address *a = &attempt->address;
    uint16_t port = ntohs(((const struct sockaddr_in *)(const void *)&a->sa)->sin_port);

    (void)snprintf(text, WS_WHERE_TEXT, a->sa.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", a->text,
                   port);
    return text;
}

static struct ws_attempt *attempt_new(struct ws_client *client, const struct ws_attempt_opts *opts)
{
    struct ws_attempt *attempt = calloc(1, sizeof(*attempt));
    struct ws_peer *peer = calloc(1, sizeof(*peer));

    if (attempt == NULL || peer == NULL) {
        free(attempt);
        free(peer);
        return NULL;
    }
    attempt->client = client;
    attempt->opts = *opts;
    attempt->address = *opts->address;
    attempt->opts.address = NULL;
    (void)snprintf(attempt->host, sizeof(attempt->host), "%s:%u", opts->host, opts->port);
    (void)snprintf(attempt->path, sizeof(attempt->path), "%s", opts->path);
    attempt->peer = peer;
    peer->attempt = attempt;
    peer->is_proxied = opts->has_socket;
    peer->client = client;
    peer->web.callback = ws_peer_callback;
    peer->next = client->peers;
    if (peer->next != NULL) {
        peer->next->at = &peer->next;
    }
    peer->at = &client->peers;
    client->peers = peer;
    return attempt;
}

/* Where libwebsockets has to begin to connect to. A client's socket that is connected already can't
 * be given to it, but it can be put in the place of one that libwebsockets has made: so let it
 * begin with an address of this machine, that of the socket's own end, where nobody listens. */
struct ws_start {
    char address[LOOP_ADDRESS_TEXT];
    uint16_t port;
};

static bool start_of(const struct ws_attempt *attempt, struct ws_start *out)
{
    struct sockaddr_storage sa = attempt->address.sa;
    socklen_t len = sizeof(sa);

    if (attempt->opts.has_socket &&
        getsockname(attempt->opts.socket, (struct sockaddr *)&sa, &len) != 0) {
        return false;
    }
    out->port = ntohs(((struct sockaddr_in *)(void *)&sa)->sin_port);
    if (!attempt->opts.has_socket) {
        (void)snprintf(out->address, sizeof(out->address), "%s", attempt->address.text);
        return true;
    }
    return getnameinfo((struct sockaddr *)&sa, len, out->address, sizeof(out->address), NULL, 0,
                       NI_NUMERICHOST) == 0;
}

/* The loop begins to watch the descriptor when this turn ends, and then finds this socket. */
static bool put_socket(const struct ws_attempt *attempt, struct lws *wsi)
{
    return !attempt->opts.has_socket ||
           dup3(attempt->opts.socket, lws_get_socket_fd(wsi), O_CLOEXEC) >= 0;
}

/* Ask libwebsockets for the connection. NULL: it failed at once. */
static struct lws *attempt_begin(struct ws_attempt *attempt, const char *subprotocol)
{
    struct ws_client *client = attempt->client;
    struct lws_client_connect_info info;
    struct ws_start start;

    if (!start_of(attempt, &start)) {
        return NULL;
    }
    memset(&info, 0, sizeof(info));
    info.context = client->web->context;
    info.vhost = client->vhost;
    info.address = start.address;
    info.port = start.port;
    info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    info.host = attempt->host;
    info.path = attempt->path;
    info.protocol = subprotocol;
    info.local_protocol_name = client->web->protocols[1].name;
    info.ietf_version_or_minus_one = -1;
    info.alpn = "http/1.1";
    info.opaque_user_data = attempt->peer;
    info.retry_and_idle_policy = &web_no_pings;
    return lws_client_connect_via_info(&info);
}

static void peer_orphan(void *arg)
{
    ws_peer_free(arg);
}

static enum cx_err connect_begin(struct ws_client *client, const struct ws_attempt_opts *opts,
                                 struct ws_attempt **out, struct cx_fail *fail)
{
    enum cx_err err = attempt_check(opts, fail);
    struct ws_attempt *attempt;
    struct ws_peer *peer;
    struct lws *wsi;

    if (err != CX_OK) {
        return err;
    }
    attempt = attempt_new(client, opts);
    if (attempt == NULL) {
        return CX_E_NOMEM;
    }
    peer = attempt->peer;
    loop_timer_start(client->web->loop, &attempt->timer, connect_ms(opts), attempt_late, attempt);
    peer->is_starting = true;
    errno = 0;
    wsi = attempt_begin(attempt, opts->subprotocol);
    peer->is_starting = false;
    if (wsi != NULL) {
        peer->wsi = wsi;
        if (put_socket(attempt, wsi)) {
            attempt->probe = ws_probe_new(attempt, lws_get_socket_fd(wsi));
        } else {
            ws_attempt_fail(attempt, CX_E_CONNECT, "%s", strerror(errno));
        }
    } else {
        ws_attempt_fail(attempt, CX_E_CONNECT, "%s",
                        errno != 0 ? strerror(errno) : "can't open a connection");
        peer->wsi = NULL;
        if (peer->is_destroyed) {
            ws_peer_free(peer);
        } else { /* or it was never more than an idea, or its end is still to come */
            loop_timer_start(client->web->loop, &peer->orphan, WS_ORPHAN_MS, peer_orphan, peer);
        }
    }
    *out = attempt;
    return CX_OK;
}

enum cx_err ws_client_connect(struct ws_client *client, const struct ws_attempt_opts *opts,
                              struct ws_attempt **out, struct cx_fail *fail)
{
    enum cx_err err = connect_begin(client, opts, out, fail);

    if (opts->has_socket) {
        (void)close(opts->socket); /* libwebsockets has a descriptor of its own for it */
    }
    return err;
}

/* ---- the client ---- */

enum cx_err ws_client_new(struct web *web, struct ssl_ctx_st *tls, const struct link_limits *limits,
                          struct ws_client **out, struct cx_fail *fail)
{
    struct ws_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        return CX_E_NOMEM;
    }
    client->web = web;
    client->tls = tls;
    client->limits = *limits;
    client->vhost = web_client_vhost(web, tls);
    if (client->vhost == NULL) {
        free(client);
        return cx_fail_set(fail, CX_E_NOMEM, "ws_client.new", "libwebsockets makes no vhost");
    }
    (void)SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_app_data(tls, client);
    SSL_CTX_set_info_callback(tls, ws_peer_tls_info);
    SSL_CTX_set_cert_verify_callback(tls, ws_peer_verify, NULL);
    *out = client;
    return CX_OK;
}

void ws_client_unref(struct ws_client *client)
{
    if (client->is_freed && client->peers == NULL) {
        free(client);
    }
}

void ws_client_free(struct ws_client *client)
{
    struct ws_peer *next;

    if (client == NULL) {
        return;
    }
    SSL_CTX_set_info_callback(client->tls, NULL);
    SSL_CTX_set_cert_verify_callback(client->tls, NULL, NULL);
    (void)SSL_CTX_set_app_data(client->tls, NULL);
    for (struct ws_peer *peer = client->peers; peer != NULL; peer = next) {
        next = peer->next;
        if (peer->attempt != NULL) {
            ws_attempt_cancel(peer->attempt);
        }
        if (peer->link != NULL) {
            link_abort(peer->link);
        }
        if (loop_timer_runs(&peer->orphan)) {
            loop_timer_start(client->web->loop, &peer->orphan, 0, peer_orphan, peer);
        }
    }
    client->is_freed = true;
    ws_client_unref(client);
}
