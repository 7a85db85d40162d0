#include "platform/core/route.h"
#include "platform/core/trace_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void route_fits_whole_paths_only(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool want;
        const char *first, *second;
    } rows[] = {
        {"/healthz", "/healthz", true, NULL, NULL},
        {"/healthz", "/healthz/", false, NULL, NULL},
        {"/healthz", "/health", false, NULL, NULL},
        {"/v1/profiles/*", "/v1/profiles/hr-portal", true, "hr-portal", NULL},
        {"/v1/profiles/*", "/v1/profiles/", false, NULL, NULL},
        {"/v1/profiles/*", "/v1/profiles", false, NULL, NULL},
        {"/v1/profiles/*", "/v1/profiles/a/b", false, NULL, NULL},
        {"/v1/profiles/*", "/v1/profiles/a%2Fb", false, NULL, NULL},
        {"/v1/profiles/*/exchange", "/v1/profiles/hr/exchange", true, "hr", NULL},
        {"/v1/profiles/*/exchange", "/v1/profiles/hr/exchang", false, NULL, NULL},
        {"/v1/connectors/*/agents/*", "/v1/connectors/dc/agents/a-1", true, "dc", "a-1"},
        {"/v1/connectors/*/agents/*", "/v1/connectors/dc/agents/", false, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct route_words words = {.count = 0};
        bool got = route_fits(rows[i].pattern, slice_of_str(rows[i].path), &words);

        if (got != rows[i].want) {
            fail_msg("%s against %s", rows[i].path, rows[i].pattern);
        }
        if (rows[i].first != NULL) {
            assert_string_equal(words.items[0], rows[i].first);
        }
        if (rows[i].second != NULL) {
            assert_string_equal(words.items[1], rows[i].second);
        }
    }
}

static void route_words_have_a_limit(void **state)
{
    struct route_words words;
    char path[4 + 65 + 1] = "/v1/";

    (void)state;
    memset(path + 4, 'a', 64);
    assert_true(route_fits("/v1/*", slice_of_str(path), &words));
    assert_int_equal(strlen(words.items[0]), 64);
    path[4 + 64] = 'a';
    assert_false(route_fits("/v1/*", slice_of_str(path), &words));
}

static void trace_id_is_taken_from_a_good_traceparent_only(void **state)
{
    static const uint8_t random[16] = {0xab, 0xcd};
    static const char made[] = "abcd0000000000000000000000000000";
    static const char given[] =
        "4bf92f3577b34da6a3ce929d0e0e4736"; /* the specification's example */
    static const struct {
        const char *header, *want;
    } rows[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", given},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", given},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x", made},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", made},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", made},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", made},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", made},
        {"", made},
        {NULL, made},
    };
    char out[TRACE_ID_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(trace_id_of(slice_of_str(rows[i].header), random, out), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_fits_whole_paths_only),
        cmocka_unit_test(route_words_have_a_limit),
        cmocka_unit_test(trace_id_is_taken_from_a_good_traceparent_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
