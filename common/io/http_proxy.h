#ifndef CONNECTOR_COMMON_IO_HTTP_PROXY_H
#define CONNECTOR_COMMON_IO_HTTP_PROXY_H

#include "common/core/proxy.h"

#include <curl/curl.h>

/* Have a handle of libcurl use this proxy and no other, with its credentials by Basic; NULL or one
 * that is not set: none, whatever the environment says. libcurl copies all. False: out of memory.
 */
bool http_proxy_set(CURL *easy, const struct proxy *proxy);

#endif
