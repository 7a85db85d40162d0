#ifndef CONNECTOR_PLATFORM_IO_ENROLL_H
#define CONNECTOR_PLATFORM_IO_ENROLL_H

#include "common/io/http_server.h"

/* Enrolment, on the tunnel's port: POST /v1/enroll gives an agent's key its certificate for a
 * one-time token. A token that is not known is refused a second later, and only so many of those
 * wait at once: guessing is slow, and whoever has a token doesn't notice. */

struct platform;
struct enrolls; /* the refusals that wait */

/* NULL if out of memory. */
struct enrolls *enrolls_new(struct platform *p);

/* Answers those that wait. Before the server and the loop go. NULL is fine. */
void enrolls_free(struct enrolls *e);

/* Every request on that port which is no upgrade. arg: struct enrolls. */
void enroll_handle(void *arg, struct http_call *call, const struct http_request *request);

#endif
