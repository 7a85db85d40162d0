#include "common/io/json_memory.h"

#include "tests/support/alloc_any.h"
#include "tests/support/check.h"

#include <jansson.h>
#include <stdlib.h>

#define SECRET "correct-horse-battery-staple"

static size_t unwiped_after_use(void)
{
    json_t *json;
    char *text;
    struct alloc_seen seen;

    alloc_any_start(0);
    alloc_any_watch(SECRET);
    json = json_loads("{\"password\":\"" SECRET "\",\"list\":[\"" SECRET SECRET SECRET "\"]}", 0,
                      NULL);
    text = json_dumps(json, 0);
    explicit_bzero(text, strlen(text)); /* the caller's own copy */
    free(text);
    json_decref(json);
    seen = alloc_any_stop();
    alloc_any_watch(NULL);
    assert_int_equal(seen.freed, seen.calls);
    return seen.unwiped;
}

static void what_jansson_frees_is_wiped(void **state)
{
    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    assert_int_not_equal(unwiped_after_use(), 0); /* what it would do by itself */
    json_memory_init();
    assert_int_equal(unwiped_after_use(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_jansson_frees_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
