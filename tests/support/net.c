#include "tests/support/net.h"

#include "common/io/file.h"
#include "tests/support/check.h"
#include "tests/support/raw.h"

#include <poll.h>
#include <time.h>
#include <uv.h>

/* ---- the loop ---- */

static void net_log(void *arg, const char *text)
{
    struct net *net = arg;
    size_t len = strlen(net->web_log);

    (void)snprintf(net->web_log + len, sizeof(net->web_log) - len, "%s\n", text);
}

static void write_pem(const struct net *net, const char *name, X509 *leaf, X509 *above)
{
    struct cert_chain chain = {.items = {leaf, above}, .count = above != NULL ? 2 : 1};
    struct buf pem;

    buf_init(&pem, CERT_PEM_MAX_BYTES);
    assert_int_equal(cert_chain_to_pem(&chain, &pem, NULL), CX_OK);
    assert_int_equal(
        file_write(temp_path(&net->dir, name), buf_view(&pem), 0644, FILE_REPLACE, NULL), CX_OK);
    buf_done(&pem);
}

void net_start(struct net *net)
{
    struct web_opts opts = {.subprotocol = NET_SUBPROTOCOL, .log = net_log, .log_arg = net};
    struct cx_fail fail = {0};

    memset(net, 0, sizeof(*net));
    temp_init(&net->dir);
    pki_init(&net->pki);
    write_pem(net, "ca.pem", net->pki.ca.cert, NULL);
    write_pem(net, "server.pem", net->pki.server, net->pki.ca.cert);
    assert_int_equal(
        cert_key_write(temp_path(&net->dir, "server.key"), net->pki.key, FILE_REPLACE, NULL),
        CX_OK);
    assert_int_equal(loop_new(&net->loop, &fail), CX_OK);
    if (web_new(net->loop, &opts, &net->web, &fail) != CX_OK) {
        fail_msg("%s", fail.detail);
    }
}

void net_stop(struct net *net)
{
    memset(net->raws, 0, sizeof(net->raws)); /* those of a test that failed are gone already */
    web_free(net->web);
    assert_int_equal(loop_free(net->loop), CX_OK);
    pki_done(&net->pki);
    temp_done(&net->dir);
}

const char *net_file(const struct net *net, const char *name)
{
    return temp_path(&net->dir, name);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void net_turn(struct net *net)
{
    struct pollfd fds[NET_RAWS_MAX + 1] = {
        {.fd = uv_backend_fd(loop_uv(net->loop)), .events = POLLIN}};
    nfds_t n = 1;

    loop_turn(net->loop);
    for (size_t i = 0; i < NET_RAWS_MAX; i++) {
        if (net->raws[i] != NULL) {
            raw_read(net->raws[i]);
            if (!net->raws[i]->is_closed && !net->raws[i]->is_paused) {
                fds[n++] = (struct pollfd){.fd = net->raws[i]->fd, .events = POLLIN};
            }
        }
    }
    loop_turn(net->loop);
    (void)poll(fds, n, 2); /* the loop's timers are looked at then at the latest */
}

bool net_wait(struct net *net, bool (*is_done)(void *arg), void *arg)
{
    uint64_t until_ms = now_ms() + NET_WAIT_MS;

    while (!is_done(arg)) {
        if (now_ms() > until_ms) {
            return false;
        }
        net_turn(net);
    }
    return true;
}

static bool flag_is_set(void *arg)
{
    return *(const bool *)arg;
}

bool net_wait_flag(struct net *net, const bool *flag)
{
    bool *set = (bool *)(uintptr_t)flag;

    return net_wait(net, flag_is_set, set);
}

struct counting {
    const unsigned *count;
    unsigned at_least;
};

static bool count_is_reached(void *arg)
{
    const struct counting *c = arg;

    return *c->count >= c->at_least;
}

bool net_wait_count(struct net *net, const unsigned *count, unsigned at_least)
{
    struct counting c = {count, at_least};

    return net_wait(net, count_is_reached, &c);
}

void net_idle(struct net *net, unsigned ms)
{
    uint64_t until_ms = now_ms() + ms;

    do {
        net_turn(net);
    } while (now_ms() < until_ms);
}

SSL_CTX *net_client_tls(const struct net *net, X509 *leaf, EVP_PKEY *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

    assert_non_null(tls);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), net->pki.ca.cert), 1);
    if (leaf != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(tls, leaf), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(tls, key), 1);
    }
    return tls;
}
