#include "tests/support/alloc_fail.h"

#include <string.h>

static size_t left; /* allocations until the one that fails; 0: none will */
static int has_failed;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t max);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);

void alloc_fail_at(size_t nth)
{
    left = nth;
    has_failed = 0;
}

int alloc_fail_end(void)
{
    left = 0;
    return has_failed;
}

static int fails_now(void)
{
    if (left == 0 || --left > 0) {
        return 0;
    }
    has_failed = 1;
    return 1;
}

void *__wrap_malloc(size_t bytes)
{
    return fails_now() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return fails_now() ? NULL : __real_calloc(n, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t max)
{
    return fails_now() ? NULL : __real_strndup(text, max);
}
