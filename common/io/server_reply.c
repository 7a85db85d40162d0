#include "common/io/server_private.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPLY_HEADERS_BYTES = 8192,
    SERVER_LINGER_MS = 1000, /* for a refused client to stop sending and read why */
};

static const char *reason_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "";
}

/* ---- building ---- */

static bool put(struct buf *out, const char *text)
{
    return buf_put_str(out, text) == CX_OK;
}

static bool put_header(struct buf *out, const char *name, const char *value)
{
    /* A line break in a value would be a header, or an answer, of somebody else's making. */
    if (slice_has_control(slice_of_str(name)) || slice_has_control(slice_of_str(value))) {
        return false;
    }
    return put(out, name) && put(out, ": ") && put(out, value) && put(out, "\r\n");
}

static bool put_head(struct buf *out, const struct http_reply *reply, bool is_last)
{
    bool is_good = put(out, "HTTP/1.1 ") && buf_put_u64(out, reply->status) == CX_OK &&
                   put(out, " ") && put(out, reason_phrase(reply->status)) && put(out, "\r\n");

    for (size_t i = 0; is_good && i < reply->nheaders && i < HTTP_REPLY_HEADERS_MAX; i++) {
        is_good = put_header(out, reply->headers[i].name, reply->headers[i].value);
    }
    if (is_good && reply->content_type != NULL) {
        is_good = put_header(out, "content-type", reply->content_type);
    }
    if (is_good && reply->status != 204 && reply->status != 304) { /* RFC 9110 8.6, 15.4.5 */
        is_good = put(out, "content-length: ") && buf_put_u64(out, reply->body.len) == CX_OK &&
                  put(out, "\r\n");
    }
    if (is_good && is_last) {
        is_good = put(out, "connection: close\r\n");
    }
    return is_good && put(out, "\r\n");
}

/* Headers and body in one piece, so that they go out in one write. */
static bool reply_build(struct server_conn *conn, const struct http_reply *reply)
{
    static const uint8_t pre[LWS_PRE];
    struct buf *out = &conn->reply;
    unsigned class = reply->status / 100;
    uint8_t *at;

    conn->server->answers[class < HTTP_STATUS_CLASSES ? class : 0]++;
    buf_done(out);
    buf_init(out, LWS_PRE + REPLY_HEADERS_BYTES + reply->body.len);
    if (buf_reserve(out, LWS_PRE + 512 + reply->body.len, &at) != CX_OK ||
        buf_put(out, slice_of(pre, sizeof(pre))) != CX_OK || !put_head(out, reply, conn->is_last)) {
        return false;
    }
    return conn->is_head || buf_put(out, reply->body) == CX_OK;
}

/* The client said that it closes; so we say it too. */
static bool client_closes(struct lws *wsi)
{
    char value[64];

    return lws_hdr_copy(wsi, value, sizeof(value), WSI_TOKEN_CONNECTION) > 0 &&
           slice_eq_nocase(slice_of_str(value), SLICE_LIT("close"));
}

/* ---- writing ---- */

/* After lws_http_transaction_completed: is there a request already that the client has sent before
 * it had this answer? libwebsockets then keeps its header table, which shows in that this call
 * touches what it is given. */
static bool conn_has_next(struct lws *wsi)
{
    char touched[2] = "x";

    (void)lws_hdr_custom_copy(wsi, touched, sizeof(touched), "x:", 2);
    return touched[0] == '\0';
}

/* The answer is out: be ready for the next request. */
static int reply_done(struct server_conn *conn)
{
    conn->is_replying = false;
    conn->is_requested = false;
    if (conn->is_last) {
        return -1;
    }
    conn->is_idle = true;
    server_conn_time(conn, conn->server->opts.idle_ms);
    if (lws_http_transaction_completed(conn->wsi) != 0) {
        return -1;
    }
    /* Of a request that it has kept back, libwebsockets takes the headers for the body, and may do
     * so for ever: such a request is never looked at. */
    return conn_has_next(conn->wsi) ? -1 : 0;
}

void server_tell_sent(struct server_heed *heed, bool is_sent)
{
    struct server_heed told = *heed;

    *heed = (struct server_heed){0};
    if (told.sent != NULL) {
        told.sent(told.arg, is_sent);
    }
}

/* Write what was built, in one piece. Not while libwebsockets reads: it has to put aside first what
 * was sent too early. Returns what the writeable callback must return. */
int server_reply_write(struct server_conn *conn)
{
    bool is_heard;
    int n;

    if (conn->reply.len > LWS_PRE) {
        /* Before it is written: who has read it may close at once. */
        is_heard = conn->heed.sent != NULL && !server_conn_is_hung_up(conn);
        n = lws_write(conn->wsi, conn->reply.ptr + LWS_PRE, conn->reply.len - LWS_PRE,
                      LWS_WRITE_HTTP_FINAL);
        buf_done(&conn->reply);
        conn->is_replying = true;
        if (n < 0) {
            return -1;
        }
        server_tell_sent(&conn->heed, is_heard && lws_partial_buffered(conn->wsi) == 0);
    }
    if (!conn->is_replying || lws_partial_buffered(conn->wsi) != 0) {
        return 0; /* the rest is written by libwebsockets, and then we are called again */
    }
    return reply_done(conn);
}

/* After an answer libwebsockets looks at no further request until the socket was seen to take more,
 * and would wait for that in another turn of the loop. It has just taken the answer. */
static void conn_is_writeable(struct server_conn *conn)
{
    struct lws_pollfd fd = {
        .fd = lws_get_socket_fd(conn->wsi), .events = LWS_POLLOUT, .revents = LWS_POLLOUT};

    (void)lws_service_fd(conn->server->web->context, &fd);
}

void server_reply_due(void *arg)
{
    struct server_conn *conn = arg;

    server_conn_deafen(conn, false);
    if (server_reply_write(conn) != 0) {
        server_conn_kill(conn);
    } else if (!conn->is_replying) {
        conn_is_writeable(conn);
    }
}

int server_refuse(struct server_conn *conn, unsigned status, bool has_body)
{
    struct http_reply reply = {.status = status};
    int n;

    conn->is_last = true;
    if (conn->server->opts.refusal != NULL) {
        conn->server->opts.refusal(status, &reply);
    }
    if (!reply_build(conn, &reply)) {
        return -1;
    }
    n = lws_write(conn->wsi, conn->reply.ptr + LWS_PRE, conn->reply.len - LWS_PRE,
                  LWS_WRITE_HTTP_FINAL);
    buf_done(&conn->reply);
    if (n < 0 || !has_body) {
        return -1;
    }
    /* Closing while the client still sends would reset the connection, and it might never read the
     * answer: let it send for a moment. */
    conn->is_refusing = true;
    server_conn_time(conn, SERVER_LINGER_MS);
    return 0;
}

/* ---- the calls of http_server.h ---- */

void http_call_reply(struct http_call *call, const struct http_reply *reply)
{
    struct server_conn *conn = call->conn;
    struct server_heed heed = call->heed;

    free(call);
    if (conn == NULL) {
        server_tell_sent(&heed, false);
        return;
    }
    conn->call = NULL;
    conn->heed = heed;
    conn->is_last = conn->is_last || conn->server->is_leaving || client_closes(conn->wsi);
    if (!reply_build(conn, reply)) {
        buf_done(&conn->reply);
        conn->is_last = true;
        server_conn_time(conn, 0); /* nothing to say: close, but not from here */
        return;
    }
    loop_defer(conn->server->web->loop, &conn->reply_hook);
}

void http_call_on_gone(struct http_call *call, void (*gone)(void *arg), void *arg)
{
    call->gone = gone;
    call->gone_arg = arg;
}

bool http_call_is_gone(const struct http_call *call)
{
    return call->conn == NULL;
}

void http_call_on_sent(struct http_call *call, void (*sent)(void *arg, bool is_sent), void *arg)
{
    call->heed = (struct server_heed){.sent = sent, .arg = arg};
}

struct x509_st *http_call_certificate(const struct http_call *call)
{
    SSL *ssl = call->conn != NULL ? lws_get_ssl(call->conn->wsi) : NULL;

    return ssl != NULL ? SSL_get1_peer_certificate(ssl) : NULL;
}

void server_call_gone(struct server_conn *conn)
{
    struct http_call *call = conn->call;

    if (call == NULL) {
        return;
    }
    conn->call = NULL;
    call->conn = NULL;
    if (call->gone != NULL) {
        call->gone(call->gone_arg);
    }
}
