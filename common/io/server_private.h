#ifndef CONNECTOR_COMMON_IO_SERVER_PRIVATE_H
#define CONNECTOR_COMMON_IO_SERVER_PRIVATE_H

#include "common/core/buf.h"
#include "common/io/http_server.h"
#include "common/io/listener.h"
#include "common/io/web_private.h"

/* The parts of the HTTP server, and what the tunnel's server adds to it. */

struct link;
struct server_conn;

/* The WebSocket half of a port that has one. */
struct server_upgrade {
    /* May this upgrade go on? 0, or the HTTP status that refuses it. */
    unsigned (*check)(void *arg, struct lws *wsi);
    /* It is done: make conn->link. Non-zero closes. */
    int (*up)(void *arg, struct server_conn *conn);
    void *arg;
};

struct http_server {
    struct web *web;
    struct lws_vhost *vhost;
    SSL_CTX *tls;         /* the vhost's; NULL: plain */
    unsigned connections; /* that the vhost has had */
    struct listener *listener;
    uint16_t port;
    struct http_listen opts; /* its strings are not kept, but for these */
    char *certificate_file;
    char *key_file;
    char *client_ca_file;
    const struct server_upgrade *upgrade; /* NULL: none here */
    struct server_conn *conns;
    unsigned nconns;
    unsigned nlinks; /* of them, after the upgrade */
    bool is_leaving; /* each answer is its connection's last */
    bool is_draining;
    bool is_freed; /* goes with its last connection */
    void (*drained)(void *arg);
    void *drained_arg;
    struct loop_timer drained_timer;
    struct loop_timer sweep; /* looks for hang-ups where libwebsockets doesn't */
    unsigned ndeaf;
    uint64_t answers[HTTP_STATUS_CLASSES]; /* by the first digit of their status */
};

/* Who asked by http_call_on_sent. */
struct server_heed {
    void (*sent)(void *arg, bool is_sent); /* NULL: nobody, or it was told */
    void *arg;
};

/* One connection. It lives until libwebsockets has let go of it. */
struct server_conn {
    struct web_conn web; /* first */
    struct http_server *server;
    struct server_conn *next;
    struct server_conn **at;
    struct lws *wsi; /* NULL before the first callback and after the close */
    struct loop_timer timer;
    struct http_call *call; /* the handler's, until it is answered */
    struct link *link;      /* after the upgrade; the callbacks are its then */
    struct buf body;
    struct buf reply;            /* LWS_PRE bytes, then what is to be written */
    struct loop_hook reply_hook; /* ... at the end of this turn */
    struct server_heed heed;     /* who is told whether it was sent */
    bool is_closed;              /* no callback about it counts any more */
    bool is_requested;           /* from a request's headers to the end of its answer */
    bool is_reading;             /* its body comes */
    bool is_refusing;            /* it was refused; what still comes is thrown away */
    bool is_deaf;                /* libwebsockets doesn't read from it */
    bool is_replying;            /* its answer is being written */
    bool is_idle;                /* between two requests */
    bool is_last;                /* close after the answer */
    bool is_head;                /* the answer goes without its body */
    char peer[HTTP_PEER_TEXT];
};

struct http_call {
    struct server_conn *conn; /* NULL: gone */
    void (*gone)(void *arg);
    void *gone_arg;
    struct server_heed heed;
};

/* http_server.c */
struct server_parts {           /* of a port with more than HTTP */
    const char *client_ca_file; /* NULL: no client certificate is asked for */
    const struct server_upgrade *upgrade;
};
enum cx_err server_new(struct web *web, const struct http_listen *listen,
                       const struct server_parts *parts, struct http_server **out,
                       struct cx_fail *fail) CX_MUST_CHECK;
struct lws_vhost *server_vhost(struct http_server *server); /* for the next connection */
void server_conn_added(struct http_server *server);
void server_conn_removed(struct http_server *server); /* may free the server */

/* server_tls.c: load certificate and key, and everything else that the context needs. */
enum cx_err server_tls_setup(SSL_CTX *tls, const struct http_server *server,
                             struct cx_fail *fail) CX_MUST_CHECK;
enum cx_err server_tls_identity(SSL_CTX *tls, const char *certificate_file, const char *key_file,
                                struct cx_fail *fail) CX_MUST_CHECK;

/* server_conn.c */
void server_accept(void *arg, int fd, const char *peer); /* arg: the server */
void server_conn_kill(struct server_conn *conn);         /* not from one of its own callbacks */
void server_conn_time(struct server_conn *conn, uint32_t ms); /* until it is killed */
void server_conn_deafen(struct server_conn *conn, bool is_deaf);
bool server_conn_is_hung_up(const struct server_conn *conn); /* asks the kernel */

/* server_request.c. What is returned goes to libwebsockets: non-zero closes. */
int server_request_begin(struct server_conn *conn);
int server_request_body(struct server_conn *conn, uint8_t *bytes, size_t len);
int server_request_end(struct server_conn *conn);
int server_request_upgrade(struct server_conn *conn);

/* server_reply.c */
int server_refuse(struct server_conn *conn, unsigned status, bool has_body);
int server_reply_write(struct server_conn *conn);
void server_reply_due(void *arg); /* arg: the connection */
void server_call_gone(struct server_conn *conn);
void server_tell_sent(struct server_heed *heed, bool is_sent);

#endif
