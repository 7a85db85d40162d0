#include "common/core/faults.h"

#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"

static void faults_add_keeps_them_in_order(void **state)
{
    struct faults f;

    (void)state;
    faults_init(&f);
    assert_int_equal(faults_total(&f), 0);
    faults_add(&f, "agent.conf:12", "limits.jobs", "must be %d..%d, found %s", 1, 2048, "0");
    faults_add(&f, NULL, "", "%s", "missing");
    assert_int_equal(f.count, 2);
    assert_int_equal(faults_total(&f), 2);
    assert_string_equal(f.items[0].where, "agent.conf:12");
    assert_string_equal(f.items[0].field, "limits.jobs");
    assert_string_equal(f.items[0].what, "must be 1..2048, found 0");
    assert_string_equal(f.items[1].where, "");
    assert_string_equal(f.items[1].field, "");
    assert_string_equal(f.items[1].what, "missing");
    faults_done(&f);
    assert_int_equal(faults_total(&f), 0);
    faults_done(&f);
}

static void faults_add_lets_no_control_character_through(void **state)
{
    struct faults f;

    (void)state;
    faults_init(&f);
    faults_add(&f, "a\nb", "c\x1b[2Jd", "e\r%s\x7f",
               "\x01"
               "f\xc3\xa4");
    assert_string_equal(f.items[0].where, "a?b");
    assert_string_equal(f.items[0].field, "c?[2Jd");
    assert_string_equal(f.items[0].what, "e??f\xc3\xa4?");
    faults_done(&f);
}

static void faults_add_cuts_what_is_too_long(void **state)
{
    static char text[10000];
    struct faults f;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    faults_init(&f);
    faults_add(&f, "", "", "%s", text);
    assert_in_range(strlen(f.items[0].what), 100, 1000);
    faults_done(&f);
}

static void faults_add_counts_what_it_does_not_keep(void **state)
{
    struct faults f;

    (void)state;
    faults_init(&f);
    for (int i = 0; i < FAULTS_MAX + 5; i++) {
        faults_add(&f, "", "field", "number %d", i);
    }
    assert_int_equal(f.count, FAULTS_MAX);
    assert_int_equal(f.omitted, 5);
    assert_int_equal(faults_total(&f), FAULTS_MAX + 5);
    assert_string_equal(f.items[FAULTS_MAX - 1].what, "number 99");
    faults_done(&f);
}

static void faults_add_counts_what_memory_does_not_hold(void **state)
{
    (void)state;
    for (size_t nth = 1;; nth++) {
        struct faults f;
        int has_failed;

        faults_init(&f);
        alloc_fail_at(nth);
        faults_add(&f, "where", "field", "one");
        has_failed = alloc_fail_end();
        assert_int_equal(f.count, has_failed ? 0 : 1);
        assert_int_equal(faults_total(&f), 1);
        faults_add(&f, "where", "field", "two");
        assert_int_equal(faults_total(&f), 2);
        faults_done(&f);
        if (!has_failed) {
            assert_int_equal(nth, 5); /* the list and three texts */
            return;
        }
    }
}

static void faults_nearest_finds_what_was_meant(void **state)
{
    static const char *const names[] = {"url",         "ca",       "proxy",  "proxy_auth_file",
                                        "certificate", "networks", "methods"};
    static const struct {
        const char *name, *nearest;
    } rows[] = {
        {"proxy", "proxy"},
        {"prxy", "proxy"},
        {"porxy", "proxy"}, /* two letters changed places: two edits */
        {"Proxy", "proxy"},
        {"proxies", "proxy"}, /* three edits of seven letters */
        {"ur", "url"},
        {"uri", "url"},
        {"network", "networks"},
        {"method", "methods"},
        {"certifcate", "certificate"},
        {"certficiate", "certificate"},
        {"proxy_auth", NULL},
        {"proxy_authfile", "proxy_auth_file"},
        {"colour", NULL},
        {"x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *got = faults_nearest(rows[i].name, names, COUNT_OF(names));

        CHECK(rows[i].name, (got == NULL) == (rows[i].nearest == NULL));
        CHECK(rows[i].name, got == NULL || strcmp(got, rows[i].nearest) == 0);
    }
    assert_null(faults_nearest("proxy", names, 0));
}

static void faults_nearest_takes_names_of_any_length(void **state)
{
    static char name[500];
    static char other[500];
    static const char *const names[] = {"short", other};

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    memset(other, 'n', sizeof(other) - 1);
    name[10] = 'x';
    assert_ptr_equal(faults_nearest(name, names, 2), other);
    memset(name, 'm', sizeof(name) - 1);
    assert_null(faults_nearest(name, names, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_add_keeps_them_in_order),
        cmocka_unit_test(faults_add_lets_no_control_character_through),
        cmocka_unit_test(faults_add_cuts_what_is_too_long),
        cmocka_unit_test(faults_add_counts_what_it_does_not_keep),
        cmocka_unit_test(faults_add_counts_what_memory_does_not_hold),
        cmocka_unit_test(faults_nearest_finds_what_was_meant),
        cmocka_unit_test(faults_nearest_takes_names_of_any_length),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
