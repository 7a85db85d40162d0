#include "common/io/link_private.h"
#include "common/io/server_private.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SERVER_SWEEP_MS = 200 };

/* ---- the end ---- */

/* The connection is over: nobody may use its wsi any more. */
static void conn_closed(struct server_conn *conn)
{
    if (conn->is_closed) {
        return;
    }
    conn->is_closed = true;
    loop_timer_stop(&conn->timer);
    if (conn->is_deaf) {
        conn->is_deaf = false;
        if (--conn->server->ndeaf == 0) {
            loop_timer_stop(&conn->server->sweep);
        }
    }
    loop_defer_cancel(&conn->reply_hook);
    server_tell_sent(&conn->heed, false);
    server_call_gone(conn);
    conn->wsi = NULL;
    buf_done(&conn->body);
    buf_done(&conn->reply);
}

void server_conn_kill(struct server_conn *conn)
{
    struct lws *wsi = conn->wsi;

    if (wsi != NULL) {
        conn_closed(conn);
        web_kill(wsi);
    }
}

static void conn_free(struct server_conn *conn)
{
    struct http_server *server = conn->server;

    *conn->at = conn->next;
    if (conn->next != NULL) {
        conn->next->at = conn->at;
    }
    free(conn);
    server_conn_removed(server);
}

/* ---- hang-ups that libwebsockets doesn't see ---- */

/* While a request without a body waits for its answer, libwebsockets neither reads from its
 * connection nor stops polling it: it would spin. So reading is switched off then, and the kernel
 * is asked now and then whether the peer is still there. */
bool server_conn_is_hung_up(const struct server_conn *conn)
{
    struct pollfd fd = {.fd = lws_get_socket_fd(conn->wsi), .events = POLLRDHUP};

    return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void server_sweep(void *arg)
{
    struct http_server *server = arg;
    struct server_conn *next;

    for (struct server_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->is_deaf && server_conn_is_hung_up(conn)) {
            server_conn_kill(conn);
        }
    }
}

void server_conn_deafen(struct server_conn *conn, bool is_deaf)
{
    struct http_server *server = conn->server;

    if (conn->is_deaf == is_deaf) {
        return;
    }
    conn->is_deaf = is_deaf;
    (void)lws_rx_flow_control(conn->wsi, is_deaf ? 0 : 1);
    server->ndeaf = is_deaf ? server->ndeaf + 1 : server->ndeaf - 1;
    if (server->ndeaf == 0) {
        loop_timer_stop(&server->sweep);
    } else if (!loop_timer_runs(&server->sweep)) {
        loop_timer_every(server->web->loop, &server->sweep, SERVER_SWEEP_MS, server_sweep, server);
    }
}

/* ---- libwebsockets' callbacks ---- */

static int conn_http(struct server_conn *conn, enum lws_callback_reasons reason, void *in,
                     size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        return len != 1; /* what OpenSSL found, and no more lenient than that */
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return server_request_upgrade(conn);
    case LWS_CALLBACK_HTTP:
        return server_request_begin(conn);
    case LWS_CALLBACK_HTTP_BODY:
        return server_request_body(conn, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return server_request_end(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return server_reply_write(conn);
    case LWS_CALLBACK_RAW_ADOPT: /* what CONNECT gets us: not here */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    case LWS_CALLBACK_CLOSED_HTTP:
        conn_closed(conn);
        return 0;
    default:
        return 0;
    }
}

static int conn_callback(struct web_conn *web, struct lws *wsi, enum lws_callback_reasons reason,
                         void *in, size_t len)
{
    struct server_conn *conn = (struct server_conn *)(void *)web;

    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        conn_closed(conn);
        if (conn->link != NULL) {
            link_free(conn->link);
            conn->server->nlinks--;
        }
        conn_free(conn);
        return 0;
    }
    if (conn->link != NULL) {
        return link_callback(conn->link, reason, in, len);
    }
    if (conn->is_closed) {
        return 0;
    }
    conn->wsi = wsi;
    if (reason == LWS_CALLBACK_ESTABLISHED) {
        const struct server_upgrade *upgrade = conn->server->upgrade;

        loop_timer_stop(&conn->timer);
        return upgrade != NULL ? upgrade->up(upgrade->arg, conn) : -1;
    }
    return conn_http(conn, reason, in, len);
}

/* ---- the start ---- */

static void conn_late(void *arg)
{
    server_conn_kill(arg);
}

void server_conn_time(struct server_conn *conn, uint32_t ms)
{
    loop_timer_start(conn->server->web->loop, &conn->timer, ms, conn_late, conn);
}

void server_accept(void *arg, int fd, const char *peer)
{
    struct http_server *server = arg;
    struct server_conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        (void)close(fd);
        return;
    }
    conn->web.callback = conn_callback;
    conn->reply_hook = (struct loop_hook){.run = server_reply_due, .arg = conn};
    conn->server = server;
    (void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
    buf_init(&conn->body, server->opts.body_bytes_max);
    conn->next = server->conns;
    if (conn->next != NULL) {
        conn->next->at = &conn->next;
    }
    conn->at = &server->conns;
    server->conns = conn;
    server_conn_added(server);
    server_conn_time(conn, server->opts.request_ms);
    if (!web_adopt(server->web, server_vhost(server), fd, &conn->web)) {
        conn_closed(conn);
        conn_free(conn);
    }
}
