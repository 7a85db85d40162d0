#include "platform/core/audit_query.h"

#include "tests/support/check.h"

enum { ARGS_MAX = 6 };

static void read_args(const char *const *texts, struct audit_query *out, struct faults *faults)
{
    struct slice args[ARGS_MAX];
    size_t n = 0;

    for (; n < ARGS_MAX && texts[n] != NULL; n++) {
        args[n] = slice_of_str(texts[n]);
    }
    faults_init(faults);
    audit_query_read(args, n, out, faults);
}

static void a_query_without_parameters_asks_for_the_newest(void **state)
{
    const char *const none[] = {NULL};
    struct audit_query q;
    struct faults faults;

    (void)state;
    read_args(none, &q, &faults);
    assert_int_equal(faults_total(&faults), 0);
    assert_string_equal(q.profile, "");
    assert_int_equal(q.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(q.since_ms, 0);
    assert_int_equal(q.limit, 100);
    assert_true(id_is_none(&q.after));
    faults_done(&faults);
}

static void every_parameter_is_read(void **state)
{
    const char *const all[] = {"limit=1000",
                               "profile=hr",
                               "outcome=refused",
                               "since=2025-10-09T08:53:20Z",
                               "after=0199c82c-c000-7000-8000-000000000001",
                               NULL};
    struct audit_query q;
    struct faults faults;

    (void)state;
    read_args(all, &q, &faults);
    assert_int_equal(faults_total(&faults), 0);
    assert_string_equal(q.profile, "hr");
    assert_int_equal(q.outcome, OUTCOME_REFUSED);
    assert_true(q.since_ms == UINT64_C(1760000000000));
    assert_int_equal(q.limit, 1000);
    assert_int_equal(q.after.bytes[1], 0x99);
    assert_int_equal(q.after.bytes[15], 1);
    faults_done(&faults);
}

static void every_fault_is_named_in_one_go(void **state)
{
    const char *const bad[] = {"limit=0", "outcome=lost", "since=noon",
                               "after=7", "profile=",     NULL};
    static const char *const fields[] = {"limit", "outcome", "since", "after", "profile"};
    struct audit_query q;
    struct faults faults;

    (void)state;
    read_args(bad, &q, &faults);
    assert_int_equal(faults.count, 5);
    for (size_t i = 0; i < faults.count; i++) {
        assert_string_equal(faults.items[i].field, fields[i]);
    }
    faults_done(&faults);
}

static void each_of_these_is_a_fault(void **state)
{
    static const struct {
        const char *args[3];
        const char *field, *says;
    } rows[] = {
        {{"limit=1001"}, "limit", "1..1000"},
        {{"limit=-1"}, "limit", "1..1000"},
        {{"limit"}, "limit", "1..1000"},
        {{"outcome="}, "outcome", "issued, revoked, refused"},
        {{"outcome=Issued"}, "outcome", "issued, revoked, refused"},
        {{"limit=5", "limit=6"}, "limit", "given twice"},
        {{"outcom=issued"}, "outcom", "did you mean outcome?"},
        {{"page=2"}, "page", "is not known here"},
        {{"=2"}, "", "is not known here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct audit_query q;
        struct faults faults;

        read_args(rows[i].args, &q, &faults);
        CHECK(rows[i].says, faults.count == 1);
        CHECK(rows[i].says, strcmp(faults.items[0].field, rows[i].field) == 0);
        CHECK(rows[i].says, strstr(faults.items[0].what, rows[i].says) != NULL);
        faults_done(&faults);
    }
}

static void a_long_name_is_no_profile(void **state)
{
    char text[8 + 66] = "profile=";
    const char *const args[] = {text, NULL};
    struct audit_query q;
    struct faults faults;

    (void)state;
    memset(text + 8, 'a', 64);
    read_args(args, &q, &faults);
    assert_int_equal(faults_total(&faults), 0);
    assert_int_equal(strlen(q.profile), 64);
    faults_done(&faults);
    text[8 + 64] = 'a';
    read_args(args, &q, &faults);
    assert_int_equal(faults_total(&faults), 1);
    faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_without_parameters_asks_for_the_newest),
        cmocka_unit_test(every_parameter_is_read),
        cmocka_unit_test(every_fault_is_named_in_one_go),
        cmocka_unit_test(each_of_these_is_a_fault),
        cmocka_unit_test(a_long_name_is_no_profile),
    };

    return cmocka_run_group_tests_name("audit_query", tests, NULL, NULL);
}
