/* The agent's keys that sign: what they are bound to, and that nothing else is signed or sent. */
#include "common/core/policy.h"

#include "tests/support/check.h"

#define NAMED(...)                                                                                 \
    {                                                                                              \
        .file = "agent.conf", .field = "policy[0].secrets[0]", .line = 3, .name = "k", __VA_ARGS__ \
    }

static bool add(struct policy *p, const struct policy_secret_text *secret, struct faults *faults)
{
    const struct policy_rule_text text = {.where = "agent.conf:1",
                                          .field = "policy[0]",
                                          .name = "hr",
                                          .url = "https://idp.example/t",
                                          .secrets = secret,
                                          .nsecrets = 1};

    policy_init(p);
    faults_init(faults);
    return policy_add(p, &text, faults);
}

static void what_a_key_signs_is_said_whole(void **state)
{
    static const struct {
        struct policy_secret_text secret;
        const char *field, *says; /* NULL: it is good */
    } rows[] = {
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "portal", .aud = "a"), NULL, NULL},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "i", .sub = "s", .aud = "a"), NULL,
         NULL},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key"), NULL, NULL},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "portal"),
         "policy[0].secrets[0].aud", "is required with iss"},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .aud = "a"), "policy[0].secrets[0].iss",
         "is required with"},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .sub = "s"), "policy[0].secrets[0].iss",
         "is required with"},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "secret", .iss = "portal", .aud = "a"),
         "policy[0].secrets[0]", "alone"},
        {NAMED(.place = SECRET_IN_PAYLOAD, .key = "key", .iss = "portal", .aud = "a"),
         "policy[0].secrets[0]", "alone"},
        {NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "\xff", .aud = "a"),
         "policy[0].secrets[0].iss", "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct faults faults;
        struct policy p;
        bool is_good = add(&p, &rows[i].secret, &faults);

        assert_int_equal(is_good, rows[i].field == NULL);
        if (rows[i].field != NULL) {
            assert_true(faults.count >= 1);
            assert_string_equal(faults.items[0].field, rows[i].field);
            assert_string_equal(faults.items[0].where, "agent.conf:3");
            CHECK(faults.items[0].what, strstr(faults.items[0].what, rows[i].says) != NULL);
        }
        policy_done(&p);
        faults_done(&faults);
    }
}

static void a_key_signs_for_its_own_client_and_audience_alone(void **state)
{
    static const struct policy_secret_text whole =
        NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "portal",
              .aud = "https://idp.example");
    static const struct policy_secret_text of_another =
        NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "portal", .sub = "x",
              .aud = "https://a");
    static const struct policy_secret_text of_tls = NAMED(.place = SECRET_IN_CLIENT, .key = "key");
    static const struct {
        const struct policy_secret_text *secret;
        const char *name, *client_id, *audience; /* NULL: not said */
        const char *says;                        /* NULL: it signs */
    } rows[] = {
        {&whole, "k", "portal", "https://idp.example", NULL},
        {&whole, "k", "portal", NULL, NULL},
        {&whole, "k", "Portal", NULL, "lets it sign for another client id"},
        {&whole, "k", "", NULL, "lets it sign for another client id"},
        {&whole, "k", "portal", "https://idp.example/", "lets it sign for another aud"},
        {&whole, "k", "portal", "", "lets it sign for another aud"},
        {&whole, "other", "portal", NULL, "does not let it sign"},
        {&of_another, "k", "portal", NULL, "lets it sign for another client id"},
        {&of_another, "k", "x", NULL, "lets it sign for another client id"},
        {&of_tls, "k", "portal", NULL, "does not let it sign"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct keeper_assertion ask = {.client_id = slice_of_str(rows[i].client_id),
                                       .audience = slice_of_str(rows[i].audience),
                                       .secret = slice_of_str(rows[i].name)};
        struct cx_fail fail = {0};
        struct faults faults;
        struct policy p;
        const struct policy_secret *found;

        assert_true(add(&p, rows[i].secret, &faults));
        assert_null(policy_find_signer(&p.rules[0], &ask, NULL)); /* it has no value yet */
        assert_int_equal(secret_set(&p.rules[0].secrets[0].value, SLICE_LIT("pem")), CX_OK);
        found = policy_find_signer(&p.rules[0], &ask, &fail);
        assert_int_equal(found != NULL, rows[i].says == NULL);
        if (found != NULL) {
            assert_string_equal(found->aud, "https://idp.example");
        } else {
            assert_int_equal(fail.code, CX_E_SECRET);
            CHECK(fail.detail, strstr(fail.detail, rows[i].says) != NULL);
            CHECK(fail.detail, strstr(fail.detail, "idp.example") == NULL);
        }
        policy_done(&p);
        faults_done(&faults);
    }
}

static void a_key_that_signs_is_filled_in_nowhere(void **state)
{
    static const struct policy_secret_text secrets[] = {
        NAMED(.place = SECRET_IN_CLIENT, .key = "key", .iss = "portal", .aud = "a"),
        NAMED(.place = SECRET_IN_CLIENT, .key = "key"),
    };
    const struct keeper_use use = {SECRET_IN_CLIENT, SLICE_LIT("key"), SLICE_LIT("k")};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        struct faults faults;
        struct policy p;

        assert_true(add(&p, &secrets[i], &faults));
        assert_int_equal(secret_set(&p.rules[0].secrets[0].value, SLICE_LIT("pem")), CX_OK);
        assert_int_equal(policy_find_secret(&p.rules[0], &use, NULL) != NULL, i == 1);
        policy_done(&p);
        faults_done(&faults);
    }
}

static void a_rule_with_a_certificate_lets_none_else_be_shown(void **state)
{
    struct policy_rule rule = {.name = (char[]){"hr"}, .share = POLICY_SHARE_NONE};
    struct cx_fail fail = {0};

    (void)state;
    assert_true(policy_allows_identity(&rule, &fail));
    assert_int_equal(secret_set(&rule.tls.identity.chain, SLICE_LIT("pem")), CX_OK);
    assert_false(policy_allows_identity(&rule, &fail));
    assert_int_equal(fail.code, CX_E_DENIED);
    assert_null(strstr(fail.detail, "hr")); /* it is not told */
    tls_identity_done(&rule.tls.identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_key_signs_is_said_whole),
        cmocka_unit_test(a_key_signs_for_its_own_client_and_audience_alone),
        cmocka_unit_test(a_key_that_signs_is_filled_in_nowhere),
        cmocka_unit_test(a_rule_with_a_certificate_lets_none_else_be_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
