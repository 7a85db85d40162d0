#ifndef CONNECTOR_TESTS_SUPPORT_ALLOC_ANY_H
#define CONNECTOR_TESTS_SUPPORT_ALLOC_ANY_H

#include <stdbool.h>
#include <stddef.h>

/* As alloc_fail.h, for the whole program: malloc, calloc and realloc of libraries are counted and
 * fail too. AddressSanitizer brings an allocator of its own, which is left alone: there
 * alloc_any_works() is false, nothing fails and nothing is counted. One thread only.
 *
 *     for (size_t nth = 1;; nth++) {
 *         alloc_any_start(nth);
 *         err = thing_under_test();
 *         if (!alloc_any_stop().has_failed) { break; }     // it made fewer than nth allocations
 *         assert_int_equal(err, CX_E_NOMEM);
 *     }
 */
struct alloc_seen {
    size_t calls;   /* the one that failed included */
    size_t bytes;   /* asked for, likewise */
    size_t freed;   /* given back: as many as calls, less a failed one, if nothing leaks */
    size_t unwiped; /* blocks given back with the watched text in them */
    bool has_failed;
};

bool alloc_any_works(void);

/* From now on count, and let the nth allocation (1: the next; 0: none) fail, once. */
void alloc_any_start(size_t nth);

/* Look for `text` (NULL: for none) in every block that is given back while it counts. */
void alloc_any_watch(const char *text);

/* No more of that; what has been seen since the start. */
struct alloc_seen alloc_any_stop(void);

#endif
