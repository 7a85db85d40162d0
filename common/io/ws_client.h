#ifndef CONNECTOR_COMMON_IO_WS_CLIENT_H
#define CONNECTOR_COMMON_IO_WS_CLIENT_H

#include "common/io/link.h"
#include "common/io/loop.h"

/* The agent's end of tunnels: TCP, TLS, upgrade, within a time limit. Redirects are not followed,
 * no proxy is taken from the environment, no extension is offered, nothing is retried here. */
struct ws_client;
struct ws_attempt; /* one connection that is being made */
struct web;
struct ssl_ctx_st; /* SSL_CTX */

/* `tls`: the trust anchors, the client's chain and key and the least version of TLS. It is borrowed
 * and must outlive the client; its certificate and key may be replaced in place, and count from the
 * next attempt on. The server's name is verified here, per attempt.
 * Errors: CX_E_NOMEM, CX_E_IO. */
enum cx_err ws_client_new(struct web *web, struct ssl_ctx_st *tls, const struct link_limits *limits,
                          struct ws_client **out, struct cx_fail *fail) CX_MUST_CHECK;

/* Attempts are cancelled; links that are still there end as by link_abort, in later turns of the
 * loop; their owners must be able to hear it until web_free. NULL is fine. */
void ws_client_free(struct ws_client *client);

enum ws_stage {
    WS_STAGE_CONNECT, /* TCP */
    WS_STAGE_TLS,     /* including the verification of the server */
    WS_STAGE_UPGRADE, /* HTTP */
};

struct ws_failed {
    enum ws_stage stage;
    enum cx_err code; /* CX_E_CONNECT, CX_E_TIMEOUT, CX_E_TRUST (the server's certificate or name),
                         CX_E_CERT (the server refused our certificate, or it asked for one and has
                         none), CX_E_UNSUPPORTED (subprotocol), CX_E_STATE (HTTP status) */
    unsigned http_status; /* 0: none came */
    char detail[240];     /* a sentence: "certificate has expired", "HTTP status 403" */
};

struct ws_attempt_opts {                /* copied */
    const struct loop_address *address; /* where to connect to */
    const char *host; /* DNS name to verify, for SNI and Host; or an IPv4 address. An IPv6 literal
                         is refused: the library would skip the verification of it */
    uint16_t port;    /* for the Host header; that of `address` is connected to */
    const char *path;
    const char *subprotocol;
    uint32_t timeout_ms; /* from TCP to the end of the upgrade; 10000 */
    uint32_t connect_ms; /* for TCP alone, while there is another address to try; 0: timeout_ms */
    bool has_socket;     /* there is a connection to it already, as through a proxy: `socket`, which
                            is used up in any case; `address` is then for messages only */
    int socket;

    /* Exactly one of them follows, later; the attempt is gone then. */
    void (*on_link)(void *arg, struct link *link); /* link_bind it here */
    void (*on_failed)(void *arg, const struct ws_failed *failed);
    void *arg;
};

/* Errors: CX_E_SYNTAX (host, path), CX_E_NOMEM, CX_E_FULL (connections_max of web). */
enum cx_err ws_client_connect(struct ws_client *client, const struct ws_attempt_opts *opts,
                              struct ws_attempt **out, struct cx_fail *fail) CX_MUST_CHECK;

/* Give up; neither callback is called any more. */
void ws_attempt_cancel(struct ws_attempt *attempt);

#endif
