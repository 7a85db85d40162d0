#include "common/io/http_proxy.h"

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* libcurl takes user and password apart. */
static bool set_credentials(CURL *easy, const struct proxy *proxy)
{
    struct slice line = secret_view(&proxy->credentials);
    size_t colon = slice_find(line, 0, ':');
    struct buf user;
    bool is_set;

    if (slice_is_absent(line)) {
        return SET(CURLOPT_PROXYUSERNAME, NULL) && SET(CURLOPT_PROXYPASSWORD, NULL);
    }
    buf_init(&user, PROXY_CREDENTIALS_MAX + 1);
    is_set = buf_put(&user, slice_first(line, colon)) == CX_OK && buf_cstr(&user) != NULL &&
             SET(CURLOPT_PROXYUSERNAME, buf_cstr(&user)) &&
             SET(CURLOPT_PROXYPASSWORD, (const char *)line.ptr + colon + 1);
    buf_done(&user);
    return is_set;
}

bool http_proxy_set(CURL *easy, const struct proxy *proxy)
{
    char url[PROXY_URL_BYTES];

    if (proxy == NULL || !proxy_is_set(proxy)) {
        return SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOPROXY, "");
    }
    return SET(CURLOPT_PROXY, proxy_url(proxy, url)) && SET(CURLOPT_NOPROXY, "") &&
           SET(CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP) &&
           SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC) &&
           SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) && set_credentials(easy, proxy);
}
