#ifndef CONNECTOR_TESTS_SUPPORT_HTTP_ASK_H
#define CONNECTOR_TESTS_SUPPORT_HTTP_ASK_H

#include "common/io/http.h"
#include "common/io/loop.h"

/* A loop, an HTTP client on it, and what its calls came to; for tests. */

struct asker {
    struct loop *loop;
    struct http *http;
    unsigned under_way; /* the loop stops at 0 */
};

struct asked {
    struct asker *by;
    struct http_transfer *call; /* until it is done */
    char url[512];
    unsigned sendings, dones;
    bool (*allows)(const struct sockaddr *address); /* NULL: all */
    unsigned addresses_seen;
    void (*then)(struct asked *a); /* in `done`; may be NULL */
    /* copies of struct http_end */
    enum execution execution;
    enum stage stage;
    enum verdict code;
    struct cx_fail fail;
    uint32_t status;
    char content_type[64], retry_after[64], location[256], body[4096]; /* cut */
    bool has_content_type, has_retry_after, has_location;
    size_t body_len;
    bool is_body_whole, is_reused;
    struct http_timing timing;
};

/* 100 connections, no limit a host. */
void asker_start(struct asker *by);
void asker_start_with(struct asker *by, const struct http_limits *limits);
void asker_stop(struct asker *by); /* fails the test if the client leaves a handle on the loop */

/* POST of "a=1" with a budget of 5 s and an answer of 4,000 bytes at most; change it before
 * asked_start. */
struct http_plan asked_plan(struct asked *a, const char *scheme, const char *host, uint16_t port);

void asked_start(struct asker *by, struct asked *a, const struct http_plan *plan);
void asker_run(struct asker *by); /* until every call that was started is done */

/* All of it at once, with the plan as asked_plan gives it. */
void asked_run(struct asker *by, struct asked *a, const struct http_plan *plan);

#endif
