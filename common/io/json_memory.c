#include "common/io/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wiping_free(void *ptr)
{
    if (ptr != NULL) {
        explicit_bzero(ptr, malloc_usable_size(ptr));
        free(ptr);
    }
}

/* jansson grows its buffers by allocating, copying and freeing: it never reallocates. */
void json_memory_init(void)
{
    json_set_alloc_funcs(malloc, wiping_free);
}
