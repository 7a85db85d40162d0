#ifndef CONNECTOR_TESTS_SUPPORT_HTTP_FIXTURE_H
#define CONNECTOR_TESTS_SUPPORT_HTTP_FIXTURE_H

#include "common/io/http_server.h"
#include "tests/support/raw.h"

/* An HTTP server whose handler answers "/now" at once with "hello", and keeps the calls of any
 * other path. For cmocka's setup and teardown; the state is a struct fixture. */

enum { FIXTURE_BODY_MAX = 1000, FIXTURE_HELD_MAX = 4 };

struct fixture {
    struct net net;
    struct http_server *server; /* the test starts it */
    struct http_call *held[FIXTURE_HELD_MAX];
    unsigned nheld;
    unsigned ncalls;
    unsigned ngone;  /* calls whose client hung up */
    char seen[2048]; /* the last request, a line a part */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* On 127.0.0.1, with times that a test doesn't meet. */
struct http_listen fixture_listen(struct fixture *f);
void fixture_start(struct fixture *f, const struct http_listen *listen);
void fixture_open(struct fixture *f, struct raw *raw); /* a client of it */

void fixture_answer(struct http_call *call, unsigned status, const char *body);
void fixture_answer_held(struct fixture *f, const char *body); /* the last that was kept */

#endif
