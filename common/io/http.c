/* The engine: libcurl's multi socket interface on the loop.
 *
 * What the less usual options are for (all seen with libcurl 7.88.1):
 *
 * - CURLOPT_PREREQFUNCTION: libcurl sends a request again by itself when a kept connection dies
 *   under it. This function is called before every send, on new and kept connections: the second
 *   call for a request stops it. It is also where the address of the real peer is checked.
 * - CURLOPT_OPENSOCKETFUNCTION: the address is checked before a packet goes to it.
 * - CURLOPT_CLOSESOCKETFUNCTION: a poll handle lives as long as its connection (http_socket.c).
 * - CURLOPT_QUICK_EXIT: without it a call that ends while its name is being resolved blocks
 *   everything until the resolver's thread is done.
 * - CURLOPT_PROXY "", CURLOPT_NOPROXY "": without them http_proxy and its kin in the environment
 *   get our requests.
 * - CURLOPT_ACCEPT_ENCODING "identity": an answer is small, and one that is compressed together
 *   with text that others choose tells about its secrets by its length. A server that compresses
 *   all the same is decoded; the limit counts decoded bytes, which CURLOPT_MAXFILESIZE would not.
 *   The option is for the decoding; the header goes with the request's own.
 * - CURLOPT_HTTP_VERSION 1.1: HTTP/2 has more ways to send a request again.
 * - CURLOPT_CONNECTTIMEOUT_MS, the budget and a bit: libcurl divides it among the addresses of a
 *   name, so that a dead first one leaves time for the second. The budget itself is our own timer,
 *   which also ends a call that still waits for a connection.
 * - CURLOPT_MAXAGE_CONN: how long a connection may have been idle, in whole seconds.
 * - CURLOPT_CAPATH NULL: one file of CAs and nothing beside it. libcurl remembers the one that it
 *   has read last, but only without a directory; reading the system's takes some 30 ms.
 * - CURLOPT_CA_CACHE_TIMEOUT, CURLOPT_MAXLIFETIME_CONN, the time since http_renew_trust: what is
 *   older does not count.
 * - CURLOPT_SSLCERT_BLOB: a connection is used again only by requests with the same certificate.
 * What CURLOPT_SSL_CTX_FUNCTION put on it would not be compared, and the key is not: so a
 * certificate comes here only with a key that was found to be its own.
 * - CURLOPT_PINNEDPUBLICKEY: looked at after the chain and the name were verified.
 * - CURLOPT_SSL_SESSIONID_CACHE off: a resumed TLS session would not be verified again.
 * - CURLMOPT_MAXCONNECTS: below the number of calls under way, no connection is ever reused.
 * - "Expect:": a request's body is not held back for a 100.
 */
#include "common/io/http_private.h"

#include <stdlib.h>
#include <unistd.h>

void http_enter(struct http *h)
{
    h->depth++;
}

void http_free_if_unused(struct http *h)
{
    if (h->multi == NULL && h->nclosing == 0) {
        (void)close(h->ended_socket);
        free(h->sockets);
        free(h);
    }
}

/* Nobody is inside any more: take it apart. */
static void engine_close(struct http *h)
{
    struct http_transfer *call;

    h->depth++; /* a `done` may not come back here */
    while (h->active != NULL) {
        http_transfer_end(h->active, HTTP_ENDED_CLOSING, CURLE_OK);
    }
    while ((call = h->idle) != NULL) {
        h->idle = call->next;
        http_transfer_free(call);
    }
    (void)curl_multi_cleanup(h->multi); /* closes the connections, hence the sockets */
    h->multi = NULL;
    loop_timer_stop(&h->timer);
    loop_defer_cancel(&h->soon);
    http_free_if_unused(h);
}

void http_leave(struct http *h)
{
    if (--h->depth == 0 && h->is_closing) {
        engine_close(h);
    }
}

void http_act(struct http *h, curl_socket_t fd, int what)
{
    int running;
    int left;
    const CURLMsg *m;

    http_enter(h);
    (void)curl_multi_socket_action(h->multi, fd, what, &running);
    while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct http_transfer *call = NULL;
        CURLcode rc = m->data.result; /* `m` dies with curl_multi_remove_handle */

        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        http_transfer_end(call, HTTP_ENDED_ITSELF, rc);
    }
    http_leave(h);
}

static void on_timer(void *arg)
{
    http_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* "Now" is the end of this turn of the loop, so that what is started together is sent together. */
static int timer_change(CURLM *multi, long after_ms, void *arg)
{
    struct http *h = arg;

    (void)multi;
    if (after_ms == 0) {
        loop_timer_stop(&h->timer);
        loop_defer(h->loop, &h->soon);
        return 0;
    }
    loop_defer_cancel(&h->soon);
    if (after_ms < 0) {
        loop_timer_stop(&h->timer);
    } else {
        loop_timer_start(h->loop, &h->timer, (uint64_t)after_ms, on_timer, h);
    }
    return 0;
}

static bool multi_set(struct http *h)
{
    CURLM *m = h->multi;

    return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, http_socket_change) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, timer_change) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_TIMERDATA, h) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)h->limits.connections) == CURLM_OK &&
           curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS,
                             (long)h->limits.connections_per_host) == CURLM_OK;
}

static int ended_socket_make(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return -1;
    }
    (void)close(pair[1]);
    return pair[0];
}

enum cx_err http_new(struct loop *loop, const struct http_limits *limits, struct http **out,
                     struct cx_fail *fail)
{
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    struct http *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "http.new", "out of memory");
    }
    h->loop = loop;
    h->uv = loop_uv(loop);
    h->limits = *limits;
    h->system_ca_file = version->cainfo;
    h->system_ca_directory = version->cainfo == NULL ? version->capath : NULL;
    h->soon = (struct loop_hook){.run = on_timer, .arg = h};
    h->ended_socket = ended_socket_make();
    h->multi = h->ended_socket >= 0 ? curl_multi_init() : NULL;
    if (h->multi == NULL || !multi_set(h)) {
        (void)curl_multi_cleanup(h->multi);
        (void)close(h->ended_socket);
        free(h);
        return cx_fail_set(fail, CX_E_IO, "http.new", "the HTTP client can't start");
    }
    *out = h;
    return CX_OK;
}

void http_renew_trust(struct http *h)
{
    h->trusted_since_ms = uv_now(h->uv);
}

void http_free(struct http *h)
{
    if (h == NULL) {
        return;
    }
    h->is_closing = true;
    if (h->depth == 0) {
        engine_close(h);
    }
}
