#include "common/io/ws_server.h"

#include "common/io/link_private.h"
#include "common/io/server_private.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { PROTOCOLS_TEXT_MAX = 128 }; /* of Sec-WebSocket-Protocol, as libwebsockets reads it */

struct ws_server {
    struct http_server *http;
    struct server_upgrade upgrade;
    char *path;
    unsigned links_max;
    struct link_limits limits;
    void (*on_link)(void *arg, struct link *link);
    void *arg;
    bool is_refusing;
};

/* ---- the upgrade ---- */

static bool path_is_ours(const struct ws_server *server, struct lws *wsi)
{
    char *uri = NULL;
    int len = 0;

    return lws_http_get_uri_and_method(wsi, &uri, &len) == LWSHUMETH_GET && len > 0 &&
           slice_eq_str(slice_of(uri, (size_t)len), server->path);
}

/* Without a certificate the verification result is "OK" too: ask for both. */
static bool is_identified(struct lws *wsi)
{
    SSL *ssl = lws_get_ssl(wsi);

    return ssl != NULL && SSL_get0_peer_certificate(ssl) != NULL &&
           SSL_get_verify_result(ssl) == X509_V_OK;
}

/* One of the comma-separated names is the subprotocol of this process. */
static bool subprotocol_is_ours(const struct ws_server *server, struct lws *wsi)
{
    struct slice ours = slice_of_str(server->http->web->protocols[1].name);
    char text[PROTOCOLS_TEXT_MAX];
    struct slice rest;

    if (lws_hdr_copy(wsi, text, sizeof(text) - 1, WSI_TOKEN_PROTOCOL) <= 0) {
        return false;
    }
    rest = slice_of_str(text);
    while (rest.len != 0) {
        size_t comma = slice_find(rest, 0, ',');
        struct slice name = slice_first(rest, comma);

        while (name.len != 0 && name.ptr[0] == ' ') {
            name = slice_from(name, 1);
        }
        while (name.len != 0 && name.ptr[name.len - 1] == ' ') {
            name = slice_first(name, name.len - 1);
        }
        if (slice_eq(name, ours)) {
            return true;
        }
        rest = slice_from(rest, comma + 1);
    }
    return false;
}

static unsigned upgrade_check(void *arg, struct lws *wsi)
{
    const struct ws_server *server = arg;

    if (!path_is_ours(server, wsi)) {
        return 404;
    }
    if (!is_identified(wsi)) {
        return 403;
    }
    if (!subprotocol_is_ours(server, wsi)) {
        return 400;
    }
    return server->is_refusing || server->http->nlinks >= server->links_max ? 503 : 0;
}

static int upgrade_up(void *arg, struct server_conn *conn)
{
    struct ws_server *server = arg;
    struct link_new_opts opts = {
        .web = server->http->web,
        .wsi = conn->wsi,
        .is_server = true,
        .limits = &server->limits,
        .peer = conn->peer,
    };

    conn->link = link_new(&opts);
    if (conn->link == NULL) {
        return -1;
    }
    server->http->nlinks++;
    server->on_link(server->arg, conn->link);
    return 0;
}

/* ---- birth and death ---- */

static enum cx_err ws_server_open(struct web *web, const struct ws_server_opts *opts,
                                  struct ws_server *server, struct cx_fail *fail)
{
    struct server_parts parts = {.client_ca_file = opts->client_ca_file,
                                 .upgrade = &server->upgrade};

    server->path = strdup(opts->path);
    if (server->path == NULL) {
        return CX_E_NOMEM;
    }
    server->upgrade = (struct server_upgrade){upgrade_check, upgrade_up, server};
    server->links_max = opts->links_max;
    server->limits = opts->limits;
    server->on_link = opts->on_link;
    server->arg = opts->arg;
    return server_new(web, &opts->http, &parts, &server->http, fail);
}

enum cx_err ws_server_new(struct web *web, const struct ws_server_opts *opts,
                          struct ws_server **out, struct cx_fail *fail)
{
    struct ws_server *server = calloc(1, sizeof(*server));
    enum cx_err err = server != NULL ? ws_server_open(web, opts, server, fail) : CX_E_NOMEM;

    if (err == CX_OK) {
        *out = server;
    } else if (server != NULL) {
        free(server->path);
        free(server);
    }
    return err;
}

uint16_t ws_server_port(const struct ws_server *server)
{
    return http_server_port(server->http);
}

unsigned ws_server_links(const struct ws_server *server)
{
    return server->http->nlinks;
}

void ws_server_leave(struct ws_server *server)
{
    http_server_leave(server->http);
}

void ws_server_refuse(struct ws_server *server)
{
    server->is_refusing = true;
}

void ws_server_drain(struct ws_server *server, void (*done)(void *arg), void *arg)
{
    http_server_drain(server->http, done, arg);
}

void ws_server_free(struct ws_server *server)
{
    if (server == NULL) {
        return;
    }
    for (struct server_conn *conn = server->http->conns; conn != NULL; conn = conn->next) {
        if (conn->link != NULL) {
            link_abort(conn->link);
        }
    }
    server->http->upgrade = NULL;
    http_server_free(server->http);
    free(server->path);
    free(server);
}

enum cx_err ws_server_reload(struct ws_server *server, struct cx_fail *fail)
{
    return http_server_reload(server->http, fail);
}
