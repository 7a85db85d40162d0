#ifndef CONNECTOR_COMMON_IO_HTTP_H
#define CONNECTOR_COMMON_IO_HTTP_H

#include "common/core/buf.h"
#include "common/core/terms.h"

#include <stdint.h>
#include <sys/socket.h>

/* HTTP exchanges on the event loop (libcurl's multi socket interface on libuv). HTTP/1.1, no
 * redirects, no proxy but the one given, nothing from the environment or .netrc, connections are
 * reused. A request is written at most once: the gate before it (CURLOPT_PREREQFUNCTION) turns a
 * second send into an error. */

struct loop;          /* loop.h */
struct proxy;         /* proxy.h */
struct tls_terms;     /* tls_terms.h */
struct trace_tls;     /* trace_run.h */
struct http;          /* the engine; one a loop */
struct http_transfer; /* one request under way */
struct http_end;      /* how it ended */

struct http_limits {
    uint32_t connections;          /* kept open at most; at least as many as calls under way */
    uint32_t connections_per_host; /* open at once to one host and port; 0: no limit */
};

/* A request. The strings and slices are copied or used up by http_start; `ctx` and the functions
 * must live until `done` was called. */
struct http_plan {
    enum http_method method;
    const char *url;      /* absolute http or https; sent as it is */
    struct slice headers; /* lines, a NUL behind each: "Name: value" */
    size_t nheaders;
    bool has_body;
    struct slice body;   /* copied, wiped after use */
    const char *ca_file; /* NULL: the system's CAs */
    /* Connections are shared only by requests with the same CAs, client certificate, version and
     * pins. NULL: nothing beyond the defaults. */
    const struct tls_terms *tls;
    const struct proxy *proxy; /* CONNECT for https, the whole URL for http; NULL: none */
    uint32_t budget_ms;        /* from http_start to `done` */
    uint32_t reuse_idle_ms;    /* a connection idle for longer is not reused; 0: 60 s */
    bool is_name_asked_anew;   /* else an answer of the last 30 s will do */
    size_t answer_bytes_max;   /* after decoding */
    bool is_traced;            /* note what a trace tells; it gets a connection of its own */
    /* Asked for each address before connecting and again, on new and reused connections, right
     * before the request is written. False refuses: the call ends at STAGE_POLICY. May be NULL. */
    bool (*allows_address)(void *ctx, const struct sockaddr *address, struct cx_fail *fail);
    /* The gate has opened: from here bytes may have left. Called at most once. May be NULL. Neither
     * of the two may call the client, except http_cancel. */
    void (*on_sending)(void *ctx);
    /* The end, exactly once, never from inside http_start; the call is gone then. It may call the
     * client, http_free included. `end` is valid during the call. */
    void (*done)(void *ctx, const struct http_end *end);
    void *ctx;
};

struct http_timing { /* microseconds; a span that did not happen is 0, one that was cut goes to the
                        end */
    uint64_t resolve, connect, tls, wait, receive, total;
};

struct http_end {
    enum execution execution;
    enum stage stage;    /* STAGE_NONE when answered; else where it failed */
    enum verdict code;   /* VERDICT_UNKNOWN when answered (the answer reader decides), else
                            ENDPOINT_UNREACHABLE, BUDGET_EXCEEDED (the stage says where it was
                            spent), POLICY_REFUSED, CANCELLED, ANSWER_UNREADABLE (`sent`, even when
                            status and headers are there), AGENT_UNAVAILABLE (STAGE_AGENT: being
                            freed, or out of memory) */
    struct cx_fail fail; /* a sentence for a person; no address a virtual name would hide */
    uint32_t status;     /* 0: no whole headers came */
    struct slice content_type, retry_after, location; /* headers; absent if not there */
    struct slice body;
    bool is_body_whole; /* false: longer than answer_bytes_max, or cut short */
    bool is_reused;     /* an existing connection was used */
    struct http_timing timing;
    const struct trace_tls *tls; /* of a traced request; else NULL */
    struct slice headers;        /* likewise: the final answer's, lines; the first 4 KiB */
};

/* The engine; http_free aborts what is under way (each `done` is called with STAGE_AGENT) and needs
 * the loop to run until it is drained. Errors: CX_E_NOMEM, CX_E_IO. */
enum cx_err http_new(struct loop *loop, const struct http_limits *limits, struct http **out,
                     struct cx_fail *fail) CX_MUST_CHECK;
void http_free(struct http *h);

/* Files with CAs have changed (the configuration was reloaded): read them anew, and use no
 * connection again that was made before (to the second). Without it they are read once. */
void http_renew_trust(struct http *h);

/* Begin. On error nothing was begun and `done` is not called. Errors: CX_E_NOMEM, CX_E_SYNTAX,
 * CX_E_STATE (the client is being freed). */
enum cx_err http_start(struct http *h, const struct http_plan *plan, struct http_transfer **out,
                       struct cx_fail *fail) CX_MUST_CHECK;

/* End it early; `done` follows, not from inside, with VERDICT_CANCELLED and the execution that is
 * true; or with the answer, if that is whole before the next turn of the loop. */
void http_cancel(struct http_transfer *call);

/* Once a process, before threads: the allocator that wipes what libcurl frees, then global init. */
enum cx_err http_global_init(struct cx_fail *fail) CX_MUST_CHECK;

#endif
