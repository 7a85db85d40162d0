#include "platform/core/api_key.h"

#include "tests/support/check.h"

/* 0x00, 0x01, … 0x1f in base64url, from RFC 4648's alphabet by hand. */
#define COUNTING "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static void api_key_put_writes_prefix_and_base64url(void **state)
{
    uint8_t random[API_KEY_RANDOM_BYTES];
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(random); i++) {
        random[i] = (uint8_t)i;
    }
    buf_init(&out, API_KEY_TEXT_LEN);
    assert_int_equal(api_key_put(random, &out), CX_OK);
    CHECK_TEXT("a key", buf_view(&out), "cxk_" COUNTING);
    assert_int_equal(out.len, API_KEY_TEXT_LEN);
    assert_true(api_key_is_one(buf_view(&out)));
    buf_done(&out);
    buf_init(&out, API_KEY_TEXT_LEN - 1);
    assert_int_equal(api_key_put(random, &out), CX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void api_key_is_one_looks_at_every_character(void **state)
{
    static const struct {
        const char *why, *text;
        bool is_one;
    } rows[] = {
        {"a key", "cxk_" COUNTING, true},
        {"the URL-safe characters", "cxk_-_ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", true},
        {"too short", "cxk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", false},
        {"too long", "cxk_" COUNTING "A", false},
        {"another prefix", "cxt_" COUNTING, false},
        {"a prefix in capitals", "CXK_" COUNTING, false},
        {"plain base64", "cxk_+/ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {"a space", "cxk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh ", false},
        {"empty", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].why, api_key_is_one(slice_of_str(rows[i].text)) == rows[i].is_one);
    }
}

static void api_key_of_authorization_takes_the_bearer_scheme_only(void **state)
{
    static const struct {
        const char *why, *value;
        bool is_found;
    } rows[] = {
        {"as RFC 6750 writes it", "Bearer cxk_" COUNTING, true},
        {"the scheme in any case", "bEARER cxk_" COUNTING, true},
        {"more than one space", "Bearer   cxk_" COUNTING, true},
        {"no space", "Bearercxk_" COUNTING, false},
        {"another scheme", "Basic cxk_" COUNTING, false},
        {"no scheme", "cxk_" COUNTING, false},
        {"the scheme alone", "Bearer", false},
        {"nothing behind it", "Bearer ", false},
        {"a space behind the key", "Bearer cxk_" COUNTING " ", false},
        {"some other token", "Bearer 2YotnFZFEjr1zCsicMWpAA", false},
        {"empty", "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice key = api_key_of_authorization(slice_of_str(rows[i].value));

        if (rows[i].is_found) {
            CHECK_TEXT(rows[i].why, key, "cxk_" COUNTING);
        } else {
            CHECK(rows[i].why, slice_is_absent(key));
        }
    }
    assert_true(slice_is_absent(api_key_of_authorization((struct slice){0})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(api_key_put_writes_prefix_and_base64url),
        cmocka_unit_test(api_key_is_one_looks_at_every_character),
        cmocka_unit_test(api_key_of_authorization_takes_the_bearer_scheme_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
