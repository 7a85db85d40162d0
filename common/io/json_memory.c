#include "common/io/json_memory.h"

#include "common/core/pool.h"

#include <jansson.h>

/* jansson grows its buffers by allocating, copying and freeing: it never reallocates. */
void json_memory_init(void)
{
    json_set_alloc_funcs(pool_take, pool_give);
}
