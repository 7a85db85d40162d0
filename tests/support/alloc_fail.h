#ifndef CONNECTOR_TESTS_SUPPORT_ALLOC_FAIL_H
#define CONNECTOR_TESTS_SUPPORT_ALLOC_FAIL_H

#include <stddef.h>

/* Running out of memory on purpose. A test program that includes this header is linked so that
 * malloc, calloc, strdup and strndup of our own objects (not those of libraries) come here.
 *
 *     for (size_t nth = 1;; nth++) {
 *         alloc_fail_at(nth);
 *         err = thing_under_test();
 *         if (!alloc_fail_end()) { break; }        // it made fewer than nth allocations
 *         assert_int_equal(err, CX_E_NOMEM);
 *     }
 */

/* Let the nth allocation from now (1: the next) fail, once. */
void alloc_fail_at(size_t nth);

/* No more failures; true if the one that was asked for has happened. */
int alloc_fail_end(void);

#endif
