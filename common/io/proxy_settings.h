#ifndef CONNECTOR_COMMON_IO_PROXY_SETTINGS_H
#define CONNECTOR_COMMON_IO_PROXY_SETTINGS_H

#include "common/core/proxy.h"

/* A proxy as it is configured: the file with its credentials read, the environment looked at only
 * where the setting says so. */

#define PROXY_FROM_ENVIRONMENT "environment"

struct proxy_settings {    /* borrowed */
    const char *url;       /* http://HOST:PORT; NULL: no proxy */
    const char *auth_file; /* one line, user:password, mode 0600; NULL: none */
    const char *host;      /* of the destination; not NULL: `url` may be "environment", which means
                              https_proxy or HTTPS_PROXY, unless no_proxy or NO_PROXY has the host */
};

/* *field: the setting that is wrong, "proxy" or "proxy_auth_file". Errors: CX_E_SYNTAX,
 * CX_E_UNSUPPORTED, CX_E_MODE, CX_E_NOT_FOUND and others of the file; `out` is untouched then. */
enum cx_err proxy_settings_read(const struct proxy_settings *s, struct proxy *out,
                                const char **field, struct cx_fail *fail) CX_MUST_CHECK;

#endif
