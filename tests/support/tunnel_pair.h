#ifndef CONNECTOR_TESTS_SUPPORT_TUNNEL_PAIR_H
#define CONNECTOR_TESTS_SUPPORT_TUNNEL_PAIR_H

#include "common/io/ws_client.h"
#include "common/io/ws_server.h"
#include "tests/support/net.h"

/* Both ends of a tunnel in one process, over real TLS. Failures end the test. */

enum { PAIR_TAGS_MAX = 64, PAIR_TEXT_MAX = 4096, PAIR_LIMIT = 256 * 1024 };

/* What one end of a link has seen. */
struct pair_end {
    struct net *net;
    struct link *link; /* NULL before and after */
    unsigned messages;
    size_t bytes;
    char text[PAIR_TEXT_MAX]; /* of the messages, each in brackets */
    unsigned flushed;
    unsigned violations;
    enum link_violation violation;
    uint64_t written[PAIR_TAGS_MAX];
    unsigned nwritten;
    uint64_t unwritten[PAIR_TAGS_MAX];
    unsigned nunwritten;
    unsigned closed;
    struct link_closed end;
    void (*on_violation)(struct pair_end *end); /* NULL: nothing is said */
    void (*on_open)(struct pair_end *end);      /* in the callback of the new link; NULL */
};

struct pair {
    struct net net;
    struct ws_server *server;
    struct ws_client *client;
    SSL_CTX *client_tls;
    struct pair_end at_server;
    struct pair_end at_client;
    struct ws_attempt *attempt; /* NULL once it has ended */
    struct ws_failed failed;
    unsigned failures;
    unsigned http_calls;
};

/* Limits that suit most tests; change them before pair_start. */
struct link_limits pair_limits(void);
void pair_init(struct pair *pair); /* the net only */
void pair_start_server(struct pair *pair, const struct link_limits *limits);
void pair_start_client(struct pair *pair, const struct link_limits *limits);
void pair_done(struct pair *pair);

/* Options of the server as pair_start_server uses them. */
struct ws_server_opts pair_server_opts(struct pair *pair, const struct link_limits *limits);

/* Connect to the server, as "localhost" by 127.0.0.1. */
struct ws_attempt_opts pair_attempt(struct pair *pair);
void pair_connect(struct pair *pair, const struct ws_attempt_opts *opts);
void pair_open(struct pair *pair); /* and wait until both ends have it */

/* For net_wait: the client has a link, or the attempt has failed. `pair` is a struct pair. */
bool pair_is_settled(void *pair);

void pair_send(struct pair_end *end, const char *text, uint64_t tag);
bool pair_wait_closed(struct pair_end *end);

#endif
