#include "common/io/http_private.h"

#include <arpa/inet.h>
#include <string.h>

int http_gate_resolving(void *resolver, void *unused, void *call)
{
    struct http_transfer *c = call;

    (void)resolver;
    (void)unused;
    c->facts.has_resolving_begun = true;
    return 0;
}

static bool is_allowed(struct http_transfer *c, const struct sockaddr *address)
{
    struct cx_fail fail;

    fail.code = CX_E_DENIED;
    fail.op = "http.policy";
    fail.detail[0] = '\0';
    if (c->allows_address == NULL || c->allows_address(c->ctx, address, &fail)) {
        return true;
    }
    c->refusal = fail;
    c->facts.refusal = &c->refusal;
    return false;
}

curl_socket_t http_gate_connecting(void *call, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_transfer *c = call;
    int fd;

    (void)purpose;
    if (!is_allowed(c, &address->addr)) {
        c->facts.addresses_refused++;
        return CURL_SOCKET_BAD;
    }
    fd = http_socket_open(c, address);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    c->facts.sockets++;
    return fd;
}

static bool peer_read(const char *ip, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (ip != NULL && inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return true;
    }
    if (ip != NULL && inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return true;
    }
    return false;
}

/* libcurl is through with name, connection and TLS, or has taken a kept connection, and would now
 * write the request. It comes here again before it writes it a second time. */
int http_gate_sending(void *call, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    struct http_transfer *c = call;
    struct sockaddr_storage peer;
    long connects = 0;
    long written = 0;

    (void)own_ip;
    (void)curl_easy_getinfo(c->easy, CURLINFO_NUM_CONNECTS, &connects);
    if (connects > 0) {
        http_socket_keep(c, (uint16_t)own_port);
    }
    if (c->facts.is_gate_open) {
        (void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &written);
        c->facts.is_repeat_stopped = true;
        c->facts.is_request_written = written > c->head_bytes_before;
        return CURL_PREREQFUNC_ABORT;
    }
    if (!peer_read(peer_ip, peer_port, &peer) || !is_allowed(c, (const struct sockaddr *)&peer)) {
        c->facts.is_gate_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (c->facts.ending != HTTP_ENDED_ITSELF) { /* cancelled; `done` is on its way */
        return CURL_PREREQFUNC_ABORT;
    }
    c->is_reused = connects == 0;
    c->facts.is_gate_open = true;
    (void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &c->head_bytes_before);
    c->sending_ns = uv_hrtime();
    if (c->on_sending != NULL) {
        c->on_sending(c->ctx);
    }
    return CURL_PREREQFUNC_OK;
}
