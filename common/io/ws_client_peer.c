#include "common/io/ws_client_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* ---- why it failed ---- */

/* TLS alerts by which a server refuses a client's certificate (RFC 8446 6.2). */
static bool alert_is_about_our_certificate(int alert)
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

static void fail_by_alert(struct ws_attempt *attempt)
{
    const char *what = SSL_alert_desc_string_long(attempt->alert);

    attempt->stage = WS_STAGE_TLS; /* under TLS 1.3 it comes when the upgrade is sent already */
    if (alert_is_about_our_certificate(attempt->alert)) {
        ws_attempt_fail(attempt, CX_E_CERT, "the server refuses our certificate: %s", what);
    } else {
        ws_attempt_fail(attempt, CX_E_CONNECT, "TLS alert from the server: %s", what);
    }
}

/* A server that breaks off the handshake resets the connection, since it leaves some of what we
 * sent unread; libwebsockets then closes and doesn't read the alert that came before. Read it: the
 * info callback takes note of it. */
static void read_alert(struct ws_attempt *attempt, SSL *ssl)
{
    char byte;

    if (ssl != NULL && attempt->alert == 0 && attempt->stage != WS_STAGE_CONNECT) {
        ERR_clear_error();
        (void)SSL_read(ssl, &byte, 1);
        ERR_clear_error();
    }
}

/* It does not lead to a CA of ours: whose is it then? */
static bool is_of_another_issuer(long verify)
{
    switch (verify) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return true;
    default:
        return false;
    }
}

static void fail_by_certificate(struct ws_attempt *attempt, long verify)
{
    const char *what = X509_verify_cert_error_string(verify);

    attempt->stage = WS_STAGE_TLS;
    if (is_of_another_issuer(verify) && attempt->issuer[0] != '\0') {
        ws_attempt_fail(attempt, CX_E_TRUST,
                        "the certificate was issued by %s, not by the platform's CA: something on "
                        "the way replaces certificates, or this is another platform (%s)",
                        attempt->issuer, what);
    } else {
        ws_attempt_fail(attempt, CX_E_TRUST, "the server's certificate is not accepted: %s", what);
    }
}

/* The connection ended without a link. `text` is what libwebsockets says, which is little. */
static void peer_failed(struct ws_peer *peer, SSL *ssl, struct slice text)
{
    struct ws_attempt *attempt = peer->attempt;
    long verify = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;

    read_alert(attempt, ssl);
    if (verify != X509_V_OK) {
        fail_by_certificate(attempt, verify);
    } else if (attempt->alert != 0) {
        fail_by_alert(attempt);
    } else if (attempt->is_protocol_wrong) {
        ws_attempt_fail(attempt, CX_E_UNSUPPORTED, "the server does not speak %s",
                        peer->client->web->protocols[1].name);
    } else if (attempt->http_status != 0 && attempt->http_status != 101) {
        ws_attempt_fail(attempt, CX_E_STATE, "HTTP status %u", attempt->http_status);
    } else if (attempt->stage == WS_STAGE_CONNECT) {
        ws_attempt_fail(attempt, CX_E_CONNECT, "refused or unreachable");
    } else if (attempt->stage == WS_STAGE_TLS) {
        ws_attempt_fail(attempt, CX_E_CONNECT, "the TLS handshake was broken off");
    } else {
        ws_attempt_fail(attempt, CX_E_CONNECT, "the upgrade was broken off (%.*s)",
                        SLICE_ARG(text));
    }
}

static struct ws_attempt *attempt_of(const SSL *ssl)
{
    const struct ws_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    for (struct ws_peer *peer = client != NULL ? client->peers : NULL; peer != NULL;
         peer = peer->next) {
        if (peer->attempt != NULL && peer->wsi != NULL && lws_get_ssl(peer->wsi) == ssl) {
            return peer->attempt;
        }
    }
    return NULL;
}

void ws_peer_tls_info(const SSL *ssl, int where, int what)
{
    struct ws_attempt *attempt;
    int alert = what & 0xff;

    if (where != SSL_CB_READ_ALERT || alert == SSL_AD_CLOSE_NOTIFY ||
        alert == SSL_AD_USER_CANCELLED) {
        return;
    }
    attempt = attempt_of(ssl);
    if (attempt != NULL) {
        attempt->alert = alert;
    }
}

/* OpenSSL's own verification, and the issuer's name if it fails: OpenSSL keeps no certificate that
 * was not accepted. */
int ws_peer_verify(X509_STORE_CTX *store, void *unused)
{
    int held = X509_verify_cert(store);
    const X509 *leaf = X509_STORE_CTX_get0_cert(store);
    struct ws_attempt *attempt;

    (void)unused;
    if (held <= 0 && leaf != NULL) {
        attempt =
            attempt_of(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        if (attempt != NULL) {
            (void)cert_issuer_text(leaf, attempt->issuer);
        }
    }
    return held;
}

/* ---- libwebsockets' callbacks ---- */

/* A server that doesn't name a subprotocol is taken by libwebsockets to have accepted ours. */
static bool subprotocol_is_ours(const struct ws_peer *peer)
{
    char text[64];

    return lws_hdr_copy(peer->wsi, text, sizeof(text), WSI_TOKEN_PROTOCOL) > 0 &&
           strcmp(text, peer->client->web->protocols[1].name) == 0;
}

static int peer_established(struct ws_peer *peer)
{
    char text[WS_WHERE_TEXT];
    struct link_new_opts opts = {
        .web = peer->client->web,
        .wsi = peer->wsi,
        .limits = &peer->client->limits,
        .peer = ws_attempt_where(peer->attempt, text),
    };

    peer->link = link_new(&opts);
    if (peer->link == NULL) {
        ws_attempt_fail(peer->attempt, CX_E_NOMEM, "out of memory");
        return -1;
    }
    ws_attempt_succeed(peer->attempt);
    return 0;
}

static int peer_attempt_callback(struct ws_peer *peer, enum lws_callback_reasons reason, void *in,
                                 size_t len)
{
    struct ws_attempt *attempt = peer->attempt;

    switch ((int)reason) {
    case LWS_CALLBACK_WSI_CREATE: /* for a client: TCP is up */
        ws_attempt_connected(attempt);
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: /* TLS is up */
        attempt->stage = WS_STAGE_UPGRADE;
        return 0;
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP: /* the answer is here */
        attempt->http_status = lws_http_client_http_response(peer->wsi);
        return attempt->http_status == 101 ? 0 : -1;
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        attempt->is_protocol_wrong = !subprotocol_is_ours(peer);
        return attempt->is_protocol_wrong ? -1 : 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return peer_established(peer);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* while the answer is awaited */
    case LWS_CALLBACK_CLIENT_CLOSED:
        peer_failed(peer, lws_get_ssl(peer->wsi), slice_of(in, in != NULL ? len : 0));
        peer->wsi = NULL; /* it is being closed */
        return 0;
    default:
        return 0;
    }
}

/* When a connect fails, libwebsockets closes the socket and forgets the handle that watched it: one
 * would be left in the loop for each failed connection. `data` of a handle is its wsi. */
static void handle_freed(uv_handle_t *handle)
{
    web_give_back(handle);
}

static void handle_sweep(uv_handle_t *handle, void *wsi)
{
    if (handle->type == UV_POLL && handle->data == wsi && uv_is_closing(handle) == 0) {
        uv_close(handle, handle_freed);
    }
}

static void peer_destroyed(struct ws_peer *peer, struct lws *wsi)
{
    uv_walk(loop_uv(peer->client->web->loop), handle_sweep, wsi);
    peer->wsi = NULL;
    peer->is_destroyed = true;
    if (peer->attempt != NULL && !peer->is_starting) {
        peer_failed(peer, NULL, (struct slice){0});
    }
    if (peer->link != NULL) {
        link_free(peer->link);
        peer->link = NULL;
    }
    if (!peer->is_starting) {
        ws_peer_free(peer);
    }
}

/* A proxy that leaves Nagle's algorithm on (tinyproxy) holds a job back until the message before it
 * is acknowledged, which the kernel puts off for 40 ms when there is nothing to answer: so have it
 * done now. It lasts for this once. */
static void acknowledge(const struct ws_peer *peer, enum lws_callback_reasons reason)
{
    int one = 1;

    if (peer->is_proxied && reason == LWS_CALLBACK_CLIENT_RECEIVE) {
        (void)setsockopt(lws_get_socket_fd(peer->wsi), IPPROTO_TCP, TCP_QUICKACK, &one,
                         sizeof(one));
    }
}

int ws_peer_callback(struct web_conn *web, struct lws *wsi, enum lws_callback_reasons reason,
                     void *in, size_t len)
{
    struct ws_peer *peer = (struct ws_peer *)(void *)web;

    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        peer_destroyed(peer, wsi);
        return 0;
    }
    if (peer->link != NULL) {
        acknowledge(peer, reason);
        return link_callback(peer->link, reason, in, len);
    }
    if (peer->attempt == NULL || peer->attempt->has_failed) {
        return 0; /* it is being closed */
    }
    peer->wsi = wsi;
    return peer_attempt_callback(peer, reason, in, len);
}

void ws_peer_free(struct ws_peer *peer)
{
    struct ws_client *client = peer->client;

    loop_timer_stop(&peer->orphan);
    if (peer->attempt != NULL) {
        peer->attempt->peer = NULL;
    }
    *peer->at = peer->next;
    if (peer->next != NULL) {
        peer->next->at = peer->at;
    }
    free(peer);
    ws_client_unref(client);
}
