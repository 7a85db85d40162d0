#ifndef CONNECTOR_TESTS_SUPPORT_RAW_H
#define CONNECTOR_TESTS_SUPPORT_RAW_H

#include "tests/support/net.h"

/* A client of raw sockets, that says what it likes; it runs in the net's turns. Failures end the
 * test; what the peer does doesn't. */

enum { RAW_GOT_MAX = 256 * 1024 };

struct raw {
    struct net *net;
    int fd;
    SSL *ssl; /* NULL: plain */
    char *got;
    size_t got_len; /* a NUL stands behind it */
    bool is_closed; /* by the peer */
    bool is_failed; /* TLS */
    bool is_up;     /* the TLS handshake is done */
    bool is_paused; /* doesn't read */
};

void raw_open(struct net *net, struct raw *raw, uint16_t port);
void raw_open_unix(struct net *net, struct raw *raw, const char *path);
void raw_close(struct raw *raw);
void raw_start_tls(struct raw *raw, SSL_CTX *tls); /* `tls` is freed with the raw */

void raw_say(struct raw *raw, const char *text);
void raw_say_bytes(struct raw *raw, const void *bytes, size_t len);
bool raw_wait_for(struct raw *raw, const char *text); /* in what came */
bool raw_wait_bytes(struct raw *raw, size_t len);
bool raw_wait_closed(struct raw *raw);
bool raw_wait_up(struct raw *raw); /* or closed */
void raw_forget(struct raw *raw);  /* what came so far */

/* A WebSocket frame, masked with zeros. first: FIN and opcode. */
void raw_say_frame(struct raw *raw, uint8_t first, const void *payload, size_t len);
/* Only the header of one, which announces `len` bytes. */
void raw_say_frame_header(struct raw *raw, uint8_t first, uint64_t len);
/* The request of an upgrade; NULL leaves the subprotocol out. */
void raw_say_upgrade(struct raw *raw, const char *path, const char *subprotocol);

/* Read what is there; the net calls it. */
void raw_read(struct raw *raw);

#endif
