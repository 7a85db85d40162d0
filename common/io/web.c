#include "common/io/web.h"

#include "common/io/web_private.h"

#include <malloc.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    WEB_TIMEOUT_SECONDS = 30, /* the library's own limits, behind ours */
    WEB_KEEPALIVE_SECONDS = 24 * 3600,
    WEB_CLOSE_TURNS_MAX = 1000,
};

/* libwebsockets' log callback has no argument, so this is the log sink's global. */
static struct web *web_the_one;

/* ---- memory and log ---- */

/* As realloc(3); size 0 frees. What is given back is wiped: request headers, bodies and frames pass
 * through the library's buffers. */
static void *web_realloc(void *old, size_t size, const char *reason)
{
    size_t old_size = old != NULL ? malloc_usable_size(old) : 0;
    void *new = NULL;

    (void)reason;
    if (size != 0) {
        new = malloc(size);
        if (new == NULL) {
            return NULL;
        }
        if (old != NULL) {
            memcpy(new, old, old_size < size ? old_size : size);
        }
    }
    if (old != NULL) {
        explicit_bzero(old, old_size);
        free(old);
    }
    return new;
}

static void web_emit(int level, const char *line)
{
    struct web *web = web_the_one;
    size_t n = 0;

    (void)level;
    if (web == NULL) {
        return;
    }
    for (; line[n] != '\0' && line[n] != '\n' && n + 1 < sizeof(web->last_words); n++) {
        web->last_words[n] = (line[n] >= 0x20 && line[n] < 0x7f) ? line[n] : '?';
    }
    web->last_words[n] = '\0';
    if (web->log != NULL) {
        web->log(web->log_arg, web->last_words);
    }
}

/* ---- the callback of all protocols ---- */

static int web_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct web_conn *conn = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    struct web *web = web_the_one;

    if (conn != NULL) {
        loop_note_event(web->loop);
        return conn->callback(conn, wsi, reason, in, len);
    }
    if (reason == LWS_CALLBACK_WSI_CREATE && web->adopting != NULL) {
        web->is_adopted = true;
    } else if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        web->made_tls = user;
    }
    /* Here the library speaks of itself, or of a connection that isn't ours: a certificate must not
     * pass for want of somebody who looks at it. */
    return reason == LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION ||
           reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION;
}

static void web_set_protocols(struct web *web, const char *subprotocol)
{
    web->protocols[0] = (struct lws_protocols){
        .name = "http",
        .callback = web_callback,
        .rx_buffer_size = 0,
        .tx_packet_size = WEB_WRITE_BYTES,
    };
    web->protocols[1] = (struct lws_protocols){
        .name = subprotocol != NULL ? subprotocol : "none",
        .callback = web_callback,
        .rx_buffer_size = WEB_LINK_READ_BYTES,
        .tx_packet_size = WEB_WRITE_BYTES,
    };
}

/* ---- vhosts ---- */

/* The library's own pings would keep every link in a list that it walks for each of them; the links
 * have timers of their own. All zero is off. */
const lws_retry_bo_t web_no_pings;

static struct lws_context_creation_info web_vhost_info(struct web *web)
{
    struct lws_context_creation_info info;

    memset(&info, 0, sizeof(info));
    info.vhost_name = "-";
    info.protocols = web->protocols;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    info.retry_and_idle_policy = &web_no_pings;
    info.alpn = "http/1.1";
    info.timeout_secs_ah_idle = WEB_AH_SECONDS;
    info.keepalive_timeout = WEB_KEEPALIVE_SECONDS;
    info.http_proxy_address = "-:0"; /* port 0 is no proxy; NULL would read the environment */
    return info;
}

struct lws_vhost *web_tls_vhost(struct web *web, SSL_CTX **tls)
{
    struct lws_context_creation_info info = web_vhost_info(web);
    struct lws_vhost *vhost;

    /* The last one only keeps it from making a client's context too. */
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX |
                    LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG;
    web->made_tls = NULL;
    vhost = lws_create_vhost(web->context, &info);
    if (vhost == NULL || web->made_tls == NULL) {
        return NULL;
    }
    /* The library would exchange the context for that of whichever vhost it finds by the name that
     * the client asks for: another port's, with other rules about client certificates. */
    (void)SSL_CTX_set_tlsext_servername_callback(web->made_tls, NULL);
    *tls = web->made_tls;
    return vhost;
}

static struct lws_vhost *web_plain_vhost(struct web *web)
{
    struct lws_context_creation_info info = web_vhost_info(web);

    return lws_create_vhost(web->context, &info);
}

struct lws_vhost *web_client_vhost(struct web *web, SSL_CTX *client)
{
    struct lws_context_creation_info info = web_vhost_info(web);

    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.provided_client_ssl_ctx = client;
    return lws_create_vhost(web->context, &info);
}

/* ---- connections ---- */

bool web_adopt(struct web *web, struct lws_vhost *vhost, int fd, struct web_conn *conn)
{
    lws_adopt_desc_t info;
    struct lws *wsi;

    memset(&info, 0, sizeof(info));
    info.vh = vhost;
    info.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL; /* SSL if the vhost has */
    info.fd.sockfd = fd;
    info.opaque = conn;
    web->adopting = conn;
    web->is_adopted = false;
    wsi = lws_adopt_descriptor_vhost_via_info(&info);
    web->adopting = NULL;
    return wsi != NULL ||
           web->is_adopted; /* one that failed on the way is closed in a later turn */
}

void web_give_back(void *memory)
{
    (void)web_realloc(memory, 0, "");
}

void web_kill(struct lws *wsi)
{
    if (lws_partial_buffered(wsi) != 0) {
        /* The library would go on writing for some seconds: to nobody, as far as we know. */
        (void)shutdown(lws_get_socket_fd(wsi), SHUT_RDWR);
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* ---- birth and death ---- */

static struct lws_context *web_context(struct web *web)
{
    struct lws_context_creation_info info = web_vhost_info(web);
    void *loops[1] = {loop_uv(web->loop)};

    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_LIBUV |
                    LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = loops;
    info.pt_serv_buf_size = WEB_READ_BYTES;
    info.max_http_header_data = WEB_HEADERS_BYTES;
    info.timeout_secs = WEB_TIMEOUT_SECONDS;
    info.gid = -1;
    info.uid = -1;
    return lws_create_context(&info);
}

enum cx_err web_new(struct loop *loop, const struct web_opts *opts, struct web **out,
                    struct cx_fail *fail)
{
    struct web *web;

    if (web_the_one != NULL) {
        return CX_E_STATE;
    }
    web = calloc(1, sizeof(*web));
    if (web == NULL) {
        return CX_E_NOMEM;
    }
    web->loop = loop;
    web->log = opts->log;
    web->log_arg = opts->log_arg;
    buf_init(&web->pack, WEB_PACK_BYTES);
    web_set_protocols(web, opts->subprotocol);
    web_the_one = web;
    lws_set_allocator(web_realloc);
    lws_set_log_level(LLL_ERR | LLL_WARN, web_emit);
    web->context = web_context(web);
    /* A request that has a Host header is moved to the first vhost whose port is the same; all of
     * ours are without a port. So the first one is this, and no server's connections get to another
     * server: what they are is known by their struct web_conn alone. */
    web->plain = web->context != NULL ? web_plain_vhost(web) : NULL;
    if (web->plain == NULL) {
        (void)cx_fail_set(fail, CX_E_IO, "web.new", "libwebsockets doesn't start: %s",
                          web->last_words[0] != '\0' ? web->last_words : "no reason given");
        web_free(web);
        return CX_E_IO;
    }
    *out = web;
    return CX_OK;
}

static void web_count_closing(uv_handle_t *handle, void *arg)
{
    unsigned *n = arg;

    *n += uv_is_closing(handle) ? 1 : 0;
}

/* libwebsockets closes its handles through the loop, and may only be freed when they are gone. */
static void web_destroy_context(struct web *web)
{
    unsigned closing = 1;

    lws_context_destroy(web->context);
    for (int i = 0; closing != 0 && i < WEB_CLOSE_TURNS_MAX; i++) {
        loop_turn(web->loop);
        closing = 0;
        uv_walk(loop_uv(web->loop), web_count_closing, &closing);
    }
    lws_context_destroy(web->context);
}

void web_free(struct web *web)
{
    if (web == NULL) {
        return;
    }
    if (web->context != NULL) {
        web_destroy_context(web);
    }
    buf_done(&web->pack);
    web_the_one = NULL;
    free(web);
}
