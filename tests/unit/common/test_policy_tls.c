/* A rule's terms of TLS, as the configuration gives them. */
#include "common/core/policy.h"

#include "tests/support/check.h"

/* The two pins of RFC 7469's example, 2.1.5. */
#define PIN   "sha256//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM="
#define OTHER "sha256//LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="

static bool add(struct policy *p, const struct policy_rule_text *terms, struct faults *faults)
{
    struct policy_rule_text text = *terms;

    text.where = "agent.conf:1";
    text.field = "policy[0]";
    text.name = "hr";
    text.url = text.url == NULL ? "https://idp.example/t" : text.url;
    policy_init(p);
    faults_init(faults);
    return policy_add(p, &text, faults);
}

static void the_terms_are_kept(void **state)
{
    static const char *const pins[] = {PIN, OTHER, NULL};
    struct tls_identity identity = {0};
    struct faults faults;
    struct policy p;

    (void)state;
    assert_int_equal(secret_set(&identity.chain, SLICE_LIT("chain")), CX_OK);
    assert_int_equal(secret_set(&identity.key, SLICE_LIT("key")), CX_OK);
    assert_true(
        add(&p, &(struct policy_rule_text){.identity = &identity, .tls_min = "1.3", .pins = pins},
            &faults));
    assert_false(tls_identity_is_set(&identity)); /* the rule's now */
    assert_true(slice_eq_str(secret_view(&p.rules[0].tls.identity.chain), "chain"));
    assert_true(p.rules[0].tls.is_1_3_asked);
    assert_string_equal(p.rules[0].tls.pins, PIN ";" OTHER);
    assert_true(tls_terms_are_set(&p.rules[0].tls));
    policy_done(&p);
    faults_done(&faults);

    assert_true(add(&p, &(struct policy_rule_text){.tls_min = "1.2"}, &faults));
    assert_false(tls_terms_are_set(&p.rules[0].tls));
    policy_done(&p);
    faults_done(&faults);
}

static void wrong_terms_are_faults(void **state)
{
    static const struct {
        const char *pin, *min, *url, *target, *field, *says;
    } rows[] = {
        {NULL, "1.1", NULL, NULL, "policy[0].tls_min", "1.3"},
        {"", NULL, NULL, NULL, "policy[0].pins[0]", "sha256//"},
        {"d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=", NULL, NULL, NULL, "policy[0].pins[0]",
         "sha256//"},
        {"sha1//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=", NULL, NULL, NULL,
         "policy[0].pins[0]", "sha256//"},
        {"sha256//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM", NULL, NULL, NULL,
         "policy[0].pins[0]", "44"},
        {"sha256//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmN=", NULL, NULL, NULL,
         "policy[0].pins[0]", "44"},
        {"sha256//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZ;mM=", NULL, NULL, NULL,
         "policy[0].pins[0]", "44"},
        {"sha256//d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=\n", NULL, NULL, NULL,
         "policy[0].pins[0]", "44"},
        {PIN, NULL, "http://idp.example/t", NULL, "policy[0].pins", "no TLS"},
        {NULL, "1.3", "http://idp.example/t", NULL, "policy[0].tls_min", "no TLS"},
        {PIN, NULL, "https://idp.example/t", "http://inside.example", "policy[0].pins", "no TLS"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *const pins[] = {rows[i].pin, NULL};
        struct policy_rule_text text = {
            .pins = pins, .tls_min = rows[i].min, .url = rows[i].url, .target = rows[i].target};
        struct faults faults;
        struct policy p;

        CHECK(rows[i].says, !add(&p, &text, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.items[0].field, rows[i].field);
        CHECK(faults.items[0].what, strstr(faults.items[0].what, rows[i].says) != NULL);
        policy_done(&p);
        faults_done(&faults);
    }
}

static void a_client_certificate_for_http_is_a_fault_and_stays_the_callers(void **state)
{
    struct tls_identity identity = {0};
    struct policy_rule_text text = {.identity = &identity, .url = "http://idp.example/t"};
    struct faults faults;
    struct policy p;

    (void)state;
    assert_int_equal(secret_set(&identity.chain, SLICE_LIT("chain")), CX_OK);
    assert_false(add(&p, &text, &faults));
    assert_string_equal(faults.items[0].field, "policy[0].certificate");
    assert_true(tls_identity_is_set(&identity));
    tls_identity_done(&identity);
    faults_done(&faults);
}

static void https_behind_an_http_name_has_terms(void **state)
{
    struct policy_rule_text text = {
        .tls_min = "1.3", .url = "http://idp.example/t", .target = "https://inside.example"};
    struct faults faults;
    struct policy p;

    (void)state;
    assert_true(add(&p, &text, &faults));
    policy_done(&p);
    faults_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terms_are_kept),
        cmocka_unit_test(wrong_terms_are_faults),
        cmocka_unit_test(a_client_certificate_for_http_is_a_fault_and_stays_the_callers),
        cmocka_unit_test(https_behind_an_http_name_has_terms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
