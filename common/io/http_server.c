#include "common/io/http_server.h"

#include "common/io/server_private.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { SERVER_DRAIN_MS = 2000 }; /* for a request that was coming when we began to drain */

/* ---- counting connections ---- */

static bool server_is_full(const struct http_server *server)
{
    return server->opts.connections_max != 0 && server->nconns >= server->opts.connections_max;
}

static void server_free_now(struct http_server *server)
{
    loop_timer_stop(&server->drained_timer);
    loop_timer_stop(&server->sweep);
    free(server->certificate_file);
    free(server->key_file);
    free(server->client_ca_file);
    free(server);
}

static void server_drained(void *arg)
{
    struct http_server *server = arg;

    server->drained(server->drained_arg);
}

static void server_check_drained(struct http_server *server)
{
    if (server->is_draining && server->nconns == 0 && server->drained != NULL) {
        loop_timer_start(server->web->loop, &server->drained_timer, 0, server_drained, server);
    }
}

void server_conn_added(struct http_server *server)
{
    server->nconns++;
    if (server_is_full(server)) {
        listener_pause(server->listener, true);
    }
}

void server_conn_removed(struct http_server *server)
{
    server->nconns--;
    if (server->is_freed) {
        if (server->nconns == 0) {
            server_free_now(server);
        }
        return;
    }
    if (server->listener != NULL && !server->is_leaving && !server_is_full(server)) {
        listener_pause(server->listener, false);
    }
    server_check_drained(server);
}

/* ---- birth ---- */

/* A vhost with TLS in place of the one that is there, if any. Unchanged on error. */
static enum cx_err server_renew_vhost(struct http_server *server, struct cx_fail *fail)
{
    SSL_CTX *tls = NULL;
    struct lws_vhost *vhost = web_tls_vhost(server->web, &tls);
    enum cx_err err = vhost != NULL ? server_tls_setup(tls, server, fail) : CX_E_NOMEM;

    if (err == CX_OK) {
        server->vhost = vhost;
        server->tls = tls;
        server->connections = 0;
    }
    return err;
}

struct lws_vhost *server_vhost(struct http_server *server)
{
    if (server->tls != NULL && ++server->connections >= WEB_VHOST_CONNECTIONS) {
        (void)server_renew_vhost(server, NULL); /* if not, then with the next connection */
    }
    return server->vhost;
}

static bool server_copy(char **to, const char *text)
{
    *to = text != NULL ? strdup(text) : NULL;
    return *to != NULL || text == NULL;
}

static enum cx_err server_open(struct http_server *server, const struct http_listen *listen,
                               const struct server_parts *parts, struct cx_fail *fail)
{
    struct listener_opts opts = {
        .host = listen->host,
        .port = listen->port,
        .unix_path = listen->unix_path,
        .accepted = server_accept,
        .arg = server,
    };
    enum cx_err err = CX_OK;

    if (!server_copy(&server->certificate_file, listen->certificate_file) ||
        !server_copy(&server->key_file, listen->key_file) ||
        !server_copy(&server->client_ca_file, parts->client_ca_file)) {
        return CX_E_NOMEM;
    }
    server->vhost = server->web->plain;
    if (listen->certificate_file != NULL) {
        err = server_renew_vhost(server, fail);
    }
    if (err == CX_OK) {
        err = listener_new(server->web->loop, &opts, &server->listener, fail);
    }
    if (err == CX_OK) {
        server->port = listener_port(server->listener);
    }
    return err;
}

enum cx_err server_new(struct web *web, const struct http_listen *listen,
                       const struct server_parts *parts, struct http_server **out,
                       struct cx_fail *fail)
{
    struct http_server *server = calloc(1, sizeof(*server));
    enum cx_err err;

    if (server == NULL) {
        return CX_E_NOMEM;
    }
    server->web = web;
    server->opts = *listen;
    server->opts.host = server->opts.unix_path = NULL; /* not ours to keep */
    server->opts.certificate_file = server->opts.key_file = NULL;
    server->upgrade = parts->upgrade;
    err = server_open(server, listen, parts, fail);
    if (err != CX_OK) {
        server_free_now(server); /* the vhost, if there is one, goes with the web */
        return err;
    }
    *out = server;
    return CX_OK;
}

enum cx_err http_server_new(struct web *web, const struct http_listen *listen,
                            struct http_server **out, struct cx_fail *fail)
{
    static const struct server_parts plain;

    return server_new(web, listen, &plain, out, fail);
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

enum cx_err http_server_reload(struct http_server *server, struct cx_fail *fail)
{
    if (server->tls == NULL) {
        return CX_E_STATE;
    }
    return server_tls_identity(server->tls, server->certificate_file, server->key_file, fail);
}

/* ---- end ---- */

bool http_server_is_handed(const struct http_server *server)
{
    return listener_is_handed(server->listener);
}

unsigned http_server_connections(const struct http_server *server)
{
    return server->nconns;
}

void http_server_leave(struct http_server *server)
{
    server->is_leaving = true;
    if (listener_is_handed(server->listener)) {
        listener_pause(server->listener, true);
    }
}

/* Between two requests, and the next one has not come: nobody is told anything by a close. On a
 * connection that never had one, the client is about to ask. */
static bool conn_is_idle(const struct server_conn *conn)
{
    struct pollfd fd = {.fd = conn->wsi != NULL ? lws_get_socket_fd(conn->wsi) : -1,
                        .events = POLLIN};

    return conn->is_idle && !conn->is_requested && conn->link == NULL && poll(&fd, 1, 0) == 0;
}

void http_server_drain(struct http_server *server, void (*done)(void *arg), void *arg)
{
    struct server_conn *next;

    server->is_leaving = true;
    server->is_draining = true;
    server->drained = done;
    server->drained_arg = arg;
    if (!listener_is_handed(server->listener)) {
        listener_empty(server->listener);
    }
    listener_free(server->listener);
    server->listener = NULL;
    for (struct server_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        conn->is_last = true;
        if (conn_is_idle(conn)) {
            server_conn_kill(conn);
        } else if (conn->is_idle && !conn->is_requested) {
            server_conn_time(conn, SERVER_DRAIN_MS); /* what has arrived is the rest of one */
        }
    }
    server_check_drained(server);
}

void http_server_count(const struct http_server *server, uint64_t answers[HTTP_STATUS_CLASSES])
{
    memcpy(answers, server->answers, sizeof(server->answers));
}

void http_server_free(struct http_server *server)
{
    struct server_conn *next;

    if (server == NULL) {
        return;
    }
    server->is_freed = true;
    listener_free(server->listener);
    server->listener = NULL;
    loop_timer_stop(&server->drained_timer);
    for (struct server_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->link == NULL) {
            server_conn_kill(conn);
        }
    }
    if (server->nconns == 0) {
        server_free_now(server);
    }
}
