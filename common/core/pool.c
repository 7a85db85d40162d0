#include "common/core/pool.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* malloc's blocks are multiples of 16 bytes with 8 bytes of its own in each: so are these sizes. */
enum {
    OWN = 8,
    STEP = 32,        /* between the small sizes */
    SMALL_MAX = 1024, /* the own bytes included, as in all of these */
    LARGE_STEP = 128,
    LARGE_MAX = 16 * 1024 + LARGE_STEP,
    NSMALL = SMALL_MAX / STEP,
    NLISTS = NSMALL + (LARGE_MAX - SMALL_MAX) / LARGE_STEP,
};

struct kept {
    struct kept *next;
};

static struct kept *lists[NLISTS];
static size_t kept_bytes;
static _Thread_local bool is_keeping;

void __asan_init(void) __attribute__((weak)); /* there where AddressSanitizer is */

void pool_keep(void)
{
    is_keeping = __asan_init == NULL;
}

/* The list whose blocks have room for `size`; `own` included, at most LARGE_MAX. */
static size_t list_for(size_t with_own)
{
    return with_own <= SMALL_MAX ? (with_own - 1) / STEP
                                 : NSMALL + (with_own - SMALL_MAX - 1) / LARGE_STEP;
}

static size_t room_of(size_t list)
{
    return list < NSMALL ? (list + 1) * STEP - OWN
                         : SMALL_MAX + (list - NSMALL + 1) * LARGE_STEP - OWN;
}

/* A block of this thread's with room for `size`, all of it zero: it was wiped when it came. NULL if
 * there is none. */
static void *take_kept(size_t size)
{
    size_t list;
    struct kept *block;

    if (!is_keeping || size > LARGE_MAX - OWN) {
        return NULL;
    }
    list = list_for(size + OWN);
    block = lists[list];
    if (block != NULL) {
        lists[list] = block->next;
        kept_bytes -= room_of(list);
        block->next = NULL;
    }
    return block;
}

static void *take_new(size_t size)
{
    bool is_to_be_kept = is_keeping && size <= LARGE_MAX - OWN;

    if (is_to_be_kept) {
        return malloc(room_of(list_for(size + OWN)));
    }
    return malloc(size != 0 ? size : 1); /* NULL is for want of memory alone */
}

void *pool_take(size_t size)
{
    void *block = take_kept(size);

    return block != NULL ? block : take_new(size);
}

void *pool_take_zeroed(size_t n, size_t size)
{
    void *block;

    if (size != 0 && n > SIZE_MAX / size) {
        return NULL;
    }
    block = take_kept(n * size);
    if (block != NULL) {
        return block;
    }
    block = take_new(n * size);
    return block != NULL ? memset(block, 0, n * size) : NULL;
}

/* The list that a block with so much room can go to, being no smaller than what it promises. */
static bool list_of(size_t room, size_t *list)
{
    size_t with_own = room + OWN;

    if (with_own < STEP || with_own > LARGE_MAX) {
        return false;
    }
    *list = list_for(with_own + 1) - 1;
    return true;
}

/* Most blocks are of the smallest sizes, and of a known size a few stores: explicit_bzero is two
 * calls and a search for the best way. */
static void wipe(void *block, size_t room)
{
    switch (room) {
    case STEP - OWN:
        memset(block, 0, STEP - OWN);
        break;
    case 2 * STEP - OWN:
        memset(block, 0, 2 * STEP - OWN);
        break;
    case 3 * STEP - OWN:
        memset(block, 0, 3 * STEP - OWN);
        break;
    case 4 * STEP - OWN:
        memset(block, 0, 4 * STEP - OWN);
        break;
    default:
        explicit_bzero(block, room);
        return;
    }
    __asm__ volatile("" : : "r"(block) : "memory"); /* nobody reads it: it is done all the same */
}

void pool_give(void *block)
{
    size_t room;
    size_t list;

    if (block == NULL) {
        return;
    }
    room = malloc_usable_size(block);
    wipe(block, room);
    if (!is_keeping || !list_of(room, &list) || kept_bytes + room_of(list) > POOL_KEPT_BYTES_MAX) {
        free(block);
        return;
    }
    ((struct kept *)block)->next = lists[list];
    lists[list] = block;
    kept_bytes += room_of(list);
}

void *pool_resize(void *block, size_t size)
{
    size_t room = block != NULL ? malloc_usable_size(block) : 0;
    void *grown;

    if (is_keeping && block != NULL && size <= room) {
        return block;
    }
    grown = pool_take(size);
    if (grown != NULL && block != NULL) {
        memcpy(grown, block, size < room ? size : room);
        pool_give(block);
    }
    return grown;
}
