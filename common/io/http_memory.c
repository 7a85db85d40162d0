#include "common/io/http.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* libcurl copies URLs, headers, bodies and answers, and frees its copies as they are. So it is
 * given an allocator that wipes what it frees. The block's size stands in front of the block. */

enum { FRONT = sizeof(max_align_t) };

static void *wiping_malloc(size_t size)
{
    uint8_t *block = size <= SIZE_MAX - FRONT ? malloc(size + FRONT) : NULL;

    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof(size));
    return block + FRONT;
}

static size_t size_of(const void *ptr)
{
    size_t size;

    memcpy(&size, (const uint8_t *)ptr - FRONT, sizeof(size));
    return size;
}

static void wiping_free(void *ptr)
{
    if (ptr != NULL) {
        explicit_bzero(ptr, size_of(ptr));
        free((uint8_t *)ptr - FRONT);
    }
}

static void *wiping_realloc(void *ptr, size_t size)
{
    void *grown = wiping_malloc(size);

    if (grown != NULL && ptr != NULL) {
        memcpy(grown, ptr, size < size_of(ptr) ? size : size_of(ptr));
        wiping_free(ptr);
    }
    return grown;
}

static char *wiping_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wiping_malloc(size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static void *wiping_calloc(size_t count, size_t size)
{
    void *block;

    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    block = wiping_malloc(count * size);
    return block != NULL ? memset(block, 0, count * size) : NULL;
}

enum cx_err http_global_init(struct cx_fail *fail)
{
    CURLcode rc;

    /* libcurl would write the keys of every TLS connection to the file that this names. */
    (void)unsetenv("SSLKEYLOGFILE");
    rc = curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc,
                              wiping_strdup, wiping_calloc);
    if (rc != CURLE_OK) {
        return cx_fail_set(fail, CX_E_IO, "http.global_init", "libcurl can't start: %s",
                           curl_easy_strerror(rc));
    }
    return CX_OK;
}
