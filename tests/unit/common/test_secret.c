#include "common/core/secret.h"

#include "tests/support/alloc_any.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

static void secret_set_copies(void **state)
{
    char text[] = "hunter2";
    struct secret s = {0};

    (void)state;
    assert_false(secret_is_set(&s));
    assert_true(slice_is_absent(secret_view(&s)));
    assert_int_equal(secret_set(&s, slice_of_str(text)), CX_OK);
    memset(text, 'x', sizeof(text) - 1);
    assert_true(secret_is_set(&s));
    CHECK_TEXT("copy", secret_view(&s), "hunter2");
    assert_string_equal((const char *)secret_view(&s).ptr, "hunter2"); /* a NUL stands behind it */
    secret_done(&s);
    assert_false(secret_is_set(&s));
    secret_done(&s);
}

static void secret_set_takes_what_it_holds_and_what_is_empty(void **state)
{
    struct secret s = {0};

    (void)state;
    assert_int_equal(secret_set(&s, SLICE_LIT("first")), CX_OK);
    assert_int_equal(secret_set(&s, slice_from(secret_view(&s), 2)), CX_OK);
    CHECK_TEXT("its own tail", secret_view(&s), "rst");
    assert_int_equal(secret_set(&s, SLICE_LIT("")), CX_OK);
    assert_true(secret_is_set(&s));
    assert_int_equal(secret_view(&s).len, 0);
    assert_int_equal(secret_set(&s, SLICE_LIT("a\0b")), CX_OK);
    assert_int_equal(secret_view(&s).len, 3);
    secret_done(&s);
}

static void secret_wipes_what_it_gives_back(void **state)
{
    static const char text[] = "correct horse battery staple";
    struct secret s = {0};
    struct alloc_seen seen;

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    alloc_any_watch(text);
    alloc_any_start(0);
    assert_int_equal(secret_set(&s, slice_of_str(text)), CX_OK);
    assert_int_equal(secret_set(&s, slice_of_str(text)), CX_OK);
    secret_done(&s);
    seen = alloc_any_stop();
    alloc_any_watch(NULL);
    assert_int_equal(seen.freed, 2);
    assert_int_equal(seen.unwiped, 0);
}

static void secret_set_changes_nothing_when_memory_is_short(void **state)
{
    struct secret s = {0};
    enum cx_err err;

    (void)state;
    assert_int_equal(secret_set(&s, SLICE_LIT("old")), CX_OK);
    alloc_fail_at(1);
    err = secret_set(&s, SLICE_LIT("new"));
    assert_true(alloc_fail_end() != 0);
    assert_int_equal(err, CX_E_NOMEM);
    CHECK_TEXT("old", secret_view(&s), "old");
    secret_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secret_set_copies),
        cmocka_unit_test(secret_set_takes_what_it_holds_and_what_is_empty),
        cmocka_unit_test(secret_wipes_what_it_gives_back),
        cmocka_unit_test(secret_set_changes_nothing_when_memory_is_short),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
