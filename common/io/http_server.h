#ifndef CONNECTOR_COMMON_IO_HTTP_SERVER_H
#define CONNECTOR_COMMON_IO_HTTP_SERVER_H

#include "common/core/slice.h"

/* HTTP/1.1 server (RFC 9112) on libwebsockets: one struct is one listening socket. Keep-alive, but
 * no pipelining: a request that is sent before the last one's answer is dropped, and the connection
 * is closed after that answer. Bodies with a Content-Length only. What it refuses by itself (400
 * malformed, 411 a body without a length, 413 too long a body, 503 draining) has no body unless the
 * listener gives it one; what the library refuses (not HTTP, headers over 8 KiB) is only cut off,
 * and so is what takes too long. */
struct http_server;
struct http_call; /* one request that waits for its answer */
struct web;
struct x509_st; /* X509 */
struct http_reply;

enum { HTTP_PEER_TEXT = 64, HTTP_ARGS_MAX = 32 };

/* Valid until the handler returns; then headers and body are wiped (the library's own copy of the
 * headers when the answer is sent). Copy what outlives it. Text is UTF-8 without control
 * characters; the body is any bytes. */
struct http_request {
    struct slice method; /* "GET"; also OPTIONS, PUT, PATCH, DELETE, HEAD, POST */
    struct slice path;   /* decoded, "//", "/./" and "/../" resolved; begins with '/'. The library
                            reads '+' as a space here too, and an encoded slash as a slash */
    const struct slice *args;   /* of the query: "name=value" each, decoded */
    size_t nargs;               /* at most HTTP_ARGS_MAX */
    struct slice authorization; /* whole value, "Bearer ..."; a secret. Absent if not sent */
    struct slice idempotency_key;
    struct slice content_type;
    struct slice accept;      /* absent too if it can't be read */
    struct slice traceparent; /* W3C Trace Context */
    struct slice body;        /* empty if there is none */
    const char *peer;         /* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix" */
};

/* The value of the first argument of that name; false if there is none. */
bool http_request_arg(const struct http_request *request, const char *name, struct slice *value);

/* Answer by http_call_reply, now or later, exactly once for every call. */
typedef void http_handler_fn(void *arg, struct http_call *call, const struct http_request *request);

struct http_listen {
    /* Either TCP ... */
    const char *host; /* numeric: "0.0.0.0", "127.0.0.1", "::" (IPv4 too) */
    uint16_t port;    /* 0: any; see http_server_port */
    /* ... or a UNIX socket, then host is NULL. Mode 0600 from the start. What a dead process has
     * left is replaced; where somebody listens, it is CX_E_EXISTS. Removed by http_server_free. */
    const char *unix_path; /* at most 107 bytes */

    /* Both or neither. PEM files; the chain is sent as the file has it, leaf first. TLS 1.2 at
     * least, ALPN http/1.1. */
    const char *certificate_file;
    const char *key_file;

    size_t body_bytes_max;    /* a longer body gets 413 */
    unsigned connections_max; /* further ones wait in the kernel's queue; 0: no limit */
    uint32_t request_ms;      /* from TCP, TLS included, to the end of the first request; from a
                                 later one's headers to its end; 10000 */
    uint32_t idle_ms;         /* keep-alive: silence after which a connection is closed; 60000 */

    http_handler_fn *handler; /* borrowed, like `arg`, until http_server_free */
    void *arg;

    /* Say in `reply` what the server refuses by itself with this status: content type and body
     * (static), headers. NULL: only the status is sent. */
    void (*refusal)(unsigned status, struct http_reply *reply);
};

/* Strings are copied. Errors: CX_E_IO (bind; the detail names address and reason), CX_E_EXISTS,
 * CX_E_CERT (certificate or key), CX_E_SYNTAX (host is not numeric), CX_E_NOMEM. */
enum cx_err http_server_new(struct web *web, const struct http_listen *listen,
                            struct http_server **out, struct cx_fail *fail) CX_MUST_CHECK;

/* The TCP port that it listens on; 0 for a UNIX socket. */
uint16_t http_server_port(const struct http_server *server);

/* Answers so far, by the first digit of their status (0: of no class), those that the server has
 * given by itself included; not those to clients that had gone. */
enum { HTTP_STATUS_CLASSES = 6 };
void http_server_count(const struct http_server *server, uint64_t answers[HTTP_STATUS_CLASSES]);

/* Was its socket handed over by who started us? Then it listens on when we are gone. */
bool http_server_is_handed(const struct http_server *server);

/* Before a drain: from now on each answer is its connection's last, so that callers don't keep one
 * that will be closed. If the socket was handed over, nothing more is accepted: who comes waits in
 * its queue for our successor. */
void http_server_leave(struct http_server *server);

unsigned http_server_connections(const struct http_server *server);

/* Accept nothing more, but what has connected by now; finish the calls that are open, close each
 * connection after its answer and idle ones at once; then call done(arg), which may be NULL, later.
 * On an idle connection nothing is lost that has arrived by now: it is answered first. */
void http_server_drain(struct http_server *server, void (*done)(void *arg), void *arg);

/* Close all at once; not from the handler or another callback of this server. Calls that are open
 * count as hung up and may still be replied to. NULL is fine. */
void http_server_free(struct http_server *server);

/* Load certificate and key anew from the same files; connections that exist keep the old ones.
 * Unchanged on error. Errors: CX_E_CERT, CX_E_STATE (no TLS here). */
enum cx_err http_server_reload(struct http_server *server, struct cx_fail *fail) CX_MUST_CHECK;

/* ---- answering ---- */

struct http_header {
    const char *name; /* lower case; values without control characters */
    const char *value;
};

enum { HTTP_REPLY_HEADERS_MAX = 8 };

struct http_reply { /* copied */
    unsigned status;
    const char *content_type; /* NULL: none */
    const struct http_header *headers;
    size_t nheaders; /* at most HTTP_REPLY_HEADERS_MAX */
    struct slice body;
};

/* Send the answer; `call` is gone afterwards. After a hang-up it only frees the call. The bytes are
 * wiped when they are written. Out of memory closes the connection. An answer to HEAD is sent
 * without its body. */
void http_call_reply(struct http_call *call, const struct http_reply *reply);

/* Call gone(arg) if the client hangs up before the reply; at most once, never within this
 * function. The call must still be replied to. */
void http_call_on_gone(struct http_call *call, void (*gone)(void *arg), void *arg);
bool http_call_is_gone(const struct http_call *call);

/* Call sent(arg, is_sent) once about the reply, from this turn's end or, if the client has gone
 * already, within http_call_reply. True: the kernel has taken the whole answer, and the client had
 * not hung up before that. False: it had, or the connection broke; or its socket is full, and then
 * what is left still goes out when it can. */
void http_call_on_sent(struct http_call *call, void (*sent)(void *arg, bool is_sent), void *arg);

/* The client's certificate on the tunnel's port; NULL without one, or once the client is gone. It
 * was verified against the client CA in the handshake. The caller's to X509_free. */
struct x509_st *http_call_certificate(const struct http_call *call);

#endif
