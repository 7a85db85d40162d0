/* Which ids are remembered, next to a model that only counts. */
#include "agent/core/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cx_id id_of(uint64_t n)
{
    struct cx_id id = {{0}};

    memcpy(id.bytes, &n, sizeof(n));
    id.bytes[15] = 1;
    return id;
}

static void recent_remembers_the_last_65536_ids(void **state)
{
    struct recent *r = recent_new();

    (void)state;
    for (uint32_t i = 0; i < RECENT_IDS + 10; i++) {
        struct cx_id id = id_of(i);

        recent_add(r, &id);
        recent_add(r, &id); /* twice changes nothing */
    }
    for (uint32_t i = 0; i < RECENT_IDS + 10; i++) {
        struct cx_id id = id_of(i);

        assert_int_equal(recent_has(r, &id), i >= 10);
    }
    recent_free(r);
}

/* SplitMix64: the same numbers in every run. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

enum { POOL = 90000, ADDS = 350000 };

/* More ids than are remembered, and for each the number of the add that made it be remembered. */
struct model {
    struct cx_id ids[POOL];
    uint32_t added[POOL]; /* 0: never */
    uint32_t adds;        /* that changed something */
};

static struct model model;

static bool model_has(size_t i)
{
    return model.added[i] != 0 && model.adds - model.added[i] < RECENT_IDS;
}

static void model_add(size_t i)
{
    if (!model_has(i)) {
        model.added[i] = ++model.adds;
    }
}

/* Hashes whose top bits are no more than `width` values out of each 1024, the last ones of all
 * among them: such ids stand in long queues, in a table by hash, and one of them goes round its
 * end. */
static void fill_model(uint64_t *seed, uint64_t width)
{
    memset(&model, 0, sizeof(model));
    for (size_t i = 0; i < POOL;) {
        struct cx_id id = id_of(next_random(seed));

        if ((id_hash(&id) >> 47) % 1024 >= 1024 - width) {
            model.ids[i++] = id;
        }
    }
}

static void check_random_adds(uint64_t width)
{
    struct recent *r = recent_new();
    uint64_t seed = width;

    assert_non_null(r);
    fill_model(&seed, width);
    for (size_t n = 0; n < ADDS; n++) {
        size_t i = n < RECENT_IDS ? n : next_random(&seed) % POOL;
        size_t other = next_random(&seed) % POOL;

        recent_add(r, &model.ids[i]);
        model_add(i);
        assert_int_equal(recent_has(r, &model.ids[other]), model_has(other));
    }
    for (size_t i = 0; i < POOL; i++) {
        assert_int_equal(recent_has(r, &model.ids[i]), model_has(i));
    }
    assert_true(model.adds > 2 * RECENT_IDS); /* every one that was there at first is forgotten */
    recent_free(r);
}

static void recent_keeps_to_the_model_with_any_ids(void **state)
{
    (void)state;
    check_random_adds(1024);
}

static void recent_keeps_to_the_model_with_ids_of_similar_hash(void **state)
{
    (void)state;
    check_random_adds(16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recent_remembers_the_last_65536_ids),
        cmocka_unit_test(recent_keeps_to_the_model_with_any_ids),
        cmocka_unit_test(recent_keeps_to_the_model_with_ids_of_similar_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
