#ifndef CONNECTOR_COMMON_IO_WEB_PRIVATE_H
#define CONNECTOR_COMMON_IO_WEB_PRIVATE_H

#include "common/core/buf.h"
#include "common/io/loop.h"
#include "common/io/web.h"

#include <libwebsockets.h>

/* What stands behind one connection of libwebsockets: embedded, first, in a server's connection or
 * a client's peer. All protocols have one callback, which comes here. The struct must live until
 * LWS_CALLBACK_WSI_DESTROY. The result is what libwebsockets gets: non-zero closes. */
struct web_conn {
    int (*callback)(struct web_conn *conn, struct lws *wsi, enum lws_callback_reasons reason,
                    void *in, size_t len);
};

enum {
    WEB_READ_BYTES = 16 * 1024,  /* read from a socket at once */
    WEB_LINK_READ_BYTES = 4096,  /* of them kept for each link, all its life */
    WEB_HEADERS_BYTES = 8192,    /* of a request's line and headers */
    WEB_WRITE_BYTES = 1 << 20,   /* written at once: a larger write would be cut and copied */
    WEB_PACK_BYTES = 128 * 1024, /* kept for packing; a longer message gets memory of its own */
    WEB_AH_SECONDS = 10,         /* for the headers of a request after the first */
};

struct web {
    struct loop *loop;
    struct lws_context *context;
    struct lws_protocols protocols[3]; /* HTTP, WebSocket, the end */
    struct lws_vhost *plain;           /* of all servers without TLS; the first vhost */
    struct web_conn *adopting;         /* the connection that is being taken in just now */
    bool is_adopted;                   /* by then */
    SSL_CTX *made_tls;                 /* of the vhost that is being made just now */
    struct buf pack;                   /* where links pack what they write */
    web_log_fn *log;
    void *log_arg;
    char last_words[160];
};

/* The library's own pings, off. */
extern const lws_retry_bo_t web_no_pings;

/* The library counts a vhost's connections, in an int; each that it moves to another vhost (web_new
 * says when) is never taken off, and in a build for debugging the overflow would end the process.
 * So a vhost with TLS takes no more than this many, and then another one takes its place. */
enum { WEB_VHOST_CONNECTIONS = 1 << 30 };

/* A vhost for a server with TLS, whose new context comes in *tls, empty; it stays the vhost's.
 * NULL: out of memory. Vhosts live as long as the web: the library can't destroy one. Without TLS:
 * web->plain. */
struct lws_vhost *web_tls_vhost(struct web *web, SSL_CTX **tls);

/* A vhost for clients; `client` stays the caller's. NULL: out of memory. */
struct lws_vhost *web_client_vhost(struct web *web, SSL_CTX *client);

/* Take in an accepted socket; `fd` is gone in any case. On false `conn` never hears anything and is
 * still the caller's; on true it hears LWS_CALLBACK_WSI_DESTROY at the end, perhaps soon. */
bool web_adopt(struct web *web, struct lws_vhost *vhost, int fd, struct web_conn *conn);

/* Free memory that the library got: a handle that it forgot. */
void web_give_back(void *memory);

/* Close a connection now, its close callback included. Never from one of its own callbacks. */
void web_kill(struct lws *wsi);

#endif
