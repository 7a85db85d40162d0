#ifndef CONNECTOR_COMMON_IO_WS_SERVER_H
#define CONNECTOR_COMMON_IO_WS_SERVER_H

#include "common/io/http_server.h"
#include "common/io/link.h"

/* The tunnel's port: an HTTPS server, of which one path is upgraded to a WebSocket, for clients
 * with a certificate of our CA only.
 *
 * In the handshake the client is asked for a certificate. One that does not verify against
 * client_ca_file (foreign, expired, not for client authentication) ends the handshake with an
 * alert; none at all is fine for HTTP and gets 403 for the upgrade. Whether a valid certificate is
 * known or revoked is the owner's decision, in on_link: it closes the link with a code. Sessions
 * are never resumed, so every connection shows the certificate itself. */
struct ws_server;

struct ws_server_opts {
    struct http_listen http;    /* TCP and TLS; its handler gets every request that is no upgrade */
    const char *client_ca_file; /* PEM; may hold several */
    const char *path;           /* of the upgrade; any other gets 404. A subprotocol other than the
                                   web's, or none, gets 400 */
    unsigned links_max;         /* beyond it the upgrade gets 503 */
    struct link_limits limits;

    /* A new link, upgraded; link_bind it here. link_certificate and link_peer say who it is. */
    void (*on_link)(void *arg, struct link *link);
    void *arg;
};

/* Strings are copied. Errors: as http_server_new; CX_E_CERT also for client_ca_file. */
enum cx_err ws_server_new(struct web *web, const struct ws_server_opts *opts,
                          struct ws_server **out, struct cx_fail *fail) CX_MUST_CHECK;

uint16_t ws_server_port(const struct ws_server *server);
unsigned ws_server_links(const struct ws_server *server);

/* As http_server_leave; links go on. */
void ws_server_leave(struct ws_server *server);

/* From now on an upgrade gets 503; links and HTTP go on. */
void ws_server_refuse(struct ws_server *server);

/* Stop listening, finish open HTTP calls, as http_server_drain; the links stay and are the owner's
 * to close. done(arg), which may be NULL, follows when calls and links are all gone. */
void ws_server_drain(struct ws_server *server, void (*done)(void *arg), void *arg);

/* Close all at once. Links that are still there end as by link_abort, in later turns of the loop;
 * their owners must be able to hear it until web_free. NULL is fine. */
void ws_server_free(struct ws_server *server);

/* As http_server_reload. */
enum cx_err ws_server_reload(struct ws_server *server, struct cx_fail *fail) CX_MUST_CHECK;

#endif
