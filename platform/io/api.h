#ifndef CONNECTOR_PLATFORM_IO_API_H
#define CONNECTOR_PLATFORM_IO_API_H

#include "common/io/http_server.h"

/* The HTTP API, behind every listener of it. */

struct platform;

/* One listener, as the handler's argument. */
struct api_listener {
    struct platform *p;
    bool is_control; /* the control socket: its file's mode is the key, and its caller an admin */
};

/* arg: struct api_listener, which outlives the listener's calls. */
void api_handle(void *arg, struct http_call *call, const struct http_request *request);

/* struct http_listen's `refusal`: what the server refuses by itself is a problem too. */
void api_refusal(unsigned status, struct http_reply *reply);

#endif
