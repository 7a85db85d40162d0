/* Blocks are wiped, come again, and are malloc's all the time. */
#include "common/core/pool.h"

#include "tests/support/check.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

void __asan_init(void) __attribute__((weak));

static int keep(void **state)
{
    (void)state;
    pool_keep();
    return 0;
}

static void skip_if_watched(void)
{
    if (__asan_init != NULL) {
        skip();
    }
}

static void a_block_has_the_room_that_was_asked_for(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20000; size += 7) {
        uint8_t *first = pool_take(size);
        uint8_t *second;

        assert_non_null(first);
        CHECK("of a new one", malloc_usable_size(first) >= size);
        memset(first, 0xaa, size);
        pool_give(first);
        second = pool_take(size); /* perhaps the same */
        CHECK("of one that was given back", malloc_usable_size(second) >= size);
        for (size_t i = 0; size <= 16384 && i < size; i++) {
            CHECK("it was wiped", second[i] != 0xaa || second != first);
        }
        memset(second, 0xaa, size);
        pool_give(second);
    }
}

static void a_block_that_malloc_made_is_not_taken_for_a_larger_one(void **state)
{
    (void)state;
    for (size_t size = 1; size < 18000; size += 160) {
        uint8_t *block;

        pool_give(malloc(size));
        block = pool_take(size + 16);
        assert_non_null(block);
        CHECK("there is room", malloc_usable_size(block) >= size + 16);
        memset(block, 0xaa, size + 16);
        free(block); /* it is malloc's all the same */
    }
}

static void a_block_comes_again(void **state)
{
    void *first;
    void *second;

    (void)state;
    skip_if_watched();
    first = pool_take(100);
    pool_give(first);
    second = pool_take(90);
    assert_ptr_equal(first, second);
    pool_give(second);
}

static void what_grows_keeps_its_content_and_leaves_none(void **state)
{
    char *text = pool_take(8);
    char *old = text;

    (void)state;
    memcpy(text, "secret", 7);
    text = pool_resize(text, 5000);
    assert_string_equal(text, "secret");
    if (__asan_init == NULL) {
        char *reused = pool_take(8);

        assert_ptr_equal(reused, old);
        assert_memory_equal(reused, "\0\0\0\0\0\0\0", 7);
        pool_give(reused);
    }
    text = pool_resize(text, 7);
    assert_string_equal(text, "secret");
    pool_give(text);
    text = pool_resize(NULL, 10);
    assert_non_null(text);
    pool_give(text);
}

static void zeroed_is_zero_and_knows_an_overflow(void **state)
{
    static const size_t sizes[] = {1, 8, 24, 64, 1000, 5000, 16000, 40000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t *blocks[] = {pool_take(sizes[i]), pool_take(sizes[i])};

        for (size_t j = 0; j < COUNT_OF(blocks); j++) { /* two, so that one leads to the other */
            memset(blocks[j], 0xaa, sizes[i]);
            pool_give(blocks[j]);
        }
        blocks[0] = pool_take_zeroed(1, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(blocks[0][at], 0);
        }
        pool_give(blocks[0]);
    }
    assert_null(pool_take_zeroed(SIZE_MAX / 2, 3));
    pool_give(NULL);
}

static void no_more_is_kept_than_the_limit(void **state)
{
    enum { BLOCKS = 400, BYTES = 16000 };
    static void *blocks[BLOCKS];
    size_t last = 0;

    (void)state;
    skip_if_watched();
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = pool_take(BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        pool_give(blocks[i]);
    }
    /* The last one that was kept comes first. */
    blocks[0] = pool_take(BYTES);
    for (size_t i = 1; i < BLOCKS; i++) {
        last = blocks[i] == blocks[0] ? i : last;
    }
    assert_in_range(last, 200, POOL_KEPT_BYTES_MAX / BYTES);
    free(blocks[0]);
    for (size_t i = 0; i < BLOCKS; i++) { /* leave none to the other tests */
        free(pool_take(BYTES));
    }
}

static void *give_elsewhere(void *block)
{
    pool_give(block); /* another thread: to malloc */
    return pool_take(100);
}

static void another_thread_shares_no_list(void **state)
{
    pthread_t thread;
    void *block = NULL;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, give_elsewhere, pool_take(100)), 0);
    assert_int_equal(pthread_join(thread, &block), 0);
    assert_non_null(block);
    pool_give(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_is_kept_than_the_limit),
        cmocka_unit_test(a_block_has_the_room_that_was_asked_for),
        cmocka_unit_test(a_block_that_malloc_made_is_not_taken_for_a_larger_one),
        cmocka_unit_test(a_block_comes_again),
        cmocka_unit_test(what_grows_keeps_its_content_and_leaves_none),
        cmocka_unit_test(zeroed_is_zero_and_knows_an_overflow),
        cmocka_unit_test(another_thread_shares_no_list),
    };

    return cmocka_run_group_tests(tests, keep, NULL);
}
