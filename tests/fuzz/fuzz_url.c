/* Whatever url_read takes, it takes apart into parts that make the same URL again, and that URL
 * reads the same. */
#include "common/core/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool claim)
{
    if (!claim) {
        abort();
    }
}

static void check_parts(const struct url *url)
{
    require(url->host[0] != '\0' && strlen(url->host) <= 253);
    require(url->port != 0 && url->path[0] == '/');
    require(!url->is_ipv4 || !url->is_ipv6);
    require(strpbrk(url->path, "\\#? ") == NULL);
    require(strstr(url->path, "/../") == NULL && strstr(url->path, "/./") == NULL);
    require(strcasestr(url->path, "%2f") == NULL && strcasestr(url->path, "%5c") == NULL);
    require(strstr(url->path, "%00") == NULL);
    require(strpbrk(url->host, "%@/\\ []*") == NULL);
    for (const char *p = url->host; *p != '\0'; p++) {
        require(*p > 0x20 && *p < 0x7f && (*p < 'A' || *p > 'Z'));
    }
}

static void check_again(const struct url *url)
{
    static char text[2 * URL_BYTES_MAX + 512];
    struct url again;
    int len =
        snprintf(text, sizeof(text), "%s://%s%s%s:%u%s%s%s", url->is_https ? "https" : "http",
                 url->is_ipv6 ? "[" : "", url->host, url->is_ipv6 ? "]" : "", url->port, url->path,
                 url->query == NULL ? "" : "?", url->query == NULL ? "" : url->query);

    if (len > URL_BYTES_MAX) {
        return;
    }
    require(url_read(slice_of_str(text), &again, NULL) == CX_OK);
    require(strcmp(again.host, url->host) == 0 && strcmp(again.path, url->path) == 0);
    require(again.port == url->port && again.is_https == url->is_https);
    url_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    char host[URL_HOST_TEXT_BYTES];
    struct cx_fail fail = {0};
    struct url url;
    enum cx_err err = url_read(text, &url, &fail);

    if (err == CX_OK) {
        check_parts(&url);
        check_again(&url);
        url_done(&url);
    } else {
        require(fail.code == err && fail.detail[0] != '\0');
    }
    if (url_peek_host(text, host)) {
        require(host[0] != '\0' && !slice_has_control(slice_of_str(host)));
    }
    return 0;
}
