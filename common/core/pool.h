#ifndef CONNECTOR_COMMON_CORE_POOL_H
#define CONNECTOR_COMMON_CORE_POOL_H

#include <stddef.h>

/* Memory that is wiped when it is given back, for all that may hold a secret. A job takes and gives
 * back some seventy blocks, of the same sizes as the job before it; malloc(3) keeps seven of a size
 * at hand, and merges and splits the rest. So the thread that called pool_keep has its blocks kept,
 * wiped, in a list for each size. The lists are static, as malloc's own are: libcurl and jansson
 * have no argument for an allocator.
 *
 * Every block is malloc's: one from here may be given to free(3), and one of malloc's to
 * pool_give. */

enum { POOL_KEPT_BYTES_MAX = 4 * 1024 * 1024 };

/* From here on this thread's blocks are kept: a program calls it once, on its loop's thread. Not
 * where AddressSanitizer watches: it could not tell of a block that is used after its end. */
void pool_keep(void);

void *pool_take(size_t size);                  /* as malloc */
void *pool_take_zeroed(size_t n, size_t size); /* as calloc */

/* As realloc, but for a size of 0, which is as any other; the old block is wiped. */
void *pool_resize(void *block, size_t size);

void pool_give(void *block); /* wipes and frees; NULL is fine */

#endif
