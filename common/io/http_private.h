#ifndef CONNECTOR_COMMON_IO_HTTP_PRIVATE_H
#define CONNECTOR_COMMON_IO_HTTP_PRIVATE_H

#include "common/core/trace_run.h"
#include "common/io/http_verdict.h"
#include "common/io/loop.h"

#include <curl/curl.h>
#include <uv.h>

/* What http.c (the engine), http_socket.c (its descriptors on the loop) and http_transfer.c (one
 * request's life), http_request.c and http_tls.c (what it sends, and how), http_gate.c and
 * http_receive.c (what libcurl asks and brings on the way) share. For nobody else. */

enum {
    HTTP_IDLE_CALLS_MAX = 64,          /* kept for the next requests, with their easy handles */
    HTTP_KEPT_BYTES_MAX = 16 * 1024,   /* a larger buffer is not kept with them */
    HTTP_HEADER_BYTES_MAX = 64 * 1024, /* of an answer, interim answers and trailers included */
    HTTP_HEADER_VALUE_MAX = 2048,      /* of a header that is handed on; cut */
    HTTP_URL_BYTES_MAX = 8192,
    HTTP_CONNECT_EXTRA_MS = 50 /* so that the budget's end is ours to tell, not libcurl's */
};

/* A descriptor that libcurl wants watched. */
struct http_socket {
    uv_poll_t poll; /* first: it is what uv_close hands back */
    struct http *h;
    int fd;
    int wanted;                   /* UV_READABLE | UV_WRITABLE, as libcurl said last */
    int watched;                  /* as libuv knows it */
    struct http_transfer *opener; /* that it is connecting for; NULL: kept, or libcurl's own */
    bool is_kept;                 /* its connection is established */
};

struct http {
    struct loop *loop;
    uv_loop_t *uv;
    CURLM *multi;
    struct http_limits limits;
    const char *system_ca_file, *system_ca_directory; /* what libcurl was built with; static */
    struct loop_timer timer;                          /* libcurl's next deadline */
    struct loop_hook soon;                            /* or its work for the end of this turn */
    struct http_socket **sockets;                     /* by descriptor */
    size_t nsockets;
    int ended_socket;             /* whose other end is closed: reading gives an end of file */
    size_t nclosing;              /* poll handles that libuv has not given back yet */
    struct http_transfer *active; /* under way */
    struct http_transfer *idle;
    size_t nidle;
    uint64_t trusted_since_ms; /* the last http_renew_trust; 0: none */
    unsigned depth;            /* how often we are inside libcurl or a `done` */
    bool is_closing;
};

struct http_look; /* what a traced request notes: http_look.c */

struct http_transfer {
    struct http *h;
    struct http_transfer *next, *prev;            /* in h->active, or next alone in h->idle */
    struct loop_hook nudge;                       /* http_transfer_nudge */
    CURL *easy;                                   /* for this struct's life */
    struct loop_timer timer;                      /* the budget's end, or at once: cancelled */
    struct loop_hook over;                        /* the budget has ended: after one more look */
    uint64_t started_ns, sending_ns, answered_ns; /* 0: not yet; the last is the first header */
    /* the request */
    CURLU *url;          /* for this struct's life, as CURLOPT_CURLU; that of the last request */
    struct buf url_text; /* what it was parsed from */
    bool (*allows_address)(void *ctx, const struct sockaddr *address, struct cx_fail *fail);
    void (*on_sending)(void *ctx);
    void (*done)(void *ctx, const struct http_end *end);
    void *ctx;
    struct buf lines;         /* its headers, each with a NUL */
    struct curl_slist *nodes; /* one a line, and our own */
    size_t nodes_room;
    struct buf body;
    bool has_query;
    bool has_own_ca; /* CURLOPT_CAINFO is not the system's */
    bool has_proxy;  /* CURLOPT_PROXY is not empty */
    bool is_name_asked_anew;
    uint32_t reuse_idle_s;  /* CURLOPT_MAXAGE_CONN and its kin are set for it */
    bool has_tls_terms;     /* the options of http_tls_set are not the defaults */
    long head_bytes_before; /* what libcurl had written when the gate opened: a CONNECT */
    /* the answer */
    struct http_facts facts;
    struct cx_fail refusal; /* the policy's, where facts.refusal says so */
    uint32_t status;        /* where facts.are_headers_whole */
    bool is_reused;
    size_t header_bytes;
    bool has_length;
    uint64_t length;
    struct buf content_type, retry_after, location, answer;
    char text[CURL_ERROR_SIZE];
    struct http_look *look; /* NULL: not traced */
};

/* ---- http_socket.c ---- */

/* libcurl's callbacks; the last argument is the engine. */
int http_socket_change(CURL *easy, curl_socket_t fd, int what, void *h, void *unused);
int http_socket_close(void *h, curl_socket_t fd);

/* A non-blocking socket for `call` that closes on exec; -1 on failure. */
int http_socket_open(struct http_transfer *call, const struct curl_sockaddr *address);

/* The connection of `call` is established, from this port of ours. */
void http_socket_keep(const struct http_transfer *call, uint16_t own_port);

/* `call` is over: forget what was opened for it and never established. */
void http_socket_drop(const struct http_transfer *call);

/* ---- http.c ---- */

/* Let libcurl act (`fd` may be CURL_SOCKET_TIMEOUT, `what` is CURL_CSELECT_…), then end the calls
 * that it is through with. */
void http_act(struct http *h, curl_socket_t fd, int what);

void http_enter(struct http *h);
void http_leave(struct http *h); /* the outermost does what had to wait */

/* Free the engine if it is closing and libuv has given everything back. */
void http_free_if_unused(struct http *h);

/* ---- http_request.c: a plan on an easy handle ---- */

/* URL and method. */
bool http_request_is_sound(const struct http_plan *plan, struct cx_fail *fail);

/* What is the same for every request, once for a handle. False: out of memory. */
bool http_request_set_up(struct http_transfer *call);

/* What is this request's own; copies headers and body. Errors: CX_E_SYNTAX (a header; or libcurl
 * does not take the URL), CX_E_NOMEM. */
enum cx_err http_request_set(struct http_transfer *call, const struct http_plan *plan,
                             struct cx_fail *fail);

/* ---- http_tls.c: what is asked of TLS beyond the defaults ---- */

/* False: out of memory. */
bool http_tls_set(struct http_transfer *call, const struct tls_terms *terms);

/* ---- http_look.c: what a trace is told; all but the first need call->look ---- */

/* After all that http_request_set sets. False: out of memory. */
bool http_look_set(struct http_transfer *call, bool is_traced);
void http_look_header(struct http_transfer *call, struct slice line);
void http_look_end(const struct http_transfer *call, struct http_end *end);
void http_look_free(struct http_transfer *call); /* NULL is fine */

/* ---- http_gate.c: what is asked before bytes leave; the first or last argument is the call ----
 */

int http_gate_resolving(void *resolver, void *unused, void *call);
curl_socket_t http_gate_connecting(void *call, curlsocktype purpose, struct curl_sockaddr *address);
int http_gate_sending(void *call, char *peer_ip, char *own_ip, int peer_port, int own_port);

/* ---- http_receive.c: what comes ---- */

size_t http_receive_header(char *line, size_t one, size_t len, void *call);
size_t http_receive_body(char *bytes, size_t one, size_t len, void *call);

/* ---- http_transfer.c ---- */

void http_transfer_end(struct http_transfer *call, enum http_ending ending, CURLcode rc);

/* An address was given up while connecting. libcurl 7.88 goes on to the next one when it is called
 * for this request again, but does not ask to be: have it called. */
void http_transfer_nudge(struct http_transfer *call);
void http_transfer_free(struct http_transfer *call);

#endif
