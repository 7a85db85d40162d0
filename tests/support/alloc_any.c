#include "tests/support/alloc_any.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature /* gcc */
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)

bool alloc_any_works(void)
{
    return false;
}

void alloc_any_start(size_t nth)
{
    (void)nth;
}

void alloc_any_watch(const char *text)
{
    (void)text;
}

struct alloc_seen alloc_any_stop(void)
{
    return (struct alloc_seen){0};
}

#else

/* glibc's allocator under the names that stay when malloc itself is replaced. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void __libc_free(void *ptr);

static struct alloc_seen seen;
static size_t failing;
static bool is_counting;
static const char *watched;

bool alloc_any_works(void)
{
    return true;
}

void alloc_any_start(size_t nth)
{
    seen = (struct alloc_seen){0};
    failing = nth;
    is_counting = true;
}

void alloc_any_watch(const char *text)
{
    watched = text;
}

struct alloc_seen alloc_any_stop(void)
{
    is_counting = false;
    return seen;
}

static bool must_fail(size_t bytes)
{
    if (!is_counting) {
        return false;
    }
    seen.calls++;
    seen.bytes += bytes;
    if (seen.calls != failing) {
        return false;
    }
    seen.has_failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return must_fail(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return must_fail(n * size) ? NULL : __libc_calloc(n, size);
}

static void count_freed(void *ptr)
{
    if (!is_counting || ptr == NULL) {
        return;
    }
    seen.freed++;
    if (watched != NULL && memmem(ptr, malloc_usable_size(ptr), watched, strlen(watched)) != NULL) {
        seen.unwiped++;
    }
}

void *realloc(void *ptr, size_t size)
{
    if (must_fail(size)) {
        return NULL;
    }
    count_freed(ptr);
    return __libc_realloc(ptr, size);
}

void free(void *ptr)
{
    count_freed(ptr);
    __libc_free(ptr);
}

#endif
