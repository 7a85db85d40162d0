/* Rules with a virtual name: where their requests really go, and what of that is told. */
#include "common/core/policy.h"

#include "tests/support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool add(struct policy *p, const char *target, const char *const *networks,
                struct faults *faults)
{
    const struct policy_rule_text text = {.where = "agent.conf:1",
                                          .field = "policy[0]",
                                          .name = "hr",
                                          .url = "https://*.hr.example/**",
                                          .networks = networks,
                                          .target = target};

    policy_init(p);
    faults_init(faults);
    return policy_add(p, &text, faults);
}

static void a_target_is_an_origin_and_nothing_more(void **state)
{
    static const struct {
        const char *target;
        const char *says; /* NULL: it is good */
    } rows[] = {
        {"https://idp-3.internal:8443", NULL},
        {"http://idp-3.internal", NULL},
        {"https://10.1.2.3", NULL},
        {"https://[2001:db8::1]:8443", NULL},
        {"https://idp-3.internal/", "must end behind the host"},
        {"https://idp-3.internal/token", "must end behind the host"},
        {"https://idp-3.internal?x=1", "must end behind the host"},
        {"https://*.internal", ""},
        {"https://user@idp-3.internal", ""},
        {"https://idp-3.internal#x", ""},
        {"https://0x7f.1", ""},
        {"https://idp-3.internal:0", ""},
        {"ftp://idp-3.internal", ""},
        {"HTTPS://idp-3.internal", "lower case"},
        {"idp-3.internal:8443", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct faults faults;
        struct policy p;

        CHECK(rows[i].target, add(&p, rows[i].target, NULL, &faults) == (rows[i].says == NULL));
        if (rows[i].says != NULL) {
            CHECK(rows[i].target, faults.count == 1);
            assert_string_equal(faults.items[0].field, "policy[0].target");
            CHECK(faults.items[0].what, strstr(faults.items[0].what, rows[i].says) != NULL);
        } else {
            assert_string_equal(p.rules[0].target, rows[i].target);
        }
        policy_done(&p);
        faults_done(&faults);
    }
}

static void path_and_query_go_to_the_target_as_they_are(void **state)
{
    static const struct {
        const char *target, *url, *want;
    } rows[] = {
        {NULL, "https://a.hr.example/t?x=1", "https://a.hr.example/t?x=1"},
        {"https://i:8443", "https://a.hr.example/oauth/%74oken", "https://i:8443/oauth/%74oken"},
        {"http://i", "https://a.hr.example:444/t?u=https://b/c?d", "http://i/t?u=https://b/c?d"},
        {"https://i", "https://a.hr.example", "https://i"},
        {"https://i", "https://a.hr.example?x=1", "https://i?x=1"},
        {"https://i", "https://[::1]:8/t", "https://i/t"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct faults faults;
        struct policy p;
        struct buf out;

        buf_init(&out, 100);
        assert_true(add(&p, rows[i].target, NULL, &faults));
        CHECK_ERR(rows[i].url, policy_put_url(&p.rules[0], slice_of_str(rows[i].url), &out), CX_OK);
        assert_string_equal(buf_cstr(&out), rows[i].want);
        buf_done(&out);
        policy_done(&p);
        faults_done(&faults);
    }
}

static void a_url_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    struct faults faults;
    struct policy p;
    struct buf out;

    (void)state;
    buf_init(&out, 12);
    assert_true(add(&p, "https://i", NULL, &faults));
    CHECK_ERR("long", policy_put_url(&p.rules[0], SLICE_LIT("https://a/12345"), &out),
              CX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    buf_done(&out);
    policy_done(&p);
    faults_done(&faults);
}

static void a_refused_address_of_a_target_is_not_told(void **state)
{
    static const char *const ten[] = {"10.0.0.0/8", NULL};
    static const struct {
        const char *address;
        const char *const *networks;
        const char *says;
    } rows[] = {
        {"192.168.7.8", ten, "none of its networks holds it"},
        {"127.7.8.9", NULL, "it is a loopback address"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sockaddr_in to = {.sin_family = AF_INET};
        struct cx_fail fail = {0};
        struct faults faults;
        struct policy p;

        assert_true(add(&p, "https://idp-3.internal", rows[i].networks, &faults));
        assert_int_equal(inet_pton(AF_INET, rows[i].address, &to.sin_addr), 1);
        assert_false(policy_allows_address(&p.rules[0], (const struct sockaddr *)&to, &fail));
        CHECK(cx_fail_text(&fail), strstr(cx_fail_text(&fail), "an address of its target") != NULL);
        CHECK(cx_fail_text(&fail), strstr(cx_fail_text(&fail), rows[i].says) != NULL);
        CHECK(cx_fail_text(&fail), strstr(cx_fail_text(&fail), rows[i].address) == NULL);
        CHECK(cx_fail_text(&fail), strstr(cx_fail_text(&fail), "idp-3") == NULL);
        policy_done(&p);
        faults_done(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_an_origin_and_nothing_more),
        cmocka_unit_test(path_and_query_go_to_the_target_as_they_are),
        cmocka_unit_test(a_url_that_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_refused_address_of_a_target_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
