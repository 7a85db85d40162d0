/* Secrets that a rule binds: what may be written, and which use gets which value. */
#include "common/core/policy.h"

#include "tests/support/check.h"

#define BOUND(name_, place_, key_)                                                                 \
    {                                                                                              \
        .file = "agent.conf", .field = "policy[0].secrets[0]", .line = 7, .name = name_,           \
        .place = place_, .key = key_                                                               \
    }

static bool add(struct policy *p, const struct policy_secret_text *secrets, size_t nsecrets,
                struct faults *faults)
{
    const struct policy_rule_text text = {.where = "agent.conf:5",
                                          .field = "policy[0]",
                                          .name = "hr",
                                          .url = "https://hr.example/**",
                                          .secrets = secrets,
                                          .nsecrets = nsecrets};

    return policy_add(p, &text, faults);
}

static void a_binding_names_a_secret_a_place_and_a_key(void **state)
{
    static const struct {
        const char *why;
        struct policy_secret_text text;
        const char *field, *says; /* NULL: it is good */
    } rows[] = {
        {"a payload field", BOUND("hr-admin", SECRET_IN_PAYLOAD, "password"), NULL, NULL},
        {"the payload as it is", BOUND("hr", SECRET_IN_PAYLOAD, ""), NULL, NULL},
        {"any key of the payload", BOUND("hr", SECRET_IN_PAYLOAD, "a b:\xc3\xbc"), NULL, NULL},
        {"a header", BOUND("H_r.2", SECRET_IN_HEADER, "X-Api-Key"), NULL, NULL},
        {"Authorization", BOUND("hr", SECRET_IN_HEADER, "Authorization"), NULL, NULL},
        {"the client's id", BOUND("hr", SECRET_IN_CLIENT, "id"), NULL, NULL},
        {"the client's secret", BOUND("hr", SECRET_IN_CLIENT, "secret"), NULL, NULL},
        {"the client's key", BOUND("hr", SECRET_IN_CLIENT, "key"), NULL, NULL},
        {"the client's certificate", BOUND("hr", SECRET_IN_CLIENT, "certificate"), NULL, NULL},
        {"something else of the client", BOUND("hr", SECRET_IN_CLIENT, "client_secret"),
         "policy[0].secrets[0].key", "must be id, secret, key or certificate"},
        {"a header of the HTTP client", BOUND("hr", SECRET_IN_HEADER, "Host"),
         "policy[0].secrets[0].key", "belongs to the HTTP client"},
        {"no header's name", BOUND("hr", SECRET_IN_HEADER, ""), "policy[0].secrets[0].key",
         "is no header name"},
        {"no name", BOUND("", SECRET_IN_PAYLOAD, "k"), "policy[0].secrets[0].name",
         "must be a secret's name"},
        {"a path", BOUND("../hr", SECRET_IN_PAYLOAD, "k"), "policy[0].secrets[0].name",
         "must be a secret's name"},
        {"a hidden file", BOUND(".hr", SECRET_IN_PAYLOAD, "k"), "policy[0].secrets[0].name",
         "must be a secret's name"},
        {"no place", BOUND("hr", SECRET_NOWHERE, "k"), "policy[0].secrets[0].key", "has no place"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct faults faults;
        struct policy p;

        policy_init(&p);
        faults_init(&faults);
        CHECK(rows[i].why, add(&p, &rows[i].text, 1, &faults) == (rows[i].says == NULL));
        CHECK(rows[i].why, faults.count == (rows[i].says == NULL ? 0 : 1));
        if (rows[i].says != NULL) {
            assert_string_equal(faults.items[0].where, "agent.conf:7");
            assert_string_equal(faults.items[0].field, rows[i].field);
            CHECK(rows[i].why, strstr(faults.items[0].what, rows[i].says) != NULL);
        }
        faults_done(&faults);
        policy_done(&p);
    }
}

static void a_binding_that_is_there_already_is_a_fault(void **state)
{
    static const struct policy_secret_text twice[] = {
        BOUND("hr", SECRET_IN_HEADER, "X-Key"),
        BOUND("hr", SECRET_IN_PAYLOAD, "X-Key"),
        BOUND("other", SECRET_IN_HEADER, "X-Key"),
        BOUND("hr", SECRET_IN_HEADER, "x-key"),
    };
    struct faults faults;
    struct policy p;

    (void)state;
    policy_init(&p);
    faults_init(&faults);
    assert_false(add(&p, twice, COUNT_OF(twice), &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].what, "binds the same as policy[0].secrets[0]");
    faults_done(&faults);
    policy_done(&p);
}

static void policy_find_secret_wants_name_place_and_key(void **state)
{
    static const struct policy_secret_text bound[] = {
        BOUND("hr", SECRET_IN_HEADER, "X-Key"),
        BOUND("hr", SECRET_IN_PAYLOAD, "password"),
        BOUND("unset", SECRET_IN_PAYLOAD, "password"),
    };
    static const struct {
        const char *why;
        enum secret_place place;
        const char *key, *name;
        bool is_found;
    } rows[] = {
        {"bound", SECRET_IN_PAYLOAD, "password", "hr", true},
        {"bound, a header's name has no case", SECRET_IN_HEADER, "x-KEY", "hr", true},
        {"another key", SECRET_IN_PAYLOAD, "Password", "hr", false},
        {"another place", SECRET_IN_CLIENT, "password", "hr", false},
        {"another name", SECRET_IN_PAYLOAD, "password", "HR", false},
        {"no place", SECRET_NOWHERE, "password", "hr", false},
        {"without a value", SECRET_IN_PAYLOAD, "password", "unset", false},
    };
    struct faults faults;
    struct policy p;

    (void)state;
    policy_init(&p);
    faults_init(&faults);
    assert_true(add(&p, bound, COUNT_OF(bound), &faults));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(secret_set(&p.rules[0].secrets[i].value, SLICE_LIT("hunter2")), CX_OK);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct keeper_use use = {rows[i].place, slice_of_str(rows[i].key),
                                       slice_of_str(rows[i].name)};
        struct cx_fail fail = {0};
        const struct policy_secret *found = policy_find_secret(&p.rules[0], &use, &fail);

        CHECK(rows[i].why, (found != NULL) == rows[i].is_found);
        if (found != NULL) {
            CHECK_TEXT(rows[i].why, secret_view(&found->value), "hunter2");
        } else {
            CHECK(rows[i].why, fail.code == CX_E_SECRET);
        }
    }
    faults_done(&faults);
    policy_done(&p);
}

static void what_is_told_names_the_rule_only_where_it_is_shared(void **state)
{
    const struct keeper_use use = {SECRET_IN_PAYLOAD, SLICE_LIT("pin"), SLICE_LIT("hr")};
    struct faults faults;
    struct cx_fail fail = {0};
    struct policy p;
    struct policy_rule_text text = {.where = "agent.conf:5",
                                    .field = "policy[0]",
                                    .name = "internal",
                                    .url = "https://hr.example/**"};

    (void)state;
    policy_init(&p);
    faults_init(&faults);
    assert_true(policy_add(&p, &text, &faults));
    assert_null(policy_find_secret(&p.rules[0], &use, &fail));
    assert_string_equal(fail.detail,
                        "rule \"internal\" of the agent's policy does not bind it to payload "
                        "\"pin\"; the agent's admin does that, in the rule's secrets");
    policy_done(&p);
    text.share = "none";
    assert_true(policy_add(&p, &text, &faults));
    assert_null(policy_find_secret(&p.rules[0], &use, &fail));
    assert_null(strstr(fail.detail, "internal"));
    policy_done(&p);
    faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binding_names_a_secret_a_place_and_a_key),
        cmocka_unit_test(a_binding_that_is_there_already_is_a_fault),
        cmocka_unit_test(policy_find_secret_wants_name_place_and_key),
        cmocka_unit_test(what_is_told_names_the_rule_only_where_it_is_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
