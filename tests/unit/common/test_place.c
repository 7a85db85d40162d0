/* Where something stands in an answer. */
#include "common/core/place.h"

#include "tests/support/check.h"

static void a_place_is_a_json_pointer(void **state)
{
    static const struct {
        const char *place;
        bool is_valid;
        size_t steps;
    } rows[] = {
        {"", true, 0},      {"/", true, 1},         {"/a", true, 1},   {"/a/b~1c", true, 2},
        {"/~0~1", true, 1}, {"/\xc3\xa9", true, 1}, {"//", true, 2},   {"a", false, 0},
        {"a/b", false, 1},  {"/~", false, 1},       {"/~2", false, 1}, {"/a~", false, 1},
        {"/\n", false, 1},  {"/\xff", false, 1},    {"#/a", false, 1}, {"$.a", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(rows[i].place, place_is_valid(slice_of_str(rows[i].place)) == rows[i].is_valid);
        CHECK(rows[i].place, place_steps(slice_of_str(rows[i].place)) == rows[i].steps);
    }
}

static void a_place_is_of_bounded_length(void **state)
{
    char place[PLACE_BYTES_MAX + 1];

    (void)state;
    memset(place, '/', sizeof(place));
    assert_true(place_is_valid(slice_of(place, PLACE_BYTES_MAX)));
    assert_false(place_is_valid(slice_of(place, PLACE_BYTES_MAX + 1)));
}

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    if (json == NULL) {
        fail_msg("%s: no JSON", text);
    }
    return json;
}

/* want: the JSON that stands there; NULL: nothing. */
static void check_place(const char *document, const char *place, bool is_xml, const char *want)
{
    json_t *json = load(document);
    json_t *parent = NULL;
    json_t *found = place_find(json, slice_of_str(place), is_xml, &parent);
    json_t *wanted = want == NULL ? NULL : load(want);

    CHECK(place, (found == NULL) == (want == NULL));
    CHECK(place, found == NULL || json_equal(found, wanted));
    CHECK(place, found == NULL || (parent == NULL) == (found == json));
    json_decref(wanted);
    json_decref(json);
}

static void the_rfc_s_own_examples_are_found(void **state)
{
    /* RFC 6901, 5 */
    static const char document[] =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
        "\"k\\\"l\":6,\" \":7,\"m~n\":8}";
    static const struct {
        const char *place, *want;
    } rows[] = {
        {"", document},        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""}, {"/", "0"},
        {"/a~1b", "1"},        {"/c%d", "2"},
        {"/e^f", "3"},         {"/g|h", "4"},
        {"/i\\j", "5"},        {"/k\"l", "6"},
        {"/ ", "7"},           {"/m~0n", "8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_place(document, rows[i].place, false, rows[i].want);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char document[] =
        "{\"a\":{\"b\":\"s\"},\"l\":[{\"x\":1},2],\"~1\":3,\"0\":4,\"n\":null}";
    static const struct {
        const char *place, *want;
    } rows[] = {
        {"/a/c", NULL},   {"/a/b/c", NULL}, {"/b", NULL},    {"/l/2", NULL},
        {"/l/-", NULL},   {"/l/01", NULL},  {"/l/00", NULL}, {"/l/x", NULL},
        {"/l/0/x", "1"},  {"/A", NULL},     {"/~01", "3"},   {"/0", "4"},
        {"/n", "null"},   {"a", NULL},      {"/l/-1", NULL}, {"/l/99999999999999999999", NULL},
        {"/a/b/0", NULL}, {"/a/0", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_place(document, rows[i].place, false, rows[i].want);
    }
}

static void of_elements_the_first_is_taken_on_the_way(void **state)
{
    static const char document[] = "{\"r\":{\"e\":[{\"t\":\"1\"},{\"t\":[\"2\",\"3\"]}],"
                                   "\"o\":{\"t\":\"4\"},\"l\":[\"5\",\"6\"]}}";
    static const struct {
        const char *place, *want;
    } rows[] = {
        {"/r/e/t", "\"1\""},     {"/r/e/0/t", "\"1\""},
        {"/r/e/1/t/1", "\"3\""}, {"/r/e/1/t", "[\"2\",\"3\"]"},
        {"/r/o/t", "\"4\""},     {"/r/o/0/t", "\"4\""},
        {"/r/o/0/t/0", "\"4\""}, {"/r/l", "[\"5\",\"6\"]"},
        {"/r/o/1/t", NULL},      {"/r/e/2/t", NULL},
        {"/r/l/x", NULL},        {"/0/r/o/t", "\"4\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_place(document, rows[i].place, true, rows[i].want);
    }
    check_place(document, "/r/e/t", false, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_a_json_pointer),
        cmocka_unit_test(a_place_is_of_bounded_length),
        cmocka_unit_test(the_rfc_s_own_examples_are_found),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(of_elements_the_first_is_taken_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
