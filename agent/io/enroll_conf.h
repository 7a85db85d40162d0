#ifndef CONNECTOR_AGENT_IO_ENROLL_CONF_H
#define CONNECTOR_AGENT_IO_ENROLL_CONF_H

#include "common/core/err.h"
#include "common/core/slice.h"

/* The configuration that enrolment writes when there is none. */
struct enroll_conf {
    struct slice tunnel_url;
    const char *proxy;           /* as given: a URL or "environment"; NULL: none */
    const char *proxy_auth_file; /* NULL: none; written as an absolute path */
};

/* Errors: CX_E_SYNTAX (the tunnel's URL or the file's path can't stand in a configuration),
 * CX_E_EXISTS, CX_E_NOT_FOUND, CX_E_IO, CX_E_NOMEM. */
enum cx_err enroll_conf_write(const char *path, const struct enroll_conf *conf,
                              struct cx_fail *fail) CX_MUST_CHECK;

#endif
