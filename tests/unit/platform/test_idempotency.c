#include "platform/core/idempotency.h"

#include "tests/support/check.h"

static void a_key_is_visible_ascii_of_1_to_255_bytes(void **state)
{
    char text[257];

    (void)state;
    assert_true(idempotency_key_is_good(SLICE_LIT("a")));
    assert_true(idempotency_key_is_good(SLICE_LIT("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")));
    assert_true(idempotency_key_is_good(SLICE_LIT("!~")));
    assert_false(idempotency_key_is_good(SLICE_LIT("")));
    assert_false(idempotency_key_is_good(SLICE_LIT("a b")));
    assert_false(idempotency_key_is_good(SLICE_LIT("a\t")));
    assert_false(idempotency_key_is_good(SLICE_LIT("a\x7f")));
    assert_false(idempotency_key_is_good(SLICE_LIT("zo\xc3\xab")));
    memset(text, 'k', sizeof(text));
    assert_true(idempotency_key_is_good(slice_of(text, 255)));
    assert_false(idempotency_key_is_good(slice_of(text, 256)));
}

static struct slice hashed(struct buf *out, const struct idempotency_scope *scope, const char *key)
{
    buf_init(out, IDEMPOTENCY_SCOPE_MAX_BYTES);
    assert_int_equal(idempotency_put(scope, slice_of_str(key), out), CX_OK);
    return buf_view(out);
}

static void every_part_of_the_scope_counts(void **state)
{
    static const struct idempotency_scope scopes[] = {
        {"app", "exchange", "hr"}, {"app2", "exchange", "hr"}, {"app", "refresh", "hr"},
        {"app", "exchange", "h"},  {"", "exchange", "hr"},
    };
    struct buf first, other;

    (void)state;
    (void)hashed(&first, &scopes[0], "k");
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        bool is_same = slice_eq(hashed(&other, &scopes[i], "k"), buf_view(&first));

        assert_true(is_same == (i == 0));
        buf_done(&other);
    }
    assert_false(slice_eq(hashed(&other, &scopes[0], "l"), buf_view(&first)));
    buf_done(&other);
    assert_false(slice_eq(hashed(&other, &scopes[3], "rk"), buf_view(&first))); /* "h" "rk" */
    buf_done(&other);
    buf_done(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_visible_ascii_of_1_to_255_bytes),
        cmocka_unit_test(every_part_of_the_scope_counts),
    };

    return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
