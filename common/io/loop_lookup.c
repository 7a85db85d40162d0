#include "common/io/loop.h"

#include "common/io/loop_private.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKUP_HOST_MAX = 255 };

struct loop_lookup {
    uv_getaddrinfo_t req;
    struct loop *loop;
    struct loop_timer numeric; /* for an address that needs no thread */
    struct addrinfo *found;    /* by then */
    uint16_t port;
    bool is_cancelled;
    loop_lookup_fn *done;
    void *arg;
    char host[LOOKUP_HOST_MAX + 1];
};

static bool address_from(const struct addrinfo *ai, uint16_t port, struct loop_address *out)
{
    if (ai->ai_family == AF_INET) {
        ((struct sockaddr_in *)(void *)ai->ai_addr)->sin_port = htons(port);
    } else if (ai->ai_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)ai->ai_addr)->sin6_port = htons(port);
    } else {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, ai->ai_addr, ai->ai_addrlen);
    out->sa_len = ai->ai_addrlen;
    return getnameinfo(ai->ai_addr, ai->ai_addrlen, out->text, sizeof(out->text), NULL, 0,
                       NI_NUMERICHOST) == 0;
}

static void lookup_report(struct loop_lookup *lookup, const struct addrinfo *found, int status)
{
    struct loop_address addresses[LOOP_ADDRESSES_MAX];
    struct cx_fail fail = {.code = CX_OK};
    size_t n = 0;

    for (const struct addrinfo *ai = found; ai != NULL && n < LOOP_ADDRESSES_MAX;
         ai = ai->ai_next) {
        n += address_from(ai, lookup->port, &addresses[n]) ? 1 : 0;
    }
    if (n == 0) {
        (void)cx_fail_set(&fail, CX_E_CONNECT, "loop.lookup", "can't resolve '%s': %s",
                          lookup->host,
                          status != 0 ? uv_strerror(status) : "the name has no address");
    }
    lookup->done(lookup->arg, addresses, n, &fail);
}

static void lookup_thread_done(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct loop_lookup *lookup = req->data;

    lookup->loop->threads--;
    if (!lookup->is_cancelled) {
        lookup_report(lookup, found, status);
    }
    uv_freeaddrinfo(found);
    free(lookup);
}

static void lookup_numeric_done(void *arg)
{
    struct loop_lookup *lookup = arg;

    lookup_report(lookup, lookup->found, 0);
    freeaddrinfo(lookup->found);
    free(lookup);
}

/* Never asks anybody, so it doesn't block. */
static bool lookup_is_numeric(struct loop_lookup *lookup)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};

    return getaddrinfo(lookup->host, NULL, &hints, &lookup->found) == 0;
}

enum cx_err loop_lookup(struct loop *loop, const struct loop_lookup_ask *ask,
                        struct loop_lookup **out)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    size_t len = strlen(ask->host);
    struct loop_lookup *lookup;

    if (len == 0 || len > LOOKUP_HOST_MAX) {
        return CX_E_SYNTAX;
    }
    lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL) {
        return CX_E_NOMEM;
    }
    memcpy(lookup->host, ask->host, len);
    lookup->loop = loop;
    lookup->port = ask->port;
    lookup->done = ask->done;
    lookup->arg = ask->arg;
    lookup->req.data = lookup;
    if (lookup_is_numeric(lookup)) {
        loop_timer_start(loop, &lookup->numeric, 0, lookup_numeric_done, lookup);
    } else {
        if (uv_getaddrinfo(&loop->uv, &lookup->req, lookup_thread_done, lookup->host, NULL,
                           &hints) != 0) {
            free(lookup);
            return CX_E_NOMEM;
        }
        loop->threads++;
    }
    *out = lookup;
    return CX_OK;
}

void loop_lookup_cancel(struct loop_lookup *lookup)
{
    if (lookup->found != NULL) {
        loop_timer_stop(&lookup->numeric);
        freeaddrinfo(lookup->found);
        free(lookup);
        return;
    }
    lookup->is_cancelled = true;
    (void)uv_cancel((uv_req_t *)&lookup->req); /* works only before a thread has taken it */
}
