#include "common/io/server_private.h"

#include <stdlib.h>
#include <string.h>

/* By what lws_http_get_uri_and_method gives. CONNECT has no name here. */
static const char *const method_names[] = {
    [LWSHUMETH_GET] = "GET",   [LWSHUMETH_POST] = "POST",   [LWSHUMETH_OPTIONS] = "OPTIONS",
    [LWSHUMETH_PUT] = "PUT",   [LWSHUMETH_PATCH] = "PATCH", [LWSHUMETH_DELETE] = "DELETE",
    [LWSHUMETH_HEAD] = "HEAD",
};

/* Copies of a request's headers and arguments, since libwebsockets gives no more than copies. It
 * keeps the originals until the answer is sent, and wipes them then (web_new). These are wiped when
 * the handler returns. */
struct request_text {
    size_t used;
    char bytes[2 * WEB_HEADERS_BYTES]; /* more than all headers together */
    struct slice arg[HTTP_ARGS_MAX];
};

bool http_request_arg(const struct http_request *request, const char *name, struct slice *value)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < request->nargs; i++) {
        struct slice arg = request->args[i];

        if (arg.len > len && arg.ptr[len] == '=' && slice_eq_str(slice_first(arg, len), name)) {
            *value = slice_from(arg, len + 1);
            return true;
        }
    }
    return false;
}

/* ---- headers ---- */

static int text_room(const struct request_text *text)
{
    return (int)(sizeof(text->bytes) - text->used);
}

/* What was copied to the end of `text`, if it is fit to be a value. */
static bool text_take(struct request_text *text, int len, struct slice *out)
{
    if (len < 0) {
        return false;
    }
    *out = slice_trim(slice_of(text->bytes + text->used, (size_t)len), " \t");
    text->used += (size_t)len + 1;
    return !slice_has_control(*out) && slice_is_utf8(*out);
}

/* A header that may come once. Absent is fine; twice, or with control characters, is not. */
static bool header_get(struct lws *wsi, enum lws_token_indexes token, struct request_text *text,
                       struct slice *out)
{
    int len = lws_hdr_total_length(wsi, token);

    *out = (struct slice){0};
    if (len <= 0) {
        return true;
    }
    return lws_hdr_fragment_length(wsi, token, 0) == len &&
           text_take(text, lws_hdr_copy(wsi, text->bytes + text->used, text_room(text), token),
                     out);
}

/* A header that may come in several lines, and that a request is not refused for. */
static struct slice header_get_any(struct lws *wsi, enum lws_token_indexes token,
                                   struct request_text *text)
{
    struct slice value = {0};

    if (lws_hdr_total_length(wsi, token) <= 0 ||
        !text_take(text, lws_hdr_copy(wsi, text->bytes + text->used, text_room(text), token),
                   &value)) {
        return (struct slice){0};
    }
    return value;
}

/* `name` in lower case, with its colon. */
static bool header_get_custom(struct lws *wsi, const char *name, struct request_text *text,
                              struct slice *out)
{
    int n = (int)strlen(name);

    *out = (struct slice){0};
    if (lws_hdr_custom_length(wsi, name, n) < 0) {
        return true;
    }
    return text_take(
        text, lws_hdr_custom_copy(wsi, text->bytes + text->used, text_room(text), name, n), out);
}

static bool args_get(struct lws *wsi, struct request_text *text, struct http_request *request)
{
    int n = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) > 0 ? HTTP_ARGS_MAX + 1 : 0;

    request->args = text->arg;
    for (int i = 0; i < n; i++) {
        int len = lws_hdr_copy_fragment(wsi, text->bytes + text->used, text_room(text),
                                        WSI_TOKEN_HTTP_URI_ARGS, i);

        if (len < 0) {
            break; /* that was the last */
        }
        if (i == HTTP_ARGS_MAX || !text_take(text, len, &text->arg[i])) {
            return false;
        }
        request->nargs++;
    }
    return true;
}

static bool target_get(struct lws *wsi, struct http_request *request)
{
    char *uri = NULL;
    int len = 0;
    int method = lws_http_get_uri_and_method(wsi, &uri, &len);

    if (method < 0 || method >= (int)(sizeof(method_names) / sizeof(method_names[0])) ||
        method_names[method] == NULL || len <= 0) {
        return false;
    }
    request->method = slice_of_str(method_names[method]);
    request->path = slice_of(uri, (size_t)len);
    return request->path.ptr[0] == '/' && !slice_has_control(request->path) &&
           slice_is_utf8(request->path);
}

static bool request_get(struct lws *wsi, struct request_text *text, struct http_request *request)
{
    return target_get(wsi, request) && args_get(wsi, text, request) &&
           header_get(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, &request->authorization) &&
           header_get(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, text, &request->content_type) &&
           header_get_custom(wsi, "idempotency-key:", text, &request->idempotency_key) &&
           header_get_custom(wsi, "traceparent:", text, &request->traceparent);
}

/* ---- the handler ---- */

/* The request is whole: give it to the handler. */
static int request_call(struct server_conn *conn)
{
    const struct http_listen *opts = &conn->server->opts;
    struct http_request request = {.body = buf_view(&conn->body), .peer = conn->peer};
    struct request_text text;
    struct http_call *call;

    text.used = 0;
    loop_timer_stop(&conn->timer); /* from here on it is the handler that takes its time */
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    if (!request_get(conn->wsi, &text, &request)) {
        return server_refuse(conn, 400, false);
    }
    request.accept = header_get_any(conn->wsi, WSI_TOKEN_HTTP_ACCEPT, &text);
    call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return -1;
    }
    conn->is_head = slice_eq_str(request.method, "HEAD");
    conn->call = call;
    call->conn = conn;
    opts->handler(opts->arg, call, &request);
    explicit_bzero(text.bytes, text.used);
    buf_done(&conn->body);
    return 0;
}

/* ---- the request as it comes ---- */

/* The request line is whole. libwebsockets takes an encoded line break in the path for the end of
 * the line, and what follows it for a header: a caller that puts somebody's name into a path, well
 * encoded, would let that somebody choose headers. Then no version has been read. */
static bool version_is_good(struct lws *wsi)
{
    char text[16];

    return lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP) > 0 &&
           (strcmp(text, "HTTP/1.1") == 0 || strcmp(text, "HTTP/1.0") == 0);
}

static bool needs_length(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
}

/* Will libwebsockets read a body after this? It goes by the length that is said, or by the method
 * if there is none. */
static bool body_comes(struct lws *wsi)
{
    char text[32];
    int len = lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH);

    return len == 0 ? needs_length(wsi) : len > 0 && text[0] >= '1' && text[0] <= '9';
}

/* How long the body is going to be, or the status that refuses the request. */
static unsigned request_check(const struct server_conn *conn, uint64_t *length)
{
    struct lws *wsi = conn->wsi;
    struct request_text text;
    struct slice value;

    *length = 0;
    text.used = 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return 411; /* it would be read as if it weren't there: a way to smuggle requests */
    }
    if (!version_is_good(wsi) || !header_get(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, &text, &value)) {
        return 400;
    }
    if (slice_is_absent(value)) {
        return needs_length(wsi) ? 411 : 0;
    }
    if (slice_to_u64(value, 0, UINT64_MAX, length) != CX_OK) {
        return 400;
    }
    return *length > conn->server->opts.body_bytes_max ? 413 : 0;
}

static int request_continue(struct server_conn *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t bytes[LWS_PRE + sizeof(text)];

    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_EXPECT) <= 0) {
        return 0;
    }
    memcpy(bytes + LWS_PRE, text, sizeof(text));
    return lws_write(conn->wsi, bytes + LWS_PRE, sizeof(text) - 1, LWS_WRITE_HTTP_HEADERS) < 0 ? -1
                                                                                               : 0;
}

int server_request_begin(struct server_conn *conn)
{
    uint64_t length;
    unsigned status;
    int rc;

    if (conn->is_requested) {
        return -1; /* a request before the last one's answer: libwebsockets doesn't do that */
    }
    status = request_check(conn, &length);
    if (status != 0) {
        return server_refuse(conn, status, body_comes(conn->wsi));
    }
    conn->is_requested = true;
    conn->is_last = conn->server->is_leaving;
    if (length != 0) {
        conn->is_reading = true;
        if (conn->is_idle) { /* the time of the first request began with the connection */
            conn->is_idle = false;
            server_conn_time(conn, conn->server->opts.request_ms);
        }
        return request_continue(conn);
    }
    rc = request_call(conn);
    if (rc == 0 && conn->call != NULL) {
        server_conn_deafen(conn, true);
    }
    return rc;
}

int server_request_body(struct server_conn *conn, uint8_t *bytes, size_t len)
{
    enum cx_err err = CX_OK;

    if (len == 0 || bytes == NULL) {
        return 0;
    }
    if (conn->is_reading && !conn->is_refusing) {
        err = buf_put(&conn->body, slice_of(bytes, len));
    }
    explicit_bzero(bytes, len); /* it is libwebsockets' read buffer */
    return err == CX_OK ? 0 : -1;
}

int server_request_end(struct server_conn *conn)
{
    if (conn->is_refusing) {
        return -1; /* all of it was thrown away, and the client has had its answer */
    }
    if (!conn->is_reading) {
        /* libwebsockets has read the beginning of the next request while this one waits for its
         * answer, and says again that this one is complete; it would go on saying so. */
        if (conn->call != NULL) {
            server_conn_deafen(conn, true);
        }
        return 0;
    }
    conn->is_reading = false;
    return request_call(conn);
}

int server_request_upgrade(struct server_conn *conn)
{
    const struct server_upgrade *upgrade = conn->server->upgrade;
    struct request_text text;
    struct slice what;
    unsigned status = 400;

    text.used = 0;
    /* An unknown upgrade has been answered and its headers are gone; what the callback was given
     * points to freed memory. Look at nothing. */
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_UPGRADE) <= 0) {
        return -1;
    }
    if (header_get(conn->wsi, WSI_TOKEN_UPGRADE, &text, &what) &&
        slice_eq_nocase(what, SLICE_LIT("websocket")) && version_is_good(conn->wsi) &&
        upgrade != NULL) {
        status = conn->server->is_draining ? 503 : upgrade->check(upgrade->arg, conn->wsi);
    }
    if (status == 0) {
        return 0;
    }
    (void)server_refuse(conn, status, false);
    return -1;
}
