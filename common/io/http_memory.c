#include "common/core/pool.h"
#include "common/io/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* libcurl copies URLs, headers, bodies and answers, and frees its copies as they are. So it is
 * given an allocator that wipes what it frees. */

static char *pool_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = pool_take(size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

enum cx_err http_global_init(struct cx_fail *fail)
{
    CURLcode rc;

    /* libcurl would write the keys of every TLS connection to the file that this names. */
    (void)unsetenv("SSLKEYLOGFILE");
    rc = curl_global_init_mem(CURL_GLOBAL_DEFAULT, pool_take, pool_give, pool_resize, pool_strdup,
                              pool_take_zeroed);
    if (rc != CURLE_OK) {
        return cx_fail_set(fail, CX_E_IO, "http.global_init", "libcurl can't start: %s",
                           curl_easy_strerror(rc));
    }
    return CX_OK;
}
